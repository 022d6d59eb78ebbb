"""The brief blocks of a card on one screen: the title of a block stands beside its entries, and nothing overflows.

A look of ten seconds has no time to scroll: where all would take more lines than the screen has, entries are cut to
two lines, then to one, each with an ellipsis.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from profilestore.insight.card.columns import columns, cut, fitted
from profilestore.insight.card.parts import Block, Entry
from profilestore.insight.card.printable import printable
from profilestore.insight.card.user_card import Card

__all__ = ["HEIGHT", "WIDTH", "screen_text"]

WIDTH: Final = 100
HEIGHT: Final = 40
_GAP: Final = "  "
_MOST_LINES: Final = 4
# Labels are short words, but for names that the shop made.
_WIDEST_LABEL: Final = 22


def screen_text(card: Card, *, width: int = WIDTH, height: int = HEIGHT) -> str:
    """The brief blocks as text of at most `width` columns, and `height` lines as long as there are no more entries."""
    head = [cut(printable(line), width) for line in (card.title, card.about)]
    blocks = [block for block in card.blocks if block.brief]
    colon = {"en": ":", "zh": "："}[card.language]
    lines: list[str] = []
    for most in range(_MOST_LINES, 0, -1):
        told = [list(_block(block, blocks, width, most, colon)) for block in blocks]
        lines = [*head, *(line for block in told for line in block)]
        if len(lines) <= height:
            apart = [*head, *(line for block in told for line in ("", *block))]
            return "\n".join(apart if len(apart) <= height else lines)
    return "\n".join(lines)


def _block(block: Block, blocks: list[Block], width: int, most: int, colon: str) -> Iterator[str]:
    if len(block.entries) == 0:
        yield from fitted(printable(" ".join((f"{block.title}{colon}", *block.lead))), width=width, lines=2)
        return
    margin = max(columns(each.title) for each in blocks if len(each.entries) > 0)
    title = block.title
    for line in _entries(block, width - margin - len(_GAP), most):
        yield _padded(title, margin) + _GAP + line
        title = ""


def _entries(block: Block, width: int, most: int) -> Iterator[str]:
    labels = min(_WIDEST_LABEL, max(columns(printable(entry.label)) for entry in block.entries))
    for sentence in block.lead:
        yield from fitted(printable(sentence), width=width, lines=most)
    for entry in block.entries:
        yield from _entry(entry, labels, width, most)


def _entry(entry: Entry, labels: int, width: int, most: int) -> Iterator[str]:
    label = cut(printable(entry.label), labels)
    indent = 0 if label == "" else labels + len(_GAP)
    for line in fitted(printable(" ".join(entry.said)), width=width - indent, lines=most):
        yield (_padded(label, labels) + _GAP if indent > 0 else "") + line
        label = ""


def _padded(text: str, width: int) -> str:
    return text + " " * (width - columns(text))
