"""Texts of the shop's data made safe to look at: a name may hold what moves a terminal's cursor or turns its words."""

from __future__ import annotations

import unicodedata
from typing import Final

__all__ = ["printable"]

# Overrides and isolates of writing direction, with which a text can pretend to be another; and the invisible tags.
_TURNING: Final = frozenset((*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF, *range(0xE0000, 0xE0080)))
_REPLACED: Final = frozenset(("Cc", "Cs", "Co", "Zl", "Zp"))


def printable(text: str) -> str:
    """The text on one line: breaks and tabs are blanks; controls, half characters and turns of direction are "�"."""
    return "".join(_seen(character) for character in text)


def _seen(character: str) -> str:
    if character in "\n\r\t\v\f\x85\u2028\u2029":
        return " "
    if ord(character) in _TURNING or unicodedata.category(character) in _REPLACED:
        return "\ufffd"
    return character
