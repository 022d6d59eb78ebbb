"""What each user is expected to buy and spend in the next period: BG/NBD times Gamma-Gamma, set right by the past.

The two models know a user's rhythm, and neither the season nor the trend of the shop. So what they say is mixed
with what the user did in the last period, in shares learned on the period before by non-negative least squares
(Lawson and Hanson 1974). Shares that add up to more than one say that the shop grew; growth seen once is carried on
by its square root (a damped trend: Gardner and McKenzie 1985), since what follows Christmas is not another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from profilestore.insight.history import DAY_S, History
from profilestore.insight.orders import Orders
from profilestore.insight.value.buying import BuyingModel, Repeats, fit_buying
from profilestore.insight.value.spending import SpendingModel, fit_spending

__all__ = ["Buyers", "Forecast", "Mix", "buyers_of", "buying_days", "forecast", "learn_mix", "outcome"]

_WEEK_S: Final = 7 * DAY_S
_DRAWS: Final = 1000
_USERS_AT_ONCE: Final = 1000
_QUARTER_S: Final = 900.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Buyers:
    """All who have an order, (n,) each: rows of the history's users, the past as the models read it, on how many
    days they bought, what a day cost on average, and days and spend of the last period."""

    users: NDArray[np.int64]
    past: Repeats
    days: Floats
    mean: Floats
    last_days: Floats
    last_spend: Floats

    def __len__(self) -> int:
        return int(self.users.size)


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of the models' forecast and of the last period: in the purchases, and in the spend."""

    purchases: tuple[float, float] = (1.0, 0.0)
    spend: tuple[float, float] = (1.0, 0.0)


@dataclass(frozen=True)
class Forecast:
    """For each of the buyers, the expected purchases (days on which they buy) and spend of the next period."""

    buyers: Buyers
    buying: BuyingModel
    spending: SpendingModel
    purchases: Floats
    spend: Floats
    weeks: float
    seed: int

    @cached_property
    def interval(self) -> tuple[Floats, Floats]:
        """Between these the spend of a user lies with a chance of four in five.

        From draws of the two models, brought to the forecast's scale; the fitted parameters are taken as known.
        """
        low, high = np.empty(len(self.buyers)), np.empty(len(self.buyers))
        for number, start in enumerate(range(0, len(self.buyers), _USERS_AT_ONCE)):
            rows = slice(start, start + _USERS_AT_ONCE)
            rng = np.random.default_rng((self.seed, number))
            past, days, mean = self.buyers.past.part(rows), self.buyers.days[rows], self.buyers.mean[rows]
            drawn = self.buying.drawn(past, weeks=self.weeks, draws=_DRAWS, rng=rng)
            spent = self.spending.drawn(drawn, days, mean, rng=rng)
            usual = self.buying.expected(past, weeks=self.weeks) * self.spending.expected(days, mean)
            scale = self.spend[rows] / np.maximum(usual, 1e-12)
            low[rows], high[rows] = np.quantile(spent, (0.1, 0.9), axis=1) * scale
        return low, high


def buyers_of(history: History, *, period_s: float, zone: ZoneInfo) -> Buyers:
    """What the past says of all who have an order, as of the history's end.

    Purchases of one day are one: the models know points in time, and a basket paid twice is one act of buying.
    """
    days, count = buying_days(history.orders, zone), len(history.user_ids)
    number = np.bincount(days.users, minlength=count).astype(np.float64)
    users = np.flatnonzero(number > 0)
    first, last = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(first, days.users, days.times)
    np.maximum.at(last, days.users, days.times)
    spend = np.bincount(days.users, days.amounts, minlength=count)
    lately = days.between(history.as_of - period_s, history.as_of)
    return Buyers(
        users=users,
        past=Repeats(number[users] - 1.0, (last - first)[users] / _WEEK_S, (history.as_of - first[users]) / _WEEK_S),
        days=number[users],
        mean=spend[users] / number[users],
        last_days=np.bincount(lately.users, minlength=count)[users].astype(np.float64),
        last_spend=np.bincount(lately.users, lately.amounts, minlength=count)[users].astype(np.float64),
    )


def buying_days(orders: Orders, zone: ZoneInfo) -> Orders:
    """Orders of one user and one day of the shop, as one order at the time of the first."""
    if len(orders) == 0:
        return orders
    # No zone has an offset that is not a multiple of a quarter of an hour.
    quarters, place = np.unique(np.floor(orders.times / _QUARTER_S), return_inverse=True)
    day_of = np.array([datetime.fromtimestamp(quarter * _QUARTER_S, zone).toordinal() for quarter in quarters.tolist()])
    day = day_of[place]
    starts = np.flatnonzero(np.r_[True, (orders.users[1:] != orders.users[:-1]) | (day[1:] != day[:-1])])
    return Orders(
        orders.users[starts],
        orders.times[starts],
        np.add.reduceat(orders.amounts, starts),
        np.add.reduceat(orders.quantities, starts),
    )


def outcome(
    history: History, users: NDArray[np.int64], *, start: float, stop: float, zone: ZoneInfo
) -> tuple[Floats, Floats]:
    """On how many days these users bought from `start` to before `stop`, and what they spent."""
    days, count = buying_days(history.before(stop).orders.between(start, stop), zone), len(history.user_ids)
    bought = np.bincount(days.users, minlength=count)[users].astype(np.float64)
    return bought, np.bincount(days.users, days.amounts, minlength=count)[users].astype(np.float64)


def forecast(history: History, *, weeks: float, period_s: float, mix: Mix, zone: ZoneInfo, seed: int) -> Forecast:
    """Fit the two models to the history and say what comes after its end.

    Args:
        history: all that is known.
        weeks: how far ahead.
        period_s: how long the last period is; what was done in it counts for a period of `weeks`.
        mix: of the models and the last period.
        zone: of the shop.
        seed: of the interval's draws.

    Raises:
        TooLittleData: nobody bought twice, or nothing has a price.
    """
    buyers = buyers_of(history, period_s=period_s, zone=zone)
    buying, spending = fit_buying(buyers.past), fit_spending(buyers.days, buyers.mean)
    times = weeks * _WEEK_S / period_s
    purchases = buying.expected(buyers.past, weeks=weeks)
    spend = purchases * spending.expected(buyers.days, buyers.mean)
    return Forecast(
        buyers=buyers,
        buying=buying,
        spending=spending,
        purchases=mix.purchases[0] * purchases + mix.purchases[1] * times * buyers.last_days,
        spend=mix.spend[0] * spend + mix.spend[1] * times * buyers.last_spend,
        weeks=weeks,
        seed=seed,
    )


def learn_mix(history: History, at: float, *, horizon_s: float, zone: ZoneInfo) -> Mix:
    """The shares that would have been best at `at`, from the period after it; the models alone where they say 0."""
    plain = forecast(history.before(at), weeks=horizon_s / _WEEK_S, period_s=horizon_s, mix=Mix(), zone=zone, seed=0)
    bought, spent = outcome(history, plain.buyers.users, start=at, stop=at + horizon_s, zone=zone)
    return Mix(
        _shares(plain.purchases, plain.buyers.last_days, bought), _shares(plain.spend, plain.buyers.last_spend, spent)
    )


def _shares(models: Floats, last: Floats, later: Floats) -> tuple[float, float]:
    from scipy.optimize import nnls

    scale = max(float(later.mean()), 1e-12)
    found, _ = nnls(np.column_stack([models, last]) / scale, later / scale)
    if found.sum() <= 0.0:
        return 1.0, 0.0
    damped = found / np.sqrt(found.sum())
    return float(damped[0]), float(damped[1])
