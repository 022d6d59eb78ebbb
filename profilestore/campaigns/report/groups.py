"""What a campaign did to groups of users: whom it moves, who would buy anyway, and of whom nothing can be said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from profilestore.campaigns.report.effects import ONE_SIDED, Difference, mean_difference, share_difference
from profilestore.campaigns.report.estimators import holm
from profilestore.campaigns.report.money import Purse
from profilestore.campaigns.report.outcomes import Outcomes
from profilestore.campaigns.report.participants import Participants
from profilestore.insight.intervals import settled

__all__ = ["Advice", "GroupEffect", "group_effects", "groupings"]

Advice = Literal["pays", "moves", "anyway", "loses", "unsaid"]
Texts = NDArray[np.object_]

# Of fewer users in an arm nothing is told: it would be of persons, not of a group.
_LEAST: Final = 20
_MOST_GROUPS: Final = 12
_RECENCY: Final = (("0-30", 30.0), ("31-90", 90.0), ("91-365", 366.0))
_LONG_AGO: Final = "longer, or never"
_BANDS: Final = 4


@dataclass(frozen=True, slots=True)
class GroupEffect:
    """What a campaign did to one group.

    Attributes:
        by, group: such as `value_tier` and `high`.
        treatment, control: users.
        bought: the share who bought.
        revenue: what a user paid.
        profit: what a user earned the shop, less what was spent on them.
        p_bought: that they do not buy more, one-sided, corrected by Holm for all groups of the report.
        p_pays, p_loses: that no money is earned, or lost, on them; likewise.
        advice: `pays`: worth writing to; `moves`: they buy more, whether it pays cannot be said; `anyway`: they buy
            as much without, and money is lost on them; `loses`: money is lost on them; `unsaid`.
    """

    by: str
    group: str
    treatment: int
    control: int
    bought: Difference
    revenue: Difference | None
    profit: Difference | None
    p_bought: float = 1.0
    p_pays: float = 1.0
    p_loses: float = 1.0
    advice: Advice = "unsaid"

    def to_json_dict(self) -> dict[str, Any]:
        """As printed by `--json`."""
        held = {name: settled(value) if isinstance(value, float) else value for name, value in asdict(self).items()}
        return held | {
            name: None if difference is None else difference.to_json_dict()
            for name, difference in (("bought", self.bought), ("revenue", self.revenue), ("profit", self.profit))
        }


def groupings(people: Participants, outcomes: Outcomes) -> Iterator[tuple[str, Texts]]:
    """Ways to group users by what was known before the campaign, and the group of each; "" of whom is in none."""
    for name in ("segment", "value_tier"):
        yield name, people.groups[name]
    yield "chance", _bands(people.purchase_30d)
    yield "recency", np.where(people.opted_out, "", _recency(outcomes))


def _bands(chances: NDArray[np.float64]) -> Texts:
    """Quarters of the users by their chance of a purchase in 30 days; fewer where many have the same."""
    found = np.full(chances.size, "", dtype=object)
    known = np.flatnonzero(~np.isnan(chances))
    if known.size == 0:
        return found
    edges = np.unique(np.quantile(chances[known], np.arange(1, _BANDS) / _BANDS))
    band = np.searchsorted(edges, chances[known], side="left")
    bounds = [0.0, *edges.tolist(), 1.0]
    names = [f"{number + 1}: {bounds[number]:.1%}-{bounds[number + 1]:.1%}" for number in range(len(bounds) - 1)]
    found[known] = np.array(names, dtype=object)[band]
    return found


def _recency(outcomes: Outcomes) -> Texts:
    names = np.array([*(name for name, _ in _RECENCY), _LONG_AGO], dtype=object)
    return np.asarray(names[np.searchsorted([days for _, days in _RECENCY], outcomes.recency_days, side="left")])


def group_effects(people: Participants, outcomes: Outcomes, purse: Purse) -> list[GroupEffect]:
    """The effects on all groups of at least 20 users in each arm, the largest 12 of each way of grouping."""
    found: list[GroupEffect] = []
    for by, groups in groupings(people, outcomes):
        names, sizes = np.unique(groups[groups != ""].astype(str), return_counts=True)
        kept = sorted(names[np.lexsort((names, -sizes))][:_MOST_GROUPS].tolist())
        told = [_effect(by, name, groups == name, people, outcomes, purse) for name in kept]
        found += [each for each in told if each is not None]
    usual = float(outcomes.bought[~people.treated].mean()) if people.has_control else 0.0
    return _advised(found, usual)


def _effect(
    by: str, name: str, chosen: NDArray[np.bool_], people: Participants, outcomes: Outcomes, purse: Purse
) -> GroupEffect | None:
    treated, bought = people.treated[chosen], outcomes.bought[chosen]
    ours, theirs = int(treated.sum()), int((~treated).sum())
    if ours < _LEAST or theirs < _LEAST:
        return None
    shares = share_difference(bought, treated)
    assert shares is not None
    before = outcomes.spent_before[chosen]
    revenue = mean_difference(outcomes.revenue[chosen], treated, before=before, buyers=bought)
    profit = mean_difference(purse.profit[chosen], treated, before=before, buyers=bought)
    # Who buys nothing at all on either side has no spread to judge by.
    return GroupEffect(by, name, ours, theirs, shares, revenue, profit if bought.any() else None)


def _advised(effects: list[GroupEffect], usual: float) -> list[GroupEffect]:
    """With p-values corrected for all groups, and what they allow to advise."""
    profits = [0.5 if each.profit is None else each.profit.p for each in effects]
    corrected = [holm(p) for p in ([each.bought.p for each in effects], profits, [1.0 - p for p in profits])]
    return [
        replace(each, p_bought=buys, p_pays=pays, p_loses=loses, advice=_advice(each, buys, pays, loses, usual))
        for each, buys, pays, loses in zip(effects, *corrected, strict=True)
    ]


def _advice(effect: GroupEffect, buys: float, pays: float, loses: float, usual: float) -> Advice:
    if pays <= ONE_SIDED:
        return "pays"
    if loses <= ONE_SIDED:
        return "anyway" if effect.bought.control >= usual else "loses"
    return "moves" if buys <= ONE_SIDED else "unsaid"
