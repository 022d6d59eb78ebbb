"""`profilestore campaign plan|start|stop`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from profilestore.cli.campaign_output import clock, plain_campaign, print_plan
from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import format_count, print_json, say

if TYPE_CHECKING:
    from profilestore.settings import Settings

__all__ = ["plan", "start", "stop"]

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="TOML: audience, channel, period, budget, [offer] and more.")
]
NameOption = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="Of the campaign; else the file's.", show_default=False)
]
_TOLD = {
    "started": "runs: {treatment} users in treatment, {control} in control",
    "gone-on": "was begun before and runs now: {treatment} users in treatment, {control} in control",
    "unchanged": "runs already: nothing was changed",
    "stopped": "was stopped while it was being started",
}


@with_settings
def plan(settings: Settings, file: FileArgument, name: NameOption = None, json: JsonOption = False) -> None:
    """Show what a start would do: sizes, who is left out and why, overlaps, what to expect. Writes nothing."""
    from profilestore.campaigns.running.campaign_file import read_campaign
    from profilestore.store import ProfileStore

    definition = read_campaign(file, time_zone=settings.time_zone, name=name)
    with ProfileStore.open(settings) as shop:
        made = shop.campaigns.plan(definition)
    if json:
        print_json(made.to_json_dict())
    else:
        print_plan(made, definition, settings)


@with_settings
def start(settings: Settings, file: FileArgument, name: NameOption = None, json: JsonOption = False) -> None:
    """Start a campaign, or go on with a start that was broken off; a second start changes nothing."""
    from datetime import UTC, datetime

    from profilestore.campaigns.running.campaign_file import read_campaign
    from profilestore.store import ProfileStore

    definition = read_campaign(file, time_zone=settings.time_zone, name=name)
    with ProfileStore.open(settings) as shop:
        done = shop.campaigns.start(definition, progress=say)
    if json:
        print_json({**plain_campaign(done.campaign, datetime.now(UTC)), "outcome": done.outcome})
        return
    counts = {arm: format_count(int(done.campaign.counts.get(arm, 0))) for arm in ("treatment", "control")}
    typer.echo(f"{done.campaign.name} {_TOLD[done.outcome].format(**counts)}")
    for why, users in done.campaign.counts.get("withheld", {}).items():
        say(f"withheld from {format_count(users)} users: {why}")


@with_settings
def stop(
    settings: Settings,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of a campaign.")],
    json: JsonOption = False,
) -> None:
    """Stop a campaign at once and for good: apps find nothing of it any more."""
    from datetime import UTC, datetime

    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        campaign = shop.campaigns.stop(name)
    if json:
        print_json(plain_campaign(campaign, datetime.now(UTC)))
    else:
        typer.echo(f"{name} is stopped since {clock(campaign.stopped or campaign.created, settings)}")
