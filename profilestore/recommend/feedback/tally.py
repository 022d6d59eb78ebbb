"""Sums over users by method and position, from which the report, the bandit and `apply` take all they need.

The size depends on the methods and positions that there are, never on how many users or impressions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from profilestore.recommend.feedback.attribution import UserFigures
from profilestore.recommend.feedback.positions import fit_propensities

__all__ = [
    "BOUGHT_CLICKED",
    "CLICKS",
    "CONVERSIONS",
    "SHOWN",
    "Array",
    "Rates",
    "Tally",
    "bucket_of",
    "rates_of",
    "resample",
]

Array = NDArray[np.float64]

SHOWN, CLICKS, CONVERSIONS, BOUGHT_CLICKED = range(4)
# The bootstrap draws groups of users, into which a hash puts them: with this many, the spread between groups is
# that between users, and memory stays small.
GROUPS: Final = 500
# Positions from here on are one, and methods beyond these are `other`: an app may log anything.
LAST_POSITION: Final = 100
MOST_METHODS: Final = 50
OTHER: Final = "other"


def bucket_of(text: str, buckets: int) -> int:
    """A stable number below `buckets` for a text, equal on every machine."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % buckets


@dataclass(frozen=True, slots=True)
class Rates:
    """Of each method, plain and corrected for position; leading axes are resamples.

    `corrected` is the rate that the method would have at the average position of all that was shown.
    """

    plain: Array
    corrected: Array


class Tally:
    """What was shown and what came of it, by group of users, method and position."""

    def __init__(self) -> None:
        self._cells: dict[tuple[str, int | None], Array] = {}
        self.users: dict[str, int] = {}
        self.users_total = 0

    def add(self, user_id: str, figures: UserFigures) -> None:
        """Count one user; each once."""
        group = bucket_of(user_id, GROUPS)
        self.users_total += 1
        methods: set[str] = set()
        for (named, position), own in figures.items():
            method = self._method(named)
            methods.add(method)
            key = (method, None if position is None else min(position, LAST_POSITION))
            cell = self._cells.setdefault(key, np.zeros((GROUPS, 4)))
            cell[group] += (own.impressions, own.clicks, own.conversions, own.bought_clicked)
        for method in methods:
            self.users[method] += 1

    def _method(self, named: str) -> str:
        method = named if named in self.users or len(self.users) < MOST_METHODS else OTHER
        self.users.setdefault(method, 0)
        return method

    @classmethod
    def of(cls, users: Iterable[tuple[str, UserFigures]]) -> Tally:
        """Of all these users."""
        tally = cls()
        for user_id, figures in users:
            tally.add(user_id, figures)
        return tally

    @property
    def methods(self) -> list[str]:
        """In order of their names."""
        return sorted(self.users)

    @property
    def positions(self) -> list[int | None]:
        """In order, without a position last."""
        found = {position for _, position in self._cells}
        return [*sorted(p for p in found if p is not None), *([None] if None in found else [])]

    def counts(self) -> Array:
        """By group of users, method, position and kind; groups without a user are left out."""
        methods, positions = self.methods, self.positions
        cells = np.zeros((GROUPS, len(methods), len(positions), 4))
        for (method, position), cell in self._cells.items():
            cells[:, methods.index(method), positions.index(position)] = cell
        kept: Array = cells[cells[..., SHOWN].sum(axis=(1, 2)) > 0]
        return kept

    def exposure(self) -> Mapping[str, tuple[float, float]]:
        """By method: clicks, and impressions weighted by how much their positions are looked at."""
        if self.users_total == 0:
            return {}
        totals = self.counts().sum(axis=0)
        theta = fit_propensities(totals[..., SHOWN], totals[..., CLICKS])
        weighted = (totals[..., SHOWN] * theta).sum(axis=-1)
        return {m: (float(totals[i, :, CLICKS].sum()), float(weighted[i])) for i, m in enumerate(self.methods)}


def resample(counts: Array, *, draws: int, seed: int) -> Array:
    """The totals of `draws` resamples of the groups of users: shape (draws, methods, positions, kinds)."""
    groups = counts.shape[0]
    rng = np.random.default_rng(seed)
    times = rng.multinomial(groups, np.full(groups, 1.0 / groups), size=draws).astype(np.float64)
    return np.asarray(np.tensordot(times, counts, axes=1), dtype=np.float64)


def rates_of(totals: Array, kind: int) -> Rates:
    """The rate of clicks or conversions of each method, for totals of shape (..., methods, positions, kinds).

    Positions are corrected by the clicks in both: what was not looked at was not bought for it either.
    """
    shown, happened = totals[..., SHOWN], totals[..., kind]
    theta = fit_propensities(shown, totals[..., CLICKS])
    return Rates(
        plain=_over(happened.sum(axis=-1), shown.sum(axis=-1)),
        corrected=_over(happened.sum(axis=-1), (shown * theta[..., None, :]).sum(axis=-1)),
    )


def _over(above: Array, below: Array) -> Array:
    result: Array = np.zeros(above.shape)
    np.divide(above, below, out=result, where=below > 0)
    return result
