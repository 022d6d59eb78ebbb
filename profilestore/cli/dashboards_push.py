"""`profilestore dashboards push`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import format_count, print_json, print_table, say

if TYPE_CHECKING:
    from profilestore.dashboards.push.pushing import PushReport
    from profilestore.settings import Settings

__all__ = ["push"]


@with_settings
def push(
    settings: Settings,
    language: Annotated[
        str | None, typer.Option("--language", metavar="en|zh", help="Of titles and words; else the shop's.")
    ] = None,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="Begin of the period, as Kibana takes it.")
    ] = "now-1y",
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="End of the period.")] = "now",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change in Kibana.")] = False,
    wait: Annotated[
        float, typer.Option("--wait", metavar="SECONDS", min=0, help="How long to wait for a Kibana that is starting.")
    ] = 120.0,
    json: JsonOption = False,
) -> None:
    """Create or update the dashboards and their data views in Kibana, and say what changed there."""
    from profilestore.dashboards.push.connecting import push_shop

    report = push_shop(settings, language=language, period=(since, until), dry_run=dry_run, wait_s=wait)
    if json:
        print_json(report.to_json_dict())
        return
    _print(report)


def _print(report: PushReport) -> None:
    version = "" if report.version is None else f" {report.version}"
    would = "would be " if report.dry_run else ""
    rows = [(each.kind, each.id, would + each.what if each.what != "unchanged" else each.what, len(each.changes))
            for each in report.pushed]  # fmt: skip
    print_table(("what", "id", f"in Kibana{version}", "changes"), rows)
    for each in report.pushed:
        for change in each.changes:
            typer.echo(f"{each.id}: {change}")
        for change in each.kept_otherwise:
            say(f"{each.id}: Kibana keeps it otherwise than it was sent, {change}")
        for warning in each.warnings:
            say(f"{each.id}: Kibana warns: {warning}")
    written = sum(each.what != "unchanged" for each in report.pushed)
    total = format_count(len(report.pushed))
    typer.echo(f"{format_count(written)} of {total} {'would be ' if report.dry_run else ''}written to {report.url}")
