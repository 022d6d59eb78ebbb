"""`profilestore insight sentiment train|score|show|of`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import format_count, print_json, print_table, say

if TYPE_CHECKING:
    from profilestore.settings import Settings

__all__ = ["app"]

HELP = "What reviews say, in English and Chinese: train on the shop's own, score them, read the results."
app = typer.Typer(no_args_is_help=True, help=HELP, rich_markup_mode=None)


@app.command("train")
@with_settings
def train(
    settings: Settings,
    force: Annotated[
        bool, typer.Option("--force", help="Put it in force also where it does not beat the lexicon.")
    ] = False,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", help="The same reviews and seed give the same model.")
    ] = 7,
    json: JsonOption = False,
) -> None:
    """Train a classifier on the rated reviews, and put it in force where it beats the lexicon."""
    from dataclasses import asdict

    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        record = shop.insight.sentiment.train(force=force, seed=seed, progress=say)
    if json:
        print_json(asdict(record))
        return
    figures, model_id = record.figures, record.settings["model_id"]
    typer.echo(f"Learned from {format_count(figures['texts'])} different texts by {format_count(figures['writers'])} "
               f"customers: {format_count(figures['good'])} good, {format_count(figures['bad'])} bad.")  # fmt: skip
    print_table(("held out", "macro-F1 of the classifier", "of the lexicon", "of the more frequent kind"),
                [_figures_row("customers not learned from", figures), *_later_row(figures)])  # fmt: skip
    if model_id is None:
        typer.echo("It does not beat the lexicon, so the lexicon stays in force; --force takes it all the same.")
    else:
        typer.echo(f"{model_id} is in force. `profilestore insight sentiment score` scores the reviews with it.")


def _figures_row(name: str, figures: Mapping[str, Any]) -> tuple[str, str, str, str]:
    cells = [
        f"{figure['mean']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
        for figure in (figures["macro_f1"], figures["macro_f1_lexicon"], figures["macro_f1_more_frequent"])
    ]
    return name, cells[0], cells[1], cells[2]


def _later_row(figures: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    return [] if figures["later"] is None else [_figures_row("the latest fifth", figures["later"])]


@app.command("score")
@with_settings
def score(settings: Settings, json: JsonOption = False) -> None:
    """Score all reviews with what is in force, and write it into profiles and products."""
    from dataclasses import asdict

    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        report = shop.insight.sentiment.score(progress=say)
    if json:
        print_json({name: value for name, value in asdict(report).items() if name != "record"})
        return
    by = ", ".join(f"{name} {format_count(count)}" for name, count in sorted(report.methods.items()))
    typer.echo(f"{format_count(report.reviews)} reviews were scored by the {_in_force(report.method)} ({by}).")
    typer.echo(
        f"{format_count(report.products)} products and {format_count(report.profiles.written)} profiles were changed."
    )


def _in_force(method: str) -> str:
    return "shop's classifier" if method == "model" else "lexicon, the fallback where no classifier is trained"


@app.command("show")
@with_settings
def show(
    settings: Settings,
    product: Annotated[
        str | None, typer.Option("--product", metavar="ID", help="What the reviews of a product say.")
    ] = None,
    user: Annotated[str | None, typer.Option("--user", metavar="ID", help="What a user's reviews say.")] = None,
    language: Annotated[str, typer.Option("--language", metavar="en|zh", help="Of the card.")] = "en",
    json: JsonOption = False,
) -> None:
    """Show what reviews say: over all, or of one product or user, by month and by aspect."""
    from profilestore.errors import UsageError
    from profilestore.store import ProfileStore

    if product is not None and user is not None:
        raise UsageError("--product or --user, not both.")
    if language not in ("en", "zh"):
        raise UsageError("the language of a card is en or zh.")
    with ProfileStore.open(settings) as shop:
        sentiment = shop.insight.sentiment
        if product is None and user is None:
            _show_record(shop.insight.result("sentiment"), language, json=json)
            return
        about = sentiment.about_product(product) if product is not None else sentiment.about_user(str(user))
    if json:
        print_json(about)
        return
    typer.echo(f"{about['reviews']} reviews, mean {about['sentiment_mean']:+.2f}: {about['sentiment_label']}")
    for name in ("months", "aspects"):
        _print_rows(about[name], title=name)


def _show_record(record: Any, language: str, *, json: bool) -> None:
    from dataclasses import asdict

    if json:
        print_json(asdict(record))
        return
    typer.echo(record.card.get(language, ""))
    for title, rows in record.tables.items():
        if len(rows) > 0:
            _print_rows(rows, title=title)


def _print_rows(rows: list[dict[str, Any]], *, title: str) -> None:
    typer.echo("")
    columns = list(rows[0])
    print_table(columns, [[row[column] for column in columns] for row in rows], title=title)


@app.command("of")
@with_settings
def of(
    settings: Settings,
    texts: Annotated[list[str], typer.Argument(metavar="TEXT...", help="Texts; - reads one a line.")],
    json: JsonOption = False,
) -> None:
    """Say what any text says, by what is in force; several texts with --json print one object a line."""
    from dataclasses import asdict

    from profilestore.store import ProfileStore

    given = [line.rstrip("\r\n") for line in sys.stdin] if texts == ["-"] else texts
    with ProfileStore.open(settings) as shop:
        answers = shop.insight.sentiment.of(given)
    if json:
        for text, answer in zip(given, answers, strict=True):
            print_json({"text": text, **asdict(answer)})
        return
    print_table(
        ("score", "sentiment", "by", "because of", "aspects", "text"),
        [
            (answer.score, answer.label or "says nothing known", answer.method, _signed(answer.words.items()),
             _signed(answer.aspects.items()), text)
            for text, answer in zip(given, answers, strict=True)
        ],
    )  # fmt: skip


def _signed(values: Iterable[tuple[str, float | None]]) -> str:
    return ", ".join(name if value is None else f"{name} {value:+.1f}" for name, value in values)
