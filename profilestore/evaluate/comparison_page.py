"""Models compared on a labelled table, as one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from profilestore.evaluate.charts import Curve, Mark, plot_curves, plot_intervals
from profilestore.evaluate.page_parts import document, pairs, said, section, table
from profilestore.evaluate.significance import Interval
from profilestore.insight.intervals import Figure
from profilestore.insight.labelled.comparison import Comparison, ModelFigures
from profilestore.insight.labelled.selection import METHODS

__all__ = ["render_comparison"]

_WORDS: Final = {
    "ROC-AUC": "the chance that a row that says yes scores above one that says no; 0.5 is a coin",
    "PR-AUC": "average precision: the precision at each recall, on average; a coin has the share that says yes",
    "precision": "of the rows of which yes was said, the share that says yes",
    "recall": "of the rows that say yes, the share of which it was said",
    "F1": "the harmonic mean of the two, at a threshold chosen on the rows a fold was trained on",
    "gain": "above the one feature that says most (a tree of eight leaves on it, chosen anew in each fold)",
}
_COUNTS: Final = ("true_positive", "false_positive", "false_negative", "true_negative")


def render_comparison(made: Comparison, *, source: str, label: str) -> str:
    """The whole page. Every name and value is escaped."""
    every = (*made.models, made.baseline)
    asked = made.asked
    parts = [
        f"<h1>What foretells {escape(label)}?</h1>",
        f"<p>{len(made.models)} models on {asked['rows']:,} rows of {escape(source)}; {asked['share_yes']:.1%} say "
        f"yes. Each row was scored by models that saw neither it nor a row of its group, in {asked['folds']} folds; "
        "their settings were chosen by a grid search within the rows of the other folds. Equal rows are one group. "
        "Brackets are 95 % intervals, a bootstrap over groups.</p>",
        section("ROC-AUC by model", plot_intervals([_mark(m, "roc_auc") for m in every], title="ROC-AUC", lowest=0.5)),
        section("Figures", _figures(every)),
        section(
            "ROC curves",
            plot_curves(_curves(made, "roc"), x_title="false positive rate", y_title="true positive rate"),
        ),
        section("Precision and recall", plot_curves(_curves(made, "pr"), x_title="recall", y_title="precision")),
        section("PR-AUC by model", plot_intervals([_mark(m, "pr_auc") for m in every], title="PR-AUC")),
        section("Confusion matrices", _confusion(every)),
        section("What the features say", _features(made)),
        section("Settings chosen by the grid search, fold by fold", _settings(every)),
        section("The table", pairs({name: _plain(value) for name, value in asked.items()})),
        section("How to read the figures", pairs(_WORDS)),
    ]
    return document(f"What foretells {label}?", parts)


def _interval(figure: Figure) -> Interval:
    return Interval(figure["mean"], figure["low"], figure["high"])


def _mark(model: ModelFigures, name: str) -> Mark:
    kind = "peer" if model.name == "one-feature" else "shop"
    return Mark(model.name, kind, _interval(model.figures[name]))


def _curves(made: Comparison, kind: str) -> list[Curve]:
    return [
        *(Curve(model.title, model.curves[kind]) for model in made.models),
        Curve(made.baseline.title, made.baseline.curves[kind], baseline=True),
    ]


def _figures(every: Sequence[ModelFigures]) -> str:
    names = ("roc_auc", "pr_auc", "precision", "recall", "f1")
    rows = [
        (
            model.title,
            *(_cell(model.figures[name]) for name in names),
            _cell(model.gain["roc_auc"]),
            _cell(model.gain["pr_auc"]),
            _cell(model.below_best),
        )
        for model in every
    ]
    headings = ("ROC-AUC", "PR-AUC", "precision", "recall", "F1", "gain in ROC-AUC", "gain in PR-AUC", "below the best")
    return table(("model", *headings), rows)


def _cell(figure: Figure) -> str:
    return f"{figure['mean']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def _confusion(every: Sequence[ModelFigures]) -> str:
    headings = ("model", *(name.replace("_", " ") for name in _COUNTS))
    return table(headings, [(m.title, *(f"{m.confusion[name]:,}" for name in _COUNTS)) for m in every])


def _features(made: Comparison) -> str:
    agreement, alone = made.selection, made.agreed_only
    rows = [
        (row["feature"], str(row["methods"]), *(str(row[method]) for method in METHODS), f"{row['mean place']:.1f}")
        for row in agreement.features
    ]
    between = [(row["methods"], f"{row['jaccard']:.2f}", said(row["rank"])) for row in agreement.pairs]
    agreed = ", ".join(agreement.agreed) or "none"
    return (
        f"<p>At least three of four methods take, in most folds: {escape(agreed)}. On what they agreed on in each fold "
        f"alone, {escape(str(alone['model']))} has a ROC-AUC of {_cell(alone['roc_auc'])}: on all features it is "
        f"higher by {_cell(alone['less_than_all'])}.</p>"
        + table(("feature", "methods", *(f"folds: {method}" for method in METHODS), "mean place"), rows)
        + table(("two methods", "features in common", "correlation of their orders"), between)
    )


def _settings(every: Sequence[ModelFigures]) -> str:
    rows = [
        (
            model.title,
            f"{model.rows_fitted:,}",
            "; ".join(", ".join(f"{name} {said(value)}" for name, value in fold.items()) for fold in model.settings),
        )
        for model in every
    ]
    return table(("model", "rows fitted", "settings"), rows, wide=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {each}" for name, each in value.items()) or None
    return value
