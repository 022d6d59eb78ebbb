"""What a campaign is: an audience, an offer, a period, a budget, a control group, and when nobody is disturbed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any, Final, Literal

from profilestore.campaigns.coupons.code_file import CodeFile
from profilestore.campaigns.coupons.pool import Pool
from profilestore.campaigns.offering import ProductOffer
from profilestore.campaigns.running.quiet_hours import QuietHours

__all__ = ["CampaignDefinition", "Codes", "OfferDefinition", "OfferKind", "exact"]

_NAME: Final = re.compile(r"\w[\w .+-]{0,99}")
# Ids of other documents begin with these.
_TAKEN: Final = frozenset(("campaign", "contact", "running"))
_MOST_MONEY: Final = 1e15
# One a waking hour.
MOST_CONTACTS_PER_WEEK: Final = 100
MOST_COUPONS: Final = 10_000_000

OfferKind = Literal["message", "coupon", "product"]


@dataclass(frozen=True, slots=True)
class Codes:
    """A pool of codes: how many, and the hash that tells them from others. `file` has them, and is not stored."""

    count: int
    sha256: str
    file: CodeFile | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, file: CodeFile) -> Codes:
        """Those of a file."""
        return cls(len(file.codes), Pool.of_file(file).digest, file)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferDefinition:
    """What a user is offered.

    Attributes:
        kind: a message alone, a coupon (with a product where one is named or to be chosen), or a product.
        value: what a coupon costs the shop at most, in its currency.
        code: the one that all coupons have; or
        codes: a pool, each for one user.
        issue: coupons are given when the campaign starts, or to whoever claims one.
        coupons: how many there are to be claimed.
        product: which product, the same for all or each user's own best; None where there is none.
    """

    kind: OfferKind
    value: float = 0.0
    code: str | None = None
    codes: Codes | None = None
    issue: Literal["start", "claim"] = "start"
    coupons: int | None = None
    product: ProductOffer | None = None

    @property
    def given_at_start(self) -> bool:
        """Whether everybody who is to be written to gets a coupon with it."""
        return self.kind == "coupon" and self.issue == "start"

    def to_json_dict(self) -> dict[str, Any]:
        """As stored; codes by their number and hash."""
        held: dict[str, Any] = {"kind": self.kind}
        if self.kind == "coupon":
            held |= {"value": self.value, "issue": self.issue, "code": self.code, "coupons": self.coupons}
            if self.codes is not None:
                held |= {"codes": {"count": self.codes.count, "sha256": self.codes.sha256}}
        if self.product is not None:
            held |= self.product.to_json_dict()
        return {name: value for name, value in held.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignDefinition:
    """A campaign as it was asked for. Money in the shop's currency, times in UTC.

    Attributes:
        name: by which it is asked for, and which its events have.
        audience: whom it is for.
        channel: by which they are reached; the audience's own when None.
        offer: what they get.
        starts: not before; from the start on when None.
        ends: not from then on.
        budget: what it may cost at most.
        cost_per_contact: of each who is written to.
        control_share: of the audience who are not written to, by lot, from 0 to below 1.
        contacts_per_week: how many contacts of all campaigns a user may have in the week of this one.
        quiet_hours: in the shop's time zone, when nobody is contacted.
        margin: the share of revenue that is earned, for the return on what it cost.
        follow_days: after its end, in which purchases still count.
        description: for people.
    """

    name: str
    audience: str
    offer: OfferDefinition
    ends: datetime
    budget: float
    channel: str | None = None
    starts: datetime | None = None
    cost_per_contact: float = 0.0
    control_share: float = 0.1
    contacts_per_week: int = 2
    quiet_hours: QuietHours | None = None
    margin: float = 1.0
    follow_days: int = 0
    description: str = ""

    @property
    def unit_cost(self) -> Fraction:
        """What each who is written to costs at most, exactly as the numbers were written."""
        given = exact(self.offer.value) if self.offer.given_at_start else Fraction(0)
        return exact(self.cost_per_contact) + given

    @property
    def claimable_cost(self) -> Fraction:
        """What the coupons that wait to be claimed cost at most."""
        return exact(self.offer.value) * (self.offer.coupons or 0) if self.offer.issue == "claim" else Fraction(0)

    @property
    def most_contacts(self) -> int | None:
        """How many users the budget and the codes are enough for; None for any number."""
        limits: list[int] = []
        if self.unit_cost > 0:
            limits.append(int((exact(self.budget) - self.claimable_cost) // self.unit_cost))
        if self.offer.given_at_start and self.offer.codes is not None:
            limits.append(self.offer.codes.count)
        return min(limits) if len(limits) > 0 else None

    def problems(self) -> list[str]:
        """What cannot be meant by it, whenever it is; [] when all can."""
        offer, found = self.offer, []
        if _NAME.fullmatch(self.name) is None or self.name != self.name.strip() or self.name in _TAKEN:
            found.append(
                "a campaign's name has letters, digits, spaces and . _ + -, 100 at most, and is none of "
                + ", ".join(sorted(_TAKEN))
            )
        if self.starts is not None and self.ends <= self.starts:
            found.append("the period ends before it begins")
        if not 0 < self.budget <= _MOST_MONEY:
            found.append("`budget` is more than 0")
        if not 0 <= self.cost_per_contact <= _MOST_MONEY:
            found.append("`cost_per_contact` is not below 0")
        if not 0.0 <= self.control_share < 1.0:
            found.append("`control_share` is from 0 to below 1, such as 0.1")
        if not 1 <= self.contacts_per_week <= MOST_CONTACTS_PER_WEEK:
            found.append(f"`contacts_per_week` is from 1 to {MOST_CONTACTS_PER_WEEK}")
        if not 0.0 < self.margin <= 1.0:
            found.append("`margin` is a share of revenue, above 0 and at most 1")
        if not 0 <= self.follow_days <= 3660:
            found.append("`follow_days` is not below 0")
        if offer.kind == "coupon" and not 0 < offer.value <= _MOST_MONEY:
            found.append("`offer.value` is more than 0: what a coupon costs at most")
        if offer.issue == "claim" and (offer.coupons is None or offer.coupons < 1):
            found.append("coupons that are claimed want `offer.coupons`: how many there are")
        if (offer.coupons or 0) > MOST_COUPONS:
            found.append(f"`offer.coupons` is at most {MOST_COUPONS:,}: each is a document")
        if offer.issue == "start" and offer.coupons is not None:
            found.append("`offer.coupons` is for coupons that are claimed")
        if offer.codes is not None and (offer.coupons or 0) > offer.codes.count:
            found.append(f"`offer.coupons` is more than the {offer.codes.count:,} codes that there are")
        if len(found) == 0 and self.claimable_cost > exact(self.budget):
            found.append("the budget does not pay all coupons that may be claimed")
        if len(found) == 0 and self.most_contacts == 0:
            found.append("the budget does not pay a single contact")
        return found

    def to_json_dict(self) -> dict[str, Any]:
        """As stored and compared; `definition_of_record` reads it."""
        held: dict[str, Any] = {
            "name": self.name,
            "audience": self.audience,
            "channel": self.channel,
            "offer": self.offer.to_json_dict(),
            "starts": None if self.starts is None else self.starts.isoformat(),
            "ends": self.ends.isoformat(),
            "budget": self.budget,
            "cost_per_contact": self.cost_per_contact,
            "control_share": self.control_share,
            "contacts_per_week": self.contacts_per_week,
            "quiet_hours": None if self.quiet_hours is None else str(self.quiet_hours),
            "margin": self.margin,
            "follow_days": self.follow_days,
            "description": self.description,
        }
        return {name: value for name, value in held.items() if value not in (None, "")}


def exact(amount: float) -> Fraction:
    """An amount of money as it was written: 0.1 is a tenth, and three of them are not more than 0.3."""
    return Fraction(str(amount))
