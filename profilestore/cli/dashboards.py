"""`profilestore dashboards build|preview|check|refresh|push`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from profilestore.cli.dashboards_push import push
from profilestore.cli.dashboards_refresh import refresh
from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import format_bytes, format_count, print_json, print_table, say

if TYPE_CHECKING:
    from profilestore.dashboards.previewing import Preview
    from profilestore.settings import Settings

__all__ = ["app"]

HELP = "Kibana dashboards as code, and a preview without Kibana."
app = typer.Typer(no_args_is_help=True, help=HELP, rich_markup_mode=None)
app.command("refresh")(refresh)
app.command("push")(push)

LanguageOption = Annotated[
    str | None, typer.Option("--language", metavar="en|zh", help="Of titles and words; else the shop's.")
]
RefreshOption = Annotated[
    bool, typer.Option("--refresh/--no-refresh", help="Bring what panels read to the day first, or leave it.")
]


@app.command("build")
@with_settings
def build(
    settings: Settings,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where the files go.")],
    language: LanguageOption = None,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="Begin of the period, as Kibana takes it.")
    ] = "now-1y",
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="End of the period.")] = "now",
    json: JsonOption = False,
) -> None:
    """Write each dashboard as a JSON file that Kibana's API takes; needs no server."""
    from profilestore.dashboards.catalogue import all_dashboards
    from profilestore.dashboards.files import write_files

    dashboards = all_dashboards(settings, _language(language, settings), period=(since, until))
    written = write_files(dashboards, output)
    if json:
        print_json({"files": written})
        return
    for path, dashboard in zip(written, dashboards, strict=True):
        typer.echo(f"{path}: {dashboard.title}, {len(dashboard.panels)} panels")


@app.command("preview")
@with_settings
def preview(
    settings: Settings,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The HTML file.")],
    language: LanguageOption = None,
    user: Annotated[
        list[str] | None,
        typer.Option("--user", metavar="ID", help="For One customer; repeatable. Else a sample of 50."),
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    png: Annotated[bool, typer.Option("--png", help="Also a PNG of each dashboard, beside the file.")] = False,
    refresh_first: RefreshOption = True,
    json: JsonOption = False,
) -> None:
    """Write one HTML file with all dashboards, their numbers and charts, from the running server."""
    from profilestore.dashboards.files import write_preview
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        if refresh_first:
            shop.dashboards.refresh(progress=say)
        made = shop.dashboards.preview(language=_language(language, settings), users=user or ())
    files = write_preview(made, output, png=png)
    empty = len(made.without_data())
    if json:
        print_json({"files": files, "bytes": output.stat().st_size, "panels": len(made.answers), "without_data": empty})
    else:
        size = format_bytes(output.stat().st_size)
        typer.echo(
            f"{output}: {len(made.dashboards)} dashboards, {len(made.answers)} panels, {empty} without data, {size}"
        )
        for path in files[1:]:
            typer.echo(path)
    if show:
        typer.launch(str(output.resolve()))


@app.command("check")
@with_settings
def check(settings: Settings, refresh_first: RefreshOption = True, json: JsonOption = False) -> None:
    """Ask the server for every panel, and list those that have nothing to show, with what to do."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        if refresh_first:
            shop.dashboards.refresh(progress=say)
        made = shop.dashboards.preview(language="en")
    rows = _check_rows(made)
    if json:
        print_json({"panels": len(made.answers), "without_data": rows})
        return
    typer.echo(f"{format_count(len(made.answers))} panels, {format_count(len(rows))} without data")
    if len(rows) > 0:
        print_table(("dashboard", "panel", "why"), [(row["dashboard"], row["panel"], row["why"]) for row in rows])


def _check_rows(made: Preview) -> list[dict[str, str]]:
    return [
        {"dashboard": each.dashboard, "panel": each.panel.title, "why": each.panel.missing}
        for each in made.without_data()
    ]


def _language(wanted: str | None, settings: Settings) -> Literal["en", "zh"]:
    from profilestore.errors import UsageError

    chosen = settings.language if wanted is None else wanted
    if chosen not in ("en", "zh"):
        raise UsageError("the language of dashboards is en or zh.")
    return cast(Literal["en", "zh"], chosen)
