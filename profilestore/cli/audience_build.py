"""`profilestore audience build`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from profilestore.cli.audience_output import plain_audience, print_size
from profilestore.cli.filters import comma_separated
from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import format_count, print_json, say

if TYPE_CHECKING:
    from profilestore.settings import Settings

__all__ = ["build"]

ManyOption = list[str] | None


@with_settings
def build(
    settings: Settings,
    name: Annotated[str, typer.Argument(metavar="NAME", help="By which it is asked for.")],
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="TOML: channel, [members] with and, or, not and legs; instead of flags."),
    ] = None,
    rule: Annotated[ManyOption, typer.Option("--rule", metavar="CONDITION", help="Who fulfils it; repeatable.")] = None,
    segment: Annotated[ManyOption, typer.Option("--segment", metavar="NAME", help="Who is in it; repeatable.")] = None,
    lookalike: Annotated[
        ManyOption, typer.Option("--lookalike", metavar="USER[,USER]", help="Who is most like these; repeatable.")
    ] = None,
    buyers: Annotated[
        ManyOption, typer.Option("--buyers", metavar="PRODUCT", help="Who would like it most; repeatable.")
    ] = None,
    ids: Annotated[
        ManyOption, typer.Option("--ids", metavar="FILE", help="Users of a CSV file, or one a line; repeatable.")
    ] = None,
    without: Annotated[
        ManyOption,
        typer.Option("--not", metavar="KIND=VALUE", help="Not rule=CONDITION, segment=NAME or ids=FILE; repeatable."),
    ] = None,
    either: Annotated[bool, typer.Option("--any", help="Who is in one of the legs; else in all of them.")] = False,
    channel: Annotated[
        str | None, typer.Option("--channel", metavar="NAME", help="Such as mail: who gave no consent to it is out.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, metavar="N", help="At most so many, the best.")] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="score|FIELD", help="Whom the limit keeps: score of the vectors, or a number."),
    ] = None,
    top: Annotated[
        int | None, typer.Option("--top", min=1, metavar="N", help="Of each lookalike and buyers: so many.")
    ] = None,
    min_score: Annotated[
        float | None, typer.Option("--min-score", min=0, max=1, metavar="S", help="Of the same: as near as that.")
    ] = None,
    method: Annotated[str, typer.Option("--method", metavar="auto|taste|text", help="By which vectors.")] = "auto",
    id_column: Annotated[
        str | None, typer.Option("--id-column", metavar="NAME", help="Of the files; found where it is obvious.")
    ] = None,
    allow_unknown: Annotated[
        bool, typer.Option("--allow-unknown", help="Go on where users of a file or lookalike have no profile.")
    ] = False,
    description: Annotated[str, typer.Option("--description", metavar="TEXT", help="For people.")] = "",
    json: JsonOption = False,
) -> None:
    """Build an audience from rules, segments, lookalikes, likely buyers and files, and save its definition."""
    from profilestore.campaigns.audience.definition_file import read_definition
    from profilestore.campaigns.audience.flags import definition_of_flags
    from profilestore.errors import UsageError
    from profilestore.store import ProfileStore

    legs: dict[str, Sequence[Any]] = {
        "rule": rule or [],
        "segment": segment or [],
        "lookalike": [comma_separated([users]) for users in lookalike or ()],
        "buyers": buyers or [],
        "ids": ids or [],
    }
    flags = any(len(given) > 0 for given in legs.values()) or without is not None
    if file is not None and (flags or channel is not None or limit is not None or by is not None):
        raise UsageError("a file says all of an audience: leave the flags away.")
    definition = (
        read_definition(file)
        if file is not None
        else definition_of_flags(
            legs, without=without or [], either=either, channel=channel, limit=limit, by=by, top=top,
            min_score=min_score, method=method, id_column=id_column, description=description,
        )
    )  # fmt: skip
    with ProfileStore.open(settings) as shop:
        built = shop.audiences.build(
            name, definition, allow_unknown=allow_unknown, folder=None if file is None else file.parent
        )
    if json:
        size = built.size.to_json_dict()
        print_json({**plain_audience(built.audience), "size": size, "unknown": built.unknown})
        return
    typer.echo(f"{name}: {format_count(built.size.members)} users by {definition.channel}")
    print_size(built.size, definition.channel)
    if built.unknown > 0:
        say(f"{format_count(built.unknown)} of the users named are unknown so far")
