"""The staff's blocks: who, value, risk, last orders, open refunds, interests. Pure, in English or Chinese.

Sentences speak of the customer, not to them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from profilestore.insight.card.parts import Block, Entry
from profilestore.insight.card.staff.believed import interests, risk, worth
from profilestore.insight.card.staff.person import who
from profilestore.insight.card.staff.records import last_orders, open_refunds
from profilestore.insight.card.staff.service_case import ServiceCase
from profilestore.insight.card.staff.words import TITLES, WORDS

__all__ = ["staff_blocks"]

_MAKERS: Final[tuple[tuple[str, Callable[[ServiceCase, str], list[Entry]]], ...]] = (
    ("who", who), ("worth", worth), ("risk", risk), ("orders", last_orders), ("refunds", open_refunds),
    ("interests", interests),
)  # fmt: skip


def staff_blocks(case: ServiceCase, language: str) -> tuple[Block, ...]:
    """The blocks, in the order in which a member of staff looks for them; a notice first where personalisation is
    off."""
    titles = TITLES[language]
    blocks = [Block(key, titles[key], entries=tuple(make(case, language)), brief=True) for key, make in _MAKERS]
    if case.off:
        blocks.insert(0, Block("off", titles["off"], (WORDS[language]["off"],), brief=True))
    return tuple(blocks)
