"""`feedback report --experiment`: the difference between methods, and whether anything can be concluded.

Who was assigned a method counts for it, also where another answered in its place (the popular products for
a stranger): otherwise the arms would no longer be alike. The unit is the user.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal

from profilestore.errors import UsageError
from profilestore.features.holm import holm
from profilestore.recommend.feedback.attribution import UserFigures
from profilestore.recommend.feedback.experiments import Experiment, State, assign
from profilestore.recommend.feedback.significance import (
    RatioSums,
    difference,
    ratio_mismatch_p,
    users_needed,
)

__all__ = ["METRICS", "ArmFigures", "Comparison", "ExperimentReport", "compare_arms", "rows_of"]

METRICS: Final = ("ctr", "conversion")
LEVEL: Final = 0.95
POWER: Final = 0.8
# The usual threshold of the sample-ratio check: one false alarm in a thousand experiments.
_MISMATCH: Final = 0.001

# Who looks before all users are there may conclude only what is beyond doubt (Haybittle 1971, Peto 1976), and not
# from so few users that a mean is not normal yet.
_EARLY: Final = 0.001
_LEAST_EARLY: Final = 100

Outcome = Literal["mismatch", "nothing yet", "difference", "no difference"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmFigures:
    """A method and who was assigned to it. `delivered` is the share of impressions that it gave itself."""

    method: str
    share: float
    users: int
    impressions: int
    clicks: int
    conversions: int
    rate: float
    low: float
    high: float
    delivered: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A method against the control. `p` is corrected by Holm for how many are compared; `users_needed`, of both
    together, for the wished effect with power 80 %; None where nothing can be told yet."""

    method: str
    against: str
    difference: float | None
    low: float | None
    high: float | None
    relative: float | None
    p: float | None
    users: int
    users_needed: int | None
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentReport:
    """An experiment as it stands. `conclusion` says it in a sentence."""

    experiment: Experiment
    state: State
    metric: str
    effect: float
    arms: tuple[ArmFigures, ...]
    comparisons: tuple[Comparison, ...]
    sample_ratio_p: float
    conclusion: str

    def to_json_dict(self) -> dict[str, Any]:
        """As printed by `--json`."""
        return {**asdict(self), "experiment": self.experiment.to_json_dict()}


def compare_arms(
    experiment: Experiment,
    users: Iterable[tuple[str, UserFigures]],
    *,
    now: datetime,
    metric: str = "ctr",
    effect: float = 0.1,
) -> ExperimentReport:
    """Compare each method with the first.

    Args:
        experiment: its impressions must be all that `users` tell of.
        users: what each was shown and what came of it.
        now: for its state.
        metric: ctr or conversion, per impression.
        effect: the relative difference that would matter, 0.1 for a tenth.

    Raises:
        UsageError: a metric or effect that cannot be meant.
    """
    if metric not in METRICS:
        raise UsageError(f"there is no metric {metric}; choose {' or '.join(METRICS)}.")
    if not 0 < effect <= 10:
        raise UsageError("the effect is relative and above 0, such as 0.1 for a tenth more.")
    sums = {method: RatioSums() for method in experiment.methods}
    totals = {method: [0, 0, 0, 0] for method in experiment.methods}
    for user_id, figures in users:
        arm = assign(experiment, user_id)
        shown = sum(own.impressions for own in figures.values())
        clicks = sum(own.clicks for own in figures.values())
        bought = sum(own.conversions for own in figures.values())
        delivered = sum(own.impressions for (method, _), own in figures.items() if method == arm)
        sums[arm].add(shown, clicks if metric == "ctr" else bought)
        for place, count in enumerate((shown, clicks, bought, delivered)):
            totals[arm][place] += count
    arms = tuple(
        _arm(method, share, sums[method], totals[method])
        for method, share in zip(experiment.methods, experiment.shares, strict=True)
    )
    mismatch_p = ratio_mismatch_p([arm.users for arm in arms], experiment.shares)
    comparisons = _comparisons(experiment, sums, effect=effect, mismatch=mismatch_p < _MISMATCH)
    return ExperimentReport(
        experiment=experiment,
        state=experiment.state(now),
        metric=metric,
        effect=effect,
        arms=arms,
        comparisons=comparisons,
        sample_ratio_p=mismatch_p,
        conclusion=_conclusion(comparisons, metric=metric, effect=effect),
    )


def _arm(method: str, share: float, sums: RatioSums, totals: list[int]) -> ArmFigures:
    low, high = sums.interval(level=LEVEL)
    shown, clicks, bought, delivered = totals
    return ArmFigures(
        method=method,
        share=share,
        users=sums.users,
        impressions=shown,
        clicks=clicks,
        conversions=bought,
        rate=sums.rate,
        low=low,
        high=high,
        delivered=delivered / shown if shown > 0 else 0.0,
    )


def _comparisons(
    experiment: Experiment, sums: dict[str, RatioSums], *, effect: float, mismatch: bool
) -> tuple[Comparison, ...]:
    control, *others = experiment.methods
    found = {method: difference(sums[method], sums[control], level=LEVEL) for method in others}
    told = [method for method, each in found.items() if each is not None]
    corrected = dict(zip(told, holm([each.p for each in found.values() if each is not None]).tolist(), strict=True))
    share_of = dict(zip(experiment.methods, experiment.shares, strict=True))
    comparisons: list[Comparison] = []
    for method, each in found.items():
        shares = (share_of[method], share_of[control])
        needed = users_needed(sums[method], sums[control], effect=effect, shares=shares, level=LEVEL, power=POWER)
        users, base = sums[method].users + sums[control].users, sums[control].rate
        p = corrected.get(method)
        outcome: Outcome = "nothing yet"
        if mismatch:
            outcome = "mismatch"
        elif needed is not None and users >= needed and p is not None:
            outcome = "difference" if p < 1 - LEVEL else "no difference"
        elif p is not None and p < _EARLY and min(sums[method].users, sums[control].users) >= _LEAST_EARLY:
            outcome = "difference"
        comparisons.append(
            Comparison(
                method=method,
                against=control,
                difference=None if each is None else each.value,
                low=None if each is None else each.low,
                high=None if each is None else each.high,
                relative=None if each is None or base <= 0 else each.value / base,
                p=p,
                users=users,
                users_needed=needed,
                outcome=outcome,
            )
        )
    return tuple(comparisons)


def _conclusion(comparisons: tuple[Comparison, ...], *, metric: str, effect: float) -> str:
    if comparisons[0].outcome == "mismatch":
        return (
            "nothing can be concluded: the methods' users are not in the shares that were set, so something other "
            "than chance decided who was counted. Look at how the app records impressions."
        )
    return " ".join(_sentence(each, metric=metric, effect=effect) for each in comparisons)


def _sentence(each: Comparison, *, metric: str, effect: float) -> str:
    pair = f"{each.method} against {each.against}"
    if each.outcome == "difference":
        assert each.difference is not None and each.p is not None
        word = "higher" if each.difference > 0 else "lower"
        size = "" if each.relative is None else f" by {abs(each.relative):.0%} of it"
        return f"{pair}: its {metric} is {word}{size} (p {each.p:.2g})."
    if each.outcome == "no difference":
        return f"{pair}: no difference of {metric} was found, with users enough to find one of {effect:.0%}."
    if each.users_needed is None:
        return f"{pair}: nothing can be concluded yet, too little was shown or clicked to tell how much is needed."
    return (
        f"{pair}: nothing can be concluded yet. To find a difference of {effect:.0%} it needs {each.users_needed:,} "
        f"users, and has {each.users:,}; who looks earlier finds differences by chance."
    )


def rows_of(report: ExperimentReport) -> list[dict[str, Any]]:
    """The report as a table, a row a method; the control has no difference, the others the sentence on them."""
    compared = {each.method: each for each in report.comparisons}
    rows: list[dict[str, Any]] = []
    for arm in report.arms:
        row: dict[str, Any] = {
            "experiment": report.experiment.name,
            "method": arm.method,
            "metric": report.metric,
            "control": arm.method == report.experiment.methods[0],
            "state": report.state,
            **{name: getattr(arm, name) for name in ("users", "impressions", "clicks", "conversions")},
            **{name: getattr(arm, name) for name in ("rate", "low", "high")},
        }
        each = compared.get(arm.method)
        if each is not None:
            row |= {"difference": each.difference, "difference_low": each.low, "difference_high": each.high}
            row |= {"p": each.p, "outcome": each.outcome}
            row["conclusion"] = _conclusion((each,), metric=report.metric, effect=report.effect)
        rows.append(row)
    return rows
