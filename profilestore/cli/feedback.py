"""`profilestore feedback report|apply` and `profilestore feedback experiment create|list|stop`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from profilestore.cli.feedback_output import (
    parse_time,
    parse_weights,
    print_experiments,
    print_report,
    print_verdict,
)
from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import format_count, print_json, print_table, say

if TYPE_CHECKING:
    from profilestore.settings import Settings

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True, help="What came of recommendations, and what follows from it.", rich_markup_mode=None
)
experiment_app = typer.Typer(
    no_args_is_help=True, help="Compare methods on users assigned by chance.", rich_markup_mode=None
)
app.add_typer(experiment_app, name="experiment")

SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="From then on, such as 2026-11-01; shop's time.")
]
UntilOption = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Before then.")]
WindowOption = Annotated[
    float, typer.Option("--window-days", help="How long after it was shown a click or purchase counts.")
]


@app.command("report")
@with_settings
def report(
    settings: Settings,
    since: SinceOption = None,
    until: UntilOption = None,
    window_days: WindowOption = 7.0,
    experiment: Annotated[
        str | None, typer.Option("--experiment", metavar="NAME", help="Compare the methods of this experiment.")
    ] = None,
    metric: Annotated[str, typer.Option("--metric", metavar="ctr|conversion", help="Of the experiment.")] = "ctr",
    effect: Annotated[
        float, typer.Option("--effect", help="The relative difference that would matter in the experiment.")
    ] = 0.1,
    json: JsonOption = False,
) -> None:
    """Show clicks and purchases by method, corrected for position, or what an experiment tells."""
    from profilestore.errors import UsageError
    from profilestore.store import ProfileStore

    bounds = parse_time(since, settings), parse_time(until, settings)
    if experiment is not None and bounds != (None, None):
        raise UsageError("an experiment has its own start and end: leave --since and --until out.")
    with ProfileStore.open(settings) as shop:
        if experiment is not None:
            verdict = shop.feedback.experiment_report(experiment, metric=metric, effect=effect, window_days=window_days)
            print_json(verdict.to_json_dict()) if json else print_verdict(verdict)
            return
        figures = shop.feedback.report(since=bounds[0], until=bounds[1], window_days=window_days)
    print_json(figures.to_json_dict()) if json else print_report(figures)


@app.command("apply")
@with_settings
def apply(
    settings: Settings,
    since: SinceOption = None,
    until: UntilOption = None,
    window_days: WindowOption = 7.0,
    event_weights: Annotated[
        str | None,
        typer.Option(
            "--event-weights",
            metavar="TYPE=WEIGHT,…",
            help="Fold all profiles anew under these weights, and switch; `default` takes the settings' again.",
        ),
    ] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Take back what was applied to the spaces.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what it would be.")] = False,
    json: JsonOption = False,
) -> None:
    """Weigh the spaces of the hybrid by their success, or event types by what you know; nothing is trained."""
    from profilestore.errors import UsageError
    from profilestore.store import ProfileStore

    if reset and event_weights is not None:
        raise UsageError("--reset is for the spaces; say --event-weights default for the event types.")
    if dry_run and (reset or event_weights is not None):
        raise UsageError("--dry-run shows what the log would make of the spaces; leave the other flags out.")
    weights = None if event_weights is None else parse_weights(event_weights)
    with ProfileStore.open(settings) as shop:
        if reset:
            shop.feedback.reset()
            print_json({"reset": True}) if json else typer.echo("the boosts of the model in force hold again")
        elif event_weights is not None:
            changed = shop.feedback.apply_event_weights(weights, progress=say)
            if json:
                print_json(changed.to_json_dict())
                return
            told = (
                ", ".join(f"{type} {weight:g}" for type, weight in changed.weights.items()) or "those of the settings"
            )
            done = (
                "nothing to do" if changed.build is None else f"{format_count(changed.build.profiles)} profiles folded"
            )
            typer.echo(f"weights in force: {told}; {done}")
        else:
            spaces = shop.feedback.apply(
                since=parse_time(since, settings),
                until=parse_time(until, settings),
                window_days=window_days,
                dry_run=dry_run,
            )
            if json:
                print_json(spaces.to_json_dict())
                return
            rows = [
                (space, *spaces.evidence.get(space, (0.0, 0.0)), spaces.boosts[space], factor, spaces.becomes[space])
                for space, factor in spaces.factors.items()
            ]
            print_table(("space", "clicks", "looked at", "boost", "times", "becomes"), rows)
            say("nothing was changed" if dry_run else "in force with the next request, elsewhere within a minute")


@experiment_app.command("create")
@with_settings
def create(
    settings: Settings,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Also what mixes the users.")],
    method: Annotated[
        list[str], typer.Option("--method", metavar="METHOD", help="Repeatable; the first one is the control.")
    ],
    share: Annotated[
        list[float] | None, typer.Option("--share", metavar="SHARE", help="Of the users, one a method; else equal.")
    ] = None,
    start: Annotated[str | None, typer.Option("--start", metavar="TIME", help="Else now.")] = None,
    end: Annotated[str | None, typer.Option("--end", metavar="TIME", help="Else open.")] = None,
    json: JsonOption = False,
) -> None:
    """Make an experiment: from its start on, `recommend --experiment NAME` assigns users to its methods."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        made = shop.feedback.experiments.create(
            name,
            method,
            shares=share,
            start=parse_time(start, settings),
            end=parse_time(end, settings),
        )
    print_experiments([made], json=json, one=True)


@experiment_app.command("list")
@with_settings
def list_experiments(settings: Settings, json: JsonOption = False) -> None:
    """List the experiments, oldest first."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        print_experiments(shop.feedback.experiments.list(), json=json)


@experiment_app.command("stop")
@with_settings
def stop(
    settings: Settings,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the experiment.")],
    json: JsonOption = False,
) -> None:
    """End an experiment now; its report stays."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        print_experiments([shop.feedback.experiments.stop(name)], json=json, one=True)
