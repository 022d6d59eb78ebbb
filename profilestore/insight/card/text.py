"""A card as plain text: lines of a given width, Chinese characters counted as two columns."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

from profilestore.insight.card.parts import Block, Entry
from profilestore.insight.card.user_card import Card
from profilestore.insight.card.words import HEADINGS

__all__ = ["card_text"]

_WIDTH: Final = 100
_STEP: Final = "  "


def card_text(card: Card, *, width: int = _WIDTH) -> str:
    """The card as text. Commands are never broken, so that they can be copied."""
    words, colon = HEADINGS[card.language], {"en": ": ", "zh": "："}[card.language]
    basis, sure = words["basis"] + colon, words["sure"] + colon
    lines = [card.title, card.about]
    for block in card.blocks:
        lines += ["", block.title, "-" * _columns(block.title), *_block(block, basis, sure, width)]
        for number, command in enumerate(block.commands):
            lines += [] if number == 0 and len(block.lead) == 0 else [""]
            lines += [
                *_wrapped(command.what, width, ""),
                f"{_STEP}{words['staff']}{colon.rstrip()}",
                f"{_STEP}{command.command}",
            ]
    return "\n".join(lines)


def _block(block: Block, basis: str, sure: str, width: int) -> Iterator[str]:
    for sentence in block.lead:
        yield from _wrapped(sentence, width, "")
    plain = [entry for entry in block.entries if entry.basis == "" and entry.sure == ""]
    widest = max((_columns(entry.label) for entry in plain), default=0)
    for entry in block.entries:
        if entry.basis == "" and entry.sure == "":
            yield from _line(entry, widest, width)
        else:
            yield ""
            yield f"* {entry.label}"
            for said in entry.said:
                yield from _wrapped(said, width, _STEP)
            for heading, told in ((basis, entry.basis), (sure, entry.sure)):
                if told != "":
                    yield from _wrapped(f"{heading}{told}", width, _STEP * 2)


def _line(entry: Entry, widest: int, width: int) -> Iterator[str]:
    """A label and what is said of it, in two columns."""
    indent = " " * (widest + len(_STEP))
    first, *rest = _wrapped(" ".join(entry.said), width, indent)
    yield entry.label + " " * (len(indent) - _columns(entry.label)) + first[len(indent) :]
    yield from rest


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    """The text in lines; between Chinese characters a line may end anywhere."""
    lines: list[str] = []
    line, room = "", max(20, width - len(indent))
    for word in _words(text):
        if line != "" and _columns(line + word.rstrip()) > room:
            lines.append(indent + line.rstrip())
            line = ""
        line += word if line != "" else word.lstrip()
    return [*lines, indent + line.rstrip()]


def _words(text: str) -> Iterator[str]:
    """Pieces that are not broken: words with the space after them, and single wide characters with what must not
    begin a line."""
    piece = ""
    for place, character in enumerate(text):
        piece += character
        following = text[place + 1 : place + 2]
        if character == " " or (_wide(character) and unicodedata.category(following or " ")[0] != "P"):
            yield piece
            piece = ""
    if piece != "":
        yield piece


def _wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in ("W", "F")


def _columns(text: str) -> int:
    return sum(2 if _wide(character) else 1 for character in text)
