"""When will a user buy again what they buy regularly? Learned from what all users bought four times or more.

As of a moment, each user and product (or category) bought on four days or more, and not left alone for long, is a row:
its gaps so far, how long it is since the last purchase, how often others buy it, how often the user buys at all. What
is learned is the time to the next purchase within a horizon, min(T, R): quantiles stay quantiles under a cut-off, so
who does not buy again within R is learned from as well, and no forecast is too early for want of them. Gradient
boosting for quantiles (Friedman 2001; Koenker 2005), by scikit-learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from profilestore.insight.history import History
from profilestore.insight.sales import local_days

__all__ = [
    "LEAST_ROWS",
    "QUANTILES",
    "AgainModel",
    "Purchases",
    "Regulars",
    "purchases_of",
    "regulars_at",
    "wait_after",
]

LEAST_DAYS: Final = 4
LEAST_ROWS: Final = 200
QUANTILES: Final = (0.1, 0.5, 0.9)
# Left alone for three usual gaps, it is bought regularly no more.
_SILENT_MOST: Final = 3.0
_FITTED_MOST: Final = 50_000

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Purchases:
    """Days on which users bought things, by user, thing and day, each once: (n,) each. `things` are rows of a
    shelf's products, or of its categories."""

    users: Ints
    things: Ints
    days: Ints

    def before(self, day: int) -> Purchases:
        """Those before a day."""
        kept = np.flatnonzero(self.days < day)
        return Purchases(self.users[kept], self.things[kept], self.days[kept])


@dataclass(frozen=True)
class Regulars:
    """What is bought regularly, as of a day: (r,) users, things, `last` day bought, `mean_gap` and `usual_gap` (the
    median over all users and things) in days, and `features` (r, f)."""

    users: Ints
    things: Ints
    last: Ints
    mean_gap: Floats
    usual_gap: float
    features: Floats

    def __len__(self) -> int:
        return int(self.users.size)


def purchases_of(history: History, thing_of: Sequence[int], zone: ZoneInfo) -> Purchases:
    """The purchase days of a history.

    Args:
        history: acts before some time.
        thing_of: of each product of the shelf, the number of the thing it is; -1 for none.
        zone: of the shop.
    """
    bought = history.of_type("purchase")
    things = np.append(np.asarray(thing_of, dtype=np.int64), -1)[bought.products]
    kept = np.flatnonzero(things >= 0)
    rows = np.column_stack([bought.users[kept], things[kept], local_days(bought.times[kept], zone)]).astype(np.int64)
    rows = np.unique(rows, axis=0)
    return Purchases(rows[:, 0], rows[:, 1], rows[:, 2])


def regulars_at(purchases: Purchases, day: int) -> Regulars:
    """What is bought regularly, from what was bought before a day alone."""
    known = purchases.before(day)
    starts, counts = _runs(known.users, known.things)
    gaps, gap_owner = _gaps(known, starts, counts)
    enough = np.flatnonzero(counts >= LEAST_DAYS)
    if enough.size == 0:
        nothing = np.empty(0, np.int64)
        return Regulars(nothing, nothing, nothing, np.empty(0), 0.0, np.empty((0, 11)))
    mean, spread, median, latest = _of_gaps(gaps, gap_owner, counts.size)
    things, users = known.things[starts], known.users[starts]
    last = known.days[starts + counts - 1]
    silent = (day - last).astype(np.float64)
    kept = enough[silent[enough] <= _SILENT_MOST * np.maximum(mean[enough], 1.0)]
    # How often others buy the thing, and how often the user buys anything of this kind.
    by_thing = _medians(gaps, things[gap_owner], int(things.max()) + 1)
    user_gap = _user_gaps(known)
    features = np.column_stack(
        [np.log1p(mean), np.log1p(median), np.log1p(latest), spread / np.maximum(mean, 1.0), np.log(counts),
         np.log1p(silent), silent / np.maximum(mean, 1.0), np.log1p(by_thing[things]), np.log1p(user_gap[users]),
         mean - silent, median - silent]
    )[kept]  # fmt: skip
    return Regulars(users[kept], things[kept], last[kept], mean[kept], float(np.median(gaps)), features)


def wait_after(purchases: Purchases, regulars: Regulars, day: int, *, horizon: int) -> Floats:
    """(r,) days from a day to the next purchase, `horizon` for those not bought again within it."""
    later = np.flatnonzero((purchases.days >= day) & (purchases.days < day + horizon))
    width = int(max(purchases.things.max(initial=0), regulars.things.max(initial=0))) + 1
    keys, first = np.unique(purchases.users[later] * width + purchases.things[later], return_index=True)
    waits = (purchases.days[later][first] - day).astype(np.float64)
    wanted = regulars.users * width + regulars.things
    place = np.searchsorted(keys, wanted)
    inside = np.minimum(place, max(0, keys.size - 1))
    there = (place < keys.size) & (keys[inside] == wanted) if keys.size > 0 else np.zeros(wanted.size, dtype=bool)
    return np.where(there, waits[inside] if keys.size > 0 else 0.0, float(horizon))


class AgainModel:
    """Quantiles of the days until the next purchase, cut off at a horizon."""

    def __init__(self, models: Sequence[Any], horizon: int) -> None:
        self._models = models
        self.horizon = horizon

    @classmethod
    def fit(cls, features: Floats, waits: Floats, *, horizon: int, seed: int) -> AgainModel:
        """Learn from (n, f) features and (n,) waits; of more than 50,000 rows from as many drawn at random."""
        from sklearn.ensemble import HistGradientBoostingRegressor

        if waits.size > _FITTED_MOST:
            drawn = np.sort(np.random.default_rng(seed).choice(waits.size, _FITTED_MOST, replace=False))
            features, waits = features[drawn], waits[drawn]
        models = [
            HistGradientBoostingRegressor(
                loss="quantile", quantile=quantile, max_iter=80, learning_rate=0.08, max_leaf_nodes=8,
                min_samples_leaf=max(20, waits.size // 200), random_state=seed,
            ).fit(features, waits)
            for quantile in QUANTILES
        ]  # fmt: skip
        return cls(models, horizon)

    def waits(self, features: Floats) -> tuple[Floats, Floats, Floats]:
        """The lower end, the median and the upper end, (n,) days each, in order."""
        if len(features) == 0:
            return np.empty(0), np.empty(0), np.empty(0)
        found = np.sort([np.clip(model.predict(features), 0.0, self.horizon) for model in self._models], axis=0)
        return found[0], found[1], found[2]


def _runs(users: Ints, things: Ints) -> tuple[Ints, Ints]:
    if users.size == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    starts = np.flatnonzero(np.r_[True, (np.diff(users) != 0) | (np.diff(things) != 0)])
    return starts, np.diff(np.r_[starts, users.size])


def _gaps(known: Purchases, starts: Ints, counts: Ints) -> tuple[Floats, Ints]:
    """All gaps, in order of their pairs and times, and the pair of each."""
    owner = np.repeat(np.arange(counts.size), counts)
    within = np.flatnonzero(owner[1:] == owner[:-1])
    return np.diff(known.days)[within].astype(np.float64), owner[1:][within]


def _of_gaps(gaps: Floats, owner: Ints, size: int) -> tuple[Floats, Floats, Floats, Floats]:
    """(pairs,) mean, standard deviation, median and latest gap; 0 where there is none."""
    count = np.maximum(np.bincount(owner, minlength=size), 1)
    mean = np.bincount(owner, weights=gaps, minlength=size) / count
    spread = np.sqrt(np.maximum(0.0, np.bincount(owner, weights=gaps**2, minlength=size) / count - mean**2))
    latest = np.zeros(size)
    latest[owner] = gaps
    return mean, spread, _medians(gaps, owner, size), latest


def _medians(values: Floats, owner: Ints, size: int) -> Floats:
    """The median of each owner's values; that of all where there is none."""
    found = np.full(size, float(np.median(values)) if values.size > 0 else 0.0)
    order = np.lexsort((values, owner))
    owners, first, counts = np.unique(owner[order], return_index=True, return_counts=True)
    low, high = first + (counts - 1) // 2, first + counts // 2
    found[owners] = (values[order][low] + values[order][high]) / 2.0
    return found


def _user_gaps(known: Purchases) -> Floats:
    """(users,) mean days between purchase days of anything; that of all users where there is but one."""
    pairs = np.unique(np.column_stack([known.users, known.days]), axis=0)
    starts, counts = _runs(pairs[:, 0], pairs[:, 0])
    users = pairs[starts, 0]
    span = (pairs[starts + counts - 1, 1] - pairs[starts, 1]).astype(np.float64)
    again = counts > 1
    gap = span / np.maximum(counts - 1, 1)
    found = np.full(int(known.users.max(initial=0)) + 1, float(np.median(gap[again])) if again.any() else 0.0)
    found[users[again]] = gap[again]
    return found
