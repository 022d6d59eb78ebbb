"""`profilestore campaign plan|start|stop|show|list|export|report|import`; most verbs live in modules of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from profilestore.cli.campaign_export import export
from profilestore.cli.campaign_import import import_campaigns
from profilestore.cli.campaign_output import clock, plain_campaign
from profilestore.cli.campaign_report import report
from profilestore.cli.campaign_running import plan, start, stop
from profilestore.cli.campaign_show import show
from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import print_json, print_table

if TYPE_CHECKING:
    from profilestore.settings import Settings

__all__ = ["app"]

HELP = "Whom to write to with what, and did it pay: plan, start and stop campaigns."
app = typer.Typer(no_args_is_help=True, help=HELP, rich_markup_mode=None)
app.command("plan")(plan)
app.command("start")(start)
app.command("stop")(stop)
app.command("show")(show)
app.command("export")(export)
app.command("import")(import_campaigns)
app.command("report")(report)


@app.command("list")
@with_settings
def list_campaigns(settings: Settings, json: JsonOption = False) -> None:
    """List the campaigns: state, audience, channel, period, and how many users are in each arm."""
    from datetime import UTC, datetime

    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        campaigns = shop.campaigns.all()
    now = datetime.now(UTC)
    if json:
        print_json({"campaigns": [plain_campaign(each, now) for each in campaigns]})
        return
    print_table(
        ("campaign", "state", "audience", "channel", "starts", "ends", "treatment", "control", "description"),
        [
            (each.name, each.phase(now), each.audience, each.channel, clock(each.starts, settings),
             clock(each.ends, settings), each.counts.get("treatment"), each.counts.get("control"), each.description)
            for each in campaigns
        ],
    )  # fmt: skip
