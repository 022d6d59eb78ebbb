"""The service desk's card of a user: what a member of staff needs in ten seconds, and the customer's own card below it.

What to offer and which campaigns the customer is in are found in layers above: whoever has them puts their blocks in
with `card.with_blocks(..., before=OWN)`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from profilestore.elastic.user_acts import latest_acts
from profilestore.indexing.parts import Parts
from profilestore.insight.card.parts import Block, Known
from profilestore.insight.card.staff.blocks import staff_blocks
from profilestore.insight.card.staff.cases import last_refund, open_cases
from profilestore.insight.card.staff.orders import orders_of
from profilestore.insight.card.staff.service_case import ServiceCase
from profilestore.insight.card.staff.words import TITLES, WORDS
from profilestore.insight.card.user_card import Card, CardLanguage, UserCards, build_card

__all__ = ["OWN", "StaffCards", "build_staff_card"]

# The block before which more of the staff's blocks are put.
OWN: Final = "own"
_TYPES: Final = ("purchase", "refund", "contact")
_ACTS: Final = 2000
_ORDERS_LOOKED_AT: Final = 3


def build_staff_card(case: ServiceCase, *, language: CardLanguage, shop: str, now: datetime) -> Card:
    """The staff's blocks, then the customer's own card, which the customer may see."""
    own = build_card(case.known, language=language, shop=shop, now=now)
    titles, words = TITLES[language], WORDS[language]
    made = f"{now.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    blocks = (*staff_blocks(case, language), Block(OWN, titles["own"], (words["own"],)), *own.blocks)
    title, about = titles["card"].format(user=own.user_id), titles["about"].format(shop=shop, made=made)
    return replace(own, title=title, about=about, blocks=blocks)


class StaffCards:
    """The service desk's cards of one shop's users."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._cards = UserCards(parts)

    def known(self, user_id: str) -> Known:
        """What every card of a user is made from.

        Raises:
            NotFound: nothing is known of this user.
        """
        return self._cards.known(user_id)

    def card(self, known: Known, *, language: CardLanguage = "en", now: datetime | None = None) -> Card:
        """The card of a user of whom this is known, with the latest of the log."""
        settings = self._parts.settings
        now = datetime.now(UTC) if now is None else now
        acts = latest_acts(
            self._parts.client, alias=settings.index("events"), user_id=str(known.profile["user_id"]), types=_TYPES,
            n=_ACTS, future_limit_hours=settings.future_limit_hours,
        )  # fmt: skip
        orders, cases, refund = orders_of(acts), open_cases(acts, now=now), last_refund(acts)
        named = [id for order in orders[:_ORDERS_LOOKED_AT] for id in order.products]
        named += [each.product_id for each in cases if each.product_id is not None]
        named += [] if refund is None or refund.product_id is None else [refund.product_id]
        case = ServiceCase(known, orders, cases, refund, self._cards.titles(sorted(set(named))))
        return build_staff_card(case, language=language, shop=settings.prefix, now=now)
