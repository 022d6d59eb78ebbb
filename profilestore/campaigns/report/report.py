"""The report of a campaign as an object: pure, from its terms, its participants and what they did."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from profilestore.campaigns.report.cautions import Caution, cautions_of
from profilestore.campaigns.report.course import CourseDay, course_of
from profilestore.campaigns.report.effects import Difference, mean_difference, share_difference
from profilestore.campaigns.report.groups import GroupEffect, group_effects
from profilestore.campaigns.report.money import Money, money_of, purse_of
from profilestore.campaigns.report.outcomes import Outcomes
from profilestore.campaigns.report.participants import Participants
from profilestore.campaigns.report.power import DETECTED_LIFT, Sizes, needed_sizes
from profilestore.campaigns.report.sections import Observational
from profilestore.campaigns.report.terms import CampaignTerms
from profilestore.errors import TooLittleData
from profilestore.insight.history import DAY_S
from profilestore.insight.intervals import settled

__all__ = ["Arm", "CampaignReport", "Verdict", "make_report"]

Verdict = Literal["early", "no_control", "effective", "harmful", "not_shown", "too_small"]


@dataclass(frozen=True, slots=True)
class Arm:
    """What became of the users of one arm; `orders` and `revenue` in all, the others are users."""

    users: int
    reached: int
    opened: int
    clicked: int
    claimed: int
    redeemed: int
    bought: int
    orders: int
    revenue: float

    def to_json_dict(self) -> dict[str, Any]:
        """As printed by `--json`."""
        return asdict(self) | {"revenue": settled(self.revenue)}


@dataclass(frozen=True, kw_only=True)
class CampaignReport:
    """What a campaign earned, by intention to treat: arms as they were drawn, whoever was reached.

    Attributes:
        terms: of the campaign.
        currency: of all money.
        as_of: what was known by then is in it.
        counted_until: acts from `terms.starts` up to then count.
        treatment, control: the arms; control None where none was kept.
        bought: the share of users who bought; the verdict goes by its one-sided test.
        revenue: what a user paid, less refunds.
        money: cost, and what it earned.
        sizes: what the size of the control group allows.
        groups: the effect by group; empty without a control group.
        ungrouped: users of whom nothing is told by segment, since nothing is believed of them.
        course: from day to day.
        verdict: `effective`: more users bought than without it; `harmful`: fewer did; `not_shown`; `too_small`: not
            shown, with a control group too small to see the effect of `sizes`; `early`: it is not over;
            `no_control`: nothing to compare with.
        cautions: what a reader must know before they believe it.
        unlike: a comparison with users who were not in it, where there is no control group.
    """

    terms: CampaignTerms
    currency: str
    as_of: datetime
    counted_until: datetime
    treatment: Arm
    control: Arm | None
    bought: Difference | None
    revenue: Difference | None
    money: Money
    sizes: Sizes | None
    groups: tuple[GroupEffect, ...]
    ungrouped: int
    course: tuple[CourseDay, ...]
    verdict: Verdict
    cautions: tuple[Caution, ...]
    unlike: Observational | None = None

    def to_json_dict(self) -> dict[str, Any]:
        """As printed by `--json`."""
        terms = self.terms
        return {
            "campaign": terms.name,
            "imported": terms.imported,
            "channel": terms.channel,
            "offer": terms.offer,
            "starts": terms.starts.isoformat(),
            "ends": terms.ends.isoformat(),
            "stopped": None if terms.stopped is None else terms.stopped.isoformat(),
            "counted_until": self.counted_until.isoformat(),
            "as_of": self.as_of.isoformat(),
            "currency": self.currency,
            "verdict": self.verdict,
            "cautions": [caution.to_json_dict() for caution in self.cautions],
            "treatment": self.treatment.to_json_dict(),
            "control": None if self.control is None else self.control.to_json_dict(),
            "bought": _plain(self.bought),
            "revenue": _plain(self.revenue),
            "money": self.money.to_json_dict(),
            "sizes": _plain(self.sizes),
            "groups": [group.to_json_dict() for group in self.groups],
            "ungrouped": self.ungrouped,
            "course": [day.to_json_dict() for day in self.course],
            "unlike": _plain(self.unlike),
        }


def make_report(
    terms: CampaignTerms,
    people: Participants,
    outcomes: Outcomes,
    *,
    now: datetime,
    currency: str,
    lift: float = DETECTED_LIFT,
    unlike: Observational | None = None,
) -> CampaignReport:
    """The report.

    Args:
        terms: of the campaign.
        people: all who were drawn.
        outcomes: of the same users, in the same order.
        now: the report is as of then.
        currency: of the shop.
        lift: the effect that the control group should be large enough for, as a share of what it does.
        unlike: a comparison with others, where there is no control group.

    Raises:
        TooLittleData: it has not begun, or nobody is in it.
    """
    if now <= terms.starts:
        raise TooLittleData(f"campaign {terms.name} begins on {terms.starts:%Y-%m-%d %H:%M} UTC: nothing to tell yet.")
    if not people.treated.any():
        raise TooLittleData(f"campaign {terms.name} has nobody in its treatment arm: there is nothing to tell.")
    counted_until = min(now, terms.counted_until)
    treatment, control = _arm(people.treated, people, outcomes), _arm(~people.treated, people, outcomes)
    bought = share_difference(outcomes.bought, people.treated)
    revenue = mean_difference(outcomes.revenue, people.treated, before=outcomes.spent_before, buyers=outcomes.bought)
    purse = purse_of(people, outcomes, terms)
    sizes = None
    if people.has_control:
        base = control.bought / control.users
        sizes = needed_sizes(treatment=treatment.users, control=control.users, base=base, lift=lift)
    early = now < terms.counted_until
    days = math.ceil((counted_until - terms.starts).total_seconds() / DAY_S)
    return CampaignReport(
        terms=terms,
        currency=currency,
        as_of=now,
        counted_until=counted_until,
        treatment=treatment,
        control=control if people.has_control else None,
        bought=bought,
        revenue=revenue,
        money=money_of(people, outcomes, terms, purse),
        sizes=sizes,
        groups=tuple(group_effects(people, outcomes, purse)) if people.has_control else (),
        ungrouped=int((people.groups["segment"] == "").sum()),
        course=tuple(course_of(people, outcomes, days=days)),
        verdict=_verdict(bought, sizes, early=early),
        cautions=tuple(cautions_of(terms, people, outcomes, bought=bought, sizes=sizes, early=early)),
        unlike=unlike,
    )


def _arm(chosen: NDArray[np.bool_], people: Participants, outcomes: Outcomes) -> Arm:
    return Arm(
        users=int(chosen.sum()),
        reached=int(people.reached[chosen].sum()),
        opened=int(outcomes.opened[chosen].sum()),
        clicked=int(outcomes.clicked[chosen].sum()),
        claimed=int(outcomes.claimed[chosen].sum()),
        redeemed=int(outcomes.redeemed[chosen].sum()),
        bought=int(outcomes.bought[chosen].sum()),
        orders=int(outcomes.orders[chosen].sum()),
        revenue=float(outcomes.revenue[chosen].sum()),
    )


def _verdict(bought: Difference | None, sizes: Sizes | None, *, early: bool) -> Verdict:
    if bought is None:
        return "no_control"
    if early:
        return "early"  # looked at every day, a campaign of no effect would seem to have one sooner or later
    if bought.is_gain:
        return "effective"
    if bought.is_loss:
        return "harmful"
    return "too_small" if sizes is None or sizes.too_small else "not_shown"


def _plain(part: Difference | Sizes | Observational | None) -> dict[str, Any] | None:
    return None if part is None else part.to_json_dict()
