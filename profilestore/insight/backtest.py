"""Is a forecast of demand any good? Made again and again as of earlier weeks, and compared with what came.

The weeks from which it is made (origins) are parted by time: on the earlier ones the method is chosen, on the later
ones, none of whose weeks was seen before, it is measured. Its interval as of a week comes from its own errors as of
weeks before it (split conformal, Vovk et al. 2005, over time).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.insight.intervals import mean_interval, settled
from profilestore.insight.smoothing import BASELINES, METHODS, WEEKS_A_YEAR, Method, last_year

__all__ = ["AHEAD", "Band", "Kind", "Origins", "Trial", "band_of", "naive_errors", "origins_of", "try_kind"]

AHEAD: Final = 4
_WARM_UP: Final = 8
_MOST: Final = 12
_LEAST_CHOOSING: Final = 3
_LEAST_MEASURING: Final = 2
_BINS: Final = 6
_BIN_LEAST: Final = 60
LEVEL: Final = 0.8

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Origins:
    """Weeks as of which forecasts are made: to choose a method, and to measure the chosen one."""

    choosing: tuple[int, ...]
    measuring: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """Series that are foretold alike.

    Attributes:
        name: `best sellers`, `steady`, `sparse`, `seasonal` or `categories`.
        rows_at: which series they are, as known at a week.
        methods: names of `METHODS` that are tried.
        squared: whether methods are chosen by squared error of the four weeks' sum: of what is mostly zero, the
            absolute error is least for always zero.
    """

    name: str
    rows_at: Callable[[int], Rows]
    methods: tuple[str, ...]
    squared: bool = False


@dataclass(frozen=True)
class Band:
    """What an interval is made of: by size of the forecast, how far the square root of what came was from that of
    the forecast. Square roots, since the noise of counts grows with them."""

    edges: Floats
    low: Floats
    high: Floats

    def around(self, forecast: Floats) -> tuple[Floats, Floats]:
        """The lower and the upper end, pieces."""
        size = np.searchsorted(self.edges, forecast, side="right")
        root = np.sqrt(forecast)
        lower = np.where(root + self.low[size] > 0.0, root + self.low[size], 0.0) ** 2
        return np.minimum(lower, forecast), np.maximum((root + self.high[size]) ** 2, forecast)


@dataclass(frozen=True)
class Trial:
    """What became of one kind: the method `chosen`, its `figures` on later weeks, the bands for today's forecast
    of one `week` and of the `total` of four."""

    chosen: str
    figures: dict[str, Any]
    tried: dict[str, float]
    week: Band
    total: Band

    @property
    def beats(self) -> bool:
        """Whether the gain over the baselines is above zero with its whole interval."""
        return float(self.figures["gain"]["low"]) > 0.0


def origins_of(weeks: int) -> Origins | None:
    """The origins in so many weeks; None where they are too few to choose on some and measure on others."""
    last = weeks - AHEAD
    possible = last - _WARM_UP + 1
    measuring = min(_MOST, max(_LEAST_MEASURING, int(0.4 * possible)))
    first = last - measuring + 1
    choosing = range(max(_WARM_UP, first - AHEAD - _MOST + 1), first - AHEAD + 1)
    if len(choosing) < _LEAST_CHOOSING:
        return None
    return Origins(tuple(choosing), tuple(range(first, last + 1)))


def naive_errors(pieces: Floats) -> Floats:
    """The mean absolute step from week to week since each series' first sale: the scale of MASE (Hyndman and Koehler
    2006); nan where there is no step, or none but zero."""
    begun = np.cumsum(pieces > 0, axis=1) > 0
    steps = np.abs(np.diff(pieces, axis=1)) * begun[:, :-1]
    count = begun[:, :-1].sum(axis=1)
    found = np.divide(steps.sum(axis=1), count, out=np.full(len(pieces), np.nan), where=count > 0)
    return np.where(found > 0.0, found, np.nan)


def try_kind(pieces: Floats, kind: Kind, origins: Origins, *, seed: int) -> Trial | None:
    """Choose a method for a kind and measure it; None where no series of it can be measured.

    Args:
        pieces: (series, weeks) of all series.
        kind: which of them, and what is tried.
        origins: as of which weeks.
        seed: of the intervals of the figures.
    """
    choosing = [_Made(pieces, kind.rows_at(week), week) for week in origins.choosing]
    measuring = [_Made(pieces, kind.rows_at(week), week) for week in origins.measuring]
    if sum(made.rows.size for made in choosing) == 0 or sum(made.rows.size for made in measuring) == 0:
        return None
    tried = {name: _mean([made.loss(METHODS[name], kind.squared) for made in choosing]) for name in kind.methods}
    tried = {name: value for name, value in tried.items() if np.isfinite(value)}
    if len(tried) == 0:
        return None
    chosen = min(tried, key=lambda name: (tried[name], name))
    between = range(origins.choosing[-1] + 1, origins.measuring[0])
    errors = _Errors(pieces, kind, METHODS[chosen], [*origins.choosing, *between, *origins.measuring])
    figures = _figures(measuring, kind, METHODS[chosen], seed) | _coverage(errors, origins, seed)
    week, total = (errors.band(pieces.shape[1], what) for what in ("week", "total"))
    if week is None or total is None:
        return None
    return Trial(chosen, figures, {name: settled(value) for name, value in tried.items()}, week, total)


class _Made:
    """The series of a kind as of one week, and what came in the four weeks after."""

    def __init__(self, pieces: Floats, rows: Rows, week: int) -> None:
        self.known = pieces[rows, :week]
        self.actual = pieces[rows, week : week + AHEAD]
        scales = naive_errors(self.known)
        # One that was sold for the first time last week has no scale yet.
        kept = np.isfinite(scales)
        self.rows, self.known, self.actual, self.scales = rows[kept], self.known[kept], self.actual[kept], scales[kept]

    def errors(self, method: Method) -> Floats:
        """Mean absolute error of the four weeks in the series' own scale: MASE of one series."""
        found: Floats = np.abs(self.actual - method(self.known, AHEAD)).mean(axis=1) / self.scales
        return found

    def total_errors(self, method: Method) -> Floats:
        """The sum of four weeks: squared error in the scale of one week."""
        found: Floats = ((self.actual - method(self.known, AHEAD)).sum(axis=1) / AHEAD / self.scales) ** 2
        return found

    def loss(self, method: Method, squared: bool) -> Floats:
        return self.total_errors(method) if squared else self.errors(method)


class _Errors:
    """Roots of forecasts and of what came, by origin."""

    def __init__(self, pieces: Floats, kind: Kind, method: Method, weeks: Sequence[int]) -> None:
        self.by_week: dict[int, tuple[Floats, Floats]] = {}
        for week in weeks:
            rows = kind.rows_at(week)
            if rows.size > 0:
                self.by_week[week] = method(pieces[rows, :week], AHEAD), pieces[rows, week : week + AHEAD]

    def band(self, week: int, what: str) -> Band | None:
        """From the errors of which all was known at that week, the latest twelve origins; None without any."""
        known = [each for origin, each in sorted(self.by_week.items()) if origin + AHEAD <= week][-_MOST:]
        if len(known) == 0:
            return None
        pairs = [_flat(made, actual, what) for made, actual in known]
        return band_of(np.concatenate([made for made, _ in pairs]), np.concatenate([actual for _, actual in pairs]))


def _flat(made: Floats, actual: Floats, what: str) -> tuple[Floats, Floats]:
    return (made.sum(axis=1), actual.sum(axis=1)) if what == "total" else (made.ravel(), actual.ravel())


def band_of(made: Floats, actual: Floats) -> Band:
    """A band from forecasts and what came."""
    bins = int(np.clip(made.size // _BIN_LEAST, 1, _BINS))
    edges = np.unique(np.quantile(made, np.arange(1, bins) / bins))
    size = np.searchsorted(edges, made, side="right")
    off = np.sqrt(actual) - np.sqrt(made)
    # A half more of rank than a plain quantile on either side, as split conformal asks for.
    ends = [_ends(off[size == number]) for number in range(edges.size + 1)]
    return Band(edges, np.array([end[0] for end in ends]), np.array([end[1] for end in ends]))


def _ends(off: Floats) -> tuple[float, float]:
    share = (1.0 - LEVEL) / 2.0
    if off.size == 0:
        return 0.0, 0.0
    upper = min(1.0, (1.0 - share) * (off.size + 1) / off.size)
    return float(np.quantile(off, 1.0 - upper, method="lower")), float(np.quantile(off, upper, method="higher"))


def _figures(measuring: Sequence[_Made], kind: Kind, method: Method, seed: int) -> dict[str, Any]:
    baselines = dict(BASELINES)
    if measuring[0].known.shape[1] >= WEEKS_A_YEAR:
        baselines["same week last year"] = last_year
    rows = np.concatenate([made.rows for made in measuring])
    ours = np.concatenate([made.loss(method, kind.squared) for made in measuring])
    theirs = {name: np.concatenate([made.loss(other, kind.squared) for made in measuring])
              for name, other in baselines.items()}  # fmt: skip
    best = min(theirs, key=lambda name: (float(theirs[name].mean()), name))
    shown = {name: _by_series(rows, values) for name, values in theirs.items()}
    scaled = np.concatenate([made.errors(method) for made in measuring])
    made_total = sum(float(method(made.known, AHEAD).sum()) for made in measuring)
    came_total = sum(float(made.actual.sum()) for made in measuring)
    return {
        "series": int(np.unique(rows).size),
        "origins": len(measuring),
        "mase": mean_interval(_by_series(rows, scaled), seed=seed),
        "error": mean_interval(_by_series(rows, ours), seed=seed),
        "error_of_baselines": {name: mean_interval(values, seed=seed) for name, values in shown.items()},
        "best_baseline": best,
        "gain": mean_interval(_by_series(rows, theirs[best] - ours), seed=seed),
        "gain_over_last_week": mean_interval(_by_series(rows, theirs["last week"] - ours), seed=seed),
        "foretold_of_sold": settled(made_total / came_total) if came_total > 0 else None,
    }


def _coverage(errors: _Errors, origins: Origins, seed: int) -> dict[str, Any]:
    figures: dict[str, Any] = {"interval": LEVEL}
    for what in ("week", "total"):
        inside: list[Floats] = []
        for week in origins.measuring:
            band = errors.band(week, what)
            if week not in errors.by_week or band is None:
                continue
            made, actual = _flat(*errors.by_week[week], what)
            low, high = band.around(made)
            inside.append(((actual >= low) & (actual <= high)).astype(np.float64))
        covered = np.concatenate(inside) if len(inside) > 0 else np.empty(0)
        figures[f"covered_{what}"] = mean_interval(covered, seed=seed) if covered.size > 0 else None
    return figures


def _by_series(rows: Rows, values: Floats) -> Floats:
    """The mean of each series over the origins: weeks of one series are not independent."""
    _, places = np.unique(rows, return_inverse=True)
    found: Floats = np.bincount(places, weights=values) / np.bincount(places)
    return found


def _mean(parts: Sequence[Floats]) -> float:
    values = np.concatenate(parts)
    return float(values.mean()) if values.size > 0 else float("nan")
