"""A user's card: what is kept and believed of them, from what, how sure it is, and how to object.

It is written for the customer, in English or Chinese, and holds no direct identifier but the id. A card is blocks of
entries, and the renderers (`user_card_text`, `user_card_html`) know nothing of what the entries say: whoever wants
another card, such as one for the service desk, adds blocks of their own with `Card.with_blocks`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from profilestore.errors import NotFound
from profilestore.indexing.parts import Parts
from profilestore.insight.card.beliefs import beliefs
from profilestore.insight.card.facts import acts_of, interests_of, tells_of
from profilestore.insight.card.objecting import objecting
from profilestore.insight.card.parts import Block, Known
from profilestore.insight.card.words import HEADINGS, LEADS
from profilestore.insight.records import InsightRecord, InsightRecords

__all__ = ["Card", "CardLanguage", "UserCards", "build_card"]

CardLanguage = Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class Card:
    """A card as it is rendered.

    Attributes:
        user_id: whose it is; nothing else in it says who that is.
        language: en or zh.
        title: over all.
        about: of which shop, and when it was made.
        blocks: in order.
    """

    user_id: str
    language: CardLanguage
    title: str
    about: str
    blocks: tuple[Block, ...]

    def with_blocks(self, *blocks: Block, before: str | None = None) -> Card:
        """The card with more blocks: at the end, or before the block of that key.

        Raises:
            NotFound: it has no block of that key.
        """
        if before is None:
            return replace(self, blocks=(*self.blocks, *blocks))
        place = next((place for place, block in enumerate(self.blocks) if block.key == before), None)
        if place is None:
            raise NotFound(f"the card has no block {before}.", kind="block", id=before)
        return replace(self, blocks=(*self.blocks[:place], *blocks, *self.blocks[place:]))


def build_card(known: Known, *, language: CardLanguage, shop: str, now: datetime) -> Card:
    """The card of what is known of a user. Nothing that is absent is mentioned.

    Args:
        known: the profile, and what was found out of all users.
        language: of all words but the shop's own (names of categories, products, segments).
        shop: its name, which is the prefix of its indices.
        now: the time of the card.
    """
    profile, words = known.profile, HEADINGS[language]
    off = profile.get("personalisation") == "off"
    blocks = [
        Block("told", words["told"], (LEADS["told"][language],), tells_of(profile, language)),
        Block("acts", words["acts"], (LEADS["acts_off" if off else "acts"][language],), acts_of(known, language)),
    ]
    if off:
        blocks.append(Block("beliefs", words["beliefs"], (LEADS["nothing_believed"][language],)))
    else:
        believed = (*interests_of(known, language), *beliefs(known, language))
        lead = LEADS["beliefs" if len(believed) > 0 else "nothing_yet"][language]
        blocks.append(Block("beliefs", words["beliefs"], (lead,), believed))
        blocks.append(Block("used", words["used"], (LEADS["used"][language], LEADS["not_used"][language])))
    blocks.append(objecting(str(profile["user_id"]), language, shop=shop, off=off))
    blocks = [block for block in blocks if len(block.entries) + len(block.commands) + len(block.lead) > 0]
    made = f"{now.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return Card(
        user_id=str(profile["user_id"]),
        language=language,
        title=words["title"].format(user=profile["user_id"]),
        about=words["about"].format(shop=shop, made=made),
        blocks=tuple(blocks),
    )


class UserCards:
    """The cards of one shop's users."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._records = InsightRecords(parts.store)

    def card(self, user_id: str, *, language: CardLanguage = "en", now: datetime | None = None) -> Card:
        """The card of a user, as of all that is in the log: an opt-out of a moment ago holds.

        Raises:
            NotFound: nothing is known of this user.
        """
        now = datetime.now(UTC) if now is None else now
        return build_card(self.known(user_id), language=language, shop=self._parts.settings.prefix, now=now)

    def known(self, user_id: str) -> Known:
        """What a card is made from. Raises as `card` does."""
        settings, side = self._parts.settings, self._parts.in_force
        side.folder.fold_pending()
        stored = side.profiles.read_now([user_id])
        if user_id not in stored:
            raise NotFound(f"no profile of user {user_id} in {settings.index('profiles')}.", kind="user", id=user_id)
        profile = dict(stored[user_id].source)
        next_purchase = profile.get("next_purchase_product")
        return Known(
            profile=profile,
            records={} if profile.get("personalisation") == "off" else self._records_of(profile),
            titles=self.titles([] if next_purchase is None else [next_purchase]),
            currency=settings.currency,
            time_zone=settings.time_zone,
            half_life_days=settings.interest_half_life_days,
        )

    def _records_of(self, profile: Mapping[str, Any]) -> dict[str, InsightRecord]:
        """The records of the groups that say something of this user."""
        held = profile.get("insight_as_of") or {}
        found = {name: self._records.find(name) for name, time in held.items() if time is not None}
        return {name: record for name, record in found.items() if record is not None}

    def titles(self, product_ids: Sequence[str]) -> dict[str, str]:
        """The titles of products, as far as they have one."""
        if len(product_ids) == 0:
            return {}
        products = self._parts.in_force.products
        found = products.read(products.identity().index, list(product_ids), fields=["title"])
        return {id: str(source["title"]) for id, (source, *_) in found.items() if source.get("title")}
