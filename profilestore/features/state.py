"""The exact state of a profile: a commutative monoid under `merge` (DESIGN.md, *The state*).

    merge(a, merge(b, c)) = merge(merge(a, b), c)    merge(a, b) = merge(b, a)    merge(EMPTY, a) = a

Counts and money add up, first and last are min and max, decayed sums are brought to the later of two
anchors, and the latest K of distinct things by time are the latest K of a union. So a profile is the
same however its events were ordered, batched or spread over machines (to float rounding).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["EMPTY", "ORDERS_KEPT", "SPACES", "DecayedShares", "DecayedSum", "State", "merge"]

SPACES: Final = ("text", "topics", "taste")
HOURS_OF_WEEK: Final = 168
# Distinct orders are exact up to here and estimated beyond (k minimum values: standard error 1/sqrt(k), 3 %).
ORDERS_KEPT: Final = 1024

Vector = NDArray[np.float64]
# a time, or a time and what was done then
Act = TypeVar("Act", float, tuple[float, bool])
NO_VECTOR: Final[Vector] = np.zeros(0)
NO_ORDERS: Final[NDArray[np.uint64]] = np.zeros(0, dtype=np.uint64)
NO_HOURS: Final[NDArray[np.int64]] = np.zeros(HOURS_OF_WEEK, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class DecayedSum:
    """sum of w * 2^(-(anchor - t) / h) * in, with the same sum of |w| * |in| beside it.

    `anchor` is the latest event time within, in epoch seconds; `vector` has shape (dims,), or (0,) for
    the empty sum. `norm` is what rounding is judged by: a length under
    1e-6 of it is zero (in-vectors are float32 and may be read back rounded).
    """

    anchor: float = 0.0
    vector: Vector = field(default_factory=lambda: NO_VECTOR)
    norm: float = 0.0

    @property
    def empty(self) -> bool:
        """Whether no event with an in-vector is in the sum."""
        return self.vector.size == 0

    @property
    def is_zero(self) -> bool:
        """Whether what is left is rounding, as after a purchase and its exact refund."""
        return self.empty or float(np.linalg.norm(self.vector)) <= 1e-6 * self.norm


@dataclass(frozen=True, slots=True)
class DecayedShares:
    """Decayed sums of weights by name (category, brand), all at one anchor."""

    anchor: float = 0.0
    sums: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """All that a profile needs of its events. Times in epoch seconds, money in the shop's currency."""

    counts: Mapping[str, int] = field(default_factory=dict)
    first_seen: float = float("inf")
    last_seen: float = float("-inf")
    first_purchase: float = float("inf")
    last_purchase: float = float("-inf")
    purchase_count: int = 0
    quantity: float = 0.0
    spend: float = 0.0
    # the sum of absolute amounts: what the rounding of `spend` and `quantity` is judged by
    turnover: float = 0.0
    rating_sum: float = 0.0
    rating_count: int = 0
    orders: NDArray[np.uint64] = field(default_factory=lambda: NO_ORDERS)
    hours: NDArray[np.int64] = field(default_factory=lambda: NO_HOURS)
    channels: Mapping[str, int] = field(default_factory=dict)
    devices: Mapping[str, int] = field(default_factory=dict)
    payments: Mapping[str, int] = field(default_factory=dict)
    categories: DecayedShares = field(default_factory=DecayedShares)
    brands: DecayedShares = field(default_factory=DecayedShares)
    purchased: Mapping[str, float] = field(default_factory=dict)
    seen: Mapping[str, float] = field(default_factory=dict)
    words: Mapping[str, float] = field(default_factory=dict)
    # product -> (time, whether that act took it out of the cart) of the latest such act
    cart: Mapping[str, tuple[float, bool]] = field(default_factory=dict)
    # weights by product, for the sparse form of taste; empty under a dense one
    items: DecayedShares = field(default_factory=DecayedShares)
    # field -> (time, event id, value): the latest wins, ties by event id
    user_fields: Mapping[str, tuple[float, str, Any]] = field(default_factory=dict)
    sums: Mapping[str, DecayedSum] = field(default_factory=dict)


EMPTY: Final = State()


def decay(elapsed_s: float, half_life_s: float) -> float:
    """2^(-elapsed / half-life), 0.0 when it underflows."""
    return float(2.0 ** (-elapsed_s / half_life_s))


def _add_counts(a: Mapping[str, int], b: Mapping[str, int]) -> Mapping[str, int]:
    if len(a) == 0:
        return b
    if len(b) == 0:
        return a
    total = dict(a)
    for name, count in b.items():
        total[name] = total.get(name, 0) + count
    return total


def _add_quantities(a: Mapping[str, float], b: Mapping[str, float]) -> Mapping[str, float]:
    if len(a) == 0:
        return b
    if len(b) == 0:
        return a
    total = dict(a)
    for name, quantity in b.items():
        total[name] = total.get(name, 0.0) + quantity
    return total


def latest(items: dict[str, Act], limit: int) -> dict[str, Act]:
    """The `limit` latest by time, ties by id; the same whatever order they came in."""
    if len(items) <= limit:
        return items
    kept = sorted(items.items(), key=lambda item: (item[1], item[0]), reverse=True)[:limit]
    return dict(kept)


def _merge_latest(a: Mapping[str, Act], b: Mapping[str, Act], limit: int) -> Mapping[str, Act]:
    if len(a) == 0:
        return b
    if len(b) == 0:
        return a
    union = dict(a)
    for name, act in b.items():
        held = union.get(name)
        if held is None or act > held:
            union[name] = act
    return latest(union, limit)


def _merge_sums(a: DecayedSum, b: DecayedSum, half_life_s: float) -> DecayedSum:
    if a.empty:
        return b
    if b.empty:
        return a
    old, new = (a, b) if a.anchor <= b.anchor else (b, a)
    factor = decay(new.anchor - old.anchor, half_life_s)
    return DecayedSum(new.anchor, new.vector + factor * old.vector, new.norm + factor * old.norm)


def _merge_shares(a: DecayedShares, b: DecayedShares, half_life_s: float) -> DecayedShares:
    if len(a.sums) == 0:
        return b
    if len(b.sums) == 0:
        return a
    old, new = (a, b) if a.anchor <= b.anchor else (b, a)
    factor = decay(new.anchor - old.anchor, half_life_s)
    sums = dict(new.sums)
    for name, weight in old.sums.items():
        sums[name] = sums.get(name, 0.0) + factor * weight
    return DecayedShares(new.anchor, sums)


def _merge_fields(
    a: Mapping[str, tuple[float, str, Any]], b: Mapping[str, tuple[float, str, Any]]
) -> Mapping[str, tuple[float, str, Any]]:
    if len(a) == 0:
        return b
    if len(b) == 0:
        return a
    union = dict(a)
    for name, entry in b.items():
        held = union.get(name)
        if held is None or entry[:2] > held[:2]:
            union[name] = entry
    return union


def _merge_orders(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.uint64]:
    if a.size == 0:
        return b
    if b.size == 0:
        return a
    return np.union1d(a, b)[:ORDERS_KEPT]


def merge(
    a: State,
    b: State,
    *,
    half_life_s: Mapping[str, float],
    interest_half_life_s: float,
    seen_limit: int,
    words_limit: int,
    cart_limit: int,
) -> State:
    """The state of both states' events together. Pure, associative and commutative; EMPTY is neutral."""
    return State(
        counts=_add_counts(a.counts, b.counts),
        first_seen=min(a.first_seen, b.first_seen),
        last_seen=max(a.last_seen, b.last_seen),
        first_purchase=min(a.first_purchase, b.first_purchase),
        last_purchase=max(a.last_purchase, b.last_purchase),
        purchase_count=a.purchase_count + b.purchase_count,
        quantity=a.quantity + b.quantity,
        spend=a.spend + b.spend,
        turnover=a.turnover + b.turnover,
        rating_sum=a.rating_sum + b.rating_sum,
        rating_count=a.rating_count + b.rating_count,
        orders=_merge_orders(a.orders, b.orders),
        hours=a.hours + b.hours,
        channels=_add_counts(a.channels, b.channels),
        devices=_add_counts(a.devices, b.devices),
        payments=_add_counts(a.payments, b.payments),
        categories=_merge_shares(a.categories, b.categories, interest_half_life_s),
        brands=_merge_shares(a.brands, b.brands, interest_half_life_s),
        purchased=_add_quantities(a.purchased, b.purchased),
        seen=_merge_latest(a.seen, b.seen, seen_limit),
        words=_merge_latest(a.words, b.words, words_limit),
        cart=_merge_latest(a.cart, b.cart, cart_limit),
        items=_merge_shares(a.items, b.items, half_life_s["taste"]),
        user_fields=_merge_fields(a.user_fields, b.user_fields),
        sums={
            space: _merge_sums(a.sums.get(space, NO_SUM), b.sums.get(space, NO_SUM), half_life_s[space])
            for space in SPACES
        },
    )


NO_SUM: Final = DecayedSum()
