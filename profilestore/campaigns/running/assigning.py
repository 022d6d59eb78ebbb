"""A frozen plan -> a place in the campaign for each of its users, a page at a time, by writes that may be repeated.

Whoever does it writes the same: an assignment and a contact are created once, under ids that follow from campaign,
user and week; what is there already stays. So it does not matter how many do it at once, or where one of them died.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from profilestore.campaigns.coupons.coupons import Coupons
from profilestore.campaigns.offering import NO_PRODUCT, Filled, OfferFilling
from profilestore.campaigns.running.definition import CampaignDefinition
from profilestore.documents import CampaignDocument
from profilestore.elastic.campaign_index import CampaignIndex
from profilestore.elastic.contact_places import ContactPlaces
from profilestore.elastic.member_pages import Member, MemberPages

__all__ = ["BELIEFS", "OFF", "USED_UP", "Assigning", "Frozen"]

# What is believed of a user when the campaign starts, for the report.
BELIEFS: Final = ("segment", "value_tier", "churn_band", "lifecycle", "purchase_30d")
# Why nothing is sent to a user whose contacts of the week were used up between the plan and the place.
USED_UP: Final = "contacts used up"
OFF: Final = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """What stands in the campaign's record and does not change any more.

    Attributes:
        definition: of the campaign.
        channel: by which its users are reached.
        contact_at: when, at the earliest.
        week: of that moment.
        is_scored: whether a vector or a score chose the audience.
    """

    definition: CampaignDefinition
    channel: str
    contact_at: datetime
    week: str
    is_scored: bool


class Assigning:
    """Gives users of one campaign their places.

    Args:
        frozen: the plan.
        index: of campaigns.
        places: of contacts.
        filling: of offers with products.
        coupons: of campaigns.
        pages: of profiles.
    """

    def __init__(
        self, frozen: Frozen, *, index: CampaignIndex, places: ContactPlaces, filling: OfferFilling,
        coupons: Coupons, pages: MemberPages,
    ) -> None:  # fmt: skip
        self._frozen = frozen
        self._index = index
        self._places = places
        self._filling = filling
        self._coupons = coupons
        self._pages = pages

    def treat(self, members: Sequence[Member]) -> None:
        """Give these users of the treatment arm their offer, their contact, their place and their coupon."""
        name, offer = self._frozen.definition.name, self._frozen.definition.offer
        held = self._index.assignments_of(name, [member.user_id for member in members])
        new = [member for member in members if member.user_id not in held]
        filled: Mapping[str, Filled | None] = {}
        if offer.product is not None:
            filled = self._filling.fill(new, offer.product)
        # A coupon is worth having without a product beside it.
        without = {user_id for user_id, each in filled.items() if each is None} if offer.kind == "product" else set()
        asking = [member.user_id for member in new if member.user_id not in without]
        taken = self._places.take(
            name, asking, week=self._frozen.week, cap=self._frozen.definition.contacts_per_week,
            contact_at=self._frozen.contact_at,
        )  # fmt: skip
        documents = []
        for member in new:
            withheld = NO_PRODUCT if member.user_id in without else None if member.user_id in taken else USED_UP
            documents.append(self._treated(member, filled.get(member.user_id), withheld))
        self._write(documents)
        if offer.given_at_start:
            self._coupons.issue_many(name, [member.user_id for member in members])

    def leave(self, members: Sequence[Member]) -> None:
        """Give these users of the control arm their place: nothing is sent to them."""
        self._write([self._place(member, "control", {}) for member in members])

    def _write(self, documents: Sequence[CampaignDocument]) -> None:
        written = [document.user_id or "" for document in documents]
        self._index.write_assignments(documents)
        # Who was forgotten since they were read must not come back: their profile went first.
        known = self._pages.known(written)
        gone = [user_id for user_id in written if user_id not in known]
        if len(gone) > 0:
            self._index.withdraw(self._frozen.definition.name, gone)

    def _treated(self, member: Member, filled: Filled | None, withheld: str | None) -> CampaignDocument:
        offered: dict[str, Any] = {"offer": self._frozen.definition.offer.kind, "withheld": withheld}
        quiet = self._frozen.definition.quiet_hours
        offered["quiet"] = None if quiet is None else quiet.minutes()
        chosen = self._frozen.is_scored and not member.opted_out
        if filled is not None:
            chosen = chosen or filled.chosen
            offered |= {"product_id": filled.product_id, "product_title": filled.title}
            offered |= {"reasons": list(filled.reasons) if len(filled.reasons) > 0 else None}
        if chosen:
            offered["unless"] = OFF
        return self._place(member, "treatment", offered)

    def _place(self, member: Member, arm: Any, offered: Mapping[str, Any]) -> CampaignDocument:
        frozen = self._frozen
        return CampaignDocument(
            kind="assignment",
            campaign=frozen.definition.name,
            user_id=member.user_id,
            arm=arm,
            channel=frozen.channel,
            assigned_at=datetime.now(UTC),
            contact_at=frozen.contact_at,
            ends=frozen.definition.ends,
            **offered,
            **{field: member.fields[field] for field in BELIEFS if field in member.fields},
        )
