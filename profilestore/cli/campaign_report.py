"""`profilestore campaign report`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import print_json, say

if TYPE_CHECKING:
    from profilestore.settings import Settings

__all__ = ["report"]


@with_settings
def report(
    settings: Settings,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of a campaign.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.html", help="Also write one HTML page.")
    ] = None,
    language: Annotated[str | None, typer.Option("--language", metavar="en|zh", help="Else the shop's.")] = None,
    lift: Annotated[
        float,
        typer.Option("--lift", metavar="SHARE", help="The control group should see so many more buyers: 0.2 a fifth."),
    ] = 0.2,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="TIME", help="As it was known then; else now.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Did a campaign pay? Treatment against control, with intervals: buyers, revenue, cost, ROI, groups, days."""
    from profilestore.campaigns.report.rendering import report_html, report_text
    from profilestore.store import ProfileStore

    chosen = _language(language, settings)
    now = _time(as_of)
    with ProfileStore.open(settings) as shop:
        made = shop.campaigns.report(name, now=now, lift=lift, progress=say)
    if output is not None:
        _write(output, report_html(made, chosen))
    if json:
        print_json(made.to_json_dict() | ({} if output is None else {"file": output}))
        return
    typer.echo(report_text(made, chosen))
    if output is not None:
        say(f"written to {output}")


def _write(path: Path, page: str) -> None:
    from profilestore.errors import InputError

    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error


def _language(wanted: str | None, settings: Settings) -> Literal["en", "zh"]:
    from profilestore.errors import UsageError

    chosen = settings.language if wanted is None else wanted
    if chosen not in ("en", "zh"):
        raise UsageError("the language of a report is en or zh.")
    return cast(Literal["en", "zh"], chosen)


def _time(text: str | None) -> datetime | None:
    from profilestore.documents.base import to_utc
    from profilestore.errors import UsageError

    if text is None:
        return None
    try:
        return to_utc(datetime.fromisoformat(text))
    except ValueError:
        raise UsageError("--as-of wants a date or a time such as 2026-11-01 or 2026-11-01T00:00:00Z.") from None
