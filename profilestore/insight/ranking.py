"""How well scores tell two kinds of users apart, with bootstrap intervals: AUC, PR-AUC, Brier score, differences.

A resample of users (Efron 1979) is a count for each of them, so that one sorting does for all resamples. With counts
of one, AUC and PR-AUC are those of `sklearn.metrics.roc_auc_score` and `average_precision_score`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.insight.intervals import mean_interval, settled

__all__ = [
    "Resamples",
    "area_of_counts",
    "calibration_table",
    "expected_calibration_error",
    "figure_of",
    "precision_of_counts",
]

_DRAWS_MOST: Final = 1000
_DRAWS_LEAST: Final = 200
_VALUES_DRAWN: Final = 10_000_000
_BATCH_VALUES: Final = 2_000_000
_BOUNDS: Final = (2.5, 97.5)
_TENTHS: Final = 10

Floats = NDArray[np.float64]
Figure = dict[str, float]


class Resamples:
    """Resamples of users whose outcome is known; all figures are taken over the same ones, so differences are paired.

    Args:
        outcome: (n,) 1 where it happened, else 0; both must occur.
        seed: of the resamples.
    """

    def __init__(self, outcome: Floats, *, seed: int) -> None:
        self._outcome, self._seed = outcome.astype(np.float64), seed
        self._draws = min(_DRAWS_MOST, max(_DRAWS_LEAST, _VALUES_DRAWN // max(1, outcome.size)))

    def auc(self, scores: Floats) -> Floats:
        """The area under the ROC curve: as it is, then of each resample; equal scores count half."""
        return self._each(scores, area_of_counts)

    def pr_auc(self, scores: Floats) -> Floats:
        """Average precision: as it is, then of each resample."""
        return self._each(scores, precision_of_counts)

    def brier(self, probabilities: Floats) -> Floats:
        """The mean squared error of a probability: as it is, then of each resample."""
        errors = (probabilities - self._outcome) ** 2
        return np.concatenate([counts @ errors / counts.sum(axis=1) for counts in self._counts()])

    def _each(self, scores: Floats, figure: Any) -> Floats:
        order = np.argsort(scores, kind="stable")
        ranked, happened = scores[order], self._outcome[order]
        starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
        found: list[Floats] = []
        for counts in self._counts():
            sorted_counts = counts[:, order]
            yes = np.add.reduceat(sorted_counts * happened, starts, axis=1)
            no = np.add.reduceat(sorted_counts * (1.0 - happened), starts, axis=1)
            found.append(figure(yes, no))
        return np.concatenate(found)

    def _counts(self) -> Iterator[Floats]:
        """How often each user is drawn; first everyone once. (draws, n), a few at a time."""
        count, rng = self._outcome.size, np.random.default_rng(self._seed)
        yield np.ones((1, count))
        at_once = max(1, _BATCH_VALUES // max(1, count))
        for start in range(0, self._draws, at_once):
            drawn = rng.integers(0, count, (min(at_once, self._draws - start), count))
            yield np.stack([np.bincount(row, minlength=count) for row in drawn]).astype(np.float64)


def figure_of(draws: Floats) -> Figure:
    """A figure and the bounds of its 95 % interval, from what `Resamples` gives, or a difference of two such."""
    kept = draws[1:][np.isfinite(draws[1:])]
    low, high = np.percentile(kept, _BOUNDS) if kept.size > 0 else (draws[0], draws[0])
    return {"mean": settled(float(draws[0])), "low": settled(float(low)), "high": settled(float(high))}


def area_of_counts(yes: Floats, no: Floats) -> Floats:
    """The area under the ROC curve of each row of counts at each different score, from the lowest up."""
    below = np.cumsum(no, axis=1) - no
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = (yes * (below + no / 2.0)).sum(axis=1) / (yes.sum(axis=1) * no.sum(axis=1))
    return found


def precision_of_counts(yes: Floats, no: Floats) -> Floats:
    """Average precision of each row of such counts."""
    above = np.cumsum(yes[:, ::-1], axis=1)
    seen = above + np.cumsum(no[:, ::-1], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(seen > 0.0, above / seen, 0.0)
        found: Floats = (yes[:, ::-1] * precision).sum(axis=1) / yes.sum(axis=1)
    return found


def calibration_table(
    outcome: Floats, probabilities: Floats, *, names: Mapping[str, str], seed: int
) -> list[dict[str, Any]]:
    """By tenths of the users by probability: what was predicted on average, and how many it happened to, with the
    interval of that share.

    Args:
        outcome: (n,) 1 or 0.
        probabilities: (n,).
        names: what the columns `predicted` and `happened` are called.
        seed: of the intervals.
    """
    order = np.lexsort((np.arange(outcome.size), probabilities))
    rows: list[dict[str, Any]] = []
    for number, part in enumerate(np.array_split(order, min(_TENTHS, outcome.size)), start=1):
        share = mean_interval(outcome[part].astype(np.float64), seed=seed)
        rows.append(
            {
                "tenth": number,
                "users": int(part.size),
                names["predicted"]: settled(float(probabilities[part].mean())),
                names["happened"]: share["mean"],
                "low": share["low"],
                "high": share["high"],
            }
        )
    return rows


def expected_calibration_error(table: list[dict[str, Any]], *, names: Mapping[str, str]) -> float:
    """The mean distance of the two columns of a calibration table, weighed by users (Naeini et al. 2015)."""
    users = np.array([row["users"] for row in table], dtype=np.float64)
    apart = np.array([abs(row[names["predicted"]] - row[names["happened"]]) for row in table])
    return settled(float((users * apart).sum() / users.sum()))
