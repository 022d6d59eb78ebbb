"""`profilestore insight odd list`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import format_count, print_json, print_table, say

if TYPE_CHECKING:
    from profilestore.settings import Settings

__all__ = ["app"]

SHOWN = 50
EXPORTED = ("odd_flags", "reasons", "odd_score", "as_of")

app = typer.Typer(
    no_args_is_help=True,
    help="Users whose behaviour a person should look at; nobody is blocked.",
    rich_markup_mode=None,
)


@app.command("list")
@with_settings
def list_odd(
    settings: Settings,
    flag: Annotated[
        str | None,
        typer.Option("--flag", metavar="FLAG", help="order-value, velocity, refunds, same-pattern or unusual."),
    ] = None,
    number: Annotated[int | None, typer.Option("-n", min=1, metavar="N", help="Only the first so many.")] = None,
    language: Annotated[
        str | None, typer.Option("--language", metavar="en|zh", help="Of the reasons; else the shop's.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="A .csv or .jsonl file, which only you may read."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """List who is flagged and why, those with most flags first; `insight run odd` sets the flags."""
    from dataclasses import asdict

    from profilestore.errors import UsageError
    from profilestore.insight.exporting import write_users
    from profilestore.store import ProfileStore

    if language not in (None, "en", "zh"):
        raise UsageError("the language of reasons is en or zh.")
    with ProfileStore.open(settings) as shop:
        every = shop.insight.odd.all(flag=flag, language=language)  # type: ignore[arg-type]  # checked above
    users = every[:number]
    if output is not None:
        written = write_users(((user.user_id, user.to_row()) for user in users), output, fields=EXPORTED)
        if json:
            print_json({"odd": written, "file": output})
        else:
            say(f"{format_count(written)} users written to {output}")
        return
    if json:
        print_json({"users": len(every), "odd": [asdict(user) for user in users]})
        return
    shown = users if number is not None else users[:SHOWN]
    print_table(
        ("user", "flags", "score", "why"),
        [(user.user_id, ", ".join(user.flags), user.score, "; ".join(user.reasons)) for user in shown],
    )
    if len(shown) < len(every):
        say(f"{format_count(len(every) - len(shown))} more: -n, --flag or --output FILE")
    elif len(every) == 0:
        say("nobody is flagged; `profilestore insight run odd` looks")
