"""Past campaigns as their files tell them: every row is judged here, before anything is written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from profilestore.campaigns.running.timing import YEARS
from profilestore.documents import assignment_id, contact_id
from profilestore.errors import InputError
from profilestore.ingest.campaign_rows import Refused, Row, Taker, Verdict

__all__ = ["PRODUCTS_MOST", "Past", "PastCampaign", "PastCoupon", "PastMember"]

# What one terms lookup takes, so that "good for one of the coupon's products" stays one query.
PRODUCTS_MOST: Final = 65_536
# The first part of ids of documents that are not assignments.
_RESERVED: Final = frozenset(("campaign", "contact", "running"))
_NAMED_MOST: Final = 20
# What Elasticsearch takes, less a few for the place of a contact.
_ID_BYTES: Final = 508
_NO_YEAR: Final = f"is not of the years {YEARS[0]} to {YEARS[1]}"


@dataclass(frozen=True, slots=True)
class PastCampaign:
    """A campaign that was run. Times in UTC, `ends` the first moment after it; money in the shop's currency."""

    name: str
    starts: datetime
    ends: datetime
    campaign_type: str | None = None
    channel: str | None = None
    description: str | None = None
    cost: float | None = None
    cost_per_contact: float | None = None
    budget: float | None = None


@dataclass(frozen=True, slots=True)
class PastMember:
    """A user's place in a campaign. `arm` is None where the file has no arms: the campaign went to all it names."""

    arm: Literal["treatment", "control"] | None
    contact_at: datetime | None


@dataclass(slots=True)
class PastCoupon:
    """A coupon and what it was good for. `rows` of the file told it."""

    value: float | None
    product_ids: dict[str, None] = field(default_factory=dict)
    rows: int = 0


class Past:
    """What the files told so far; `take_*` judge a row each and keep it.

    Args:
        zone: of times that are days: a campaign starts with its first day and ends with its last.
        now: nothing in it begins later.
    """

    def __init__(self, *, zone: ZoneInfo, now: datetime) -> None:
        self.campaigns: dict[str, PastCampaign] = {}
        self.members: dict[str, dict[str, PastMember]] = {}
        self.coupons: dict[str, dict[str, PastCoupon]] = {}
        self._zone = zone
        self._now = now
        self._undescribed: Counter[str] = Counter()
        self._first_lines: dict[str, str] = {}

    @property
    def takers(self) -> dict[Literal["campaigns", "members", "coupons"], Taker]:
        """What judges the rows of each kind of file."""
        return {"campaigns": self.take_campaign, "members": self.take_member, "coupons": self.take_coupon}

    def take_campaign(self, row: Row) -> Verdict | Refused:
        """A row that describes a campaign."""
        values = dict(row.values)
        name = values.pop("campaign")
        if ":" in name or name in _RESERVED or len(name.encode("utf-8", "surrogatepass")) > 200:
            return Refused("is no name for a campaign: at most 200 bytes, no colon, not campaign, contact, running",
                           "campaign")  # fmt: skip
        for key in ("starts", "ends"):
            if not _is_a_time(values[key]):
                return Refused(_NO_YEAR, key)
        ends = values.pop("ends").astimezone(self._zone)
        # A day is what a file says that has no clock; its last moment still belongs to the campaign.
        whole_day = (ends.hour, ends.minute, ends.second, ends.microsecond) == (0, 0, 0, 0)
        last = ends + timedelta(days=1) if whole_day else ends  # on the clock of the zone
        told = PastCampaign(name=name, ends=last.astimezone(values["starts"].tzinfo), **values)
        if told.ends <= told.starts:
            return Refused("ends before it begins", "ends")
        if told.starts > self._now:
            return Refused("begins in the future: a campaign to come is started, not imported", "starts")
        if told.budget == 0:
            return Refused("a budget is above 0: leave it empty where there was none", "budget")
        held = self.campaigns.setdefault(name, told)
        if held is told:
            return "taken"
        return "again" if held == told else Refused("this campaign is described before, and otherwise", "campaign")

    def take_member(self, row: Row) -> Verdict | Refused:
        """A row that says that a user was in a campaign."""
        campaign = self._described(row)
        if campaign is None:
            return Refused("no such campaign is described", "campaign")
        user_id = row.values["user_id"]
        longest = contact_id(user_id, "2026-W01", 0)
        if max(len(id.encode("utf-8")) for id in (assignment_id(campaign.name, user_id), longest)) > _ID_BYTES:
            return Refused("is too long beside the campaign's name for an id of Elasticsearch", "user_id")
        told = PastMember(row.values.get("arm"), row.values.get("contact_at"))
        if told.contact_at is not None and not _is_a_time(told.contact_at):
            return Refused(_NO_YEAR, "contact_at")
        if told.contact_at is not None and told.arm == "control":
            return Refused("who is in the control group was not contacted", "contact_at")
        if told.contact_at is not None and told.contact_at >= campaign.ends:
            return Refused("the campaign was over by then", "contact_at")
        held = self.members.setdefault(campaign.name, {}).setdefault(user_id, told)
        if held is told:
            return "taken"
        return "again" if held == told else Refused("this user is in this campaign before, and otherwise", "user_id")

    def take_coupon(self, row: Row) -> Verdict | Refused:
        """A row that says that a campaign had a coupon, good for a product."""
        campaign = self._described(row)
        if campaign is None:
            return Refused("no such campaign is described", "campaign")
        value, product_id = row.values.get("value"), row.values.get("product_id")
        coupons = self.coupons.setdefault(campaign.name, {})
        held = coupons.get(row.values["code"])
        if held is None:
            held = coupons[row.values["code"]] = PastCoupon(value)
        elif held.value != value:
            return Refused("this coupon has another value before", "value")
        elif product_id is None or product_id in held.product_ids:
            return "again"
        elif len(held.product_ids) >= PRODUCTS_MOST:
            return Refused(f"a coupon is kept with at most {PRODUCTS_MOST:,} products", "product_id")
        if product_id is not None:
            held.product_ids[product_id] = None
        held.rows += 1
        return "taken"

    def _described(self, row: Row) -> PastCampaign | None:
        name = row.values["campaign"]
        found = self.campaigns.get(name)
        if found is None:
            self._undescribed[name] += 1
            self._first_lines.setdefault(name, f"{row.file}, line {row.line}")
        return found

    def check(self) -> None:
        """Judge the files as a whole.

        Raises:
            InputError: rows name campaigns that are not described, or a campaign has arms for some of its users only.
        """
        problems = []
        if len(self._undescribed) > 0:
            # Their lines and not what they say: under a wrong mapping that may be anything of a user.
            named = list(self._first_lines.values())[:_NAMED_MOST]
            more = f" and {len(self._undescribed) - len(named)} more" if len(self._undescribed) > len(named) else ""
            problems.append(
                f"{sum(self._undescribed.values()):,} row(s) name {len(self._undescribed)} campaign(s) that are not "
                f"described, first in {', '.join(named)}{more}. Add them to the file of campaigns, or take the rows out"
            )
        for name, members in self.members.items():
            without = sum(member.arm is None for member in members.values())
            if 0 < without < len(members):
                problems.append(
                    f"campaign {name}: {without:,} of {len(members):,} users have no arm and the others have one"
                )
        if len(problems) > 0:
            raise InputError(f"{'; '.join(problems)}. Nothing was written.")


def _is_a_time(moment: datetime) -> bool:
    return YEARS[0] <= moment.year <= YEARS[1]
