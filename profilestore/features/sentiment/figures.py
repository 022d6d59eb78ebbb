"""Figures of a two-class prediction with intervals: the bootstrap over groups (Efron 1979), paired for differences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Figure", "Judged", "macro_f1"]

_DRAWS: Final = 1000
_AT_ONCE: Final = 100
_LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """For a record."""
        return {"mean": round(self.value, 4), "low": round(self.low, 4), "high": round(self.high, 4)}


class Judged:
    """Held-out texts with their true kind, shape (n,), and the group each belongs to.

    Reviews of one user are alike, so the bootstrap draws users and not reviews.
    """

    def __init__(self, truth: NDArray[np.bool_], groups: NDArray[np.intp], *, seed: int) -> None:
        self.truth = truth
        _, self._groups = np.unique(groups, return_inverse=True)
        self._seed = seed

    def score(self, said: NDArray[np.bool_]) -> float:
        """The macro-F1 alone."""
        return float(macro_f1(self._totals(said)))

    def macro_f1(self, said: NDArray[np.bool_]) -> Figure:
        """The mean of the F1 of good and of bad reviews."""
        return self._interval(macro_f1(self._totals(said)), self._draws(said))

    def difference(self, said: NDArray[np.bool_], other: NDArray[np.bool_]) -> Figure:
        """How much more macro-F1 `said` has than `other`, in the same draws."""
        value = macro_f1(self._totals(said)) - macro_f1(self._totals(other))
        return self._interval(value, self._draws(said) - self._draws(other))

    def confusion(self, said: NDArray[np.bool_]) -> dict[str, int]:
        """How many of each: good called good, good called bad, bad called good, bad called bad."""
        names = ("good_as_good", "good_as_bad", "bad_as_good", "bad_as_bad")
        return dict(zip(names, self._totals(said).astype(int).tolist(), strict=True))

    def by_kind(self, said: NDArray[np.bool_]) -> dict[str, dict[str, float]]:
        """Precision, recall and F1 of good and of bad reviews."""
        good, lost, taken, bad = self._totals(said)
        return {"good": _three(good, taken, lost), "bad": _three(bad, lost, taken)}

    def _cells(self, said: NDArray[np.bool_]) -> NDArray[np.float64]:
        truth = self.truth
        return np.stack([truth & said, truth & ~said, ~truth & said, ~truth & ~said], axis=1).astype(np.float64)

    def _totals(self, said: NDArray[np.bool_]) -> NDArray[np.float64]:
        totals: NDArray[np.float64] = self._cells(said).sum(axis=0)
        return totals

    def _draws(self, said: NDArray[np.bool_]) -> NDArray[np.float64]:
        groups = int(self._groups.max()) + 1
        by_group = np.zeros((groups, 4))
        np.add.at(by_group, self._groups, self._cells(said))
        rng = np.random.default_rng(self._seed)
        drawn = [
            rng.multinomial(groups, np.full(groups, 1.0 / groups), size=_AT_ONCE) @ by_group
            for _ in range(_DRAWS // _AT_ONCE)
        ]
        return np.asarray(macro_f1(np.concatenate(drawn)))

    def _interval(self, value: Any, draws: NDArray[np.float64]) -> Figure:
        tail = (1.0 - _LEVEL) / 2.0
        low, high = np.quantile(draws, [tail, 1.0 - tail])
        return Figure(float(value), float(low), float(high))


def macro_f1(cells: NDArray[np.float64]) -> Any:
    """From (..., 4) counts as in `Judged.confusion`; F1 of a kind that neither is nor was said is 0."""
    good, lost, taken, bad = np.moveaxis(cells, -1, 0)
    return (_ratio(2 * good, 2 * good + lost + taken) + _ratio(2 * bad, 2 * bad + lost + taken)) / 2


def _three(right: float, wrongly_said: float, missed: float) -> dict[str, float]:
    return {
        "precision": round(float(_ratio(right, right + wrongly_said)), 4),
        "recall": round(float(_ratio(right, right + missed)), 4),
        "f1": round(float(_ratio(2 * right, 2 * right + wrongly_said + missed)), 4),
    }


def _ratio(above: Any, below: Any) -> Any:
    return np.divide(above, np.where(np.asarray(below) > 0, below, 1.0))
