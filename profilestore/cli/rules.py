"""`profilestore rules mine|show`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import format_count, print_json, print_table, say

if TYPE_CHECKING:
    from profilestore.indexing.rules import Rule, RulesReport
    from profilestore.settings import Settings

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Mine and show what is bought together.", rich_markup_mode=None)


@app.command("mine")
@with_settings
def mine(
    settings: Settings,
    min_support: Annotated[
        float, typer.Option("--min-support", metavar="SHARE", help="Of all orders; three orders in any case.")
    ] = 0.0,
    min_confidence: Annotated[
        float, typer.Option("--min-confidence", metavar="SHARE", help="Of the orders with the first product.")
    ] = 0.0,
    min_lift: Annotated[float, typer.Option("--min-lift", metavar="N", help="Times as often as by chance.")] = 1.0,
    level: Annotated[
        float,
        typer.Option("--level", metavar="P", help="The chance that orders without a pattern yield any rule."),
    ] = 0.01,
    json: JsonOption = False,
) -> None:
    """Mine association rules from all orders and store them with the products."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        report = shop.rules.mine(
            min_support=min_support, min_confidence=min_confidence, min_lift=min_lift, level=level, progress=say
        )
    if json:
        print_json(report.to_json_dict())
        return
    typer.echo(
        f"{format_count(report.rules)} rules of {format_count(report.antecedents)} products are stored with the "
        f"products; {format_count(report.written)} products changed"
    )
    typer.echo(_told(report))


@app.command("show")
@with_settings
def show(
    settings: Settings,
    products: Annotated[
        list[str] | None, typer.Argument(metavar="[PRODUCT]...", help="Rules of these; else the best of the shop.")
    ] = None,
    n: Annotated[int, typer.Option("-n", min=1, max=1000, help="How many rules, of each product given.")] = 10,
    json: JsonOption = False,
) -> None:
    """Show what was mined: the rules of some products, or the best of all."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        report = shop.rules.report()
        rules = shop.rules.show(products or (), n=n)
    if json:
        print_json({"mined": report.to_json_dict(), "rules": [asdict(rule) for rule in rules]})
        return
    say(_told(report))
    if len(rules) == 0:
        say("no rules" if products is None else "no rules of these products")
        return
    print_table(
        ("who buys", "title", "also buys", "title", "orders", "support", "confidence", "lift", "p", "score"),
        [_row(rule) for rule in rules],
    )


def _told(report: RulesReport) -> str:
    several = format_count(report.baskets_of_several)
    return (
        f"mined {report.created[:16]} from {format_count(report.baskets)} orders ({several} of several products), "
        f"{report.first_purchase[:10]} to {report.last_purchase[:10]}; {format_count(report.tests)} pairs of "
        f"{format_count(report.products)} products tested at level {report.settings['level']:g}"
    )


def _row(rule: Rule) -> tuple[object, ...]:
    return (
        rule.antecedent, rule.antecedent_title or "", rule.consequent, rule.consequent_title or "", rule.count,
        rule.support, rule.confidence, rule.lift, f"{rule.p_value:.1e}", rule.score,
    )  # fmt: skip
