"""One fit of the classifier: tf-idf of what the training texts have, a linear model, its calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from profilestore.features.sentiment.drills import drill_counts
from profilestore.features.sentiment.features import BLOCKS, HASHED, Counts
from profilestore.features.sentiment.model import BlockWeights, SentimentModel, weigh_rows

__all__ = ["CANDIDATES", "LEAST_OF_A_LANGUAGE", "Candidate", "fit_model"]

_LEAST_TEXTS: Final = 2  # that have a feature, or it is one customer's own way to write
_CALIBRATION_FOLDS: Final = 3
_ROUNDS: Final = 5000
_DRILLED: Final = 0.05
_DRILLED_MOST: Final = 1000.0
# A language of which there are so few texts is the lexicon's.
LEAST_OF_A_LANGUAGE: Final = 20
_FREE: Final = 1e6  # a penalty of next to nothing


@dataclass(frozen=True, slots=True)
class Candidate:
    """A linear model to try: logistic regression or a linear SVM, with the inverse strength of its penalty."""

    learner: Literal["logistic", "svm"]
    inverse_penalty: float

    def to_dict(self) -> dict[str, Any]:
        """For a record."""
        return {"learner": self.learner, "inverse_penalty": self.inverse_penalty}


CANDIDATES: Final = (Candidate("logistic", 5.0), Candidate("svm", 0.1), Candidate("svm", 0.5))


def fit_model(
    counts: Counts,
    good: NDArray[np.bool_],
    groups: NDArray[np.intp],
    candidate: Candidate,
    *,
    seed: int,
    languages: Mapping[str, int],
    figures: Mapping[str, Any],
    calibrated: bool = True,
) -> SentimentModel:
    """Fit one candidate on all texts given; equal input gives an equal model.

    Both kinds weigh alike, however rare one is, so that a text that says nothing is in the middle and
    not where most reviews are. The probability is calibrated (Platt 1999) on folds that no group straddles.

    Args:
        counts: of n texts.
        good: their kinds, shape (n,).
        groups: who wrote each, shape (n,).
        candidate: the learner.
        seed: of the folds and of the learner.
        languages: how many of the texts are of each language; the drills of these are learned too.
        figures: kept in the model.
        calibrated: without, probabilities are only on the right side of a half.
    """
    idfs = {name: _idf(counts.blocks[name]) for name in BLOCKS}
    kept = {name: np.flatnonzero(idfs[name]).astype(np.int32) for name in BLOCKS}
    weigh = partial(_matrix, idfs=idfs, kept=kept)
    drills = [drill_counts(language) for language, texts in sorted(languages.items()) if texts >= LEAST_OF_A_LANGUAGE]
    rows = _Rows(weigh(counts), good, [weigh(drill) for drill, _ in drills], [kinds for _, kinds in drills])
    slope, offset = _calibrate(rows, groups, candidate, seed) if calibrated else (1.0, 0.0)
    fitted = rows.fit(np.arange(good.size), candidate, seed)
    coefficients = np.asarray(fitted.coef_, dtype=np.float32).ravel()
    stops = np.cumsum([kept[name].size for name in BLOCKS])
    by_block = dict(zip(BLOCKS, np.split(coefficients[: stops[-1]], stops[:-1]), strict=True))
    return SentimentModel(
        {name: BlockWeights(kept[name], idfs[name][kept[name]], by_block[name]) for name in BLOCKS},
        lexicon=coefficients[stops[-1] :],
        bias=float(np.ravel(fitted.intercept_)[0]),
        slope=slope,
        offset=offset,
        languages=languages,
        figures=figures,
    )


class _Rows:
    """The weighed texts with the drills below them, which every fit learns too."""

    def __init__(
        self, texts: Any, good: NDArray[np.bool_], drills: Sequence[Any], kinds: Sequence[Sequence[bool]]
    ) -> None:
        import scipy.sparse as sp

        self.texts, self.good = texts, good
        self._drills = sp.vstack(drills, format="csr") if len(drills) > 0 else texts[:0]
        self._kinds = np.asarray([kind for part in kinds for kind in part], dtype=np.bool_)

    def fit(self, chosen: NDArray[np.intp], candidate: Candidate, seed: int) -> Any:
        import scipy.sparse as sp

        good = self.good[chosen]
        weights = [balanced_weights(good, total=float(chosen.size))]
        weights.append(balanced_weights(self._kinds, total=min(_DRILLED_MOST, _DRILLED * chosen.size)))
        matrix = sp.vstack([self.texts[chosen], self._drills], format="csr")
        estimator = _estimator(candidate, seed)
        return estimator.fit(matrix, np.concatenate([good, self._kinds]), sample_weight=np.concatenate(weights))


def balanced_weights(good: NDArray[np.bool_], *, total: float) -> NDArray[np.float64]:
    """Weights by row that sum to `total`, half of it for either kind, shape (n,)."""
    each = np.where(good, max(1, int(good.sum())), max(1, int((~good).sum())))
    return np.asarray(total / 2.0 / each)


def _calibrate(rows: _Rows, groups: NDArray[np.intp], candidate: Candidate, seed: int) -> tuple[float, float]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold

    folds = StratifiedGroupKFold(_CALIBRATION_FOLDS, shuffle=True, random_state=seed)
    decisions = np.full(rows.good.size, np.nan)
    for train, test in folds.split(rows.good, rows.good, groups):
        if _both_kinds(rows.good, train) and test.size > 0:
            decisions[test] = rows.fit(train, candidate, seed).decision_function(rows.texts[test])
    known = ~np.isnan(decisions)
    good = rows.good[known]
    fitted = LogisticRegression(C=_FREE).fit(
        decisions[known].reshape(-1, 1), good, sample_weight=balanced_weights(good, total=float(good.size))
    )
    # A slope below zero would say that the learner is worse than chance; then it says nothing.
    return max(0.0, float(fitted.coef_[0, 0])), float(fitted.intercept_[0])


def _matrix(counts: Counts, *, idfs: Mapping[str, NDArray[np.float32]], kept: Mapping[str, NDArray[np.int32]]) -> Any:
    import scipy.sparse as sp

    parts = [weigh_rows(counts.blocks[name], idfs[name])[:, kept[name]] for name in BLOCKS]
    return sp.hstack([*parts, sp.csr_matrix(counts.lexicon)], format="csr", dtype=np.float32)


def _both_kinds(good: NDArray[np.bool_], rows: NDArray[np.intp]) -> bool:
    return 0 < int(good[rows].sum()) < rows.size


def _idf(block: Any) -> NDArray[np.float32]:
    """idf by hashed column, shape (HASHED,): as scikit-learn's smooth one; 0 where too few texts have it."""
    texts = np.bincount(block.indices, minlength=HASHED)
    idf = np.log((1.0 + block.shape[0]) / (1.0 + texts)) + 1.0
    return np.where(texts >= _LEAST_TEXTS, idf, 0.0).astype(np.float32)


def _estimator(candidate: Candidate, seed: int) -> Any:
    if candidate.learner == "svm":
        from sklearn.svm import LinearSVC

        return LinearSVC(C=candidate.inverse_penalty, random_state=seed, max_iter=_ROUNDS)
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=candidate.inverse_penalty, solver="liblinear", random_state=seed, max_iter=_ROUNDS)
