"""`profilestore campaign export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import format_count, print_json, say

if TYPE_CHECKING:
    from profilestore.settings import Settings

__all__ = ["export"]


@with_settings
def export(
    settings: Settings,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of a campaign that runs.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="A .csv or .jsonl file, which only you may read.")
    ],
    field: Annotated[
        list[str] | None,
        typer.Option("--field", metavar="NAME", help="Of the profile, such as city or attributes.mail; repeatable."),
    ] = None,
    plain_ids: Annotated[
        bool, typer.Option("--plain-ids", help="The ids as they are; else HMAC-SHA-256 with the shop's export_key.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Export who is to be written to now, with code, product and reasons; the audit has a line of it.

    In CSV, a text that a spreadsheet would run as a formula stands behind an apostrophe, and such a code is refused;
    JSONL is exact.
    """
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        report = shop.campaigns.export(name, output, fields=field or (), plain_ids=plain_ids)
    if json:
        print_json(report.to_json_dict())
        return
    say(f"{format_count(report.users)} users written to {output} (audit {report.audit[:8]})")
    if report.held_back > 0:
        say(
            f"{format_count(report.held_back)} held back: consent withdrawn, personalisation switched off, or their "
            "product off sale"
        )
    if report.quiet_hours is not None:
        say(f"send nothing between {report.quiet_hours} ({settings.time_zone})")
