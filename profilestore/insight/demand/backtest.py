"""Is a forecast of demand any good? Made again and again as of earlier weeks, and compared with what came.

As of each week (an origin) everything is done as it would have been done then: the method is the one that was best
over the latest twelve origins of which all was known by then, its interval comes from its own errors at those (split
conformal, Vovk et al. 2005, over time). So the figures are those of the whole procedure, choice included, on weeks
that no choice has seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.insight.demand.bands import LEVEL, Band, band_of
from profilestore.insight.demand.smoothing import BASELINES, METHODS, WEEKS_A_YEAR, Method, last_year
from profilestore.insight.intervals import clustered_mean, settled

__all__ = ["AHEAD", "Kind", "Origins", "Trial", "naive_errors", "origins_of", "try_kind"]

AHEAD: Final = 4
_WARM_UP: Final = 8
_MOST: Final = 12
_LEAST_CHOOSING: Final = 3
_LEAST_MEASURING: Final = 2

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Origins:
    """Weeks as of which forecasts are made: the first ones only to choose by, those to measure at last."""

    choosing: tuple[int, ...]
    measuring: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """Series that are foretold alike.

    Attributes:
        name: `best sellers`, `steady`, `sparse`, `seasonal` or `categories`.
        rows_at: which series they are, as known at a week.
        methods: names of `METHODS` that are tried.
        by_total: whether the error is the squared one of the four weeks' sum and not the absolute one of the single
            weeks: of what is not sold in most weeks, the absolute error is least for always zero.
    """

    name: str
    rows_at: Callable[[int], Rows]
    methods: tuple[str, ...]
    by_total: bool = False


@dataclass(frozen=True)
class Trial:
    """What became of one kind: the method `chosen` for today, the `figures` of the backtest, the mean error of each
    method `tried` over the latest origins, and the bands for today's forecast of a `week` and of the `total`."""

    chosen: str
    figures: dict[str, Any]
    tried: dict[str, float]
    week: Band
    total: Band

    @property
    def beats(self) -> bool:
        """Whether the gain over the better naive forecast is above zero with its whole interval."""
        return float(self.figures["gain"]["low"]) > 0.0


def origins_of(weeks: int) -> Origins | None:
    """The origins in so many weeks; None where they are too few to choose by some and measure at others."""
    last = weeks - AHEAD
    measuring = min(_MOST, max(_LEAST_MEASURING, int(0.4 * (last - _WARM_UP + 1))))
    first = last - measuring + 1
    begin = max(_WARM_UP, first - AHEAD - _MOST + 1)
    if first - AHEAD + 1 - begin < _LEAST_CHOOSING:
        return None
    return Origins(tuple(range(begin, first)), tuple(range(first, last + 1)))


def naive_errors(pieces: Floats) -> Floats:
    """The mean absolute step from week to week since each series' first sale: the scale of MASE (Hyndman and Koehler
    2006); nan where there is no step, or none but zero."""
    begun = np.cumsum(pieces > 0, axis=1) > 0
    steps = np.abs(np.diff(pieces, axis=1)) * begun[:, :-1]
    count = begun[:, :-1].sum(axis=1)
    found = np.divide(steps.sum(axis=1), count, out=np.full(len(pieces), np.nan), where=count > 0)
    return np.where(found > 0.0, found, np.nan)


def try_kind(pieces: Floats, kind: Kind, origins: Origins, *, seed: int) -> Trial | None:
    """Choose a method for a kind and measure the choosing; None where no series of it can be measured.

    Args:
        pieces: (series, weeks) of all series.
        kind: which of them, and what is tried.
        origins: as of which weeks.
        seed: of the intervals of the figures.
    """
    backtest = _Backtest(pieces, kind, origins)
    chosen, today = {week: backtest.chosen_at(week) for week in origins.measuring}, pieces.shape[1]
    now = backtest.chosen_at(today)
    measured = {week: name for week, name in chosen.items() if name is not None and backtest.made[week].rows.size > 0}
    if now is None or len(measured) < _LEAST_MEASURING:
        return None
    figures = _figures(backtest, measured, seed) | _coverage(backtest, measured, seed)
    tried = {name: settled(value) for name, value in backtest.errors_at(today).items()}
    return Trial(now, figures, tried, backtest.band(now, today, "week"), backtest.band(now, today, "total"))


class _Made:
    """The series of a kind as of one week, what came in the four weeks after, and the errors of each method."""

    def __init__(self, pieces: Floats, kind: Kind, week: int) -> None:
        rows = kind.rows_at(week)
        scales = naive_errors(pieces[rows, :week])
        # One that was sold for the first time last week has no scale yet.
        kept = np.isfinite(scales)
        self.rows, self.scales = rows[kept], scales[kept]
        self.known, self.actual = pieces[self.rows, :week], pieces[self.rows, week : week + AHEAD]
        self._by_total = kind.by_total
        self._forecasts: dict[str, Floats] = {}
        self.means = {name: float(self.errors(METHODS[name]).mean()) for name in kind.methods if kept.any()}

    def mase(self, method: Method) -> Floats:
        """Mean absolute error of the four weeks in the series' own scale."""
        found: Floats = np.abs(self.actual - method(self.known, AHEAD)).mean(axis=1) / self.scales
        return found

    def errors(self, method: Method) -> Floats:
        """The error that the kind is judged by, (n,)."""
        if not self._by_total:
            return self.mase(method)
        found: Floats = ((self.actual - method(self.known, AHEAD)).sum(axis=1) / AHEAD / self.scales) ** 2
        return found

    def forecast(self, name: str) -> Floats:
        """Of a method that was chosen at some time, kept: bands ask for it again and again."""
        if name not in self._forecasts:
            self._forecasts[name] = np.maximum(0.0, METHODS[name](self.known, AHEAD))
        return self._forecasts[name]


class _Backtest:
    """All origins of one kind."""

    def __init__(self, pieces: Floats, kind: Kind, origins: Origins) -> None:
        self.kind = kind
        self.made = {week: _Made(pieces, kind, week) for week in (*origins.choosing, *origins.measuring)}

    def known_at(self, week: int) -> list[_Made]:
        """The latest twelve origins of which all was known at a week."""
        known = [made for origin, made in sorted(self.made.items()) if origin + AHEAD <= week and made.rows.size > 0]
        return known[-_MOST:]

    def errors_at(self, week: int) -> Mapping[str, float]:
        """The mean error of each method, as known at a week."""
        known = self.known_at(week)
        weights = [made.rows.size for made in known]
        return {
            name: float(np.average([made.means[name] for made in known], weights=weights))
            for name in (self.kind.methods if len(known) > 0 else ())
        }

    def chosen_at(self, week: int) -> str | None:
        """The best method, as known at a week; None where nothing was known."""
        errors = self.errors_at(week)
        return min(errors, key=lambda name: (errors[name], name)) if len(errors) > 0 else None

    def band(self, name: str, week: int, what: str) -> Band:
        """From the errors of a method, as known at a week."""
        pairs = [(_summed(made.forecast(name), what), _summed(made.actual, what)) for made in self.known_at(week)]
        return band_of(np.concatenate([made for made, _ in pairs]), np.concatenate([came for _, came in pairs]))


def _summed(values: Floats, what: str) -> Floats:
    return values.sum(axis=1) if what == "total" else values.ravel()


def _figures(backtest: _Backtest, measured: Mapping[int, str], seed: int) -> dict[str, Any]:
    naive: dict[str, Method] = {"last week": BASELINES["last week"]}
    if min(measured) >= WEEKS_A_YEAR:
        naive["same week last year"] = last_year
    baselines = dict(BASELINES) | naive
    made = [backtest.made[week] for week in measured]
    names = list(measured.values())
    rows = np.concatenate([each.rows for each in made])
    ours = np.concatenate([each.errors(METHODS[name]) for each, name in zip(made, names, strict=True)])
    mase = np.concatenate([each.mase(METHODS[name]) for each, name in zip(made, names, strict=True)])
    theirs = {name: np.concatenate([each.errors(method) for each in made]) for name, method in baselines.items()}
    best = min(naive, key=lambda name: (float(theirs[name].mean()), name))
    foretold = sum(float(each.forecast(name).sum()) for each, name in zip(made, names, strict=True))
    sold = sum(float(each.actual.sum()) for each in made)
    return {
        "series": int(np.unique(rows).size),
        "origins": len(made),
        "mase": clustered_mean(rows, mase, seed=seed),
        "error_of": "28 days, squared" if backtest.kind.by_total else "weeks",
        "error": clustered_mean(rows, ours, seed=seed),
        "error_of_baselines": {name: clustered_mean(rows, values, seed=seed) for name, values in theirs.items()},
        "best_baseline": best,
        "gain": clustered_mean(rows, theirs[best] - ours, seed=seed),
        "gain_over_last_4_weeks": clustered_mean(rows, theirs["last 4 weeks"] - ours, seed=seed),
        "foretold_of_sold": settled(foretold / sold) if sold > 0 else None,
    }


def _coverage(backtest: _Backtest, measured: Mapping[int, str], seed: int) -> dict[str, Any]:
    figures: dict[str, Any] = {"interval": LEVEL}
    for what in ("week", "total"):
        rows: list[Rows] = []
        inside: list[Floats] = []
        for week, name in measured.items():
            made = backtest.made[week]
            low, high = backtest.band(name, week, what).around(_summed(made.forecast(name), what))
            came = _summed(made.actual, what)
            rows.append(np.repeat(made.rows, came.size // made.rows.size))
            inside.append(((came >= low) & (came <= high)).astype(np.float64))
        figures[f"covered_{what}"] = clustered_mean(np.concatenate(rows), np.concatenate(inside), seed=seed)
    return figures
