"""What was bought together: the event log as baskets of products.

A basket is an order of a user: the purchases of one `order_id`, or, where an event has none, of one user
on one day in the shop's time zone. A product is in a basket once, however many pieces were bought, and
not at all when all of them were sent back. A refund takes its pieces from the order that it names, else
from the user's purchases of that product before it (or before the `purchase_time` that it says), the
latest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from profilestore.documents import Event
from profilestore.features.taste.interactions import hash_of
from profilestore.features.weights import effective_time

__all__ = ["BasketBuilder", "Baskets"]

# What is left of a quantity taken back in parts is rounding, not a piece.
_NOTHING: Final = 1e-9
_LINE: Final = np.dtype(
    [("user", np.uint64), ("basket", np.uint64), ("product", np.int32), ("time", np.float64), ("quantity", np.float64)]
)

# scipy ships no types: a csr_array
Sparse = Any
Lines = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Baskets:
    """Baskets of products, as pairs sorted by basket and product, no pair twice.

    `basket` and `product` (m,) number rows and columns; `users` (baskets,) numbers the customer of each
    basket; `first` and `last` are the times of the first and last purchase in epoch seconds.
    """

    basket: NDArray[np.int32]
    product: NDArray[np.int32]
    users: NDArray[np.int32]
    product_ids: tuple[str, ...]
    first: float = float("nan")
    last: float = float("nan")

    def __len__(self) -> int:
        return int(self.users.size)

    @classmethod
    def of(cls, baskets: Sequence[Sequence[str]], *, users: Sequence[str] | None = None) -> Self:
        """Baskets as lists of product ids, each of its own customer unless `users` names them."""
        ids = tuple(sorted({product for basket in baskets for product in basket}))
        number = {product: column for column, product in enumerate(ids)}
        pairs = sorted({(row, number[product]) for row, basket in enumerate(baskets) for product in basket})
        names = list(range(len(baskets))) if users is None else list(users)
        owner = {name: place for place, name in enumerate(sorted(set(names)))}  # type: ignore[type-var]  # all of one type
        return cls(
            np.array([row for row, _ in pairs], dtype=np.int32),
            np.array([column for _, column in pairs], dtype=np.int32),
            np.array([owner[name] for name in names], dtype=np.int32),
            ids,
        )

    def sizes(self) -> NDArray[np.int64]:
        """How many products each basket has; (baskets,)."""
        return np.bincount(self.basket, minlength=len(self))

    def frequencies(self) -> NDArray[np.int64]:
        """In how many baskets each product is; (products,)."""
        return np.bincount(self.product, minlength=len(self.product_ids))

    def matrix(self) -> Sparse:
        """1 where a product is in a basket; (baskets, products), int32."""
        from scipy.sparse import csr_array

        ones = np.ones(self.basket.size, dtype=np.int32)
        return csr_array((ones, (self.basket, self.product)), shape=(len(self), len(self.product_ids)))

    def shuffled(self, rng: np.random.Generator, *, sweeps: int = 10) -> Baskets:
        """Random baskets of the same sizes and with the same product frequencies, and nothing else in common.

        Swap randomisation (Gionis, Mannila, Mielikäinen and Tsaparas 2007, "Assessing data mining results via
        swap randomization"): two baskets exchange one product each, as long as neither gets one it has. In
        a sweep all pairs are put to each other at once, and swaps that meet in a cell are all left out, which
        keeps a move as likely as its reverse, so that all such baskets are equally likely in the end.
        """
        columns = max(1, len(self.product_ids))
        cells = self.basket.astype(np.int64) * columns + self.product
        for _ in range(sweeps):
            cells = rng.permutation(cells)
            half = cells.size // 2
            one, other = cells[:half], cells[half : 2 * half]
            swapped = (one - one % columns + other % columns, other - other % columns + one % columns)
            everything = np.concatenate([cells, *swapped])
            _, place, count = np.unique(everything, return_inverse=True, return_counts=True)
            alone = (count[place] == 1).astype(bool)
            first, second = cells.size, cells.size + half
            free = alone[:half] & alone[half : 2 * half] & alone[first:second] & alone[second:]
            cells[:half][free], cells[half : 2 * half][free] = swapped[0][free], swapped[1][free]
        cells.sort()
        basket, product = np.divmod(cells, columns)
        return Baskets(
            basket.astype(np.int32), product.astype(np.int32), self.users, self.product_ids, self.first, self.last
        )


class BasketBuilder:
    """Takes events in pages and keeps 36 bytes of each purchase and refund.

    Args:
        product_ids: the products of the shop; what was bought of others is left out.
        zone: of the shop; a day without an order number ends at its midnight.
    """

    def __init__(self, product_ids: Sequence[str], zone: ZoneInfo) -> None:
        self._ids = tuple(product_ids)
        self._columns = {product_id: column for column, product_id in enumerate(self._ids)}
        self._zone = zone
        self._bought: list[Lines] = []
        self._returned: list[Lines] = []

    def add(self, events: Iterable[Event]) -> None:
        """Take a page of events."""
        bought: list[tuple[int, int, int, float, float]] = []
        returned: list[tuple[int, int, int, float, float]] = []
        for event in events:
            if event.type not in ("purchase", "refund") or event.product_id not in self._columns:
                continue
            quantity = 1.0 if event.quantity is None else event.quantity
            line = (hash_of(event.user_id), self._basket_of(event), self._columns[event.product_id],
                    effective_time(event), quantity)  # fmt: skip
            (bought if event.type == "purchase" else returned).append(line)
        self._bought.append(np.array(bought, dtype=_LINE))
        self._returned.append(np.array(returned, dtype=_LINE))

    def _basket_of(self, event: Event) -> int:
        if event.order_id is not None:
            return hash_of(f"o{event.user_id}\x00{event.order_id}")
        day = datetime.fromtimestamp(effective_time(event), self._zone).date()
        return hash_of(f"d{event.user_id}\x00{day.isoformat()}")

    def build(self) -> Baskets:
        """All that was taken in; the order of the log is forgotten."""
        empty = np.zeros(0, dtype=_LINE)
        bought = _merged(np.concatenate([empty, *self._bought]))
        returned = np.sort(np.concatenate([empty, *self._returned]), order=["time", "basket", "product", "quantity"])
        self._bought.clear()
        self._returned.clear()
        _take_back(bought, returned)
        kept = bought[bought["quantity"] > _NOTHING]
        hashes, at, basket = np.unique(kept["basket"], return_index=True, return_inverse=True)
        _, users = np.unique(kept["user"][at], return_inverse=True)
        order = np.lexsort((kept["product"], basket))
        times = kept["time"]
        return Baskets(
            basket[order].astype(np.int32),
            kept["product"][order].astype(np.int32),
            users.astype(np.int32).reshape(hashes.size),
            self._ids,
            float(times.min()) if times.size > 0 else float("nan"),
            float(times.max()) if times.size > 0 else float("nan"),
        )


def _merged(lines: Lines) -> Lines:
    """One line a basket and product, at the time of its first, in the order of user, product and time."""
    ordered = np.sort(lines, order=["basket", "product", "time", "quantity"])
    if ordered.size == 0:
        return ordered
    new = np.ones(ordered.size, dtype=bool)
    new[1:] = (ordered["basket"][1:] != ordered["basket"][:-1]) | (ordered["product"][1:] != ordered["product"][:-1])
    starts = np.flatnonzero(new)
    merged = ordered[starts]
    merged["quantity"] = np.add.reduceat(ordered["quantity"], starts)
    return np.sort(merged, order=["user", "product", "time", "basket"])


def _take_back(bought: Lines, returned: Lines) -> None:
    """Take returned pieces from what was bought, in place; refunds are few, so one after another."""
    keys = bought["user"] ^ (bought["product"].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    order = np.argsort(keys, kind="stable")
    sorted_keys = keys[order]
    wanted = returned["user"] ^ (returned["product"].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    starts = np.searchsorted(sorted_keys, wanted, side="left")
    stops = np.searchsorted(sorted_keys, wanted, side="right")
    for line, start, stop in zip(returned, starts.tolist(), stops.tolist(), strict=True):
        rows = order[start:stop]
        rows = rows[(bought["user"][rows] == line["user"]) & (bought["product"][rows] == line["product"])]
        same = rows[bought["basket"][rows] == line["basket"]]
        earlier = rows[bought["time"][rows] <= line["time"]][::-1]
        left = float(line["quantity"])
        for row in [*same.tolist(), *(row for row in earlier.tolist() if row not in same)]:
            taken = min(left, float(bought["quantity"][row]))
            bought["quantity"][row] -= taken
            left -= taken
            if left <= _NOTHING:
                break
