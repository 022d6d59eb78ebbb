"""`profilestore insight propensity compare`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import format_count, print_json, print_table, say

if TYPE_CHECKING:
    from profilestore.insight.labelled.comparison import Comparison, ModelFigures
    from profilestore.settings import Settings

__all__ = ["app"]

HELP = "Who will buy: compare models on a labelled table (`insight run propensity` writes it into profiles)."
app = typer.Typer(no_args_is_help=True, help=HELP, rich_markup_mode=None)


@app.callback()
def propensity() -> None:
    """Who will buy: compare models on a labelled table (`insight run propensity` writes it into profiles)."""


@app.command("compare")
@with_settings
def compare(
    settings: Settings,
    file: Annotated[
        Path, typer.Option("--from", metavar="FILE", help="CSV, TSV, JSONL or Parquet; a row is what is foretold.")
    ],
    label: Annotated[str, typer.Option("--label", metavar="COLUMN", help="What is foretold: yes or no.")],
    positive: Annotated[
        str | None, typer.Option("--positive", metavar="VALUE", help="The value of the label that means yes.")
    ] = None,
    group: Annotated[
        str | None,
        typer.Option("--group", metavar="COLUMN", help="Rows with the same value stay on one side of every split."),
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option("--without", metavar="COLUMN", help="No feature; repeatable.")
    ] = None,
    words: Annotated[
        list[str] | None,
        typer.Option("--words", metavar="COLUMN", help="Its numbers are codes, not more or less; repeatable."),
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option("--model", metavar="NAME", help="Only this one; repeatable.")
    ] = None,
    folds: Annotated[int, typer.Option("--folds", metavar="N", help="Of the cross-validation.")] = 5,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of splits, samples and learners.")] = 7,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page with the curves; it needs nothing else.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Compare eight models on a table with a label, by cross-validation with grid search.

    Rows that are equal never stand on both sides of a split.
    """
    from profilestore.insight.labelled.comparison import compare_models
    from profilestore.insight.labelled.reading import read_table

    table = read_table(
        file,
        label=label,
        positive=positive,
        group=group,
        without=without or (),
        as_words=words or (),
        sensitive=settings.insight_without,
    )
    made = compare_models(table, models=model or (), folds=folds, seed=seed, progress=say)
    if html is not None:
        _write_page(made, html, source=file.name, label=label)
    if json:
        print_json(made.to_json_dict())
        return
    _tell(made)


def _write_page(made: Comparison, path: Path, *, source: str, label: str) -> None:
    from profilestore.errors import InputError
    from profilestore.evaluate.comparison_page import render_comparison

    try:
        path.write_text(render_comparison(made, source=source, label=label), encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}.") from error


def _tell(made: Comparison) -> None:
    asked = made.asked
    typer.echo(
        f"{format_count(asked['rows'])} rows, {asked['share_yes']:.1%} say yes; {len(asked['features'])} features; "
        f"{asked['folds']} folds of {format_count(asked['groups'])} groups ({asked['repeated_rows']} repeated rows)."
    )
    for name, reason in asked["left_out"].items():
        say(f"{name} is no feature: {reason}")
    every = (*made.models, made.baseline)
    if asked["grid_search_rows"] < asked["rows"]:
        say(f"grid searches ran on seeded samples of {format_count(asked['grid_search_rows'])} rows")
    for model in every:
        if model.rows_fitted < made.baseline.rows_fitted:
            say(f"{model.title} was fitted on a seeded sample of {format_count(model.rows_fitted)} rows")
    print_table(
        ("model", "ROC-AUC", "PR-AUC", "precision", "recall", "F1", "gain in ROC-AUC", "rows fitted"),
        [
            (m.title, *(_cell(m.figures[name]) for name in ("roc_auc", "pr_auc")),
             *(f"{m.figures[name]['mean']:.3f}" for name in ("precision", "recall", "f1")),
             _cell(m.gain["roc_auc"]), m.rows_fitted)
            for m in every
        ],
    )  # fmt: skip
    typer.echo("")
    best = made.best
    _tell_confusion(best)
    agreement, alone = made.selection, made.agreed_only
    typer.echo("")
    print_table(
        ("feature", "methods", "mutual information", "chi-squared", "RFE", "Lasso", "mean place"),
        [tuple(row.values()) for row in agreement.features],
        title=f"in how many of {asked['folds']} folds each method takes a feature",
    )
    typer.echo(
        f"At least three of four methods take: {', '.join(agreement.agreed) or 'none'}. On the agreed features alone "
        f"{best.title} has {_cell(alone['roc_auc'])}; on all it is higher by {_cell(alone['less_than_all'])}."
    )


def _tell_confusion(best: ModelFigures) -> None:
    counts = best.confusion
    print_table(
        ("", "says yes", "says no"),
        [
            ("yes was said", counts["true_positive"], counts["false_positive"]),
            ("no was said", counts["false_negative"], counts["true_negative"]),
        ],
        title=f"confusion matrix of {best.title}",
    )


def _cell(figure: Mapping[str, Any]) -> str:
    return f"{figure['mean']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
