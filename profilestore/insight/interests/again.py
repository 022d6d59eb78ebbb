"""The next purchase of what a user buys regularly: learned, checked on a later period, told for today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.insight.interests.regulars import LEAST_ROWS, AgainModel, Purchases, Regulars, regulars_at, wait_after
from profilestore.insight.intervals import clustered_mean, settled

__all__ = ["Again", "horizon_days", "next_purchases", "told_of"]

_HORIZON_DAYS: Final = 60
_HORIZON_LEAST: Final = 14
_SNAPSHOTS: Final = 3
_TOLD_LEAST: Final = 30
# A median near the horizon says only that it may well be later: then no day is told.
_WITHIN: Final = 0.8

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Again:
    """What is bought again when, as of a day.

    Attributes:
        regulars: what is bought regularly today, with `low`, `middle`, `high` (r,) days until the next purchase, and
            `told` (r,) whether it is expected within the horizon.
        figures: of the check on the last horizon: errors in days, cut off at the horizon, of ours and of baselines.
        checked: user numbers, days waited and days expected of the rows that were told in the check.
        beats: whether the gain over the better baseline is above zero with its whole interval.
    """

    regulars: Regulars
    low: Floats
    middle: Floats
    high: Floats
    horizon: int
    figures: dict[str, Any]
    checked: tuple[Ints, Floats, Floats]
    beats: bool

    @property
    def told(self) -> NDArray[np.bool_]:
        """Which are expected within the horizon."""
        return self.middle < _WITHIN * self.horizon


def horizon_days(purchases: Purchases) -> int | None:
    """Sixty days, in a short history a sixth of it; None under 84 days."""
    if purchases.days.size == 0:
        return None
    days = min(_HORIZON_DAYS, int(np.ptp(purchases.days)) // 6)
    return days if days >= _HORIZON_LEAST else None


def next_purchases(purchases: Purchases, today: int, *, seed: int) -> Again | None:
    """Learn, check and tell; None where too little is bought regularly.

    Args:
        purchases: days on which things were bought.
        today: the day from which waits are counted: the first of which nothing is known.
        seed: of learner and intervals.
    """
    horizon = horizon_days(purchases)
    if horizon is None:
        return None
    cut = today - horizon
    earlier = _snapshots(purchases.before(cut), cut, horizon)
    model = _fitted(earlier, horizon, seed)
    regulars = regulars_at(purchases, cut)
    if model is None or len(regulars) < _TOLD_LEAST:
        return None
    figures, checked, beats = _check(model, earlier, purchases, regulars, cut, seed)
    now = _fitted(_snapshots(purchases, today, horizon), horizon, seed)
    here = regulars_at(purchases, today)
    if now is None or len(figures) == 0:
        return None
    return Again(here, *now.waits(here.features), horizon, figures, checked, beats)


def _snapshots(purchases: Purchases, end: int, horizon: int) -> list[tuple[Regulars, Floats]]:
    """What was bought regularly as of some earlier days, and how long it was until it was bought again; all of it
    known at `end`."""
    found: list[tuple[Regulars, Floats]] = []
    for number in range(_SNAPSHOTS):
        day = end - horizon - number * horizon // 2
        regulars = regulars_at(purchases, day)
        found.append((regulars, wait_after(purchases, regulars, day, horizon=horizon)))
    return found


def _fitted(rows: Sequence[tuple[Regulars, Floats]], horizon: int, seed: int) -> AgainModel | None:
    features, waits = (np.concatenate(part) for part in zip(*((r.features, w) for r, w in rows), strict=True))
    if waits.size < LEAST_ROWS or np.ptp(waits) <= 0.0:
        return None
    return AgainModel.fit(features, waits, horizon=horizon, seed=seed)


def _check(
    model: AgainModel,
    earlier: Sequence[tuple[Regulars, Floats]],
    purchases: Purchases,
    regulars: Regulars,
    cut: int,
    seed: int,
) -> tuple[dict[str, Any], tuple[Ints, Floats, Floats], bool]:
    horizon = model.horizon
    waits = wait_after(purchases, regulars, cut, horizon=horizon)
    low, middle, high = model.waits(regulars.features)
    told = np.flatnonzero(middle < _WITHIN * horizon)
    if told.size < _TOLD_LEAST:
        return {}, (np.empty(0, np.int64), np.empty(0), np.empty(0)), False
    since = (cut - regulars.last).astype(np.float64)
    baselines = {
        "last purchase and the user's mean gap": np.clip(regulars.mean_gap - since, 0.0, horizon),
        "last purchase and the median gap of all": np.clip(regulars.usual_gap - since, 0.0, horizon),
    }
    # No forecast of anybody's day, but hard to beat by the error in days alone: it is told beside them.
    one_for_all = np.abs(float(np.median(np.concatenate([w for _, w in earlier]))) - waits)[told]
    users = regulars.users[told]
    ours = np.abs(middle - waits)[told]
    theirs = {name: np.abs(expected - waits)[told] for name, expected in baselines.items()}
    best = min(theirs, key=lambda name: (float(theirs[name].mean()), name))
    inside = (waits >= np.floor(low)) & (waits <= np.ceil(high))
    gain = clustered_mean(users, theirs[best] - ours, seed=seed)
    figures: dict[str, Any] = {
        "horizon_days": horizon,
        "regular": len(regulars),
        "told": int(told.size),
        "users": int(np.unique(users).size),
        "bought_within": clustered_mean(users, (waits[told] < horizon).astype(np.float64), seed=seed),
        "error_days": clustered_mean(users, ours, seed=seed),
        "error_days_of_baselines": {name: clustered_mean(users, values, seed=seed) for name, values in theirs.items()},
        "best_baseline": best,
        "gain_days": gain,
        "error_days_of_one_wait_for_all": clustered_mean(users, one_for_all, seed=seed),
        "gain_days_over_one_wait_for_all": clustered_mean(users, one_for_all - ours, seed=seed),
        "gain_days_over_mean_gap": clustered_mean(
            users, theirs["last purchase and the user's mean gap"] - ours, seed=seed
        ),
        "interval": 0.8,
        "covered": clustered_mean(users, inside[told].astype(np.float64), seed=seed),
        "expected_mean_days": settled(float(middle[told].mean())),
        "waited_mean_days": settled(float(waits[told].mean())),
    }
    return figures, (users, waits[told], middle[told]), gain["low"] > 0.0


def told_of(again: Again, allowed: NDArray[np.bool_] | None = None) -> dict[int, int]:
    """Of each user the row of what is expected next; ties go to what is known best, the row of more certainty."""
    rows = np.flatnonzero(again.told if allowed is None else again.told & allowed)
    order = rows[np.lexsort((again.regulars.things[rows], again.high[rows], again.middle[rows]))]
    users, first = np.unique(again.regulars.users[order], return_index=True)
    return {int(user): int(order[place]) for user, place in zip(users.tolist(), first.tolist(), strict=True)}
