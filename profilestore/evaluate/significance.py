"""Is a difference more than chance? The bootstrap over users (Efron 1979) for intervals, paired for
differences; the paired randomisation test for p-values (Fisher 1935; for rankings Smucker et al. 2007).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bootstrap", "Interval", "randomisation_p"]

_DRAWS: Final = 2000
_AGGREGATE_DRAWS: Final = 200
_FLIPS: Final = 10_000
_FLIPS_AT_ONCE: Final = 500
_ROUNDING: Final = 1e-12

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its percentile interval at `level`."""

    mean: float
    low: float
    high: float
    level: float = 0.95

    def __str__(self) -> str:
        return f"{self.mean:.4f} [{self.low:.4f}, {self.high:.4f}]"

    @property
    def above_zero(self) -> bool:
        """Whether the whole interval is."""
        return self.low > 0.0

    def to_json_dict(self) -> dict[str, float]:
        """The figure and its bounds, rounded where chance has long begun."""
        return {"mean": round(self.mean, 6), "low": round(self.low, 6), "high": round(self.high, 6)}


class Bootstrap:
    """Resamples of the same users, drawn once, so that all figures of all methods meet the same draws.

    Args:
        users: how many there are.
        seed: of the draws. Equal input gives equal intervals.
        draws: how many resamples.
        level: of the intervals.
    """

    def __init__(self, users: int, *, seed: int = 7, draws: int = _DRAWS, level: float = 0.95) -> None:
        self._users = users
        self._level = level
        rng = np.random.default_rng(seed)
        # How often each user is in each resample.
        self._counts = np.zeros((draws, users), dtype=np.float32)
        for row in self._counts if users > 0 else ():
            row += np.bincount(rng.integers(0, users, size=users), minlength=users)

    def mean(self, values: Floats) -> Interval:
        """The mean of a figure by user; users for whom it is NaN say nothing of it."""
        told = ~np.isnan(values)
        if not told.any():
            return Interval(0.0, 0.0, 0.0, self._level)
        known = np.where(told, values, 0.0)
        weight = self._counts @ told.astype(np.float32)
        drawn = (self._counts @ known) / np.maximum(weight, 1.0)
        return self._interval(float(known.sum() / told.sum()), drawn[weight > 0])

    def difference(self, ours: Floats, theirs: Floats) -> Interval:
        """The mean difference of two figures of the same users in the same order, paired."""
        if ours.shape != theirs.shape:
            raise ValueError("a paired difference needs both figures of every user")
        return self.mean(ours - theirs)

    def of_all(self, lists: NDArray[np.int64], figure: Callable[[NDArray[Any]], float]) -> Interval:
        """A figure between 0 and 1 of how often each product is shown, such as coverage, over resamples of the lists.

        A resample has fewer different users than there are, so its figure is off to one side: the interval is
        moved back by that much.

        Args:
            lists: shape (users, k) of columns, -1 for an empty place.
            figure: from counts of the products that are shown at all.
        """
        filled = np.flatnonzero(lists.ravel() >= 0)
        if filled.size == 0:
            return Interval(0.0, 0.0, 0.0, self._level)
        columns, place = np.unique(lists.ravel()[filled], return_inverse=True)
        from scipy.sparse import csr_array

        shown = csr_array(
            (np.ones(filled.size, dtype=np.float32), (filled // lists.shape[1], place)),
            shape=(self._users, columns.size),
        )
        here = figure(np.asarray(shown.sum(axis=0)).ravel())
        drawn = np.array([figure(counts @ shown) for counts in self._counts[:_AGGREGATE_DRAWS]])
        return self._interval(here, np.clip(drawn + (here - drawn.mean()), 0.0, 1.0))

    def _interval(self, mean: float, drawn: NDArray[Any]) -> Interval:
        low, high = np.quantile(drawn, [(1.0 - self._level) / 2.0, (1.0 + self._level) / 2.0])
        return Interval(mean, float(low), float(high), self._level)


def randomisation_p(differences: Floats, *, seed: int = 7, flips: int = _FLIPS) -> Floats:
    """Two-sided p-values of the means of paired differences: how often a mean at least as far from zero comes
    when the sign of each user's difference is a coin's. Never below 1 / (flips + 1).

    Args:
        differences: shape (users, comparisons).
        seed: of the coins.
        flips: how many times all are tossed.

    Returns:
        Shape (comparisons,).
    """
    users = differences.shape[0]
    if users == 0:
        return np.ones(differences.shape[1])
    rng = np.random.default_rng(seed)
    seen = np.abs(differences.sum(axis=0))
    at_least = np.zeros(differences.shape[1])
    for start in range(0, flips, _FLIPS_AT_ONCE):
        signs = rng.integers(0, 2, size=(min(_FLIPS_AT_ONCE, flips - start), users)).astype(np.float64) * 2.0 - 1.0
        at_least += (np.abs(signs @ differences) >= seen - _ROUNDING).sum(axis=0)
    return np.asarray((1.0 + at_least) / (1.0 + flips))
