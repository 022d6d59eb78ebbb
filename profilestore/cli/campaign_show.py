"""`profilestore campaign show`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from profilestore.cli.campaign_output import clock, plain_campaign, plain_cell, print_campaign
from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import print_json, print_table

if TYPE_CHECKING:
    from profilestore.settings import Settings

__all__ = ["show"]

_NOT_SHOWN = ("kind", "campaign", "quiet")


@with_settings
def show(
    settings: Settings,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of a campaign.")],
    user: Annotated[
        str | None, typer.Option("--user", metavar="ID", help="Also what this user got of it.", show_default=False)
    ] = None,
    as_query: Annotated[
        bool, typer.Option("--as-query", help="Also the request by which an app asks what a user gets now.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show a campaign: its definition, its state, how many users have which place, and one user's own."""
    from datetime import UTC

    import orjson

    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        campaign = shop.campaigns.get(name)
        counts = shop.campaigns.counts(name)
        place = None if user is None else shop.campaigns.place(name, user)
        request = shop.campaigns.offers_request(user or "USER") if as_query else None
    now = datetime.now(UTC)
    if json:
        told = {**plain_campaign(campaign, now), "places": counts}
        told |= {} if place is None else {"user": place.to_source()}
        print_json(told if request is None else {**told, "request": request})
        return
    print_campaign(campaign, counts, now=now, settings=settings)
    if place is not None:
        held = place.to_source()
        rows = [(key, _place_cell(value, settings)) for key, value in held.items() if key not in _NOT_SHOWN]
        print_table(("of the user", ""), rows)
    if request is not None:
        typer.echo(f"POST {settings.index('campaigns')}/_search")
        typer.echo(orjson.dumps(request, option=orjson.OPT_INDENT_2).decode())


def _place_cell(value: Any, settings: Settings) -> Any:
    return clock(value, settings) if isinstance(value, datetime) else plain_cell(value)
