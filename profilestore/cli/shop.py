"""`profilestore init | migrate | sample`, and `products`, `text`: what makes and changes a shop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import format_count, print_json, say

if TYPE_CHECKING:
    from profilestore.settings import Settings

__all__ = ["init", "migrate", "products_app", "sample", "text_app"]

DIFFERENCES = 4

products_app = typer.Typer(no_args_is_help=True, help="Take products off sale.", rich_markup_mode=None)
text_app = typer.Typer(no_args_is_help=True, help="Choose the text model.", rich_markup_mode=None)


@with_settings
def init(
    settings: Settings,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; list what differs, exit code 4 when something does.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Make the shop's index templates, indices and aliases, where they are missing."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        if check:
            differences = shop.check()
            if json:
                print_json({"differences": differences})
            else:
                for difference in differences:
                    typer.echo(difference)
                typer.echo(f"{len(differences)} differences between server, mappings and documents.")
            if len(differences) > 0:
                raise typer.Exit(DIFFERENCES)
            return
        made = shop.init()
        differences = shop.check()
    if json:
        print_json({"made": made})
    else:
        typer.echo(f"made {', '.join(made)}" if made else f"the shop {settings.prefix} has all its indices")
    if len(differences) > 0:
        say(
            f"{len(differences)} differences between server, mappings and documents, as after an upgrade: run "
            "`profilestore migrate` before anything is loaded (`init --check` lists them)."
        )


@with_settings
def migrate(settings: Settings, json: JsonOption = False) -> None:
    """Mend what `init --check` lists, without a stop."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        report = shop.migrate(progress=say)
    if json:
        generation = None if report.build is None else report.build.generation
        print_json({"differences": list(report.differences), "added": report.added, "generation": generation})
        return
    for difference in report.differences:
        typer.echo(f"mended {difference}")
    if report.build is not None:
        typer.echo(f"generation {report.build.generation} is in force")
    typer.echo("server, mappings and documents agree")


@products_app.callback()
def _products() -> None:
    """Take products off sale."""


@products_app.command("delete")
@with_settings
def delete(
    settings: Settings,
    ids: Annotated[list[str], typer.Argument(metavar="ID", help="Product ids.")],
    json: JsonOption = False,
) -> None:
    """Take products off sale for good: no answer has them, profiles keep what they taught."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        deleted = shop.delete_products(ids)
    if json:
        print_json({"deleted": deleted})
    else:
        typer.echo(f"{deleted} products are off sale")


@text_app.callback()
def _text() -> None:
    """Choose the text model."""


@text_app.command("train")
@with_settings
def train(
    settings: Settings,
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="auto, minilm, words, or a sentence-transformers name.")
    ] = "auto",
    json: JsonOption = False,
) -> None:
    """Choose another text model, embed all products with it, and switch without a stop."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        report = shop.train_text_model(model, progress=say)
    if json:
        print_json({"model": report.model_id, "reason": report.reason, "generation": report.build.generation})
    else:
        typer.echo(f"text model {report.model_id} is in force: {report.reason}")


@with_settings
def sample(
    settings: Settings,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where the files go.")],
    users: Annotated[int, typer.Option("--users", min=1, help="How many users.")] = 2000,
    products: Annotated[int, typer.Option("--products", min=1, help="How many products.")] = 1500,
    events: Annotated[int, typer.Option("--events", min=1, help="How many events.")] = 60_000,
    language: Annotated[str, typer.Option("--language", help="mixed, zh or en.")] = "mixed",
    seed: Annotated[int, typer.Option("--seed", help="The same seed makes the same shop.")] = 7,
    segments: Annotated[bool, typer.Option("--segments", help="Plant segments too, kinds of shopper.")] = False,
    odd: Annotated[bool, typer.Option("--odd", help="Plant odd users too, beside the others.")] = False,
    churn: Annotated[
        bool, typer.Option("--churn", help="Plant customers with a rhythm too, half of whom stop.")
    ] = False,
    seasons: Annotated[
        bool, typer.Option("--seasons", help="Plant products with a season too, over two years.")
    ] = False,
    campaigns: Annotated[
        bool, typer.Option("--campaigns", help="Plant campaigns too, with control groups and a known effect.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Make a shop with planted tastes, to try things on: products, users, events and the truth."""
    from profilestore.errors import UsageError
    from profilestore.ingest.sample import generate_shop, write_shop

    if language not in ("mixed", "zh", "en"):
        raise UsageError("language is mixed, zh or en.")
    shop = generate_shop(
        seed=seed, users=users, products=products, events=events,
        language=language,  # type: ignore[arg-type]  # checked above
        segments=segments,
        odd=odd,
        churn=churn,
        seasons=seasons,
        campaigns=campaigns,
    )  # fmt: skip
    files = write_shop(shop, output)
    if json:
        print_json({name: str(path) for name, path in files.items()})
        return
    typer.echo(
        f"{format_count(len(shop.products))} products, {format_count(len(shop.users))} users and "
        f"{format_count(len(shop.events))} events in {output}"
    )
