"""Pieces sold, by product and week: what a shop's stock goes by, whoever bought.

Demand of a day is what was bought in it less what was taken back on the same day: an order of 80,000 pieces that is
cancelled after ten minutes was none. A later return comes back to the stock and is no lack of demand. So what a day
says never changes afterwards, and a column of the table knows nothing of those after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from profilestore.insight.history import History

__all__ = ["NO_SALES", "Sales", "WeeklySales", "local_days", "sales_of", "weekly_sales"]

DAYS_A_WEEK: Final = 7
_QUARTER_S: Final = 900.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sales:
    """Lines that were bought (`pieces` above 0) or taken back (below 0), by nobody in particular: `pairs` (n,) are
    equal for lines of one product and one unnamed user, `products` (n,) rows of a shelf, `times` (n,) epoch s."""

    pairs: NDArray[np.int64]
    products: NDArray[np.int32]
    times: Floats
    pieces: Floats

    def before(self, time: float) -> Sales:
        """The lines before a time."""
        kept = np.flatnonzero(self.times < time)
        return Sales(self.pairs[kept], self.products[kept], self.times[kept], self.pieces[kept])


NO_SALES: Final = Sales(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0), np.empty(0))


@dataclass(frozen=True, slots=True)
class WeeklySales:
    """Pieces by key and week.

    Attributes:
        keys: product ids or categories, in order.
        pieces: (keys, weeks), the last week ends the day before `starts_on`.
        starts_on: the first day to be foretold, in the shop's time zone: the day of the last act, which may
            not be over.
    """

    keys: tuple[str, ...]
    pieces: Floats
    starts_on: date

    @property
    def weeks(self) -> int:
        """How many."""
        return int(self.pieces.shape[1])

    def day_of(self, week: int) -> date:
        """The first day of a week; from `weeks` on those to come."""
        return self.starts_on + timedelta(days=DAYS_A_WEEK * (week - self.weeks))

    def until(self, week: int) -> WeeklySales:
        """What was known when that week began."""
        return WeeklySales(self.keys, self.pieces[:, :week], self.day_of(week))

    def summed(self, groups: Sequence[str]) -> WeeklySales:
        """By group of the keys; "" is no group."""
        names = tuple(sorted(set(groups) - {""}))
        number = {name: row for row, name in enumerate(names)}
        rows = np.array([number.get(group, -1) for group in groups], dtype=np.int64)
        total = np.zeros((len(names), self.weeks))
        np.add.at(total, rows[rows >= 0], self.pieces[rows >= 0])
        return WeeklySales(names, total, self.starts_on)


def sales_of(history: History) -> Sales:
    """All lines of a history: of its users, and those of users whose personalisation is off, who stay unnamed."""
    from profilestore.insight.history import type_code

    bought, refunded = history.types == type_code("purchase"), history.types == type_code("refund")
    kept = np.flatnonzero((bought | refunded) & (history.products >= 0))
    signs = np.where(bought[kept], 1.0, -1.0)
    width = np.int64(len(history.shelf.product_ids))
    others = history.unnamed
    return Sales(
        pairs=np.r_[history.users[kept].astype(np.int64) * width + history.products[kept], -1 - others.pairs],
        products=np.r_[history.products[kept], others.products],
        times=np.r_[history.times[kept], others.times],
        pieces=np.r_[signs * history.quantities[kept], others.pieces],
    )


def weekly_sales(history: History, zone: ZoneInfo) -> WeeklySales:
    """Pieces of every product by weeks of seven local days, the last of which ends with the day before the last act.

    The day of the last act is not over, and a week with half a day in it would look weak; nor is the first, broken
    week counted.
    """
    sales = sales_of(history)
    days, pairs = local_days(sales.times, zone), sales.pairs
    starts_on = date.fromordinal(int(local_days(np.array([history.as_of]), zone)[0]))
    products = len(history.shelf.product_ids)
    if days.size == 0:
        return WeeklySales(history.shelf.product_ids, np.zeros((products, 0)), starts_on)
    order = np.lexsort((days, pairs))
    ends = np.flatnonzero(np.r_[True, (np.diff(pairs[order]) != 0) | (np.diff(days[order]) != 0)])
    net = np.maximum(0.0, np.add.reduceat(sales.pieces[order], ends))
    rows, first_days = sales.products[order][ends], days[order][ends]
    back = (starts_on.toordinal() - 1 - first_days) // DAYS_A_WEEK
    weeks = int((starts_on.toordinal() - int(first_days.min())) // DAYS_A_WEEK)
    kept = (back >= 0) & (back < weeks)
    pieces = np.zeros((products, weeks))
    np.add.at(pieces, (rows[kept], weeks - 1 - back[kept]), net[kept])
    return WeeklySales(history.shelf.product_ids, pieces, starts_on)


def local_days(times: Floats, zone: ZoneInfo) -> NDArray[np.int64]:
    """The day (proleptic ordinal) of epoch seconds in a zone; shifts of zones are looked up by quarter of an hour."""
    quarters, places = np.unique(np.floor_divide(times, _QUARTER_S).astype(np.int64), return_inverse=True)
    found: list[Any] = [
        datetime.fromtimestamp(quarter * _QUARTER_S, UTC).astimezone(zone).toordinal() for quarter in quarters.tolist()
    ]
    return np.array(found, dtype=np.int64)[places]
