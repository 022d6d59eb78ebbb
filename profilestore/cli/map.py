"""`profilestore insight map`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import format_count, print_json, say

if TYPE_CHECKING:
    from profilestore.settings import Settings

__all__ = ["draw_map"]


@with_settings
def draw_map(
    settings: Settings,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE.html", help="A page of its own, which only you may read.")
    ],
    language: Annotated[
        str | None, typer.Option("--language", metavar="en|zh", help="Of the words at its head; else the shop's.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Draw profiles by segment and products by category as scatter plots; `insight run map` places them."""
    from profilestore.errors import UsageError
    from profilestore.evaluate.map_page import render_map
    from profilestore.insight.exporting import write_private
    from profilestore.store import ProfileStore

    if language not in (None, "en", "zh"):
        raise UsageError("the language of a page is en or zh.")
    with ProfileStore.open(settings) as shop:
        record = shop.insight.map.record()
        points = {kind: shop.insight.map.points(kind) for kind in ("profiles", "products")}
    write_private(output, [render_map(record, points, language=language or settings.language)])
    counts = {kind: len(every) for kind, every in points.items()}
    if json:
        print_json({"file": output, **counts})
    else:
        say(", ".join(f"{format_count(count)} {kind}" for kind, count in counts.items()) + f" drawn to {output}")
