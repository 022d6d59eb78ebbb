"""Chances of a purchase in the categories that a user turns to: a row is a user, a category of theirs and a time.

A user's main categories at a time are the three of the largest faded weight of acts, as in the profile. What is
known of the pair stands beside what is known of the user; the baseline knows recency and frequency of the pair.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from profilestore.insight.history import DAY_S, History, type_code
from profilestore.insight.orders import Orders
from profilestore.insight.propensity.features import RECENCY_AND_FREQUENCY, PurchaseFeatures
from profilestore.insight.value.forecast import buying_days

__all__ = ["MAIN", "PAIR_RECENCY_AND_FREQUENCY", "CategoryMoment", "CategoryShelf", "category_moment", "shelf_of"]

MAIN: Final = 3
_RECENCY: Final = "days since the last order in it"
_FREQUENCY: Final = "orders in it"
PAIR_RECENCY_AND_FREQUENCY: Final = (_RECENCY, _FREQUENCY)
_WINDOWS: Final = (30, 90)
_HALF_LIFE_DAYS: Final = 60.0
_TURNED_AWAY: Final = ("unfavorite", "cart_remove", "refund")
# Of the user, beside what is of the pair.
_OF_USER: Final = (
    *RECENCY_AND_FREQUENCY, "orders of 30 days", "orders of 90 days", "orders expected", "chance of being active",
    "silence to the days between", "visits of 7 days", "visits of 30 days",
)  # fmt: skip

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class CategoryShelf:
    """Which categories (or topics) each product is of: `names` in order, and for every product of the shelf and
    category it has, a row of `products` and of `categories` (m,)."""

    names: tuple[str, ...]
    products: Ints
    categories: Ints


@dataclass(frozen=True)
class CategoryMoment:
    """Users' categories at a time.

    Attributes:
        users: (n,) rows of the history's users; `categories` (n,) of the shelf's names.
        names: of the features; `values` (n, f).
        weight: (n,) the faded weight of the user's acts in it.
        bought: (n,) whether the user bought in it in the days after the time; all False where they are to come.
    """

    users: Ints
    categories: Ints
    names: tuple[str, ...]
    values: Floats
    weight: Floats
    bought: NDArray[np.bool_]

    def part(self, rows: NDArray[np.int64]) -> CategoryMoment:
        """Some of the rows."""
        return CategoryMoment(
            self.users[rows], self.categories[rows], self.names, self.values[rows], self.weight[rows], self.bought[rows]
        )

    def main(self) -> CategoryMoment:
        """Each user's three categories of the largest weight."""
        order = np.lexsort((self.categories, -self.weight, self.users))
        users = self.users[order]
        starts = np.flatnonzero(np.r_[True, users[1:] != users[:-1]]) if users.size > 0 else np.array([], dtype=int)
        place = np.arange(users.size) - np.repeat(starts, np.diff(np.r_[starts, users.size]))
        return self.part(np.sort(order[place < MAIN]))


def shelf_of(history: History, groups_of: Mapping[str, Sequence[str]]) -> CategoryShelf:
    """The categories of the history's products."""
    pairs = [(row, name) for row, id in enumerate(history.shelf.product_ids) for name in groups_of.get(id, ())]
    names = tuple(sorted({name for _, name in pairs}))
    number = {name: place for place, name in enumerate(names)}
    return CategoryShelf(
        names,
        np.array([row for row, _ in pairs], dtype=np.int64),
        np.array([number[name] for _, name in pairs], dtype=np.int64),
    )


def category_moment(
    history: History,
    features: PurchaseFeatures,
    shelf: CategoryShelf,
    *,
    weights: Mapping[str, float],
    half_life_days: float,
    zone: ZoneInfo,
    later: History | None = None,
) -> CategoryMoment:
    """All pairs of a user and a category they acted on, as of the history's end.

    Args:
        history: all that is known.
        features: of its users.
        shelf: of its products.
        weights: of the types of acts, and `half_life_days`, as the profile's interests have them.
        zone: of the shop.
        later: the acts of the days after the history's end, which are the label; None where they are to come.
    """
    pairs = _Pairs(history, shelf)
    as_of, count = history.as_of, pairs.keys.size
    each = np.array([weights.get(name, 0.0) for name in pairs.type_names])[pairs.types]
    fade = np.exp2(-(as_of - pairs.times) / DAY_S / half_life_days)
    weight = np.bincount(pairs.place, each * fade, minlength=count).astype(np.float64)
    orders = _days_of(pairs, pairs.types == type_code("purchase"), zone)
    found = _of_pair(pairs, orders, as_of, count)
    of_user = {name: features.values[:, features.names.index(name)] for name in _OF_USER}
    rows = np.searchsorted(features.users, pairs.users)
    found |= {name: column[rows] for name, column in of_user.items()}
    # How many of all who ever bought in it did so lately: seasons of a category.
    lately = np.bincount(pairs.categories[found["orders in it of 30 days"] > 0], minlength=len(shelf.names))
    ever = np.bincount(pairs.categories[found[_FREQUENCY] > 0], minlength=len(shelf.names))
    found["buyers of it lately"] = (lately / np.maximum(ever, 1))[pairs.categories]
    found["share of the orders"] = found[_FREQUENCY] / np.maximum(found[RECENCY_AND_FREQUENCY[1]], 1.0)
    bought = np.zeros(count, dtype=bool)
    if later is not None:
        after = _Pairs(later.of_type("purchase"), shelf)
        bought = np.isin(pairs.keys, after.keys)
    kept = np.flatnonzero(weight > 0.0)
    return CategoryMoment(
        pairs.users, pairs.categories, tuple(found), np.column_stack(list(found.values())), weight, bought
    ).part(kept)


class _Pairs:
    """Acts by the pair of user and category: a row an act and category of its product."""

    def __init__(self, history: History, shelf: CategoryShelf) -> None:
        from profilestore.documents import EVENT_TYPES

        self.type_names = tuple(EVENT_TYPES)
        away = np.isin(history.types, [type_code(name) for name in _TURNED_AWAY])
        acts = np.flatnonzero((history.products >= 0) & ~away)
        by_product = np.argsort(shelf.products, kind="stable")
        starts = np.searchsorted(shelf.products[by_product], history.products[acts], side="left")
        stops = np.searchsorted(shelf.products[by_product], history.products[acts], side="right")
        lengths = stops - starts
        act = np.repeat(acts, lengths)
        within = np.arange(act.size) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        categories = shelf.categories[by_product][np.repeat(starts, lengths) + within]
        keys = history.users[act].astype(np.int64) * max(1, len(shelf.names)) + categories
        self.keys, self.place = np.unique(keys, return_inverse=True)
        self.users, self.categories = np.divmod(self.keys, max(1, len(shelf.names)))
        self.times, self.types = history.times[act], history.types[act]


def _days_of(pairs: _Pairs, bought: NDArray[np.bool_], zone: ZoneInfo) -> Orders:
    """Purchases in a category as days of buying in it; `users` are places of pairs."""
    rows = np.flatnonzero(bought)
    rows = rows[np.lexsort((pairs.times[rows], pairs.place[rows]))]
    nothing = np.zeros(rows.size)
    return buying_days(Orders(pairs.place[rows].astype(np.int32), pairs.times[rows], nothing, nothing), zone)


def _of_pair(pairs: _Pairs, orders: Orders, as_of: float, count: int) -> dict[str, Floats]:
    last, first, seen = np.full(count, np.nan), np.full(count, np.nan), np.full(count, np.nan)
    np.fmax.at(last, orders.users, orders.times)
    np.fmin.at(first, orders.users, orders.times)
    np.fmax.at(seen, pairs.place, pairs.times)
    number = np.bincount(orders.users, minlength=count).astype(np.float64)
    gap = np.divide((last - first) / DAY_S, number - 1.0, out=np.full(count, np.nan), where=number > 1)
    fade = np.exp2(-(as_of - orders.times) / DAY_S / _HALF_LIFE_DAYS)
    found = {
        _RECENCY: (as_of - last) / DAY_S,
        _FREQUENCY: number,
        "days since the last act in it": (as_of - seen) / DAY_S,
        "days between orders in it": gap,
        "silence in it to the days between": (as_of - last) / DAY_S / np.maximum(gap, 1.0),
        "orders in it fading": np.bincount(orders.users, fade, minlength=count),
    }
    visit = pairs.types != type_code("purchase")
    for window in _WINDOWS:
        since = as_of - window * DAY_S
        lately = orders.between(since, as_of)
        found[f"orders in it of {window} days"] = np.bincount(lately.users, minlength=count).astype(np.float64)
        visited = pairs.place[visit & (pairs.times >= since)]
        found[f"visits in it of {window} days"] = np.bincount(visited, minlength=count).astype(np.float64)
    return found
