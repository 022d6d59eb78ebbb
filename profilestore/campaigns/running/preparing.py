"""All that a plan and a start have in common: what a campaign names is looked at, and its users are chosen.

Nothing of the campaign is written here. (An audience by vectors may be worked out anew, as whenever it is used.)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from profilestore.campaigns.audience.audiences import Audiences
from profilestore.campaigns.audience.compiling import is_scored
from profilestore.campaigns.audience.definition import Definition
from profilestore.campaigns.audience.membership import Membership, Memberships
from profilestore.campaigns.audience.tree import legs_of
from profilestore.campaigns.coupons.coupons import Coupons
from profilestore.campaigns.offering import OfferFilling
from profilestore.campaigns.running.definition import CampaignDefinition
from profilestore.campaigns.running.pools import pool_of
from profilestore.campaigns.running.selection import FIELDS, Selection, select
from profilestore.campaigns.running.timing import Timing, timing_of
from profilestore.elastic.audience_index import AudienceIndex
from profilestore.elastic.contact_places import ContactPlaces
from profilestore.elastic.member_pages import Member, MemberPages
from profilestore.errors import UsageError
from profilestore.indexing.parts import Parts

__all__ = ["Prepared", "Preparing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A campaign that could be started at this moment.

    Attributes:
        definition: of it.
        channel: by which its users are reached.
        timing: when.
        matched: users of the audience whatever they agreed to; of these
        no_consent: gave none to the channel, and
        over_limit: are not among the best that the audience's limit keeps; the others are
        selection: in an arm, or counted as left out there.
        is_scored: whether a vector or a score chose the audience, or a part of it.
    """

    definition: CampaignDefinition
    channel: str
    timing: Timing
    matched: int
    no_consent: int
    over_limit: int
    selection: Selection
    is_scored: bool

    def counts(self) -> dict[str, int]:
        """As kept in the campaign's record."""
        chosen = self.selection
        return {
            "matched": self.matched,
            "no_consent": self.no_consent,
            "over_limit": self.over_limit,
            "contacts_used_up": chosen.used_up,
            "id_too_long": chosen.unwritable,
            "over_budget": chosen.over_budget,
            "treatment": chosen.treatment,
            "control": chosen.control,
            "personalisation_off": int(chosen.opted_out[chosen.treated].sum()),
        }


class Preparing:
    """Prepares campaigns of one shop.

    Args:
        parts: of the shop.
        audiences: of it.
        filling: of offers with products.
        coupons: of campaigns.
    """

    def __init__(self, parts: Parts, *, audiences: Audiences, filling: OfferFilling, coupons: Coupons) -> None:
        settings, client = parts.settings, parts.client
        self._audiences = audiences
        self._filling = filling
        self._coupons = coupons
        self._time_zone = settings.time_zone
        plain = MemberPages(client, alias=settings.index("profiles"))
        index = AudienceIndex(client, alias=settings.index("audiences"))
        self._memberships = Memberships(parts, index=index, pages=plain)
        self.pages = MemberPages(client, alias=settings.index("profiles"), withheld=self._memberships.insight)
        self.places = ContactPlaces(client, alias=settings.index("campaigns"))

    def prepare(self, definition: CampaignDefinition, *, now: datetime) -> Prepared:
        """Look at all that a campaign names, and choose its users.

        Raises:
            UsageError: something of it cannot be meant, or nobody could be written to.
            NotFound: there is no such audience.
        """
        problems = definition.problems()
        if len(problems) > 0:
            raise UsageError(f"campaign {definition.name}: {'; '.join(problems)}.")
        timing = timing_of(definition, now=now, time_zone=self._time_zone)
        if definition.offer.product is not None:
            self._filling.check(definition.offer.product)
        pool = pool_of(definition.offer, treatment=None)
        if pool is not None:
            self._coupons.check_pool(definition.name, pool)
        membership = self._audiences.current(definition.audience, channel=definition.channel)
        matched, reachable = self.pages.count_all([membership.matched, membership.reachable])
        seen = _Counted(self._members(membership))
        used_up = self.places.used_up(timing.week, cap=definition.contacts_per_week, but=definition.name)
        with closing(used_up):  # it is not read to its end
            selection = select(definition, seen, used_up=used_up, contact_at=timing.contact_at)
        _refuse_nobody(definition, membership, matched, seen.count, selection)
        return Prepared(
            definition=definition,
            channel=membership.channel,
            timing=timing,
            matched=matched,
            no_consent=max(0, matched - reachable),
            over_limit=max(0, reachable - seen.count),
            selection=selection,
            is_scored=self._is_scored(membership.audience.definition),
        )

    def _members(self, membership: Membership) -> Iterator[Member]:
        return (member for page in self.pages.read(membership.query, fields=FIELDS) for member in page)

    def _is_scored(self, definition: Definition) -> bool:
        rules, insight = self._memberships.rules, self._memberships.insight
        if any(is_scored(leg, rules=rules, insight=insight) for leg, _ in legs_of(definition.members)):
            return True
        by = definition.by
        return by is not None and self._memberships.order(definition)[0].partition(".")[0] in insight


class _Counted:
    """Members, and how many came by."""

    def __init__(self, members: Iterator[Member]) -> None:
        self._members = members
        self.count = 0

    def __iter__(self) -> Iterator[Member]:
        for member in self._members:
            self.count += 1
            yield member


def _refuse_nobody(
    definition: CampaignDefinition, membership: Membership, matched: int, reachable: int, selection: Selection
) -> None:
    name = definition.audience
    if matched == 0:
        raise UsageError(f"audience {name} matches nobody now.")
    if reachable == 0:
        raise UsageError(
            f"nobody may be written to: of {matched:,} users in audience {name} none gave consent to the channel "
            f"{membership.channel}."
        )
    left = len(selection.user_ids)
    if left == 0:
        raise UsageError(
            f"nobody is left to be written to: of {reachable:,} users {selection.used_up:,} have had their "
            f"{definition.contacts_per_week} contacts of that week."
        )
    if selection.treatment == 0:
        raise UsageError(
            f"all {left:,} users who are left fell into the control group by lot: take a smaller control_share or "
            "another name."
        )


def details(definition: CampaignDefinition, counts: dict[str, Any]) -> dict[str, Any]:
    """What the audit says of a campaign: what was decided and how many, never who, and no code."""
    held = definition.to_json_dict()
    held["offer"] = {key: value for key, value in held["offer"].items() if key != "code"}
    return {"definition": held, "counts": counts}
