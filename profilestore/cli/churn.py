"""`profilestore insight churn list|why`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import format_count, print_json, print_table, say

if TYPE_CHECKING:
    from profilestore.settings import Settings

__all__ = ["app"]

HELP = "Who may stop buying, who is new, who is gone; and why. `insight run churn` finds it out."
app = typer.Typer(no_args_is_help=True, help=HELP, rich_markup_mode=None)

LanguageOption = Annotated[
    str | None, typer.Option("--language", metavar="en|zh", help="Of the reasons; else the shop's.", show_default=False)
]


@app.command("list")
@with_settings
def list_customers(
    settings: Settings,
    lifecycle: Annotated[
        str, typer.Argument(metavar="[at-risk|new|active|lapsed]", help="Where they stand with the shop.")
    ] = "at-risk",
    n: Annotated[
        int | None, typer.Option("-n", metavar="N", help="Only the first N; all when not given.", show_default=False)
    ] = None,
    min_risk: Annotated[float, typer.Option("--min-risk", metavar="0..1", help="Only from this risk on.")] = 0.0,
    band: Annotated[
        str | None, typer.Option("--band", metavar="low|medium|high", help="Only of this band of risk.")
    ] = None,
    by: Annotated[
        str, typer.Option("--by", metavar="risk|stake", help="First the greatest risk, or risk times what was spent.")
    ] = "risk",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="A .csv or .jsonl file, which only you may read."),
    ] = None,
    language: LanguageOption = None,
    json: JsonOption = False,
) -> None:
    """List customers of a lifecycle with their risk and its reasons; new ones the latest first."""
    from profilestore.insight.churn.lists import LIST_FIELDS
    from profilestore.insight.exporting import write_users
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        rows = shop.insight.churn.customers(
            lifecycle, min_risk=min_risk, band=band, n=n, by=by, language=language or settings.language
        )
    if output is not None:
        written = write_users(rows, output, fields=[*LIST_FIELDS, "reasons"])
        if json:
            print_json({"lifecycle": lifecycle, "users": written, "file": output})
        else:
            say(f"{format_count(written)} users written to {output}")
        return
    if json:
        print_json({"lifecycle": lifecycle, "users": [{"user_id": user_id, **source} for user_id, source in rows]})
        return
    print_table(
        ("user", "risk", "band", "last order", "orders", "spent", "reasons"),
        [_told(user_id, source) for user_id, source in rows],
    )
    if len(rows) == 0:
        say(f"nobody is {lifecycle} with such a risk; `profilestore insight run churn` finds out where each stands")


def _told(user_id: str, source: Any) -> tuple[object, ...]:
    return (
        user_id,
        source.get("churn_risk"),
        source.get("churn_band"),
        str(source.get("last_purchase") or "")[:10],
        source.get("order_count"),
        source.get("spend_total"),
        "; ".join(source.get("reasons", ())),
    )


@app.command("why")
@with_settings
def why(
    settings: Settings,
    users: Annotated[list[str], typer.Argument(metavar="USER...", help="Ids of users.")],
    language: LanguageOption = None,
    json: JsonOption = False,
) -> None:
    """Say how likely users are to stop buying, and why; several users with --json print one object a line."""
    from dataclasses import asdict

    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        answers = [shop.insight.churn.why(user, language=language or settings.language) for user in users]
    for answer in answers:
        if json:
            print_json(asdict(answer))
            continue
        risk = "no risk is told" if answer.risk is None else f"risk {answer.risk:.0%}, {answer.band}"
        typer.echo(f"{answer.user_id}: {answer.lifecycle}, {risk} (as of {str(answer.as_of)[:10]})")
        for reason in answer.reasons:
            typer.echo(f"- {reason}")
