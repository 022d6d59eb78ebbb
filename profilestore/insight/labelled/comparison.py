"""All models on one table, on the same folds: figures with intervals, against the one feature that says most."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import UsageError
from profilestore.insight.intervals import Figure, settled
from profilestore.insight.judging import Judge, confusion_of
from profilestore.insight.labelled.agreement import Agreement, agreement_of
from profilestore.insight.labelled.candidates import BASELINE, Candidate, candidates_named, scores_of
from profilestore.insight.labelled.selection import Selection, select_features
from profilestore.insight.labelled.table import LabelledTable
from profilestore.insight.labelled.validation import TUNED_ROWS, Crossed, cross_validate, fit_tuned, folds_of

__all__ = ["Comparison", "ModelFigures", "compare_models"]

FOLDS: Final = 5
_FOLDS_MOST: Final = 20
_CURVE_POINTS: Final = 101

Floats = NDArray[np.float64]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class ModelFigures:
    """One model in the table.

    Attributes:
        name: of the candidate; `title` for a person.
        figures: `roc_auc`, `pr_auc`, and at the threshold `precision`, `recall`, `f1`, each with its interval.
        confusion: the four counts over all folds, each row judged by the model that did not see it.
        gain: `roc_auc` and `pr_auc` less the baseline's, paired.
        below_best: ROC-AUC of the best model less this one's, paired.
        settings: what the grid search chose, fold by fold.
        rows_fitted: how many rows a fold's model was fitted on.
        curves: `roc` and `pr`, points (x, y) of the mean curve over the folds.
    """

    name: str
    title: str
    figures: Mapping[str, Figure]
    confusion: Mapping[str, int]
    gain: Mapping[str, Figure]
    below_best: Figure
    settings: Sequence[Mapping[str, Any]]
    rows_fitted: int
    curves: Mapping[str, Sequence[tuple[float, float]]]


@dataclass(frozen=True)
class Comparison:
    """Models compared on one table.

    Attributes:
        asked: rows, share of the label, features, folds, seed and what was left out.
        baseline: the one feature that says most, chosen anew in each fold; its `gain` is zero.
        models: by ROC-AUC, the best first.
        selection: what the four methods say of the features, by fold and together.
        agreed_only: ROC-AUC of the best model on the agreed features alone, and what that is less than on all.
    """

    asked: Mapping[str, Any]
    baseline: ModelFigures
    models: tuple[ModelFigures, ...]
    selection: Agreement
    agreed_only: Mapping[str, Any] = field(default_factory=dict)

    @property
    def best(self) -> ModelFigures:
        """The one of the highest ROC-AUC."""
        return self.models[0]

    def to_json_dict(self) -> dict[str, Any]:
        """All of it, without the curves."""
        made = asdict(self)
        for model in (made["baseline"], *made["models"]):
            del model["curves"]
        return made


def compare_models(
    table: LabelledTable,
    *,
    models: Sequence[str] = (),
    folds: int = FOLDS,
    seed: int = 7,
    progress: Progress = lambda step: None,
) -> Comparison:
    """Compare by nested cross-validation; the same table and seed give the same figures.

    Args:
        table: labelled; rows of one group never stand on both sides of a split.
        models: names of candidates; all of them when empty.
        folds: how many, 2 to 20.
        seed: of splits, samples and learners.
        progress: is told each step.

    Raises:
        UsageError: an unknown model, or folds out of range.
        TooLittleData: the groups do not allow so many folds.
    """
    if not 2 <= folds <= _FOLDS_MOST:
        raise UsageError(f"folds: 2 to {_FOLDS_MOST} can be made, {folds} was asked for.")
    wanted = candidates_named(models)
    fold_of = folds_of(table, folds, seed=seed)
    judge = Judge(table.label, groups=table.groups, folds=fold_of, seed=seed)
    found: dict[str, Crossed] = {}
    for candidate in (BASELINE, *wanted):
        progress(f"cross-validating {candidate.title}")
        found[candidate.name] = cross_validate(candidate, table, fold_of, seed=seed)
    baseline = found.pop(BASELINE.name)
    areas = {name: judge.roc_auc(crossed.scores) for name, crossed in found.items()}
    ranked = sorted(found, key=lambda name: -areas[name].here)
    best = found[ranked[0]]
    made = [_figures(judge, crossed, baseline, best, table, fold_of) for crossed in found.values()]
    progress("asking what the features say")
    selections = [select_features(table.part(np.flatnonzero(fold_of != fold)), seed=seed) for fold in range(folds)]
    return Comparison(
        asked=_asked(table, folds, seed),
        baseline=_figures(judge, baseline, baseline, best, table, fold_of),
        models=tuple(sorted(made, key=lambda model: ranked.index(model.name))),
        selection=agreement_of(selections),
        agreed_only=_on_agreed(best, selections, table, fold_of, judge, seed),
    )


def _asked(table: LabelledTable, folds: int, seed: int) -> dict[str, Any]:
    return {
        "rows": len(table),
        "said_yes": int(table.label.sum()),
        "share_yes": settled(float(table.label.mean())),
        "features": list(table.names),
        "of_words": sorted(table.levels),
        "left_out": dict(table.left_out),
        "folds": folds,
        "seed": seed,
        "grid_search_rows": min(TUNED_ROWS, len(table)),
        **table.facts,
    }


def _figures(
    judge: Judge, crossed: Crossed, baseline: Crossed, best: Crossed, table: LabelledTable, folds: NDArray[np.int64]
) -> ModelFigures:
    roc, pr = judge.roc_auc(crossed.scores), judge.pr_auc(crossed.scores)
    return ModelFigures(
        name=crossed.candidate.name,
        title=crossed.candidate.title,
        figures={
            "roc_auc": roc.figure(),
            "pr_auc": pr.figure(),
            "precision": judge.precision(crossed.said).figure(),
            "recall": judge.recall(crossed.said).figure(),
            "f1": judge.f1(crossed.said).figure(),
        },
        confusion=confusion_of(crossed.said, table.label),
        gain={
            "roc_auc": roc.less(judge.roc_auc(baseline.scores)).figure(),
            "pr_auc": pr.less(judge.pr_auc(baseline.scores)).figure(),
        },
        below_best=judge.roc_auc(best.scores).less(roc).figure(),
        settings=[_named(tuned.settings, table) for tuned in crossed.tuned],
        rows_fitted=crossed.rows_fitted,
        curves=_curves(crossed.scores, table.label, folds),
    )


def _named(settings: Mapping[str, Any], table: LabelledTable) -> dict[str, Any]:
    """Settings without scikit-learn's step names; a place of a feature as its name."""
    return {
        "feature" if name == "feature__kw_args" else name.removeprefix("model__"): (
            table.names[value["place"]] if isinstance(value, dict) else value
        )
        for name, value in settings.items()
    }


def _curves(
    scores: Floats, happened: NDArray[np.bool_], folds: NDArray[np.int64]
) -> dict[str, list[tuple[float, float]]]:
    """Mean curves over the folds, on a grid of 101 false positive rates and 101 recalls."""
    from sklearn.metrics import precision_recall_curve, roc_curve

    grid = np.linspace(0.0, 1.0, _CURVE_POINTS)
    roc, pr = [], []
    for fold in np.unique(folds).tolist():
        rows = np.flatnonzero(folds == fold)
        wrong, right, _ = roc_curve(happened[rows], scores[rows])
        roc.append(np.interp(grid, wrong, right))
        precision, recall, _ = precision_recall_curve(happened[rows], scores[rows])
        # The precision of a recall is that of the next higher recall there is.
        pr.append(precision[::-1][np.searchsorted(recall[::-1], grid, side="left")])
    means = {"roc": np.mean(roc, axis=0), "pr": np.mean(pr, axis=0)}
    return {
        name: [(round(float(x), 4), round(float(y), 4)) for x, y in zip(grid, mean, strict=True)]
        for name, mean in means.items()
    }


def _on_agreed(
    best: Crossed,
    selections: Sequence[Selection],
    table: LabelledTable,
    folds: NDArray[np.int64],
    judge: Judge,
    seed: int,
) -> dict[str, Any]:
    """The best model on what the methods agreed on in the fold's own training rows."""
    scores = np.zeros(len(table))
    for fold, selection in enumerate(selections):
        narrow = table.only(selection.agreed)
        held = np.flatnonzero(folds == fold)
        trained = narrow.part(np.flatnonzero(folds != fold))
        model: Candidate = best.candidate
        scores[held] = scores_of(fit_tuned(model, best.tuned[fold], trained, seed=seed), narrow.values[held])
    alone = judge.roc_auc(scores)
    return {
        "model": best.candidate.name,
        "features": [len(selection.agreed) for selection in selections],
        "roc_auc": alone.figure(),
        "less_than_all": judge.roc_auc(best.scores).less(alone).figure(),
    }
