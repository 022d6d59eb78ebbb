"""Nested cross-validation: settings are chosen within the rows a fold is trained on, never on those it is judged by.

Splits keep the share of the label and never tear a group apart (scikit-learn's `StratifiedGroupKFold`). The grid
search runs on a seeded sample of the training rows where they are many; the model itself is fitted on all of them,
but for those candidates that state another sample.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import TooLittleData
from profilestore.insight.labelled.candidates import Candidate, grid_of, scores_of
from profilestore.insight.labelled.table import LabelledTable

__all__ = ["Crossed", "Tuned", "cross_validate", "fit_tuned", "folds_of", "settling_or_not", "tune"]

TUNED_ROWS: Final = 4_000
INNER_FOLDS: Final = 3

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Tuned:
    """What a grid search found.

    Attributes:
        settings: the best ones, by ROC-AUC in the inner folds.
        roc_auc: theirs, the mean over the inner folds.
        threshold: the score from which "yes" is said: the one of the best F1 in the inner folds.
    """

    settings: dict[str, Any]
    roc_auc: float
    threshold: float


@dataclass(frozen=True)
class Crossed:
    """A candidate through all folds.

    Attributes:
        candidate: it.
        scores: (n,) of each row by the model that did not see it.
        said: (n,) whether "yes" was said, at a threshold chosen on the training rows.
        tuned: what the grid search chose in each fold.
        rows_fitted: how many rows the smallest fit had.
    """

    candidate: Candidate
    scores: Floats
    said: NDArray[np.bool_]
    tuned: tuple[Tuned, ...]
    rows_fitted: int


def folds_of(table: LabelledTable, count: int, *, seed: int) -> NDArray[np.int64]:
    """(n,) the fold in which each row is held out.

    Raises:
        TooLittleData: the groups do not allow so many folds with either kind of row in each.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    folds = np.zeros(len(table), dtype=np.int64)
    if np.unique(table.groups).size >= count:
        split = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
        for fold, (_, held) in enumerate(split.split(table.values, table.label, table.groups)):
            folds[held] = fold
    kinds = [np.unique(table.label[folds == fold]).size for fold in range(count)]
    if min(kinds) < 2:
        raise TooLittleData(
            f"{count} folds need rows of either kind in each, and no group in two: there are too few groups "
            f"({np.unique(table.groups).size}) or one holds most rows."
        )
    return folds


def tune(candidate: Candidate, table: LabelledTable, *, seed: int) -> Tuned:
    """Search the candidate's grid by cross-validation."""
    sample = table.sampled(min(TUNED_ROWS, candidate.rows_most or TUNED_ROWS), seed=seed)
    folds = folds_of(sample, INNER_FOLDS, seed=seed)
    best: tuple[float, dict[str, Any], Floats] | None = None
    for settings in grid_of(candidate, sample):
        scores = np.zeros(len(sample))
        areas = []
        for fold in range(INNER_FOLDS):
            held = np.flatnonzero(folds == fold)
            model = _fitted(candidate, settings, sample.part(np.flatnonzero(folds != fold)), seed)
            scores[held] = scores_of(model, sample.values[held])
            areas.append(_area(sample.label[held], scores[held]))
        # The first of equals: the grid's order is fixed.
        if best is None or float(np.mean(areas)) > best[0] + 1e-9:
            best = float(np.mean(areas)), settings, scores
    assert best is not None  # every grid has a point
    return Tuned(best[1], best[0], best_threshold(sample.label, best[2]))


def fit_tuned(candidate: Candidate, tuned: Tuned, table: LabelledTable, *, seed: int) -> Any:
    """The candidate under the chosen settings, fitted to the table (or to the sample that it states)."""
    return _fitted(candidate, tuned.settings, _sample(candidate, table, seed), seed)


def cross_validate(candidate: Candidate, table: LabelledTable, folds: NDArray[np.int64], *, seed: int) -> Crossed:
    """Score each row by a model that was tuned and fitted without its fold."""
    scores, said = np.zeros(len(table)), np.zeros(len(table), dtype=bool)
    found: list[Tuned] = []
    fitted = len(table)
    for fold in np.unique(folds).tolist():
        held, trained = np.flatnonzero(folds == fold), table.part(np.flatnonzero(folds != fold))
        tuned = tune(candidate, trained, seed=seed)
        model = fit_tuned(candidate, tuned, trained, seed=seed)
        scores[held] = scores_of(model, table.values[held])
        said[held] = scores[held] >= tuned.threshold
        found.append(tuned)
        fitted = min(fitted, len(_sample(candidate, trained, seed)))
    return Crossed(candidate, scores, said, tuple(found), fitted)


def best_threshold(happened: NDArray[np.bool_], scores: Floats) -> float:
    """The score from which saying "yes" has the best F1."""
    from sklearn.metrics import precision_recall_curve

    precision, recall, thresholds = precision_recall_curve(happened, scores)
    f1 = 2.0 * precision * recall / np.maximum(precision + recall, 1e-12)
    return float(thresholds[int(np.argmax(f1[:-1]))])


def _sample(candidate: Candidate, table: LabelledTable, seed: int) -> LabelledTable:
    return table if candidate.rows_most is None else table.sampled(candidate.rows_most, seed=seed)


def _fitted(candidate: Candidate, settings: dict[str, Any], table: LabelledTable, seed: int) -> Any:
    from sklearn.base import clone

    model = clone(candidate.build(table, seed)).set_params(**settings)
    with settling_or_not():
        return model.fit(table.values, table.label)


@contextmanager
def settling_or_not() -> Iterator[None]:
    """A fit on one thread of linear algebra, so that sums come in one order (and small fits do not wait for each
    other). A net of few rounds has not settled, and is judged as it is."""
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(limits=1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def _area(happened: NDArray[np.bool_], scores: Floats) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(happened, scores))
