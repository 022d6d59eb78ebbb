"""`profilestore coupon list|claim|redeem|check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import format_count, print_json, print_table, say

if TYPE_CHECKING:
    from profilestore.settings import Settings

__all__ = ["app"]

HELP = "Coupons of campaigns: one a user at most, never more than the budget pays."
app = typer.Typer(no_args_is_help=True, help=HELP, rich_markup_mode=None)

UserArgument = Annotated[str, typer.Argument(metavar="USER", help="Whose coupon it is.")]


@app.command("list")
@with_settings
def list_coupons(
    settings: Settings,
    campaign: Annotated[str | None, typer.Argument(metavar="[CAMPAIGN]", help="Of one; else of all.")] = None,
    json: JsonOption = False,
) -> None:
    """List how many coupons each campaign has, and how many were given, claimed and redeemed."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        coupons = shop.coupons
        counted = coupons.all() if campaign is None else [coupons.counts(campaign)]
    if json:
        print_json({"coupons": [each.to_json_dict() for each in counted]})
        return
    print_table(
        ("campaign", "coupons", "issued", "left", "claimed", "redeemed", "value"),
        [
            (each.campaign, each.size, each.issued, each.left, each.claimed, each.redeemed, each.value)
            for each in counted
        ],
    )


@app.command("claim")
@with_settings
def claim(
    settings: Settings,
    campaign: Annotated[str, typer.Argument(metavar="CAMPAIGN", help="Whose coupon.")],
    user: Annotated[str, typer.Argument(metavar="USER", help="Who asks for it.")],
    json: JsonOption = False,
) -> None:
    """Give a user the coupon that they ask for, the same one when they ask again, and record it."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        claimed = shop.coupons.claim(campaign, user)
    if json:
        print_json(claimed.to_json_dict())
    else:
        typer.echo(claimed.code)


@app.command("redeem")
@with_settings
def redeem(
    settings: Settings,
    code: Annotated[str, typer.Argument(metavar="CODE", help="Of the coupon.")],
    user: UserArgument,
    campaign: Annotated[
        str | None, typer.Option("--campaign", metavar="NAME", help="Whose it is, where several have this code.")
    ] = None,
    order: Annotated[
        str | None, typer.Option("--order", metavar="ID", help="For what; the same order again is no second time.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Use a user's coupon up: only theirs, in the campaign's time, and once."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        redeemed = shop.coupons.redeem(code, user, campaign=campaign, order_id=order)
    if json:
        print_json(redeemed.to_json_dict())
        return
    worth = "" if redeemed.value is None else f", worth {redeemed.value:,.2f} {settings.currency} at most"
    typer.echo(f"redeemed: a coupon of {redeemed.campaign}{worth}" + ("" if redeemed.first else " (already recorded)"))


@app.command("check")
@with_settings
def check(
    settings: Settings,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Codes, one a line or a column of a CSV file.")],
    column: Annotated[
        str | None, typer.Option("--column", metavar="NAME", help="Of the codes; found where it is obvious.")
    ] = None,
    campaign: Annotated[
        str, typer.Option("--campaign", metavar="NAME", help="Whose they are to be: its own do not count.")
    ] = "",
    json: JsonOption = False,
) -> None:
    """Check a file of codes: none missing, none twice, none of another campaign that is not over. Writes nothing."""
    from profilestore.campaigns.coupons.code_file import read_codes
    from profilestore.campaigns.coupons.pool import Pool
    from profilestore.store import ProfileStore

    pool = Pool.of_file(read_codes(file, column=column))
    with ProfileStore.open(settings) as shop:
        shop.coupons.check_pool(campaign, pool)
    if json:
        print_json({"file": file.name, "codes": pool.size, "caution": pool.caution})
        return
    typer.echo(f"{file.name}: {format_count(pool.size)} codes, all good")
    if pool.caution is not None:
        say(f"note: {pool.caution}")
