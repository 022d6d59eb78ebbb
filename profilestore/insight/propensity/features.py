"""What a purchase is foretold by: a user's orders, rhythm, spend and visits, of before one time and nothing else.

No age, gender, place or other attribute is among it. What a user has not (a gap, before the second order) is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import TooLittleData
from profilestore.insight.history import DAY_S, History, type_code
from profilestore.insight.orders import Orders
from profilestore.insight.value.buying import fit_buying
from profilestore.insight.value.forecast import buyers_of, buying_days

__all__ = ["RECENCY_AND_FREQUENCY", "PurchaseFeatures", "purchase_features"]

RECENCY: Final = "days since the last order"
FREQUENCY: Final = "orders"
RECENCY_AND_FREQUENCY: Final = (RECENCY, FREQUENCY)
_ORDER_WINDOWS: Final = (14, 30, 60, 90, 180)
_SPEND_WINDOWS: Final = (30, 90)
_VISIT_WINDOWS: Final = (7, 30)
_HALF_LIVES: Final = (15, 45, 120)
_YEAR_DAYS: Final = 365
_FITTED_MOST: Final = 20_000
_TRADES: Final = ("purchase", "refund")

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PurchaseFeatures:
    """Features of all users who had acted by the history's end: `users` (n,) are rows of its users, `names` (f,),
    `values` (n, f) days, counts, money and shares."""

    users: NDArray[np.int64]
    names: tuple[str, ...]
    values: Floats

    def __len__(self) -> int:
        return int(self.users.size)


def purchase_features(history: History, *, horizon_days: float, zone: ZoneInfo, seed: int = 7) -> PurchaseFeatures:
    """The features as of the history's end.

    Args:
        history: all that is known.
        horizon_days: for how long the buying model's expectation is.
        zone: of the shop: orders of one of its days are one.
        seed: of the 20,000 users that the buying model is fitted on where there are more.
    """
    days = buying_days(history.orders, zone)
    found = _orders(history, days) | _gaps(history, days) | _expected(history, horizon_days, zone, seed)
    found |= _goods(history) | _visits(history)
    users = np.unique(history.users).astype(np.int64)
    return PurchaseFeatures(users, tuple(found), np.column_stack([column[users] for column in found.values()]))


def _count(users: NDArray[np.int32], size: int, weights: Floats | None = None) -> Floats:
    return np.bincount(users, weights, minlength=size).astype(np.float64)


def _orders(history: History, days: Orders) -> dict[str, Floats]:
    size, as_of = len(history.user_ids), history.as_of
    first, last = np.full(size, np.nan), np.full(size, np.nan)
    np.fmin.at(first, days.users, days.times)
    np.fmax.at(last, days.users, days.times)
    number, spend = _count(days.users, size), _count(days.users, size, days.amounts)
    age = (as_of - first) / DAY_S
    found = {
        RECENCY: (as_of - last) / DAY_S,
        FREQUENCY: number,
        "days since the first order": age,
        "orders a day": number / np.maximum(np.nan_to_num(age, nan=np.inf), 7.0),
        "spend": spend,
        "value of an order": spend / np.maximum(number, 1.0),
        "pieces an order": _count(days.users, size, days.quantities) / np.maximum(number, 1.0),
    }
    for window in _ORDER_WINDOWS:
        lately = days.between(as_of - window * DAY_S, as_of)
        found[f"orders of {window} days"] = _count(lately.users, size)
        if window in _SPEND_WINDOWS:
            found[f"spend of {window} days"] = _count(lately.users, size, lately.amounts)
    for half_life in _HALF_LIVES:
        weights = np.exp2(-(as_of - days.times) / DAY_S / half_life)
        found[f"orders fading by half in {half_life} days"] = _count(days.users, size, weights)
    year_ago = days.between(as_of - _YEAR_DAYS * DAY_S, as_of - (_YEAR_DAYS - 30) * DAY_S)
    found["orders in these days a year ago"] = _count(year_ago.users, size)
    return found


def _gaps(history: History, days: Orders) -> dict[str, Floats]:
    """Days between orders: usual, spread and longest; and today's silence against them."""
    size = len(history.user_ids)
    # By user, then by time.
    again = np.flatnonzero(days.users[1:] == days.users[:-1])
    gaps, users = (days.times[again + 1] - days.times[again]) / DAY_S, days.users[again]
    number, longest = _count(users, size), np.full(size, np.nan)
    np.fmax.at(longest, users, gaps)
    known = number > 0
    mean = np.divide(_count(users, size, gaps), number, out=np.full(size, np.nan), where=known)
    square = np.divide(_count(users, size, gaps * gaps), number, out=np.full(size, np.nan), where=known)
    last = np.full(size, np.nan)
    np.fmax.at(last, days.users, days.times)
    silence = (history.as_of - last) / DAY_S
    return {
        "days between orders": mean,
        "spread of the days between": np.sqrt(np.maximum(0.0, square - mean * mean)) / np.maximum(mean, 1.0),
        "longest days between": longest,
        "silence to the days between": silence / np.maximum(mean, 1.0),
        "silence to the longest": silence / np.maximum(longest, 1.0),
    }


def _expected(history: History, horizon_days: float, zone: ZoneInfo, seed: int) -> dict[str, Floats]:
    """What BG/NBD expects; zero of everybody where there is no rhythm to learn."""
    size = len(history.user_ids)
    expected, active = np.zeros(size), np.zeros(size)
    if len(history.orders) > 0:
        buyers = buyers_of(history, period_s=horizon_days * DAY_S, zone=zone)
        chosen = np.arange(len(buyers))
        if chosen.size > _FITTED_MOST:
            chosen = np.sort(np.random.default_rng(seed).choice(chosen, _FITTED_MOST, replace=False))
        try:
            model = fit_buying(buyers.past.part(chosen))
        except TooLittleData:
            pass
        else:
            expected[buyers.users] = model.expected(buyers.past, weeks=horizon_days / 7.0)
            active[buyers.users] = model.alive(buyers.past)
    return {"orders expected": expected, "chance of being active": active}


def _goods(history: History) -> dict[str, Floats]:
    size, shelf = len(history.user_ids), len(history.shelf.product_ids) + 1
    bought = np.flatnonzero((history.types == type_code("purchase")) & (history.products >= 0))
    pairs = np.unique(history.users[bought].astype(np.int64) * shelf + history.products[bought])
    different, lines = _count((pairs // shelf).astype(np.int32), size), _count(history.users[bought], size)
    refunds = _count(history.users[history.types == type_code("refund")], size)
    return {
        "different products": different,
        "share of new products": different / np.maximum(lines, 1.0),
        "refunds to purchases": np.minimum(1.0, refunds / np.maximum(lines, 1.0)),
    }


def _visits(history: History) -> dict[str, Floats]:
    """Acts that are no trade: when the last was, how many lately, and how many of them on the cart."""
    size, as_of = len(history.user_ids), history.as_of
    visit = ~np.isin(history.types, [type_code(name) for name in _TRADES])
    cart = history.types == type_code("cart")
    last = np.full(size, np.nan)
    np.fmax.at(last, history.users[visit], history.times[visit])
    found = {"days since the last visit": (as_of - last) / DAY_S, "visits": _count(history.users[visit], size)}
    for window in _VISIT_WINDOWS:
        lately = history.times >= as_of - window * DAY_S
        found[f"visits of {window} days"] = _count(history.users[visit & lately], size)
        found[f"carts of {window} days"] = _count(history.users[cart & lately], size)
    return found
