"""Do segments say anything of what comes? Made before a time, they are asked how their users differ after it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import TooLittleData
from profilestore.insight.history import History
from profilestore.insight.profiles import iso_time
from profilestore.insight.segments.clustering import Method, fit_clusters
from profilestore.insight.segments.features import UserFeatures, columns_of, user_features

__all__ = ["Foresight", "look_ahead"]

Floats = NDArray[np.float64]

_SPLIT: Final = 0.8
_LEAST_LATER_ACTS: Final = 2
_LEAST_USERS: Final = 30
_BOOTSTRAPS: Final = 1000
# How long ago, how often and how many different products depend on how long one looks.
_OF_THE_WINDOW: Final = frozenset(("days since last act", "orders", "new products"))
# The best of three sets of features is taken, so each interval is one of 1 - 5 % / 3.
_LEVEL: Final = (100 * 0.05 / 6, 100 - 100 * 0.05 / 6)


@dataclass(frozen=True)
class Foresight:
    """Users who acted before and after a time: their features of before, how they differed after.

    Attributes:
        early: of all users, from what was known before the split; `rows` (n,) of them acted after it too.
        later: (n, f) features after the split, centred; interests and habits together have variance 1 each.
        spend: (users,) before the split, of the users of `early`.
        split: the time.
    """

    early: UserFeatures
    rows: NDArray[np.int64]
    later: Floats
    spend: Floats
    split: str

    def explained(self, taken: str, *, method: Method, count: int, seed: int) -> dict[str, Any] | None:
        """The share of the later variance that is between segments made before, of those features and that number.

        Adjusted for the number of groups (epsilon squared, Kelley 1935), so that groups drawn by lot explain 0.
        Beside it stand thirds of spend, the grouping that every shop has. None where no such segments are found.
        """
        points = self.early.scaled[:, columns_of(self.early, taken)]
        clusters = fit_clusters(points, method, count, seed=seed) if points.shape[1] > 0 else None
        if clusters is None:
            return None
        thirds = np.searchsorted(np.quantile(self.spend, [1 / 3, 2 / 3]), self.spend)
        return {
            "explained": self._between(clusters.assign(points)[self.rows], seed),
            "by_thirds_of_spend": self._between(thirds[self.rows], seed),
            "users": int(self.rows.size),
            "split": self.split,
        }

    def _between(self, labels: NDArray[Any], seed: int) -> dict[str, float]:
        rng = np.random.default_rng(seed)
        users = self.rows.size
        draws = [_epsilon_squared(self.later[draw], labels[draw])
                 for draw in (rng.integers(0, users, users) for _ in range(_BOOTSTRAPS))]  # fmt: skip
        # A user drawn twice makes groups look alike within: the percentiles are moved to the value itself.
        value = _epsilon_squared(self.later, labels)
        low, high = np.percentile(draws, _LEVEL) - float(np.mean(draws)) + value
        return {"mean": value, "low": float(low), "high": float(high)}


def look_ahead(
    history: History, *, groups_of: Mapping[str, Sequence[str]], time_zone: str, kept_out: Collection[str] = ()
) -> Foresight | None:
    """Split a history at four fifths of its time; None where fewer than 30 users acted enough on either side."""
    window = history.window
    if window is None:
        return None
    first, last = (moment.timestamp() for moment in window)
    split = first + _SPLIT * (last - first)
    known = history.before(split)
    after = history.picked(history.times >= split)
    try:
        early = user_features(known, groups_of=groups_of, time_zone=time_zone, kept_out=kept_out)
        late = user_features(
            after, groups_of=groups_of, time_zone=time_zone, least_acts=_LEAST_LATER_ACTS, kept_out=kept_out
        )
    except TooLittleData:
        return None
    in_both, rows, later_rows = np.intersect1d(early.users, late.users, return_indices=True)
    if in_both.size < _LEAST_USERS:
        return None
    kept = [column for column, name in enumerate(late.names) if name not in _OF_THE_WINDOW]
    later = late.scaled[later_rows][:, kept]
    spent = np.bincount(known.orders.users, weights=known.orders.amounts, minlength=len(known.user_ids))
    spend = np.asarray(spent[early.users], dtype=np.float64)
    return Foresight(early, rows, later - later.mean(axis=0), spend, iso_time(datetime.fromtimestamp(split, UTC)))


def _epsilon_squared(values: Floats, labels: NDArray[Any]) -> float:
    _, groups = np.unique(labels, return_inverse=True)
    sizes = np.bincount(groups)
    sums = np.zeros((sizes.size, values.shape[1]))
    np.add.at(sums, groups, values)
    total = float(((values - values.mean(axis=0)) ** 2).sum())
    within = float((values**2).sum()) - float((sums**2 / sizes[:, None]).sum())
    free = values.shape[0] - sizes.size
    if total <= 0.0 or free <= 0:
        return 0.0
    return float(1.0 - (within / free) / (total / (values.shape[0] - 1)))
