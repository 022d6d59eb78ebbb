"""Each user's own rhythm of buying, and when a silence is longer than it: what churn means.

A user's own gap is the mean time between their days of buying, in ordinary days of the season clock. Who is hardly
known leans to the shop's usual gap, as if one such gap had been seen too. A user has churned when they do not buy for
`patience` times their own gap, at least 14 days and at most 90 (in a short history a quarter of it). Who buys in sales
(in two or more that the shop feels, on two thirds of the days; or in two or more of the calendar, on all days) is
waited for until the next sale of a kind they bought in is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import TooLittleData
from profilestore.insight.churn.seasons import SalePeriod, SeasonClock, learn_lifts, sale_periods
from profilestore.insight.history import DAY_S, History
from profilestore.insight.orders import Orders
from profilestore.insight.value.forecast import buying_days

__all__ = ["ChurnTerms", "Rhythm", "next_orders", "rhythm_of"]

_LEAST_DAYS: Final = 14.0
_MOST_DAYS: Final = 90.0
_QUARTER: Final = 0.25
# How many gaps of the shop's usual length stand beside a user's own.
_LEANING: Final = 1.0
_SALES_LEAST: Final = 2
_SALES_SHARE: Final = 2.0 / 3.0
# Two sales of one kind are a year apart.
_AHEAD_S: Final = 400 * DAY_S

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ChurnTerms:
    """What the shop has set: how many own gaps of silence are churn, its sale seasons, its time zone; and `most_days`,
    the longest silence that is waited for, which the length of the history decides."""

    patience: float
    seasons: tuple[tuple[str, str], ...]
    zone: ZoneInfo
    most_days: float = _MOST_DAYS

    def for_span(self, span_s: float) -> ChurnTerms:
        """The terms for a history of this length."""
        most = min(_MOST_DAYS, span_s / DAY_S * _QUARTER)
        return ChurnTerms(self.patience, self.seasons, self.zone, most)


@dataclass(frozen=True)
class Rhythm:
    """All who have an order, (n,) each, as of one time.

    `users` are rows of the history's users, `days` how many days they bought on, `first` and `last` epoch seconds of
    the first and last of them; the rest is in ordinary days of the `clock`: `silence` since the last one, `age` since
    the first, `own_gap`, `last_gap` (the own gap where there is none), `spread` (standard deviation of the gaps),
    `patience`. `due` is when the patience is over, epoch seconds, counted from now; `in_sales` the share of the days
    that were in sales. `plain_silence` and `plain_gap` are in calendar days and of the user alone (the shop's median
    where they bought once): what a plain ratio goes by.
    """

    as_of: float
    users: NDArray[np.int64]
    days: Floats
    first: Floats
    last: Floats
    silence: Floats
    age: Floats
    own_gap: Floats
    last_gap: Floats
    spread: Floats
    patience: Floats
    due: Floats
    lapsed: Flags
    in_sales: Floats
    sale_shopper: Flags
    plain_silence: Floats
    plain_gap: Floats
    shop_gap: float
    lifts: dict[str, float]
    clock: SeasonClock
    bought: Orders

    def __len__(self) -> int:
        return int(self.users.size)

    @property
    def plain_ratio(self) -> Floats:
        """Silence by own gap, both in calendar days: the baseline. A gap is a day at least."""
        return self.plain_silence / np.maximum(self.plain_gap, 1.0)


def rhythm_of(history: History, terms: ChurnTerms) -> Rhythm:
    """The rhythm of all who have an order left after refunds, as of the history's end. Knows nothing after it but
    the calendar of sales.

    Raises:
        TooLittleData: nobody bought on two days.
    """
    bought, count, now = buying_days(history.orders, terms.zone), len(history.user_ids), history.as_of
    number = np.bincount(bought.users, minlength=count).astype(np.float64)
    users = np.flatnonzero(number > 0)
    if not (number > 1).any():
        raise TooLittleData("nobody has bought on two days yet: there is no rhythm to miss.")
    start = float(bought.times.min())
    periods = sale_periods(dict(terms.seasons), start=start, stop=now + _AHEAD_S, zone=terms.zone)
    lifts = learn_lifts(bought.times, periods, start=start, stop=now)
    clock = SeasonClock(periods, lifts)
    first, last = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(first, bought.users, bought.times)
    np.maximum.at(last, bought.users, bought.times)
    days, first, last = number[users], first[users], last[users]
    ticks, tick_now = clock.at(bought.times), float(clock.at(np.array([now]))[0])
    gaps = _Gaps(bought, ticks, count)
    again = days > 1
    own = gaps.total[users] / np.maximum(days - 1.0, 1.0)
    shop_gap = float(np.median(own[again]))
    own_gap = (gaps.total[users] + _LEANING * shop_gap) / (days - 1.0 + _LEANING)
    patience = np.clip(terms.patience * own_gap, min(_LEAST_DAYS, terms.most_days), terms.most_days)
    silence = tick_now - clock.at(last)
    felt = [period for period in periods if period.season in lifts]
    in_sales, in_several, _ = _sales(bought, users, days, felt, count)
    in_any, in_several_of_any, wanted = _sales(bought, users, days, periods, count)
    shopper = (in_several & (in_sales >= _SALES_SHARE)) | (in_several_of_any & (in_any >= 1.0))
    missed, awaited = _sale_of(wanted, periods, last, now)
    plain_gap = (last - first) / DAY_S / np.maximum(days - 1.0, 1.0)
    return Rhythm(
        as_of=now,
        users=users,
        days=days,
        first=first,
        last=last,
        silence=silence,
        age=tick_now - clock.at(first),
        own_gap=own_gap,
        last_gap=np.where(again, gaps.last[users], own_gap),
        spread=np.sqrt(
            np.maximum(gaps.squares[users] / np.maximum(days - 1.0, 1.0) - np.where(again, own, 0.0) ** 2, 0)
        ),
        patience=patience,
        due=np.where(shopper, np.maximum(clock.back(tick_now + patience), awaited), clock.back(tick_now + patience)),
        lapsed=(silence > patience) & (~shopper | missed),
        in_sales=in_sales,
        sale_shopper=shopper,
        plain_silence=(now - last) / DAY_S,
        plain_gap=np.where(again, plain_gap, np.median(plain_gap[again])),
        shop_gap=shop_gap,
        lifts=lifts,
        clock=clock,
        bought=bought,
    )


class _Gaps:
    """Gaps between the days of each user, by the history's users: their sum, sum of squares, and the last one."""

    def __init__(self, bought: Orders, ticks: Floats, count: int) -> None:
        later = np.flatnonzero(np.r_[False, bought.users[1:] == bought.users[:-1]])
        gaps, of = ticks[later] - ticks[later - 1], bought.users[later]
        self.total: Floats = np.bincount(of, gaps, minlength=count).astype(np.float64)
        self.squares: Floats = np.bincount(of, gaps**2, minlength=count).astype(np.float64)
        self.last: Floats = np.zeros(count)
        self.last[of] = gaps


def _sales(
    bought: Orders, users: NDArray[np.int64], days: Floats, periods: list[SalePeriod], count: int
) -> tuple[Floats, Flags, dict[str, Flags]]:
    """The share of days in sales, who bought in two of them or more, and by season who bought in it."""
    inside, sales = np.zeros(count), np.zeros(count)
    wanted: dict[str, Flags] = {}
    for period in periods:
        chosen = bought.users[(bought.times >= period.start) & (bought.times < period.stop)]
        inside += np.bincount(chosen, minlength=count)
        here = np.bincount(chosen, minlength=count) > 0
        sales += here
        wanted[period.season] = wanted.get(period.season, np.zeros(users.size, dtype=bool)) | here[users]
    # Two sales may share a day.
    share: Floats = np.minimum(1.0, inside[users] / days)
    return share, sales[users] >= _SALES_LEAST, wanted


def _sale_of(wanted: dict[str, Flags], periods: list[SalePeriod], last: Floats, now: float) -> tuple[Flags, Floats]:
    """Of each user, whether a sale of a kind they bought in went by since their last order, and when the next such
    one ends."""
    missed, awaited = np.zeros(last.size, dtype=bool), np.full(last.size, now)
    open_ = np.ones(last.size, dtype=bool)
    for period in periods:
        if period.stop <= now:
            missed |= wanted[period.season] & (period.start > last)
        else:
            chosen = wanted[period.season] & open_
            awaited[chosen], open_[chosen] = period.stop, False
    return missed, awaited


def next_orders(history: History, rhythm: Rhythm) -> Floats:
    """When each of these users bought next, epoch seconds, from the rhythm's time on; infinite where not by the
    history's end."""
    orders = history.orders.between(rhythm.as_of, history.as_of)
    found = np.full(len(history.user_ids), np.inf)
    np.minimum.at(found, orders.users, orders.times)
    return found[rhythm.users]
