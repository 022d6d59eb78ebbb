"""`profilestore campaign import`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from profilestore.cli.index import SOME_REJECTED, FormatOption, RejectsOption, StrictOption
from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import format_count, print_json, say

if TYPE_CHECKING:
    from profilestore.campaigns.importing.options import ImportReport
    from profilestore.settings import Settings

__all__ = ["import_campaigns"]

_COUNTS = ("read", "indexed", "updated", "unchanged", "duplicate", "rejected")


@with_settings
def import_campaigns(
    settings: Settings,
    files: Annotated[
        list[str],
        typer.Argument(metavar="CAMPAIGNS", help="Files with name, start and end a campaign; type, channel, cost."),
    ],
    members: Annotated[
        list[str] | None,
        typer.Option("--members", metavar="FILE", help="Who was in which: campaign, user, arm, time; repeatable."),
    ] = None,
    coupons: Annotated[
        list[str] | None,
        typer.Option("--coupons", metavar="FILE", help="Campaign, code, product that it is good for; repeatable."),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            metavar="PRESET|FILE.toml",
            help="Maps the files' columns to ours: complete-journey, or [campaigns], [members], [coupons] of a file.",
        ),
    ] = None,
    strict: StrictOption = False,
    format: FormatOption = None,
    rejects: RejectsOption = Path(),
    json: JsonOption = False,
) -> None:
    """Import past campaigns as they were: who was in them and their coupons; again, and nothing changes."""
    from profilestore.campaigns.importing.options import ImportFiles, ImportOptions
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        report = shop.campaigns.import_past(
            ImportFiles(campaigns=files, members=members or (), coupons=coupons or ()),
            ImportOptions(columns=columns, strict=strict, format=format, rejects_folder=rejects),
        )
    _print_report(report, json=json)
    if report.rejected > 0:
        raise typer.Exit(SOME_REJECTED)


def _print_report(report: ImportReport, *, json: bool) -> None:
    rejects_file = next((counts.rejects_file for counts in report.rows.values()), None)
    if json:
        print_json(
            {
                "rows": {kind: {name: getattr(each, name) for name in _COUNTS} for kind, each in report.rows.items()},
                "campaigns": report.campaigns,
                "coupons": report.coupons,
                "contacts": report.contacts,
                "without_profile": report.without_profile,
                "rejects_file": rejects_file,
                "seconds": report.seconds,
            }
        )
        return
    for kind, counts in report.rows.items():
        told = ", ".join(f"{format_count(getattr(counts, name))} {name}" for name in _COUNTS[1:])
        typer.echo(f"{format_count(counts.read)} rows of {kind} read: {told}")
        for note in counts.notes:
            typer.echo(f"  {note}")
    users = sum(each["treatment"] + each["control"] for each in report.campaigns.values())
    typer.echo(
        f"{format_count(len(report.campaigns))} campaigns hold {format_count(users)} places of users and "
        f"{format_count(sum(each['coupons'] for each in report.campaigns.values()))} coupons, in {report.seconds:.1f} s"
    )
    if report.without_profile > 0:
        typer.echo(f"{format_count(report.without_profile)} users in the files have no profile (so far)")
    if report.contacts > 0:
        typer.echo("consent is not asked of the past; its contacts count for the cap of their weeks")
    if rejects_file is not None:
        say(f"rejected rows, raw and for your eyes only: {rejects_file}")
