"""How campaigns are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from profilestore.cli.output import format_count, print_table, say

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from profilestore.campaigns.running.definition import CampaignDefinition
    from profilestore.campaigns.running.planning import Plan
    from profilestore.campaigns.running.records import Campaign
    from profilestore.settings import Settings

__all__ = ["clock", "plain_campaign", "plain_cell", "print_campaign", "print_plan"]

_LEFT_OUT = (
    ("no_consent", "gave no consent to {channel}"),
    ("over_limit", "over the limit of the audience"),
    ("contacts_used_up", "have had their {contacts} contacts of week {week}"),
    ("id_too_long", "have an id that is too long"),
    ("over_budget", "more than budget or codes are enough for"),
)


def plain_campaign(campaign: Campaign, now: datetime) -> dict[str, Any]:
    """As printed by `--json`."""
    return {
        "name": campaign.name,
        "state": campaign.phase(now),
        "imported": campaign.imported,
        "description": campaign.description,
        "audience": campaign.audience,
        "channel": campaign.channel,
        "starts": campaign.starts,
        "ends": campaign.ends,
        "contact_at": campaign.contact_at,
        "budget": campaign.budget,
        "counts": dict(campaign.counts),
        "created": campaign.created,
        "created_by": campaign.created_by,
        "stopped": campaign.stopped,
        "definition": None if campaign.definition is None else campaign.definition.to_json_dict(),
    }


def print_plan(plan: Plan, definition: CampaignDefinition, settings: Settings) -> None:
    """Sizes, who is left out, overlaps, and what to expect."""
    counts, currency = plan.counts, settings.currency or ""
    typer.echo(f"{plan.campaign}: audience {plan.audience} by {plan.channel}, {_period(plan, settings)}")
    if plan.state is not None:
        typer.echo(f"it was started already and is {plan.state}: a start would begin nothing new")
    typer.echo(f"first contact: {clock(plan.contact_at, settings)}, in week {plan.week}")
    words = {"channel": plan.channel, "contacts": definition.contacts_per_week, "week": plan.week}
    rows = [("matched", counts["matched"])]
    rows += [(f"- {said.format(**words)}", counts[key]) for key, said in _LEFT_OUT if counts[key] > 0]
    rows += [("treatment", counts["treatment"]), ("control", counts["control"])]
    print_table(("users", ""), rows)
    if counts["personalisation_off"] > 0:
        typer.echo(
            f"personalisation off: {format_count(counts['personalisation_off'])} in treatment, who get a plain offer"
        )
    for name, shared in sorted(plan.overlaps.items()):
        typer.echo(f"overlap: {format_count(shared)} are in campaign {name}, which runs, too")
    _print_expected(plan, currency)
    for note in plan.notes:
        say(f"note: {note}")


def _print_expected(plan: Plan, currency: str) -> None:
    expected, arms = plan.expected, plan.counts
    if expected.buyers is not None:
        typer.echo(
            f"expected to buy anyway: {expected.buyers:,.1f} of {format_count(expected.known)} in treatment with a "
            f"purchase_30d, within {expected.days:.1f} days"
        )
    source = "purchase_30d" if expected.from_propensity else f"the {expected.days:.1f} days before"
    typer.echo(f"share that buys without it: {expected.share:.2%}, by {source}")
    if expected.smallest_effect is not None:
        typer.echo(
            f"smallest difference that {format_count(arms['control'])} users in control show: "
            f"{expected.smallest_effect * 100:.2f} points (power 80 %, one-sided 2.5 %)"
        )
    most = f"{expected.cost_at_most:,.2f} {currency}".rstrip()
    if expected.cost is None or expected.cost == expected.cost_at_most:
        typer.echo(f"cost: at most {most}")
    else:
        typer.echo(f"cost: {expected.cost:,.2f} if those who buy use their coupon, at most {most}")


def print_campaign(campaign: Campaign, places: Mapping[str, Any], *, now: datetime, settings: Settings) -> None:
    """The definition, the state, and how many users have which place."""
    typer.echo(f"{campaign.name}: {campaign.description}" if campaign.description != "" else campaign.name)
    stopped = "" if campaign.stopped is None else f" since {clock(campaign.stopped, settings)}"
    typer.echo(f"state: {campaign.phase(now)}{stopped}{', imported' if campaign.imported else ''}")
    whom = f"audience {campaign.audience or '?'} by" if not campaign.imported else "users of a file, by"
    typer.echo(f"{whom} {campaign.channel or '?'}, {_period(campaign, settings)}")
    if campaign.contact_at is not None:
        typer.echo(f"first contact: {clock(campaign.contact_at, settings)}")
    begun = "imported" if campaign.imported else "started"
    typer.echo(f"{begun} {clock(campaign.created, settings)} by {campaign.created_by or '?'}")
    if campaign.definition is not None:
        offer = campaign.definition.offer.to_json_dict()
        typer.echo("offer: " + ", ".join(f"{key} {plain_cell(value)}" for key, value in offer.items()))
    rows = [("treatment", places["treatment"]), *((f"- withheld: {why}", n) for why, n in places["withheld"].items())]
    rows += [("with a code", places["with_code"]), ("with a product", places["with_product"])]
    print_table(("users", ""), [*rows, ("control", places["control"])])


def plain_cell(value: Any) -> Any:
    """A value as a person reads it: lists with commas, the codes of a file by their number."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{format_count(value['count'])} of a file" if isinstance(value, dict) else value


def _period(of: Plan | Campaign, settings: Settings) -> str:
    return f"{clock(of.starts, settings)} to {clock(of.ends, settings)}"


def clock(moment: datetime, settings: Settings) -> str:
    """A time on the shop's clock."""
    from zoneinfo import ZoneInfo

    return f"{moment.astimezone(ZoneInfo(settings.time_zone)):%Y-%m-%d %H:%M}"
