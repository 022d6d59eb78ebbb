"""Nearest neighbours among those who were not in a campaign: whom to compare with where no lot was drawn. Pure.

Each user of the campaign is compared with the few others who were most like them before it began, with replacement
(the same other may stand beside several), by the Mahalanobis distance. What is left of the difference between them is
taken off by a regression on the others, so that the estimate has no bias of its own where several figures are matched
on (Abadie and Imbens 2011, Bias-Corrected Matching Estimators). The variance is that of Abadie and Imbens (2006,
Large Sample Properties of Matching Estimators, theorem 7): it knows how often each of the others is used. A bootstrap
would not be valid here (Abadie and Imbens 2008, On the Failure of the Bootstrap for Matching Estimators).
`scripts/measure_matching.py` measures how often the intervals hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["CALIPER", "NEIGHBOURS", "ROUNDED", "MatchedDifference", "Matches", "match"]

NEIGHBOURS: Final = 4
# In units of the spread within the groups: further away nobody is like.
CALIPER: Final = 0.5
# Shares of the largest; below it a direction is a constant or a copy of another.
_NO_SPREAD: Final = 1e-8
# Of the largest value: a spread below it is what rounding made of values that are all the same.
ROUNDED: Final = 1e-9
_LEVEL: Final = 0.95

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class MatchedDifference:
    """Users of the campaign less others like them: the mean of each, and the difference with its 95 % interval.

    `value` need not be `treated` less `matched`: what the matches are not quite alike in is taken off.
    """

    treated: float
    matched: float
    value: float
    low: float
    high: float
    standard_error: float


@dataclass(frozen=True, slots=True)
class Matches:
    """Who is compared with whom.

    Attributes:
        treated: (m,) rows of the users of the campaign for whom there is somebody like them.
        neighbours: (m, k) rows of the others, -1 where there are fewer within the caliper.
        alike: (c, k) rows, for each row of `others`, of those of the others who are nearest to them.
        others: (c,) rows of all who were not in the campaign.
        left_out: how many users of the campaign nobody is like.
    """

    treated: Ints
    neighbours: Ints
    others: Ints
    alike: Ints
    left_out: int

    def weights(self, count: int) -> Floats:
        """(count,) how often each row stands beside a user of the campaign; a share where several do."""
        each = self._shares()
        return _sums(self.neighbours[each > 0.0], each[each > 0.0], count)

    def matched_mean(self, values: Floats) -> float:
        """The mean of a figure over the others as they are used."""
        return float(np.average(values, weights=self.weights(values.size)))

    def _shares(self) -> Floats:
        there = self.neighbours >= 0
        return np.asarray(there / there.sum(axis=1, keepdims=True), dtype=np.float64)

    def difference(self, outcome: Floats, explained_by: Floats) -> MatchedDifference | None:
        """The mean effect on the users of the campaign that are compared; None where all who are did the same.

        Args:
            outcome: (n,) of every row.
            explained_by: (n, p) figures from before the campaign, for the regression that takes off what the matches
                are not alike in.
        """
        from scipy.stats import t

        used = self.weights(outcome.size)
        rest = outcome - _predicted(outcome, explained_by, used)
        shares = self._shares()
        opposite = (rest[self.neighbours] * shares).sum(axis=1)
        effects = rest[self.treated] - opposite
        value = float(effects.mean())
        # Of the others, as those of them who are most alike differ among each other.
        spread = np.zeros(outcome.size)
        k = self.alike.shape[1]
        if k > 0:
            spread[self.others] = k / (k + 1) * (rest[self.others] - rest[self.alike].mean(axis=1)) ** 2
        squares = _sums(self.neighbours[shares > 0.0], shares[shares > 0.0] ** 2, outcome.size)
        m = self.treated.size
        variance = (((effects - value) ** 2).sum() + ((used**2 - squares) * spread).sum()) / m**2
        error = float(np.sqrt(variance))
        compared = np.concatenate([outcome[self.treated], outcome[used > 0.0]])
        if error <= ROUNDED * float(np.abs(compared).max()):
            return None  # an interval of no width would be sure of what nobody can be
        reach = float(t.ppf((1 + _LEVEL) / 2, max(m - 1, 1))) * error
        return MatchedDifference(
            treated=float(outcome[self.treated].mean()),
            matched=self.matched_mean(outcome),
            value=value,
            low=value - reach,
            high=value + reach,
            standard_error=error,
        )


def match(figures: Floats, treated: Bools, *, neighbours: int = NEIGHBOURS, caliper: float = CALIPER) -> Matches:
    """Find for each treated row the rows most like it.

    Args:
        figures: (n, p) what was known of each before; skewed ones on a scale on which they are not.
        treated: (n,) who was in the campaign; there are at least two of either.
        neighbours: at most so many of the others stand beside one.
        caliper: further away than this in the Mahalanobis distance they are not alike.
    """
    from sklearn.neighbors import NearestNeighbors

    plain = _whitened(figures, treated)
    inside, others = np.flatnonzero(treated), np.flatnonzero(~treated)
    tree = NearestNeighbors(n_neighbors=min(neighbours, others.size)).fit(plain[others])
    distances, places = tree.kneighbors(plain[inside])
    near = distances <= caliper
    kept = near.any(axis=1)
    # Oneself comes first, or somebody at the same place.
    k = min(neighbours, others.size - 1)
    alike = tree.kneighbors(n_neighbors=k, return_distance=False) if k > 0 else np.empty((others.size, 0), np.int64)
    return Matches(
        treated=inside[kept],
        neighbours=np.where(near, others[places], -1)[kept],
        others=others,
        alike=others[alike] if k > 0 else alike,
        left_out=int((~kept).sum()),
    )


def _sums(rows: Ints, values: Floats, count: int) -> Floats:
    return np.bincount(rows, weights=values, minlength=count).astype(np.float64)


def _whitened(figures: Floats, treated: Bools) -> Floats:
    """Coordinates in which the Euclidean distance is the Mahalanobis distance, by the spread within the two groups."""
    centred = figures - np.where(treated[:, None], figures[treated].mean(axis=0), figures[~treated].mean(axis=0))
    scale = centred.std(axis=0)
    there = scale > ROUNDED * np.abs(figures).max(axis=0)
    if not there.any():
        return np.zeros((figures.shape[0], 1))
    held = centred[:, there] / scale[there]
    sizes, axes = np.linalg.eigh(held.T @ held / held.shape[0])
    wide = sizes > _NO_SPREAD * sizes[-1]
    turned: Any = (figures[:, there] / scale[there]) @ axes[:, wide] / np.sqrt(sizes[wide])
    return np.asarray(turned, dtype=np.float64)


def _predicted(outcome: Floats, explained_by: Floats, used: Floats) -> Floats:
    """What a line through the others, each as often as it is used, says of every row."""
    rows = np.flatnonzero(used > 0.0)
    middle, scale = explained_by[rows].mean(axis=0), explained_by[rows].std(axis=0)
    there = scale > ROUNDED * np.abs(explained_by[rows]).max(axis=0)
    if rows.size <= 2 * (int(there.sum()) + 1):
        return np.full(outcome.size, float(np.average(outcome[rows], weights=used[rows])))
    design = np.column_stack([np.ones(outcome.size), (explained_by[:, there] - middle[there]) / scale[there]])
    root = np.sqrt(used[rows])
    found, *_ = np.linalg.lstsq(design[rows] * root[:, None], outcome[rows] * root, rcond=1e-10)
    return np.asarray(design @ found, dtype=np.float64)
