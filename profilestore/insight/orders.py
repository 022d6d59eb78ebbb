"""Orders from purchase lines, less what was refunded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Orders", "net_orders"]

# What is left of a line and its refund is rounding.
_NOTHING: Final = 1e-9

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Orders:
    """Orders of which something is left after refunds, by user, then by time of their first line.

    `users` (n,) are rows of the history's users, `times` (n,) epoch seconds, `amounts` (n,) money and
    `quantities` (n,) pieces, both net.
    """

    users: Ints
    times: Floats
    amounts: Floats
    quantities: Floats

    def __len__(self) -> int:
        return int(self.times.size)

    def between(self, start: float, stop: float) -> Orders:
        """Orders with start <= time < stop."""
        kept = np.flatnonzero((self.times >= start) & (self.times < stop))
        return Orders(self.users[kept], self.times[kept], self.amounts[kept], self.quantities[kept])


def net_orders(
    *,
    users: Ints,
    products: Ints,
    times: Floats,
    purchase_times: Floats,
    quantities: Floats,
    amounts: Floats,
    order_keys: NDArray[np.int64],
    bought: NDArray[np.bool_],
    refunded: NDArray[np.bool_],
) -> Orders:
    """Net the refunds against the orders they belong to; what is wholly refunded is no order.

    A refund belongs to the line of its user and product with the purchase time it says, else to the last one
    before it, as far as that line goes, and on to earlier ones for the rest. One without such a line is a
    refund of a purchase before the log began, and counts against nothing.

    Args:
        users, products, times, purchase_times, quantities, amounts, order_keys: as in `History`.
        bought: which acts are purchases.
        refunded: which are refunds.
    """
    lines = np.flatnonzero(bought)
    left_money, left_pieces = amounts[lines].copy(), quantities[lines].copy()
    refunds = np.flatnonzero(refunded)
    if refunds.size > 0 and lines.size > 0:
        _take_back(lines, refunds, users, products, times, purchase_times, quantities, amounts, left_money, left_pieces)
    return _grouped(users[lines], order_keys[lines], times[lines], left_money, left_pieces)


def _take_back(
    lines: NDArray[Any],
    refunds: NDArray[Any],
    users: Ints,
    products: Ints,
    times: Floats,
    purchase_times: Floats,
    quantities: Floats,
    amounts: Floats,
    left_money: Floats,
    left_pieces: Floats,
) -> None:
    """Lower what is left of the lines, refund by refund in order of time."""
    key_of = users.astype(np.int64) * (int(products.max(initial=0)) + 2) + products + 1
    order = np.lexsort((times[lines], key_of[lines]))
    keys, line_times = key_of[lines][order], times[lines][order]
    for refund in refunds[np.argsort(times[refunds], kind="stable")].tolist():
        first, last = np.searchsorted(keys, [key_of[refund], key_of[refund] + 1])
        # Lines up to the time the refund says (its own where it says none), the latest first.
        known = first + int(np.searchsorted(line_times[first:last], purchase_times[refund], side="right"))
        pieces, money = float(quantities[refund]), float(amounts[refund])
        for place in range(known - 1, int(first) - 1, -1):
            line = int(order[place])
            share = min(1.0, float(left_pieces[line]) / pieces) if pieces > _NOTHING else 1.0
            taken = min(float(left_money[line]), money * share)
            left_pieces[line] -= pieces * share
            left_money[line] = 0.0 if left_pieces[line] <= _NOTHING else left_money[line] - taken
            pieces, money = pieces * (1.0 - share), money * (1.0 - share)
            if pieces <= _NOTHING:
                break


def _grouped(users: Ints, keys: NDArray[np.int64], times: Floats, money: Floats, pieces: Floats) -> Orders:
    if users.size == 0:
        return Orders(users, times, money, pieces)
    order = np.lexsort((times, keys, users))
    users, keys = users[order], keys[order]
    starts = np.flatnonzero(np.r_[True, (users[1:] != users[:-1]) | (keys[1:] != keys[:-1])])
    amounts, quantities = np.add.reduceat(money[order], starts), np.add.reduceat(pieces[order], starts)
    first = times[order][starts]
    kept = np.flatnonzero(quantities > _NOTHING)
    kept = kept[np.lexsort((first[kept], users[starts][kept]))]
    return Orders(users[starts][kept], first[kept], np.maximum(0.0, amounts[kept]), quantities[kept])
