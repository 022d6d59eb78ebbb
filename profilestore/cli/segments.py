"""`profilestore insight segments define|list|show|members|snapshot|remove`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import format_count, print_json, print_table, say

if TYPE_CHECKING:
    from datetime import datetime

    from profilestore.elastic.segment_history import SegmentCount
    from profilestore.insight.segments.rule_segments import RuleSegment
    from profilestore.settings import Settings

__all__ = ["app"]

TOLD = 12

app = typer.Typer(
    no_args_is_help=True, help="Segments by rule and by behaviour, and who is in them.", rich_markup_mode=None
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Of a segment.")]
NowOption = Annotated[
    str | None,
    typer.Option("--now", metavar="TIME", help="Count elapsed days from then; else from now.", show_default=False),
]


@app.command("define")
@with_settings
def define(
    settings: Settings,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="TOML: [segments] with NAME = 'CONDITION' lines.")],
    json: JsonOption = False,
) -> None:
    """Define the segments of a file; one of the same name is replaced."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        segments = shop.insight.segments.define_file(file)
        sizes = {segment.name: shop.insight.segments.count(segment.name) for segment in segments}
    if json:
        print_json({"segments": [_plain(segment) | {"members": sizes[segment.name]} for segment in segments]})
        return
    for segment in segments:
        typer.echo(f"{segment.name}: {format_count(sizes[segment.name])} users are in it now")


@app.command("list")
@with_settings
def list_segments(settings: Settings, json: JsonOption = False) -> None:
    """List the segments with their conditions and how many users are in them now."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        segments = shop.insight.segments.all() + shop.insight.segments.by_behaviour()
        sizes = {segment.name: shop.insight.segments.count(segment.name) for segment in segments}
    if json:
        print_json({"segments": [_plain(segment) | {"members": sizes[segment.name]} for segment in segments]})
        return
    print_table(
        ("segment", "by", "members", "condition", "description"),
        [
            (segment.name, segment.kind, sizes[segment.name], segment.condition, segment.description)
            for segment in segments
        ],
    )


@app.command("show")
@with_settings
def show(settings: Settings, name: NameArgument, now: NowOption = None, json: JsonOption = False) -> None:
    """Show a segment: its condition, the saved query, how many are in it, and its history."""
    import orjson

    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        segment = shop.insight.segments.get(name)
        members = shop.insight.segments.count(name, now=_moment(now))
        history = shop.insight.segments.history(name)
    if json:
        print_json(_plain(segment) | {"members": members, "history": [_counted(count) for count in history]})
        return
    typer.echo(f"{segment.name}: {segment.description}" if segment.description != "" else segment.name)
    typer.echo(f"condition: {segment.condition}")
    typer.echo(f"members: {format_count(members)}")
    typer.echo(f"query on {settings.index('profiles')}: {orjson.dumps(segment.query).decode()}")
    if len(history) > 0:
        print_table(
            ("snapshot", "members", "entries", "exits", "share"),
            [(f"{count.time:%Y-%m-%d %H:%M}", count.members, count.entries, count.exits, f"{count.share:.1%}")
             for count in history[-TOLD:]],
        )  # fmt: skip


@app.command("members")
@with_settings
def members(
    settings: Settings,
    name: NameArgument,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="A .csv or .jsonl file, which only you may read."),
    ] = None,
    field: Annotated[
        list[str] | None, typer.Option("--field", metavar="NAME", help="Of the profile, beside the id; repeatable.")
    ] = None,
    now: NowOption = None,
    json: JsonOption = False,
) -> None:
    """Export who is in a segment now: a user id a line, or what --output, --field and --json say.

    In CSV, a text that a spreadsheet would run as a formula stands behind an apostrophe; JSONL is exact.
    """
    from profilestore.insight.exporting import csv_lines, jsonl_lines, write_users
    from profilestore.store import ProfileStore

    fields = field or []
    with ProfileStore.open(settings) as shop:
        rows = shop.insight.segments.members(name, fields=fields, now=_moment(now))
        if output is not None:
            written = write_users(rows, output, fields=fields)
            if json:
                print_json({"segment": name, "members": written, "file": output})
            else:
                say(f"{format_count(written)} users written to {output}")
            return
        if json:
            lines = jsonl_lines(rows, fields)
        elif len(fields) > 0:
            lines = csv_lines(rows, fields)
        else:
            lines = (f"{user_id}\n" for user_id, _ in rows)
        for line in lines:
            typer.echo(line, nl=False)


@app.command("snapshot")
@with_settings
def snapshot(settings: Settings, now: NowOption = None, json: JsonOption = False) -> None:
    """Write `rule_segments` into the profiles, and counts, entries and exits into the history, for Kibana."""
    from dataclasses import asdict

    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        taken = shop.insight.segments.snapshot(now=_moment(now))
    if json:
        print_json({"time": taken.time, "segments": [_counted(count) for count in taken.counts],
                    "written": asdict(taken.written)})  # fmt: skip
        return
    print_table(
        ("segment", "members", "entries", "exits", "share"),
        [(count.segment, count.members, count.entries, count.exits, f"{count.share:.1%}") for count in taken.counts],
    )
    changed = taken.written.written + taken.written.emptied
    say(f"{format_count(changed)} profiles written, as of {taken.time:%Y-%m-%d %H:%M} UTC")


@app.command("remove")
@with_settings
def remove(settings: Settings, name: NameArgument, json: JsonOption = False) -> None:
    """Forget a segment; its history stays, and the next snapshot takes it out of the profiles."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        shop.insight.segments.remove(name)
    if json:
        print_json({"removed": name})
    else:
        typer.echo(f"{name} is forgotten")


def _moment(text: str | None) -> datetime | None:
    from datetime import UTC, datetime

    from profilestore.errors import UsageError

    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError("--now wants a date or a time such as 2026-11-01 or 2026-11-01T00:00:00Z.") from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _plain(segment: RuleSegment) -> dict[str, Any]:
    return {
        "name": segment.name,
        "kind": segment.kind,
        "condition": segment.condition,
        "description": segment.description,
        "defined": segment.defined,
        "query": segment.query,
    }


def _counted(count: SegmentCount) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(count) | {"share": round(count.share, 6)}
