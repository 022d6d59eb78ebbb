"""Do segments say anything of what comes? Made before a time, they are asked what their users do after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import TooLittleData
from profilestore.insight.clustering import Method, fit_clusters
from profilestore.insight.history import History
from profilestore.insight.profiles import iso_time
from profilestore.insight.segment_features import UserFeatures, user_features

if TYPE_CHECKING:
    from profilestore.insight.segments import Segmentation

__all__ = ["foretold"]

Floats = NDArray[np.float64]

_SPLIT: Final = 0.8
_LEAST_LATER_ACTS: Final = 2
_LEAST_USERS: Final = 30
_BOOTSTRAPS: Final = 1000
# How long ago and how often depends on how long one looks.
_OF_THE_WINDOW: Final = frozenset(("days since last act", "orders"))


def foretold(
    history: History,
    made: Segmentation,
    *,
    groups_of: Mapping[str, Sequence[str]],
    time_zone: str,
    method: Method,
    seed: int,
) -> dict[str, Any] | None:
    """The share of the later squared differences from the shop's mean that the segments' means explain.

    Segments are made anew of what was known before the last fifth of the time, of as many clusters and the same
    kind of features; each user's later features are foretold by the earlier mean of their segment. Beside it
    stands the same by thirds of spend, the grouping that every shop has.

    Returns:
        `explained` (mean and 95 % interval over users), `by_thirds_of_spend`, `users`, `split`; None where
        fewer than 30 users acted enough before and after.
    """
    window = history.window
    if window is None:
        return None
    first, last = (moment.timestamp() for moment in window)
    split = first + _SPLIT * (last - first)
    known = history.before(split)
    try:
        early = user_features(known, groups_of=groups_of, time_zone=time_zone)
        late = user_features(
            history.picked(history.times >= split),
            groups_of=groups_of, time_zone=time_zone, least_acts=_LEAST_LATER_ACTS,
        )  # fmt: skip
    except TooLittleData:
        return None
    wanted = {name for name in made.features.names[made.columns] if name not in _OF_THE_WINDOW}
    names = [name for name in early.names if name in wanted and name in late.names]
    in_both, rows, later_rows = np.intersect1d(early.users, late.users, return_indices=True)
    clusters = fit_clusters(early.scaled[:, _columns(early, made.taken)], method, made.clusters.count, seed=seed)
    if clusters is None or in_both.size < _LEAST_USERS or len(names) == 0:
        return None
    labels = clusters.assign(early.scaled[:, _columns(early, made.taken)])
    before, after = _named(early, names), _named(late, names)[later_rows]
    spend = np.bincount(known.orders.users, weights=known.orders.amounts, minlength=len(known.user_ids))[early.users]
    thirds = np.searchsorted(np.quantile(spend, [1 / 3, 2 / 3]), spend)
    scale = np.maximum(after.std(axis=0), 1e-9)
    misses = [
        (((after - means[rows]) / scale) ** 2).sum(axis=1)
        for means in (_means(before, np.zeros_like(labels)), _means(before, labels), _means(before, thirds))
    ]
    return {
        "explained": _explained(misses[0], misses[1], seed),
        "by_thirds_of_spend": _explained(misses[0], misses[2], seed),
        "users": int(in_both.size),
        "split": iso_time(datetime.fromtimestamp(split, UTC)),
    }


def _columns(features: UserFeatures, taken: str) -> slice:
    every = features.scaled.shape[1]
    return {"interests": slice(0, features.interests), "habits": slice(features.interests, every)}.get(
        taken, slice(0, every)
    )


def _named(features: UserFeatures, names: Sequence[str]) -> Floats:
    return features.raw[:, [features.names.index(name) for name in names]]


def _means(values: Floats, labels: NDArray[Any]) -> Floats:
    """Each row replaced by the mean of its group; who is in none (-1) has the mean of those."""
    found = np.empty_like(values)
    for label in np.unique(labels):
        found[labels == label] = values[labels == label].mean(axis=0)
    return found


def _explained(without: Floats, within: Floats, seed: int) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    draws = (rng.integers(0, without.size, without.size) for _ in range(_BOOTSTRAPS))
    shares = [1.0 - float(within[draw].sum() / without[draw].sum()) for draw in draws]
    low, high = np.percentile(shares, (2.5, 97.5))
    return {"mean": 1.0 - float(within.sum() / without.sum()), "low": float(low), "high": float(high)}
