"""How `profilestore feedback` prints, and how it reads times and weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from profilestore.cli.output import format_count, print_json, print_table, say
from profilestore.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from profilestore.recommend.feedback.experiments import Experiment
    from profilestore.recommend.feedback.report import FeedbackReport, Rate
    from profilestore.recommend.feedback.verdict import ExperimentReport
    from profilestore.settings import Settings

__all__ = ["parse_time", "parse_weights", "print_experiments", "print_report", "print_verdict"]


def parse_time(text: str | None, settings: Settings) -> datetime | None:
    """A time of the command line; without a zone it is the shop's.

    Raises:
        UsageError: it is not ISO 8601.
    """
    from datetime import datetime
    from zoneinfo import ZoneInfo

    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError("a time is such as 2026-11-01 or 2026-11-01T09:00+08:00.") from error
    return time.replace(tzinfo=ZoneInfo(settings.time_zone)) if time.tzinfo is None else time


def parse_weights(text: str) -> dict[str, float] | None:
    """`view=0.2,cart=0.5` by type; None for `default`.

    Raises:
        UsageError: it is not written like that.
    """
    if text == "default":
        return None
    weights: dict[str, float] = {}
    for part in text.split(","):
        type, equals, weight = part.strip().partition("=")
        try:
            weights[type.strip()] = float(weight)
        except ValueError:
            equals = ""
        if equals == "" or type.strip() == "":
            raise UsageError("--event-weights wants TYPE=WEIGHT,…, for example view=0.2,cart=0.5, or default.")
    return weights


def print_report(report: FeedbackReport) -> None:
    """The tables of methods and positions."""
    if len(report.methods) > 0:
        print_table(
            ("method", "users", "shown", "clicks", "CTR", "CTR corrected", "bought", "bought of shown, corrected"),
            [
                (each.method, each.users, each.impressions, each.clicks, _rate(each.ctr), _rate(each.ctr_corrected),
                 each.conversions, _rate(each.conversion_corrected))
                for each in report.methods
            ],
        )  # fmt: skip
        typer.echo("")
        print_table(
            ("position", "shown", "clicks", "CTR", "looked at"),
            [
                ("none" if each.position is None else str(each.position), each.impressions, each.clicks,
                 f"{each.ctr:.2%}", f"{each.looked_at:.2f}")
                for each in report.positions
            ],
        )  # fmt: skip
        say("intervals of 95 %, by resampling users; ~ by Wilson of impressions, where there is too little")
    for method, clicks in report.clicks_without_impression.items():
        say(f"{format_count(clicks)} clicks of {method} belong to no impression")
    if report.duplicate_clicks > 0:
        say(f"{format_count(report.duplicate_clicks)} clicks on what was clicked already count once")
    for note in report.notes:
        say(note)


def print_verdict(report: ExperimentReport) -> None:
    """The arms, their differences and the conclusion."""
    experiment = report.experiment
    typer.echo(f"experiment {experiment.name}, {report.state}, {report.metric} per impression")
    print_table(
        ("method", "share", "users", "shown", "clicks", "bought", report.metric, "given by itself"),
        [
            (arm.method, f"{arm.share:.0%}", arm.users, arm.impressions, arm.clicks, arm.conversions,
             f"{arm.rate:.2%} [{arm.low:.2%}, {arm.high:.2%}]", f"{arm.delivered:.0%}")
            for arm in report.arms
        ],
    )  # fmt: skip
    typer.echo("")
    rows = [
        (
            f"{each.method} - {each.against}",
            "" if each.difference is None else f"{each.difference:+.2%} [{each.low:+.2%}, {each.high:+.2%}]",
            "" if each.p is None else f"{each.p:.2g}",
            each.users,
            "" if each.users_needed is None else format_count(each.users_needed),
        )
        for each in report.comparisons
    ]
    print_table(("difference", report.metric, "p", "users", f"needed for {report.effect:.0%}"), rows)
    typer.echo(f"users fall into these shares by chance: p {report.sample_ratio_p:.2g}")
    typer.echo(report.conclusion)


def print_experiments(experiments: Sequence[Experiment], *, json: bool, one: bool = False) -> None:
    """One experiment, or all in a table."""
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    told = [{**each.to_json_dict(), "state": each.state(now)} for each in experiments]
    if json:
        print_json(told[0] if one else {"experiments": told})
        return
    print_table(
        ("experiment", "methods", "start", "end", "state"),
        [
            (
                each.name,
                ", ".join(f"{m} {s:.0%}" for m, s in zip(each.methods, each.shares, strict=True)),
                f"{each.start:%Y-%m-%d %H:%M}",
                "" if each.end is None else f"{each.end:%Y-%m-%d %H:%M}",
                each.state(now),
            )
            for each in experiments
        ],
    )


def _rate(rate: Rate) -> str:
    mark = "" if rate.by == "users" else " ~"
    return f"{rate.value:.2%} [{rate.low:.2%}, {rate.high:.2%}]{mark}"
