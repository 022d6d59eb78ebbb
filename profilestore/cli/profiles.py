"""`profilestore profile show|rebuild|verify` and `profilestore fold`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from profilestore.cli.cards import forget, show_cards, show_for_staff
from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import format_count, print_json, print_table, say

if TYPE_CHECKING:
    from profilestore.documents import ProfileDocument
    from profilestore.indexing.folding import FoldReport
    from profilestore.settings import Settings

__all__ = ["app", "fold"]

DIFFERENT = 4
LISTED = 20

app = typer.Typer(no_args_is_help=True, help="Show, check or rebuild profiles.", rich_markup_mode=None)

app.command("forget")(forget)

UsersArgument = Annotated[list[str] | None, typer.Argument(metavar="USER", help="User ids.")]
AllOption = Annotated[bool, typer.Option("--all", help="Every profile.")]


def _check_choice(users: list[str] | None, every: bool) -> None:
    from profilestore.errors import UsageError

    if every == (users is not None and len(users) > 0):
        raise UsageError("name users, or say --all.")


@app.command("show")
@with_settings
def show(
    settings: Settings,
    users: Annotated[list[str], typer.Argument(metavar="USER", help="User ids.")],
    card: Annotated[
        bool, typer.Option("--card", help="For the customer: what is believed, from what, and how to object.")
    ] = False,
    for_staff: Annotated[
        bool, typer.Option("--for-staff", help="For the service desk: one screen. The audit notes who looked.")
    ] = False,
    language: Annotated[
        str | None, typer.Option("--language", metavar="en|zh", help="Of the card; else the shop's.")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="The card as one page of HTML.")] = None,
    json: JsonOption = False,
) -> None:
    """Show the profile cards of users."""
    from profilestore.errors import NotFound, UsageError
    from profilestore.store import ProfileStore

    if card and for_staff:
        raise UsageError("--card is the customer's own, --for-staff the service desk's: say one of them.")
    if for_staff:
        show_for_staff(settings, users, language=language, html=html, json=json)
        return
    if card or html is not None:
        show_cards(settings, users, language=language, html=html, json=json)
        return
    missing: list[NotFound] = []
    with ProfileStore.open(settings) as shop:
        for user in users:
            try:
                profile = shop.profile(user)
            except NotFound as error:  # the others are shown all the same
                missing.append(error)
                continue
            if json:
                print_json(profile.model_dump(mode="json", exclude_none=True, exclude={"state"}))
            else:
                _print_card(profile, settings)
    for another in missing[1:]:
        say(f"profilestore: {another}")
    if len(missing) > 0:
        raise missing[0]


def _print_card(profile: ProfileDocument, settings: Settings) -> None:
    from datetime import UTC, datetime

    def shares(entries: list[dict[str, Any]] | None) -> str:
        return ", ".join(f"{entry['name']} {entry['share']:.0%}" for entry in (entries or [])[:5])

    def day(moment: datetime | None) -> str | None:
        return None if moment is None else f"{moment:%Y-%m-%d}"

    about = (
        ", ".join(str(v) for v in (profile.gender, profile.age, profile.city, profile.province, profile.country) if v)
        or None
    )
    since = None if profile.last_purchase is None else (datetime.now(UTC) - profile.last_purchase).days
    counts = ", ".join(f"{name} {format_count(count)}" for name, count in sorted((profile.event_counts or {}).items()))
    money = settings.currency
    rows: list[tuple[str, object]] = [
        ("about", about),
        ("member", profile.member_tier),
        ("consent", ", ".join(profile.consent) if profile.consent else "none"),
        ("personalisation", profile.personalisation),
        ("events", counts or None),
        ("seen", f"{day(profile.first_seen)} to {day(profile.last_seen)}" if profile.first_seen else None),
        ("recency", None if since is None else f"{since} days since the last purchase ({day(profile.last_purchase)})"),
        ("frequency", f"{profile.order_count} orders, {profile.purchase_count} lines"),
        ("monetary", f"{profile.spend_total:,.2f} {money}"),
        ("order value", None if profile.average_order_value is None else f"{profile.average_order_value:,.2f} {money}"),
        (
            "rating",
            None if profile.rating_mean is None else f"{profile.rating_mean:.2f}, mean of {profile.rating_count}",
        ),
        ("categories", shares(profile.category_shares) or None),
        ("brands", shares(profile.brand_shares) or None),
        ("topics", shares(profile.topic_shares) or None),
        ("bought", f"{format_count(len(profile.purchased_products or []))} products"),
        ("searches", ", ".join((profile.search_words or [])[:5]) or None),
        ("busiest hour", _busiest(profile.hour_of_week, settings.time_zone)),
        ("channels", ", ".join(profile.channels or []) or None),
        ("devices", ", ".join(profile.devices or []) or None),
        ("payment", ", ".join(profile.payment_methods or []) or None),
    ]
    told = [(name, value) for name, value in rows if value is not None]
    print_table((f"user {profile.user_id}", ""), told)


def _busiest(hours: list[int] | None, zone: str) -> str | None:
    if hours is None:
        return None
    top = max(range(len(hours)), key=lambda hour: (hours[hour], -hour))
    day = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")[top // 24]
    return f"{day} {top % 24}:00 ({zone})"


@app.command("rebuild")
@with_settings
def rebuild(
    settings: Settings, users: UsersArgument = None, every: AllOption = False, json: JsonOption = False
) -> None:
    """Fold profiles again from the log: of some users in place, of all beside and switched."""
    from profilestore.store import ProfileStore

    _check_choice(users, every)
    with ProfileStore.open(settings) as shop:
        count = shop.rebuild_all(progress=say).profiles if every else shop.rebuild(users or [])
    if json:
        print_json({"rebuilt": count})
    else:
        typer.echo(f"{format_count(count)} profiles rebuilt from the log")


@app.command("verify")
@with_settings
def verify(
    settings: Settings,
    users: UsersArgument = None,
    every: AllOption = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="With --all: counts and positions only, by aggregations.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Compare profiles with the log by folding again; exit code 4 when some differ."""
    from profilestore.store import ProfileStore

    _check_choice(users, every)
    with ProfileStore.open(settings) as shop:
        report = shop.verify_all(quick=quick) if every else shop.verify(users or [])
    if json:
        print_json(
            {
                "checked": report.checked,
                "different": report.different,
                "users": sorted(report.users),
            }
        )
    else:
        for user, fields in sorted(report.users.items())[:LISTED]:
            typer.echo(f"{user} differs in {', '.join(fields)}")
        if report.different > LISTED:
            typer.echo(f"and {format_count(report.different - LISTED)} more")
        behind = "" if report.behind == 0 else f"; {format_count(report.behind)} wait for `profilestore fold`"
        typer.echo(f"{format_count(report.checked)} profiles checked, {format_count(report.different)} differ{behind}")
        if report.different > 0:
            say("mend them with `profilestore profile rebuild USER…` or `--all`")
    if report.different > 0:
        raise typer.Exit(DIFFERENT)


@with_settings
def fold(
    settings: Settings,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until interrupted.")] = False,
    every: Annotated[float, typer.Option("--every", min=0.05, metavar="SECONDS", help="Pause with --follow.")] = 1.0,
    json: JsonOption = False,
) -> None:
    """Fold what is in the event log and not yet in the profiles, whoever wrote it."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        if not follow:
            _print_fold(shop.fold(), json=json)
            return
        try:
            for report in shop.follow(every_s=every):
                if report.events + report.rebuilt > 0 or len(report.invalid) > 0:
                    _print_fold(report, json=json)
        except KeyboardInterrupt:
            say("stopped; what is folded stays folded")


def _print_fold(report: FoldReport, *, json: bool) -> None:
    if json:
        print_json(
            {
                "events": report.events,
                "profiles": report.profiles,
                "rebuilt": report.rebuilt,
                "invalid": [{"event_id": event_id, "problem": problem} for event_id, problem in report.invalid],
            }
        )
        return
    typer.echo(f"{format_count(report.events)} events folded into {format_count(report.profiles)} profiles")
    if report.rebuilt > 0:
        typer.echo(f"{format_count(report.rebuilt)} profiles rebuilt")
    for event_id, problem in report.invalid[:LISTED]:
        say(f"skipped {event_id}: {problem}")
    if len(report.invalid) > LISTED:
        say(f"skipped {format_count(len(report.invalid) - LISTED)} more")
