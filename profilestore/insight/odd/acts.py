"""What oddness is told from: a row of figures a user, none of them an attribute, all of acts alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.insight.history import DAY_S, History, type_code
from profilestore.insight.orders import Orders, net_orders
from profilestore.insight.segments.features import local_hours

__all__ = ["SKEWED", "OddActs", "recent_acts"]

Floats = NDArray[np.float64]

_HOUR_S: Final = 3600.0
_NIGHT_ENDS: Final = 6
# Moments nearer than an hour are of one visit.
_LEAST_PAUSES: Final = 8
# A few users have a hundred times as much of these as most.
SKEWED: Final = frozenset(
    ("acts in an hour", "orders in a day", "largest order", "order value", "pieces of a line", "hours without a break")
)


def recent_acts(history: History, *, days: float) -> History:
    """The acts of the last days: what was odd long ago is not held against anybody for ever."""
    return history.picked(np.flatnonzero(history.times >= history.as_of - days * DAY_S))


@dataclass(frozen=True)
class OddActs:
    """Figures of the users of a history, (users,) each and in the history's order.

    Attributes:
        history: of which they are; nothing else is looked at.
        time_zone: of the shop, for the nights.
        kept_out: names of `columns` that are not to be looked at.
    """

    history: History
    time_zone: str
    kept_out: frozenset[str] = frozenset()

    @property
    def users(self) -> int:
        """How many."""
        return len(self.history.user_ids)

    @cached_property
    def acts(self) -> NDArray[np.int64]:
        """Acts a user."""
        return np.bincount(self.history.users, minlength=self.users)

    @cached_property
    def orders(self) -> Orders:
        """Orders as they were made, whatever was sent back later."""
        history = self.history
        bought = history.types == type_code("purchase")
        return net_orders(
            users=history.users, products=history.products, times=history.times,
            purchase_times=history.purchase_times, quantities=history.quantities, amounts=history.amounts,
            order_keys=history.order_keys, bought=bought, refunded=np.zeros_like(bought),
        )  # fmt: skip

    @cached_property
    def order_counts(self) -> NDArray[np.int64]:
        """Orders a user."""
        return np.bincount(self.orders.users, minlength=self.users)

    @cached_property
    def largest_orders(self) -> Floats:
        """The most that a user spent in one order; 0 without any."""
        return _largest(self.orders.users, self.orders.amounts, self.users)

    @cached_property
    def orders_a_day(self) -> NDArray[np.int64]:
        """The most orders, at moments of their own, within 24 hours."""
        return _busiest(*_moments(self.orders.users, self.orders.times), window_s=DAY_S, users=self.users)

    @cached_property
    def acts_an_hour(self) -> NDArray[np.int64]:
        """The most acts, at moments of their own, within an hour: the lines of an order are of one moment."""
        return _busiest(*self._moments, window_s=_HOUR_S, users=self.users)

    @cached_property
    def acts_a_day(self) -> NDArray[np.int64]:
        """The most acts, at moments of their own, within 24 hours."""
        return _busiest(*self._moments, window_s=DAY_S, users=self.users)

    @cached_property
    def purchase_lines(self) -> NDArray[np.int64]:
        """Purchases a user."""
        return np.bincount(self._of("purchase").users, minlength=self.users)

    @cached_property
    def refund_lines(self) -> NDArray[np.int64]:
        """Refunds a user."""
        return np.bincount(self._of("refund").users, minlength=self.users)

    @cached_property
    def refunded(self) -> Floats:
        """The share of the money spent that was taken back, at most 1."""
        bought, back = self._of("purchase"), self._of("refund")
        spent = np.bincount(bought.users, weights=bought.amounts, minlength=self.users)
        returned = np.bincount(back.users, weights=back.amounts, minlength=self.users)
        return np.minimum(1.0, np.divide(returned, spent, out=np.zeros(self.users), where=spent > 0.0))

    def columns(self) -> dict[str, Floats]:
        """What the forest looks at, in the units a person reads. How much somebody buys in all is not odd."""
        history, users = self.history, self.users
        known = np.maximum(1, self.acts).astype(np.float64)
        spent = np.bincount(self.orders.users, weights=self.orders.amounts, minlength=users)
        hours = local_hours(history.times, self.time_zone)
        with_product = history.products >= 0
        pairs = np.unique(
            history.users[with_product].astype(np.int64) * (len(history.shelf.product_ids) + 1)
            + history.products[with_product]
        )
        different = np.bincount(pairs // (len(history.shelf.product_ids) + 1), minlength=users)
        turned = np.maximum(1, np.bincount(history.users[with_product], minlength=users))
        night = np.bincount(history.users[hours % 24 < _NIGHT_ENDS], minlength=users)
        longest, uneven = self._visits()
        every = {
            "acts in an hour": self.acts_an_hour.astype(np.float64),
            "orders in a day": self.orders_a_day.astype(np.float64),
            "largest order": self.largest_orders,
            "order value": np.divide(spent, self.order_counts, out=np.zeros(users), where=self.order_counts > 0),
            "pieces of a line": _largest(self._of("purchase").users, self._of("purchase").quantities, users),
            "money sent back": self.refunded,
            "purchases": self.purchase_lines / known,
            "at night": night / known,
            "new products": different / turned,
            "hours without a break": longest,
            "unevenness of pauses": uneven,
        }
        return {name: values for name, values in every.items() if name not in self.kept_out}

    def _of(self, type: str) -> History:
        return self._by_type.setdefault(type, self.history.of_type(type))

    @cached_property
    def _by_type(self) -> dict[str, History]:
        return {}

    @cached_property
    def _moments(self) -> tuple[NDArray[Any], Floats]:
        return _moments(self.history.users, self.history.times)

    def _visits(self) -> tuple[Floats, Floats]:
        """The longest stretch of acts less than an hour apart, in hours, and how uneven pauses within visits are:
        the deviation of their logarithm, the median of the others where a user has few."""
        of, times = self._moments
        longest, uneven = np.zeros(self.users), np.full(self.users, np.nan)
        if times.size < 2:
            return longest, np.zeros(self.users)
        pauses = np.diff(times)
        inside = (of[1:] == of[:-1]) & (pauses < _HOUR_S)
        visit = np.r_[0, np.cumsum(~inside)]
        starts = np.flatnonzero(np.r_[True, ~inside])
        lasted = np.maximum.reduceat(times, starts) - np.minimum.reduceat(times, starts)
        np.maximum.at(longest, of[starts], lasted[visit[starts]] / _HOUR_S)
        owner, logs = of[1:][inside], np.log(np.maximum(1.0, pauses[inside]))
        count = np.bincount(owner, minlength=self.users)
        mean = np.bincount(owner, weights=logs, minlength=self.users) / np.maximum(1, count)
        squares = np.bincount(owner, weights=(logs - mean[owner]) ** 2, minlength=self.users)
        enough = count >= _LEAST_PAUSES
        uneven[enough] = np.sqrt(squares[enough] / count[enough])
        middle = float(np.median(uneven[enough])) if enough.any() else 0.0
        return longest, np.where(enough, uneven, middle)


def _largest(owners: NDArray[Any], values: Floats, users: int) -> Floats:
    most = np.zeros(users)
    np.maximum.at(most, owners, values)
    return most


def _moments(owners: NDArray[Any], times: Floats) -> tuple[NDArray[Any], Floats]:
    """The different moments of each user, by user and time."""
    order = np.lexsort((times, owners))
    owners, times = owners[order], times[order]
    new = np.r_[True, (owners[1:] != owners[:-1]) | (times[1:] != times[:-1])][: times.size]
    return owners[new], times[new]


def _busiest(owners: NDArray[Any], times: Floats, *, window_s: float, users: int) -> NDArray[np.int64]:
    """The most moments of each user within a window, wherever it lies."""
    most = np.zeros(users, dtype=np.int64)
    if times.size == 0:
        return most
    # One line of time on which users lie apart: a single search finds all windows.
    since = times - times.min()
    line = owners.astype(np.float64) * (float(since.max()) + 2.0 * window_s) + since
    inside = np.searchsorted(line, line + window_s, side="left") - np.arange(line.size)
    np.maximum.at(most, owners, inside)
    return most
