"""Text in columns of a terminal: Chinese characters take two, accents that stand over others none."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

__all__ = ["columns", "cut", "fitted", "wrapped"]


def wrapped(text: str, width: int, indent: str) -> list[str]:
    """The text in lines; between Chinese characters a line may end anywhere."""
    lines: list[str] = []
    line, room = "", max(20, width - len(indent))
    for word in _words(text):
        if line != "" and columns(line + word.rstrip()) > room:
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


def columns(text: str) -> int:
    """How many columns the text takes."""
    return sum(0 if unicodedata.combining(each) > 0 else 2 if _wide(each) else 1 for each in text)


def fitted(text: str, *, width: int, lines: int) -> list[str]:
    """The text in at most so many lines of a width; words that are longer than a line are broken, the rest is cut off
    with an ellipsis."""
    pieces = [part for word in _words(text) for part in _parts(word, width)]
    held: list[str] = []
    line = ""
    for place, piece in enumerate(pieces):
        if line != "" and columns(line + piece.rstrip()) > width:
            held.append(line.rstrip())
            line = ""
            if len(held) == lines:
                return [*held[:-1], cut(held[-1] + " " + "".join(pieces[place:]), width)]
        line += piece if line != "" else piece.lstrip()
    return [*held, line.rstrip()]


def cut(text: str, width: int) -> str:
    """The text, where it is wider than `width` cut off with an ellipsis."""
    if columns(text) <= width:
        return text
    held = ""
    for character in text:
        if columns(held + character) > width - 1:
            break
        held += character
    return held.rstrip() + "…"


def _parts(word: str, width: int) -> Iterator[str]:
    part = ""
    for character in word:
        if columns(part + character.rstrip()) > width:
            yield part
            part = ""
        part += character
    yield part
