"""A card as plain text: lines of a given width, Chinese characters counted as two columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from profilestore.insight.card.columns import columns, wrapped
from profilestore.insight.card.parts import Block, Entry
from profilestore.insight.card.printable import printable
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
        lines += ["", block.title, "-" * columns(block.title), *_block(block, basis, sure, width)]
        for number, command in enumerate(block.commands):
            lines += [] if number == 0 and len(block.lead) == 0 else [""]
            lines += [
                *wrapped(command.what, width, ""),
                f"{_STEP}{words['staff']}{colon.rstrip()}",
                f"{_STEP}{command.command}",
            ]
    return "\n".join(printable(line) for line in lines)


def _block(block: Block, basis: str, sure: str, width: int) -> Iterator[str]:
    for sentence in block.lead:
        yield from wrapped(sentence, width, "")
    plain = [entry for entry in block.entries if entry.basis == "" and entry.sure == ""]
    widest = max((columns(entry.label) for entry in plain), default=0)
    for entry in block.entries:
        if entry.basis == "" and entry.sure == "":
            yield from _line(entry, widest, width)
        else:
            yield ""
            yield f"* {entry.label}"
            for said in entry.said:
                yield from wrapped(said, width, _STEP)
            for heading, told in ((basis, entry.basis), (sure, entry.sure)):
                if told != "":
                    yield from wrapped(f"{heading}{told}", width, _STEP * 2)


def _line(entry: Entry, widest: int, width: int) -> Iterator[str]:
    """A label and what is said of it, in two columns."""
    indent = " " * (widest + len(_STEP))
    first, *rest = wrapped(" ".join(entry.said), width, indent)
    yield entry.label + " " * (len(indent) - columns(entry.label)) + first[len(indent) :]
    yield from rest
