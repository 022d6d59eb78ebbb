"""`profilestore insight interests`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import print_json

if TYPE_CHECKING:
    from profilestore.settings import Settings

__all__ = ["interests"]


@with_settings
def interests(
    settings: Settings,
    user: Annotated[str, typer.Argument(metavar="USER", help="Whose.")],
    json: JsonOption = False,
) -> None:
    """Show what a user turns to now against before, and when they are likely to buy again."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        told = shop.insight.interests(user)
    if json:
        print_json(told)
        return
    for way in ("rising", "falling"):
        for what in ("categories", "brands", "topics"):
            if told[f"{way}_{what}"]:
                typer.echo(f"{way} {what:11} {', '.join(told[f'{way}_{what}'])}")
    if told["interest_drift"] is not None:
        typer.echo(f"drift               {told['interest_drift']:.0%} of what they turn to, beyond chance")
    if told["next_purchase_at"] is not None:
        thing = told["next_purchase_product"] or told["next_purchase_category"]
        until = "" if told["next_purchase_to"] is None else f" to {told['next_purchase_to']}"
        typer.echo(f"next purchase       {told['next_purchase_at']} ({told['next_purchase_from']}{until}): {thing}")
    if all(value in (None, []) for name, value in told.items() if name not in ("user_id", "as_of")):
        typer.echo(f"nothing is told of user {user}: too little is known, nothing changed, or personalisation is off")
