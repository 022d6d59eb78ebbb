"""The command line: `profilestore VERB` and `profilestore NOUN VERB`.

Each command lives in a module of its own that is imported when the command is run, not before, so that
`profilestore --help` stays quick. To add one, add its line to COMMANDS: name, where it is, its help.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from typing import Annotated, Final

import typer

from profilestore.cli.lazy import BROKEN_PIPE, INTERRUPTED, LazyGroup, PlannedCommand

__all__ = ["COMMANDS", "app", "main"]

COMMANDS: Final = (
    PlannedCommand("up", "profilestore.cli.server:up", "Start the server of this home, if none runs yet."),
    PlannedCommand("down", "profilestore.cli.server:down", "Stop the server of this home; its data stays."),
    PlannedCommand(
        "status",
        "profilestore.cli.server:status",
        "Show the server, the shop's documents, how far the fold is behind, and the models in force.",
    ),
    PlannedCommand("doctor", "profilestore.cli.server:doctor", "Check all that is needed and say what to do."),
    PlannedCommand(
        "init",
        "profilestore.cli.shop:init",
        "Make the shop's index templates, indices and aliases, where they are missing.",
    ),
    PlannedCommand("migrate", "profilestore.cli.shop:migrate", "Mend what `init --check` lists, without a stop."),
    PlannedCommand("index", "profilestore.cli.index:app", "Load products, users or events from files."),
    PlannedCommand("products", "profilestore.cli.shop:products_app", "Take products off sale."),
    PlannedCommand("profile", "profilestore.cli.profiles:app", "Show, check or rebuild profiles."),
    PlannedCommand(
        "fold",
        "profilestore.cli.profiles:fold",
        "Fold what is in the event log and not yet in the profiles, whoever wrote it.",
    ),
    PlannedCommand("topics", "profilestore.cli.topics:app", "Train and show the topics of the products."),
    PlannedCommand(
        "train",
        "profilestore.cli.models:train",
        "Learn a taste model from the event log and switch it in without a stop.",
    ),
    PlannedCommand("models", "profilestore.cli.models:app", "List stored models, and take one back."),
    PlannedCommand(
        "evaluate",
        "profilestore.cli.evaluate:evaluate",
        "Measure what is served, on a held-out part of the events, beside peers of the same split.",
    ),
    PlannedCommand("text", "profilestore.cli.shop:text_app", "Choose the text model."),
    PlannedCommand(
        "recommend",
        "profilestore.cli.answers:recommend",
        "Recommend products to users, one Elasticsearch request an answer.",
    ),
    PlannedCommand("similar", "profilestore.cli.answers:similar", "Find products like these."),
    PlannedCommand("search", "profilestore.cli.answers:search", "Search products by words and by meaning together."),
    PlannedCommand("rules", "profilestore.cli.rules:app", "Mine and show what is bought together."),
    PlannedCommand(
        "lookalike", "profilestore.cli.people:lookalike", "Find the users most like these users or this segment."
    ),
    PlannedCommand(
        "buyers", "profilestore.cli.people:buyers", "Find the users who would like a product most, a new one too."
    ),
    PlannedCommand(
        "feedback", "profilestore.cli.feedback:app", "What came of recommendations, and what follows from it."
    ),
    PlannedCommand(
        "insight",
        "profilestore.cli.insight:app",
        "Turn profiles into knowledge: value, segments and more, written back into the profiles.",
    ),
    PlannedCommand(
        "dashboards", "profilestore.cli.dashboards:app", "Kibana dashboards as code, and a preview without Kibana."
    ),
    PlannedCommand(
        "audience",
        "profilestore.cli.audience:app",
        "Whom to write to: audiences by rules, likeness and lists, always current, and their export.",
    ),
    PlannedCommand(
        "campaign",
        "profilestore.cli.campaign:app",
        "Whom to write to with what, and did it pay: plan, start and stop campaigns.",
    ),
    PlannedCommand(
        "coupon",
        "profilestore.cli.coupon:app",
        "Coupons of campaigns: one a user at most, never more than the budget pays.",
    ),
    PlannedCommand(
        "sample",
        "profilestore.cli.shop:sample",
        "Make a shop with planted tastes, to try things on: products, users, events and the truth.",
    ),
)


class ShopGroup(LazyGroup):
    """All commands of profilestore."""

    planned = COMMANDS


app = typer.Typer(
    cls=ShopGroup,
    name="profilestore",
    help="A customer-profile store and recommender on Elasticsearch.",
    epilog="Settings come from profilestore.toml, PROFILESTORE_* and flags; later ones win.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError
        from importlib.metadata import version as installed_version

        try:
            typer.echo(f"profilestore {installed_version('profilestore')}")
        except PackageNotFoundError:
            typer.echo("profilestore, not installed (run from its source)")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_print_version, is_eager=True)
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an unexpected error (or PROFILESTORE_DEBUG=1).")
    ] = False,
) -> None:
    """A customer-profile store and recommender on Elasticsearch."""
    if debug:
        os.environ["PROFILESTORE_DEBUG"] = "1"


def main() -> None:
    """Entry point of the console script. Ends the process with an exit code of the README's table."""
    code: int = 0
    try:
        app()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BrokenPipeError:  # of help, which no command's frame catches
        code = BROKEN_PIPE
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001  the outermost frame: a user gets a line, not a traceback
        code = _report_unexpected(error)
    sys.exit(_flushed(code))


def _report_unexpected(error: Exception) -> int:
    """Name the type alone: the text of a foreign error may quote a personal value (P6)."""
    if os.environ.get("PROFILESTORE_DEBUG", "") not in ("", "0"):
        traceback.print_exception(error)
    else:
        name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
        typer.echo(f"profilestore: unexpected {name}. Set PROFILESTORE_DEBUG=1 to see where.", err=True)
    return 1


def _flushed(code: int) -> int:
    """Flush now: a reader that left must not make Python complain after the last line of ours."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return code
