"""`profilestore topics train|show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import format_count, print_json, print_table, say

if TYPE_CHECKING:
    from profilestore.settings import Settings

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Train and show the topics of the products.", rich_markup_mode=None)


@app.command("train")
@with_settings
def train(
    settings: Settings,
    topics: Annotated[
        str, typer.Option("--topics", metavar="K|auto", help="How many; auto takes the most coherent.")
    ] = "auto",
    seed: Annotated[int, typer.Option("--seed", help="The same seed and products give the same topics.")] = 7,
    json: JsonOption = False,
) -> None:
    """Train LDA topics on all products and switch them in without a stop."""
    from profilestore.errors import UsageError
    from profilestore.store import ProfileStore

    if topics != "auto" and not topics.isdigit():
        raise UsageError("--topics is a number or auto.")
    with ProfileStore.open(settings) as shop:
        report = shop.train_topics(topics="auto" if topics == "auto" else int(topics), seed=seed, progress=say)
    if json:
        print_json({"model": report.model_id, "topics": report.topics, "figures": report.figures,
                    "generation": report.build.generation})  # fmt: skip
        return
    coherences = ", ".join(f"{k} topics {value:.3f}" for k, value in report.figures["coherence"].items())
    typer.echo(f"{report.topics} topics are in force (model {report.model_id}); coherence: {coherences}")
    typer.echo(
        f"{format_count(report.build.products)} products and {format_count(report.build.profiles)} profiles carry them"
    )


@app.command("show")
@with_settings
def show(
    settings: Settings,
    words: Annotated[int, typer.Option("--words", min=1, max=50, help="How many words a topic.")] = 8,
    json: JsonOption = False,
) -> None:
    """Show the topics with their words and how many products have them."""
    from profilestore.errors import NotFound
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        topics = shop.topics(words=words)
    if len(topics) == 0:
        raise NotFound("no topics are trained. Run `profilestore topics train`.", kind="model", id="topics")
    if json:
        print_json({"topics": topics})
        return
    rows = sorted(topics, key=lambda topic: (-topic["products"], topic["topic"]))
    print_table(
        ("topic", "products", "words"), [(row["label"], row["products"], " ".join(row["words"])) for row in rows]
    )
