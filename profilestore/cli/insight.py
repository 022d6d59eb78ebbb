"""`profilestore insight run|list|show`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from profilestore.cli.churn import app as churn_app
from profilestore.cli.demand import demand
from profilestore.cli.interests import interests
from profilestore.cli.map import draw_map
from profilestore.cli.odd import app as odd_app
from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import format_count, print_json, print_table, say
from profilestore.cli.propensity import app as propensity_app
from profilestore.cli.segments import app as segments_app
from profilestore.cli.sentiment import app as sentiment_app

if TYPE_CHECKING:
    from profilestore.insight.records import InsightRecord
    from profilestore.settings import Settings

__all__ = ["app"]

HELP = "Turn profiles into knowledge: value, segments and more, written back into the profiles."
app = typer.Typer(no_args_is_help=True, help=HELP, rich_markup_mode=None)
app.add_typer(churn_app, name="churn")
app.add_typer(propensity_app, name="propensity")
app.command("demand")(demand)
app.command("interests")(interests)
app.add_typer(segments_app, name="segments")
app.add_typer(odd_app, name="odd")
app.command("map")(draw_map)
app.add_typer(sentiment_app, name="sentiment")


@app.command("run")
@with_settings
def run(
    settings: Settings,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[STEP]...", help="Only these; `insight list` names them.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also what is not due, and write what does not beat its baseline.")
    ] = False,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="TIME", help="Only acts before it count; else all up to the last one."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of all random draws.")] = 7,
    json: JsonOption = False,
) -> None:
    """Do all that is due (the nightly command), or the steps named."""
    from dataclasses import asdict

    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        reports = shop.insight.run(names or (), as_of=_time(as_of), force=force, seed=seed, progress=say)
    if json:
        print_json({"steps": [asdict(report) for report in reports]})
        return
    for report in reports:
        written = "" if report.written is None else f" ({format_count(report.written.written)} profiles written)"
        typer.echo(f"{report.name}: {report.status}{written}. {report.message}")


def _time(text: str | None) -> Any:
    from datetime import UTC, datetime

    from profilestore.errors import UsageError

    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError("--as-of wants a date or a time such as 2026-11-01 or 2026-11-01T00:00:00Z.") from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


@app.command("list")
@with_settings
def list_results(settings: Settings, json: JsonOption = False) -> None:
    """List the steps, what they are, and when they were done last."""
    from profilestore.insight.steps import STEPS
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        made = {record.name: record for record in shop.insight.results()}
    if json:
        rows = [
            {"name": step.name, "help": step.help, "created": made[step.name].created if step.name in made else None,
             "as_of": made[step.name].window.get("as_of") if step.name in made else None,
             "accepted": made[step.name].accepted if step.name in made else None}
            for step in STEPS
        ]  # fmt: skip
        print_json({"insight": rows})
        return
    print_table(
        ("step", "what", "made", "as of", "beats its baseline"),
        [(step.name, step.help, *_when(made.get(step.name))) for step in STEPS],
    )


def _when(record: InsightRecord | None) -> tuple[str | None, str | None, bool | None]:
    if record is None:
        return None, None, None
    return record.created[:16], str(record.window.get("as_of"))[:16], record.accepted


@app.command("show")
@with_settings
def show(
    settings: Settings,
    name: Annotated[str, typer.Argument(metavar="STEP", help="Whose result; `insight list` names them.")],
    language: Annotated[str, typer.Option("--language", metavar="en|zh", help="Of card and headings.")] = "en",
    json: JsonOption = False,
) -> None:
    """Show a result: its card in plain words, its tables, its figures against the baseline."""
    from dataclasses import asdict

    from profilestore.errors import UsageError
    from profilestore.insight.table_words import heading
    from profilestore.store import ProfileStore

    if language not in ("en", "zh"):
        raise UsageError("the language of a card is en or zh.")
    with ProfileStore.open(settings) as shop:
        record = shop.insight.result(name)
    if json:
        print_json(asdict(record))
        return
    typer.echo(record.card.get(language, ""))
    for title, rows in record.tables.items():
        if len(rows) == 0:
            continue
        typer.echo(f"\n{heading(title, language)}")
        columns = list(dict.fromkeys(column for row in rows for column in row))
        names = [heading(column, language) for column in columns]
        print_table(names, [[row.get(column) for column in columns] for row in rows])
    if len(record.figures) > 0:
        typer.echo("")
        print_table([heading(name, language) for name in ("figure", "value")], _flat(record.figures))
    if len(record.by_group) > 0:
        _print_by_group(record.by_group, language)


def _print_by_group(by_group: Mapping[str, Any], language: str) -> None:
    from profilestore.insight.fairness_words import group_sentence, group_table

    typer.echo(f"\n{group_sentence(by_group, language)}")
    rows = group_table(by_group, language)
    if len(rows) > 0:
        print_table(list(rows[0]), [list(row.values()) for row in rows])


def _flat(figures: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """Figures a line each; an interval as mean [low, high]."""
    lines: list[tuple[str, str]] = []
    for name, value in figures.items():
        if isinstance(value, Mapping) and {"mean", "low", "high"} <= value.keys():
            lines.append((before + name, f"{value['mean']:,.4g} [{value['low']:,.4g}, {value['high']:,.4g}]"))
        elif isinstance(value, Mapping):
            lines += _flat(value, f"{before}{name}.")
        else:
            lines.append((before + name, f"{value:,.4g}" if isinstance(value, float) else str(value)))
    return lines
