"""How the arms came apart from day to day: cumulated shares of buyers and revenue a user."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from profilestore.campaigns.report.effects import share_difference
from profilestore.campaigns.report.outcomes import Outcomes
from profilestore.campaigns.report.participants import Participants
from profilestore.insight.intervals import settled

__all__ = ["CourseDay", "course_of"]

_MOST_POINTS: Final = 60


@dataclass(frozen=True, slots=True)
class CourseDay:
    """All up to the end of a day, counted from the start (the first is day 1).

    `bought` and `control_bought` are shares of the arms' users, `revenue` and `control_revenue` money a user;
    `difference`, `low` and `high` are of the shares, None without a control group.
    """

    day: int
    bought: float
    control_bought: float | None
    revenue: float
    control_revenue: float | None
    difference: float | None
    low: float | None
    high: float | None

    def to_json_dict(self) -> dict[str, Any]:
        """As printed by `--json`."""
        return {name: settled(value) if isinstance(value, float) else value for name, value in asdict(self).items()}


def course_of(people: Participants, outcomes: Outcomes, *, days: int) -> list[CourseDay]:
    """At most 60 points of the first `days` days, evenly apart; the last day is one of them."""
    if days < 1 or not people.treated.any():
        return []
    step = math.ceil(days / _MOST_POINTS)
    last = sorted({*range(step, days + 1, step), days})
    arms = (people.treated, ~people.treated)
    totals = [_revenue_upto(outcomes, arm, last) for arm in arms]
    return [_day(day, people, outcomes, totals[0][place], totals[1][place]) for place, day in enumerate(last)]


def _revenue_upto(outcomes: Outcomes, arm: Any, days: list[int]) -> list[float]:
    users = int(arm.sum())
    own = arm[outcomes.order_users]
    by_day = np.bincount(outcomes.order_days[own], weights=outcomes.order_amounts[own], minlength=days[-1])
    total = np.cumsum(by_day)
    return [float(total[day - 1]) / users if users > 0 else 0.0 for day in days]


def _day(day: int, people: Participants, outcomes: Outcomes, revenue: float, control_revenue: float) -> CourseDay:
    by_then = (outcomes.first_day >= 0) & (outcomes.first_day < day)
    shares = share_difference(by_then, people.treated)
    if shares is None:
        return CourseDay(day, float(by_then[people.treated].mean()), None, revenue, None, None, None, None)
    return CourseDay(
        day, shares.treatment, shares.control, revenue, control_revenue, shares.value, shares.low, shares.high
    )
