"""`feedback report`: what each method's recommendations came to, with intervals and position correction."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np

from profilestore.recommend.feedback.attribution import Unmatched
from profilestore.recommend.feedback.positions import components, fit_propensities, relative_to_first
from profilestore.recommend.feedback.significance import wilson
from profilestore.recommend.feedback.tally import (
    BOUGHT_CLICKED,
    CLICKS,
    CONVERSIONS,
    SHOWN,
    Array,
    Tally,
    rates_of,
    resample,
)

__all__ = ["FeedbackReport", "MethodFigures", "PositionFigures", "Rate", "make_report"]

DRAWS: Final = 400
SEED: Final = 7
LEVEL: Final = 0.95
# Below so many users or successes a resample tells nothing, and the interval is Wilson's of the impressions.
_LEAST: Final = 10


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its 95 % interval, and whether that is by resampling `users` or Wilson's of `impressions`."""

    value: float
    low: float
    high: float
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodFigures:
    """One method. Rates are per impression; corrected ones as if each method had the same places."""

    method: str
    users: int
    impressions: int
    clicks: int
    conversions: int
    conversions_clicked: int
    ctr: Rate
    ctr_corrected: Rate
    conversion: Rate
    conversion_corrected: Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionFigures:
    """One place of a list; None where the app did not say it. `looked_at` is relative to the first."""

    position: int | None
    impressions: int
    clicks: int
    ctr: float
    looked_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackReport:
    """What was shown in a time and what came of it."""

    since: datetime | None
    until: datetime | None
    window_days: float
    users: int
    methods: tuple[MethodFigures, ...]
    positions: tuple[PositionFigures, ...]
    clicks_without_impression: dict[str, int]
    duplicate_clicks: int
    duplicate_impressions: int
    notes: tuple[str, ...]

    def to_json_dict(self) -> dict[str, Any]:
        """As printed by `--json`: times in ISO 8601, the rest as the fields are called."""
        times = {name: None if t is None else t.isoformat() for name, t in
                 (("since", self.since), ("until", self.until))}  # fmt: skip
        return {**asdict(self), **times}


def make_report(
    tally: Tally, *, unmatched: Unmatched, window_days: float, since: datetime | None, until: datetime | None
) -> FeedbackReport:
    """The report of these sums."""
    methods: tuple[MethodFigures, ...] = ()
    positions: tuple[PositionFigures, ...] = ()
    notes: list[str] = []
    if tally.users_total == 0:
        notes.append("nothing was shown in this time: no impression events in the log.")
    else:
        counts = tally.counts()
        totals = counts.sum(axis=0)
        methods = _methods(tally, counts, totals)
        positions = _positions(tally, totals)
        notes += _notes(tally, totals)
    return FeedbackReport(
        since=since,
        until=until,
        window_days=window_days,
        users=tally.users_total,
        methods=methods,
        positions=positions,
        clicks_without_impression=dict(sorted(unmatched.clicks.items())),
        duplicate_clicks=unmatched.duplicate_clicks,
        duplicate_impressions=unmatched.duplicate_impressions,
        notes=tuple(notes),
    )


def _methods(tally: Tally, counts: Array, totals: Array) -> tuple[MethodFigures, ...]:
    draws = resample(counts, draws=DRAWS, seed=SEED)
    found: list[MethodFigures] = []
    rates = {kind: (rates_of(totals, kind), rates_of(draws, kind)) for kind in (CLICKS, CONVERSIONS)}
    for place, method in enumerate(tally.methods):
        own = totals[place].sum(axis=0)

        def rate(kind: int, *, corrected: bool, place: int = place, own: Array = own, method: str = method) -> Rate:
            exact, drawn = rates[kind]
            value = float((exact.corrected if corrected else exact.plain)[place])
            few = min(tally.users[method], own[kind]) < _LEAST
            if few:  # the corrected one moves with what it was corrected by
                scale = value / float(exact.plain[place]) if exact.plain[place] > 0 else 1.0
                low, high = (scale * bound for bound in wilson(own[kind], own[SHOWN], level=LEVEL))
                return Rate(value, low, high, "impressions")
            sample = (drawn.corrected if corrected else drawn.plain)[:, place]
            low, high = np.quantile(sample, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
            return Rate(value, float(low), float(high), "users")

        found.append(
            MethodFigures(
                method=method,
                users=tally.users[method],
                impressions=int(own[SHOWN]),
                clicks=int(own[CLICKS]),
                conversions=int(own[CONVERSIONS]),
                conversions_clicked=int(own[BOUGHT_CLICKED]),
                ctr=rate(CLICKS, corrected=False),
                ctr_corrected=rate(CLICKS, corrected=True),
                conversion=rate(CONVERSIONS, corrected=False),
                conversion_corrected=rate(CONVERSIONS, corrected=True),
            )
        )
    return tuple(sorted(found, key=lambda each: -each.ctr_corrected.value))


def _positions(tally: Tally, totals: Array) -> tuple[PositionFigures, ...]:
    theta = relative_to_first(fit_propensities(totals[..., SHOWN], totals[..., CLICKS]))
    shown, clicks = totals[..., SHOWN].sum(axis=0), totals[..., CLICKS].sum(axis=0)
    return tuple(
        PositionFigures(
            position=position,
            impressions=int(shown[place]),
            clicks=int(clicks[place]),
            ctr=float(clicks[place] / shown[place]),
            looked_at=float(theta[place]),
        )
        for place, position in enumerate(tally.positions)
    )


def _notes(tally: Tally, totals: Array) -> list[str]:
    notes: list[str] = []
    apart = components(totals[..., SHOWN])
    if len(apart) > 1:
        groups = "; ".join(", ".join(tally.methods[m] for m in methods) for methods, _ in apart)
        notes.append(
            f"these groups of methods never stood at the same positions ({groups}): between them the corrected "
            "rates cannot be compared."
        )
    missing = sum(totals[:, place, SHOWN].sum() for place, position in enumerate(tally.positions) if position is None)
    if missing > 0:
        notes.append(f"{int(missing):,} impressions do not say their position, and count as one place of their own.")
    return notes
