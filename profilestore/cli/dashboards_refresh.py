"""`profilestore dashboards refresh`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import format_count, print_json, say

if TYPE_CHECKING:
    from profilestore.settings import Settings

__all__ = ["refresh"]


@with_settings
def refresh(
    settings: Settings,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Derive everything again, beside what is in force, and switch.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Bring to the day what dashboards read beside the shop's own indices; run it after `insight run`."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        report = shop.dashboards.refresh(rebuild=rebuild, progress=say)
    if json:
        print_json(report.to_json_dict())
        return
    if report.unchanged:
        typer.echo(f"nothing is new since the last refresh: {format_count(report.acts)} acts")
        return
    typer.echo(
        f"{format_count(report.acts)} acts in {settings.index('activity')}: {format_count(report.written)} written and "
        f"{format_count(report.removed)} removed for {format_count(report.derived)} of {format_count(report.users)} "
        f"users; {format_count(report.lists)} lists and {format_count(report.figures)} figures changed, "
        f"in {report.seconds:.0f} s"
    )
