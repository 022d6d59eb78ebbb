"""`profilestore insight demand`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import format_count, print_json, print_table, say

if TYPE_CHECKING:
    from profilestore.documents import DemandWeek
    from profilestore.settings import Settings

__all__ = ["demand"]

PAST_TOLD = 8


@with_settings
def demand(
    settings: Settings,
    products: Annotated[
        list[str] | None, typer.Argument(metavar="[PRODUCT]...", help="Their weeks; else a list of all.")
    ] = None,
    category: Annotated[
        list[str] | None, typer.Option("--category", metavar="NAME", help="The weeks of a category; repeatable.")
    ] = None,
    seasonal: Annotated[bool, typer.Option("--seasonal", help="List the products that have a season.")] = False,
    count: Annotated[int, typer.Option("-n", min=1, help="How many products are listed.")] = 20,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write the weeks, of all where none is named.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show what will be sold in the next four weeks, with stock and interval; `insight run demand` foretells it."""
    from profilestore.insight.demand.outcomes import write_weeks
    from profilestore.store import ProfileStore

    named = len(products or ()) + len(category or ()) > 0
    with ProfileStore.open(settings) as shop:
        outlook = shop.insight.demand
        if csv is not None or named:
            weeks = outlook.weeks("product", products) if products else []
            weeks += outlook.weeks("category", category) if category else []
            weeks = weeks if named else outlook.all_weeks()
            rows = []
        else:
            weeks, rows = [], outlook.products(seasonal=seasonal)
    if csv is not None:
        written = write_weeks(weeks, csv)
        if json:
            print_json({"weeks": written, "file": csv})
        else:
            say(f"{format_count(written)} weeks written to {csv}")
    elif named:
        _print_weeks(weeks, json=json)
    else:
        _print_products(rows[:count], json=json)


def _print_weeks(weeks: list[DemandWeek], *, json: bool) -> None:
    if json:
        print_json({"weeks": [week.to_source() for week in weeks]})
        return
    begin = {key: [w.week for w in weeks if w.key == key and w.actual is not None][-PAST_TOLD:]
             for key in {w.key for w in weeks}}  # fmt: skip
    print_table(
        ("kind", "key", "week from", "sold", "expected", "low", "high"),
        [(w.kind, w.key, str(w.week), w.actual, _whole(w.expected), _whole(w.low), _whole(w.high))
         for w in weeks if w.actual is None or w.week in begin[w.key]],
    )  # fmt: skip


def _print_products(rows: list[dict[str, Any]], *, json: bool) -> None:
    if json:
        print_json({"products": rows})
        return
    if len(rows) == 0:
        typer.echo("no product has one: `profilestore insight run demand` looks for them")
        return
    print_table(
        ("product", "title", "expected in 28 days", "low", "high", "stock", "season", "months"),
        [(row["product_id"], row["title"], _whole(row["demand_28d"]), _whole(row["demand_28d_low"]),
          _whole(row["demand_28d_high"]), row["stock"], row["season"],
          ", ".join(map(str, row["season_months"] or ())) or None) for row in rows],
    )  # fmt: skip


def _whole(value: float | None) -> str | None:
    return None if value is None else f"{value:,.1f}"
