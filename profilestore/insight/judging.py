"""How well do scores tell what happened from what did not? Figures with intervals, and paired differences of them.

All figures of all models meet the same resamples of the same groups of rows (Efron 1979), so that the difference of
two is paired. A figure that ranks is taken within each fold and averaged over the folds, since the scores of two
models, fitted on two folds, need not be on one scale.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.insight.intervals import Figure, settled
from profilestore.insight.ranking import area_of_counts, precision_of_counts

__all__ = ["Drawn", "Judge", "confusion_of"]

_DRAWS_MOST: Final = 400
_DRAWS_LEAST: Final = 100
_VALUES_DRAWN: Final = 8_000_000
_TINY: Final = 1e-12

Floats = NDArray[np.float64]
# From the weight of what happened and of what did not at each score, (draws, scores) each, to a figure a draw.
_Measure = Callable[[Floats, Floats], Floats]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure, and what it is on each resample."""

    here: float
    drawn: Floats

    def figure(self, *, level: float = 0.95) -> Figure:
        """The figure with the bounds of its percentile interval: `mean`, `low`, `high`."""
        low, high = np.nanquantile(self.drawn, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
        return {"mean": settled(self.here), "low": settled(float(low)), "high": settled(float(high))}

    def less(self, other: Drawn) -> Drawn:
        """The paired difference of two figures of one judge."""
        return Drawn(self.here - other.here, self.drawn - other.drawn)


class Judge:
    """Judges scores of the same rows.

    Args:
        happened: (n,) whether it did.
        groups: (n,) rows of one group are drawn together; None where each row stands alone.
        folds: (n,) the fold whose model scored a row; None where one model scored all.
        seed: of the resamples; equal input gives equal intervals.
    """

    def __init__(
        self,
        happened: NDArray[Any],
        *,
        groups: NDArray[Any] | None = None,
        folds: NDArray[Any] | None = None,
        seed: int = 7,
    ) -> None:
        self.happened = happened.astype(bool)
        count = self.happened.size
        self._folds = np.zeros(count, dtype=np.int64) if folds is None else folds.astype(np.int64)
        draws = int(min(_DRAWS_MOST, max(_DRAWS_LEAST, _VALUES_DRAWN // max(1, count))))
        self._weights = _drawn_weights(count, groups, self._folds, draws, seed)

    def roc_auc(self, scores: Floats) -> Drawn:
        """The chance that one to whom it happened scores above one to whom it did not (ties count half)."""
        return self._within_folds(scores, area_of_counts)

    def pr_auc(self, scores: Floats) -> Drawn:
        """Average precision: the mean of the precision over the recalls; a coin gives the share that happened."""
        return self._within_folds(scores, precision_of_counts)

    def brier(self, chances: Floats) -> Drawn:
        """The mean squared error of probabilities (Brier 1950); less is better."""
        return self._mean((chances - self.happened) ** 2)

    def log_loss(self, chances: Floats) -> Drawn:
        """The mean surprise in nats; less is better."""
        sure = np.clip(np.where(self.happened, chances, 1.0 - chances), 1e-9, 1.0)
        return self._mean(-np.log(sure))

    def precision(self, said: NDArray[np.bool_]) -> Drawn:
        """Of those of whom it was said, to how many it happened; 0 where it was said of none."""
        hits = said & self.happened
        return self._ratio(hits.astype(np.float64), said.astype(np.float64))

    def recall(self, said: NDArray[np.bool_]) -> Drawn:
        """Of those to whom it happened, of how many it was said."""
        hits = said & self.happened
        return self._ratio(hits.astype(np.float64), self.happened.astype(np.float64))

    def f1(self, said: NDArray[np.bool_]) -> Drawn:
        """The harmonic mean of precision and recall."""
        hits = said & self.happened
        return self._ratio(2.0 * hits, said.astype(np.float64) + self.happened)

    def share(self) -> Drawn:
        """To what share it happened."""
        return self._mean(self.happened.astype(np.float64))

    def _within_folds(self, scores: Floats, measure: _Measure) -> Drawn:
        ones = np.ones((1, scores.size), dtype=np.float32)
        here, drawn = [], []
        for fold in np.unique(self._folds).tolist():
            rows = np.flatnonzero(self._folds == fold)
            happened = self.happened[rows]
            if happened.all() or not happened.any():
                continue
            here.append(measure(*_blocks(scores[rows], happened, ones[:, rows]))[0])
            drawn.append(measure(*_blocks(scores[rows], happened, self._weights[:, rows])))
        if len(here) == 0:
            return Drawn(float("nan"), np.full(self._weights.shape[0], np.nan))
        return Drawn(float(np.mean(here)), np.mean(drawn, axis=0))

    def _mean(self, values: Floats) -> Drawn:
        return self._ratio(values, np.ones(values.size))

    def _ratio(self, above: Floats, below: Floats) -> Drawn:
        drawn = (self._weights @ above) / np.maximum(self._weights @ below, _TINY)
        return Drawn(float(above.sum() / max(float(below.sum()), _TINY)), drawn)


def confusion_of(said: NDArray[np.bool_], happened: NDArray[np.bool_]) -> dict[str, int]:
    """The four counts of a confusion matrix."""
    return {
        "true_positive": int((said & happened).sum()),
        "false_positive": int((said & ~happened).sum()),
        "false_negative": int((~said & happened).sum()),
        "true_negative": int((~said & ~happened).sum()),
    }


def _drawn_weights(
    count: int, groups: NDArray[Any] | None, folds: NDArray[np.int64], draws: int, seed: int
) -> NDArray[np.float32]:
    """(draws, rows) how often each row is in each resample; groups are drawn whole, and within their fold."""
    rng = np.random.default_rng(seed)
    weights = np.zeros((draws, count), dtype=np.float32)
    for fold in np.unique(folds).tolist():
        rows = np.flatnonzero(folds == fold)
        if groups is None:
            place, size = np.arange(rows.size), rows.size
        else:
            known, place = np.unique(groups[rows], return_inverse=True)
            size = int(known.size)
        for draw in weights:
            draw[rows] = np.bincount(rng.integers(0, size, size), minlength=size)[place]
    return weights


def _blocks(scores: Floats, happened: NDArray[np.bool_], weights: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """The weight of what happened and of what did not at each different score, from the lowest up."""
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    taken, happens = weights[:, order], happened[order]
    yes = np.add.reduceat(taken * happens, starts, axis=1).astype(np.float64)
    return yes, np.add.reduceat(taken, starts, axis=1).astype(np.float64) - yes
