"""`profilestore audience build|list|show|size|overlap|export|audit|remove`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from profilestore.cli.audience_build import build
from profilestore.cli.audience_output import plain_audience, print_size, written_out
from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import format_count, print_json, print_table, say

if TYPE_CHECKING:
    from profilestore.settings import Settings

__all__ = ["app"]

HELP = "Whom to write to: audiences by rules, likeness and lists, always current, and their export."
app = typer.Typer(no_args_is_help=True, help=HELP, rich_markup_mode=None)
app.command("build")(build)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Of an audience.")]


@app.command("list")
@with_settings
def list_audiences(settings: Settings, json: JsonOption = False) -> None:
    """List the audiences: channel, limit, how many were in them when they were built, and what they say."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        audiences = shop.audiences.all()
    if json:
        print_json({"audiences": [plain_audience(audience) for audience in audiences]})
        return
    print_table(
        ("audience", "channel", "limit", "built", "members then", "who", "description"),
        [
            (each.name, each.definition.channel, each.definition.limit, f"{each.created:%Y-%m-%d}", each.members,
             written_out(each.definition.members), each.definition.description)
            for each in audiences
        ],
    )  # fmt: skip


@app.command("show")
@with_settings
def show(
    settings: Settings,
    name: NameArgument,
    n: Annotated[int, typer.Option("-n", min=0, max=1000, help="How many members, drawn at random.")] = 5,
    field: Annotated[
        list[str] | None, typer.Option("--field", metavar="NAME", help="Of their profiles; repeatable.")
    ] = None,
    query: Annotated[bool, typer.Option("--query", help="Also the query that finds the members.")] = False,
    json: JsonOption = False,
) -> None:
    """Show an audience: its definition, how many are in it now, and some of them."""
    import orjson

    from profilestore.store import ProfileStore

    fields = field or []
    with ProfileStore.open(settings) as shop:
        audience = shop.audiences.get(name)
        size = shop.audiences.size(name)
        sample = shop.audiences.sample(name, n=n, fields=fields) if n > 0 else []
        found = shop.audiences.current(name).query if query or json else {}
    if json:
        members = [{"user_id": member.user_id, **member.fields} for member in sample]
        print_json({**plain_audience(audience), "size": size.to_json_dict(), "sample": members, "query": found})
        return
    definition = audience.definition
    typer.echo(f"{name}: {definition.description}" if definition.description != "" else name)
    typer.echo(f"who: {written_out(definition.members)}")
    if definition.limit is not None:
        typer.echo(f"limit: the best {format_count(definition.limit)} by {definition.by or 'score'}")
    typer.echo(f"built {audience.created:%Y-%m-%d %H:%M} UTC by {audience.created_by}")
    print_size(size, definition.channel)
    if query:
        typer.echo(f"query on {settings.index('profiles')}: {orjson.dumps(found).decode()}")
    if len(sample) > 0:
        print_table(
            ("member", *fields),
            [(member.user_id, *(member.fields.get(each) for each in fields)) for member in sample],
        )


@app.command("size")
@with_settings
def size(
    settings: Settings,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Of audiences.")],
    channel: Annotated[
        str | None, typer.Option("--channel", metavar="NAME", help="Another one than their own.", show_default=False)
    ] = None,
    json: JsonOption = False,
) -> None:
    """Count who is in audiences now, and who is not for lack of consent or by the limit."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        sizes = [(name, shop.audiences.size(name, channel=channel)) for name in names]
    if json:
        for name, found in sizes:
            print_json({"audience": name, **found.to_json_dict()})
        return
    print_table(
        ("audience", "matched", "no consent", "over the limit", "members", "personalisation off"),
        [(name, each.matched, each.no_consent, each.over_limit, each.members, each.opted_out) for name, each in sizes],
    )


@app.command("overlap")
@with_settings
def overlap(
    settings: Settings,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Of audiences; all of them when none is named.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Count the users that audiences share, each with each; the diagonal has their own members."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        wanted = names or [audience.name for audience in shop.audiences.all()]
        found = shop.audiences.overlap(wanted)
    if json:
        print_json({"audiences": found.names, "counts": found.counts})
        return
    print_table(("audience", *found.names), [(name, *row) for name, row in zip(found.names, found.counts, strict=True)])


@app.command("export")
@with_settings
def export(
    settings: Settings,
    name: NameArgument,
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
    offers: Annotated[
        int, typer.Option("--offers", min=0, max=100, metavar="N", help="Recommended products beside each user.")
    ] = 0,
    explain: Annotated[
        bool, typer.Option("--explain", help="Reasons too, of products that are asked for now.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Ask for all products now, not for lists of the last nightly run.")
    ] = False,
    channel: Annotated[
        str | None, typer.Option("--channel", metavar="NAME", help="Another one than its own.", show_default=False)
    ] = None,
    json: JsonOption = False,
) -> None:
    """Export who is in an audience now, for mail, SMS, WeChat or ad platforms; the audit has a line of it.

    In CSV, a text that a spreadsheet would run as a formula stands behind an apostrophe; JSONL is exact.
    """
    from profilestore.campaigns.audience.exporting import ExportOptions
    from profilestore.store import ProfileStore

    options = ExportOptions(
        fields=tuple(field or ()), plain_ids=plain_ids, offers=offers, explain=explain, fresh=fresh, channel=channel
    )
    with ProfileStore.open(settings) as shop:
        report = shop.audiences.export(name, output, options)
    if json:
        print_json(report.to_json_dict())
    else:
        say(f"{format_count(report.members)} users written to {output} (audit {report.audit[:8]})")


@app.command("audit")
@with_settings
def audit(
    settings: Settings,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Of one audience; else of all.")] = None,
    n: Annotated[int, typer.Option("-n", min=1, max=10_000, help="How many lines.")] = 20,
    json: JsonOption = False,
) -> None:
    """Show who exported what, the latest first: definition and count, never the list."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        lines = shop.audiences.audit.list(subject=name, n=n)
    if json:
        print_json({"audits": [{"id": each.id, **each.line.to_source()} for each in lines]})
        return
    print_table(
        ("when", "who", "action", "of", "state", "users"),
        [(f"{each.line.when:%Y-%m-%d %H:%M:%S}", each.line.who, each.line.action, each.line.subject, each.line.state,
          each.line.count) for each in lines],
    )  # fmt: skip


@app.command("remove")
@with_settings
def remove(settings: Settings, name: NameArgument, json: JsonOption = False) -> None:
    """Forget an audience; what the audit says of it stays."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        shop.audiences.remove(name)
    if json:
        print_json({"removed": name})
    else:
        typer.echo(f"{name} is forgotten")
