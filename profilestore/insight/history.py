"""What users did, as arrays: the event log as insight reads it, and the one function that cuts it.

No figure may see the future. So everything is computed from a `History`, and `History.before(time)` is the
only way to an earlier one: it knows the acts before that time and nothing else, also no refund that came later.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.documents import EVENT_TYPES
from profilestore.insight.orders import Orders, net_orders
from profilestore.insight.sales import NO_SALES, Sales

__all__ = ["DAY_S", "History", "Shelf", "type_code"]

DAY_S: Final = 86_400.0
_CODES: Final = {type: code for code, type in enumerate(EVENT_TYPES)}

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]


def type_code(type: str) -> int:
    """The number that stands for an event type in `History.types`."""
    return _CODES[type]


@dataclass(frozen=True, slots=True)
class Shelf:
    """The products that were acted on: ids in order, category and brand of today ("" where unknown)."""

    product_ids: tuple[str, ...]
    categories: tuple[str, ...]
    brands: tuple[str, ...]


@dataclass(frozen=True)
class History:
    """The acts of users with personalisation on, by user, then by time.

    `users` and `products` (n,) are rows of `user_ids` and `shelf` (-1: no product), `types` (n,) are
    `type_code`s, `times` (n,) and `purchase_times` (n,) epoch seconds (the latter of refunds that say it, else
    the act's own), `quantities` (n,) pieces, `amounts` (n,) what a purchase or refund was worth, in the shop's
    currency, never negative; `order_keys` (n,) are equal for lines of one order of one user.

    Attributes:
        as_of: epoch seconds; every act is before it.
        left_out: how many users have personalisation off; they are in nothing else here.
        unnamed: what those bought and took back, by nobody in particular: for counts of pieces alone.
    """

    user_ids: tuple[str, ...]
    shelf: Shelf
    users: Ints
    products: Ints
    types: NDArray[np.int8]
    times: Floats
    purchase_times: Floats
    quantities: Floats
    amounts: Floats
    order_keys: NDArray[np.int64]
    as_of: float
    left_out: int = 0
    unnamed: Sales = NO_SALES

    def __len__(self) -> int:
        return int(self.times.size)

    @property
    def as_of_time(self) -> datetime:
        """`as_of` as a time."""
        return datetime.fromtimestamp(self.as_of, UTC)

    @property
    def window(self) -> tuple[datetime, datetime] | None:
        """The times of the first and the last act; None without any."""
        if len(self) == 0:
            return None
        first, last = float(self.times.min()), float(self.times.max())
        return datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC)

    def picked(self, chosen: NDArray[Any]) -> History:
        """A part, by a mask or by positions that keep the order; users and products keep their numbers."""
        return replace(
            self,
            **{
                name: getattr(self, name)[chosen]
                for name in (
                    "users", "products", "types", "times", "purchase_times", "quantities", "amounts", "order_keys"
                )
            },
        )  # fmt: skip

    def before(self, time: float) -> History:
        """What was known at a time: the acts before it, and no others. The one cut there is."""
        if time >= self.as_of:
            return self
        known = self.picked(np.flatnonzero(self.times < time))
        return replace(known, as_of=time, unnamed=self.unnamed.before(time))

    def of_type(self, *types: str) -> History:
        """Only the acts of these types."""
        return self.picked(np.flatnonzero(np.isin(self.types, [type_code(type) for type in types])))

    @cached_property
    def orders(self) -> Orders:
        """Purchases as orders, less what was refunded before `as_of`."""
        return net_orders(
            users=self.users,
            products=self.products,
            times=self.times,
            purchase_times=self.purchase_times,
            quantities=self.quantities,
            amounts=self.amounts,
            order_keys=self.order_keys,
            bought=self.types == type_code("purchase"),
            refunded=self.types == type_code("refund"),
        )
