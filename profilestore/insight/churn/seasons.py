"""Sale seasons: the shop's calendar of them, how much livelier they are, and a clock on which they are ordinary days.

In a sale everybody buys more, so that a gap between two orders of one sale says little of a user's rhythm, and
silence through a sale says much. On the clock a day of a sale counts for as many ordinary days as it is livelier:
what comes at a changing rate in calendar time comes at a steady one on such a clock (the time-rescaling theorem:
Brown, Barbieri, Ventura, Kass and Frank 2002). How lively each sale is, is learned from the past; one that the shop
does not feel counts as ordinary days.
"""

from __future__ import annotations

import itertools
from calendar import isleap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from profilestore.insight.history import DAY_S

__all__ = ["SalePeriod", "SeasonClock", "learn_lifts", "sale_periods"]

_NEIGHBOURS_S: Final = 28 * DAY_S
_SALE_SEEN_LEAST: Final = 3 * DAY_S
_NEIGHBOURS_SEEN_LEAST: Final = 14 * DAY_S
# Buying days that are added to both sides: what is seen of a thin season leans to "as lively as others".
_LEANING: Final = 20.0
_FELT_FROM: Final = 1.1
_LIFT_MOST: Final = 10.0
_FAR_S: Final = 100 * 365 * DAY_S

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SalePeriod:
    """One sale of one year: from `start` to before `stop`, epoch seconds."""

    season: str
    start: float
    stop: float


def _parts(text: str) -> list[tuple[str, str]]:
    """First and last day of each part, as they were written."""
    ends = [part.strip().partition("/") for part in text.split(",")]
    return [(first, last) for first, _, last in ends]


def _day(text: str, year: int) -> date:
    if text == "02-29" and not isleap(year):
        return date(year, 2, 28)
    return date.fromisoformat(text if len(text) == 10 else f"{year:04d}-{text}")


def sale_periods(seasons: Mapping[str, str], *, start: float, stop: float, zone: ZoneInfo) -> list[SalePeriod]:
    """All sales of the setting `sale_seasons` that touch the time from `start` to `stop`, in order.

    Days are those of the shop's time zone; a part without years comes every year, and may go on into the next one
    (12-26/01-05)."""
    found: list[SalePeriod] = []
    years = range(datetime.fromtimestamp(start, UTC).year - 1, datetime.fromtimestamp(stop, UTC).year + 2)
    for name, text in seasons.items():
        for first, last in _parts(text):
            for year in years if len(first) == 5 else years[:1]:
                opens = _day(first, year)
                closes = _day(last, year + 1 if last < first else year)
                ends = (opens, closes + timedelta(days=1))
                begin, end = (datetime.combine(day, time(), zone).timestamp() for day in ends)
                if begin < stop and end > start:
                    found.append(SalePeriod(name, begin, end))
    return sorted(found, key=lambda period: (period.start, period.stop, period.season))


def learn_lifts(times: Floats, periods: Sequence[SalePeriod], *, start: float, stop: float) -> dict[str, float]:
    """How many times as lively each season is as the four weeks before and after it.

    Args:
        times: (n,) when users bought, from `start` to before `stop`.
        periods: sales; what of them is outside of that time is not looked at.
        start, stop: the time that is known.

    Returns:
        By season, from 1.1 to 10, only those that the shop has seen three days of and feels.
    """
    ordered = np.sort(times)
    edges = sorted({start, stop, *(t for p in periods for t in _edges(p) if start < t < stop)})
    seconds: dict[str, Floats] = {}
    for left, right in itertools.pairwise(edges):
        middle = (left + right) / 2.0
        within = {period.season for period in periods if period.start <= middle < period.stop}
        beside = {p.season for p in periods if p.start - _NEIGHBOURS_S <= middle < p.stop + _NEIGHBOURS_S}
        count = float(np.subtract(*np.searchsorted(ordered, [right, left])))
        for season in within or beside:
            told = seconds.setdefault(season, np.zeros(4))
            told += [right - left, count, 0.0, 0.0] if len(within) > 0 else [0.0, 0.0, right - left, count]
    lifts: dict[str, float] = {}
    for season, (sale_s, in_sale, beside_s, in_beside) in sorted(seconds.items()):
        if sale_s >= _SALE_SEEN_LEAST and beside_s >= _NEIGHBOURS_SEEN_LEAST:
            usual = in_beside / beside_s * sale_s
            lift = min(_LIFT_MOST, (in_sale + _LEANING) / (usual + _LEANING))
            if lift >= _FELT_FROM:
                lifts[season] = round(float(lift), 4)
    return lifts


def _edges(period: SalePeriod) -> tuple[float, float, float, float]:
    return period.start - _NEIGHBOURS_S, period.start, period.stop, period.stop + _NEIGHBOURS_S


class SeasonClock:
    """Ordinary days since some moment, by calendar time; a day of a sale counts for `lift` of them."""

    def __init__(self, periods: Sequence[SalePeriod], lifts: Mapping[str, float]) -> None:
        felt = [period for period in periods if period.season in lifts]
        edges = sorted({edge for period in felt for edge in (period.start, period.stop)}) or [0.0]
        self._edges = np.array([edges[0] - _FAR_S, *edges, edges[-1] + _FAR_S])
        middles = (self._edges[1:] + self._edges[:-1]) / 2.0
        rates = [
            max((lifts[p.season] for p in felt if p.start <= middle < p.stop), default=1.0)
            for middle in middles.tolist()
        ]
        self._days = np.r_[0.0, np.cumsum(np.diff(self._edges) / DAY_S * np.array(rates))]

    def at(self, times: Floats) -> Floats:
        """The clock at these times (epoch seconds), in ordinary days."""
        found: Floats = np.interp(times, self._edges, self._days)
        return found

    def back(self, days: Floats) -> Floats:
        """When the clock shows this: the reverse of `at`."""
        found: Floats = np.interp(days, self._days, self._edges)
        return found
