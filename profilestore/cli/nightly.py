"""`profilestore recommend --all`: everybody's list, with progress and a summary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import typer

from profilestore.cli.output import format_count, print_json, progress, say

if TYPE_CHECKING:
    from profilestore.recommend.phrases import Telling
    from profilestore.settings import Settings

__all__ = ["DEFAULT_N", "recommend_all"]

DEFAULT_N: Final = 20


def recommend_all(settings: Settings, options: dict[str, Any], *, explain: Telling | bool, json: bool) -> None:
    """Write the current list of every user to `{prefix}-recommendations`."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        users = shop.status()["indices"]["profiles"]
        with progress("lists", total=users, unit="users") as advance:
            report = shop.recommend_all(explain=explain, progress=lambda done, total: advance(done, done), **options)
    if json:
        print_json(report.to_json_dict())
        return
    if report.resumed > 0:
        say(f"went on with a run that was killed: {format_count(report.resumed)} users had their list")
    methods = ", ".join(f"{method} {format_count(count)}" for method, count in report.methods.items()) or "nobody"
    typer.echo(
        f"{format_count(report.users)} users have their list in {settings.index('recommendations')} ({methods}), "
        f"{format_count(report.removed)} old lists removed, in {report.seconds:.0f} s"
    )
