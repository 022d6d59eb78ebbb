"""What users are told apart by: what they turn to (categories or topics) and how they shop.

Two blocks of equal weight, so that neither many categories nor many habits decide alone:

- **interests**: the share of each category (topics where the catalogue has no categories) in what the user
  turned to, shrunk towards the shop's shares by one act, and its square root taken: the distance between two
  users is then that of Hellinger, in which a share of 0 against 0.1 weighs more than 0.5 against 0.6.
- **habits**: recency, orders and order value on a logarithmic scale (they are skewed: without it, a few
  customers would be a segment each), shares of views, carts and coupons among the acts, of refunds among the
  purchases, of new products, of weekends and of evenings; standardised, and cut at three deviations.

A feature that is constant, or that says the same as one before it (correlation of 0.95), is left out and told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import TooLittleData
from profilestore.insight.history import DAY_S, History, type_code
from profilestore.insight.sensitive import is_allowed
from profilestore.settings import Settings

__all__ = ["LEAST_ACTS", "UserFeatures", "columns_of", "local_hours", "user_features"]

Floats = NDArray[np.float64]

# Fewer acts than this, and every share is an accident.
LEAST_ACTS: Final = 4
MOST_GROUPS: Final = 40
_SHRUNK_BY: Final = 1.0
_SAME: Final = 0.95
_CUT: Final = 3.0
# Not what a user turned to.
_TURNED_AWAY: Final = ("unfavorite", "cart_remove", "refund")
_EVENING: Final = 18
# Habit -> the field of the profile that says the same.
_TELLS_OF: Final = {"weekends": "hour_of_week", "evenings": "hour_of_week"}


@dataclass(frozen=True)
class UserFeatures:
    """Features of the users of whom enough is known.

    Attributes:
        users: (n,) rows of the history's users, in order.
        raw: (n, f) on the scale that a person reads: shares, days, orders, money.
        scaled: (n, f) as the distance sees them.
        names: of the features; interests are named as the shop names them.
        interests: how many of the first features are interests.
        left_out: feature -> why it says nothing.
        unknown: how many users have too few acts.
    """

    users: NDArray[np.int64]
    raw: Floats
    scaled: Floats
    names: tuple[str, ...]
    interests: int
    left_out: dict[str, str]
    unknown: int


def columns_of(features: UserFeatures, taken: str) -> slice:
    """The columns of a set of features: interests, habits or both."""
    every, interests = features.scaled.shape[1], features.interests
    return {"interests": slice(0, interests), "habits": slice(interests, every)}.get(taken, slice(0, every))


def user_features(
    history: History,
    *,
    groups_of: Mapping[str, Sequence[str]],
    time_zone: str,
    least_acts: int = LEAST_ACTS,
    kept_out: Collection[str] = (),
) -> UserFeatures:
    """Features of all users with at least `least_acts` acts.

    Args:
        history: what is known; nothing else is looked at.
        groups_of: product id -> its categories or topics.
        time_zone: of the shop, for evenings and weekends.
        least_acts: how many acts make a user known.
        kept_out: habits that the shop does not want looked at, see `kept_out_habits`.

    Raises:
        TooLittleData: fewer than 20 such users, or all of them alike.
    """
    acts = np.bincount(history.users, minlength=len(history.user_ids))
    users = np.flatnonzero(acts >= least_acts)
    if users.size < 20:
        raise TooLittleData(
            f"segments by behaviour need 20 users with at least {least_acts} acts each; there are {users.size}."
        )
    names, shares = _interests(history, groups_of)
    habits = {name: values for name, values in _habits(history, acts, time_zone).items() if name not in kept_out}
    left_out = dict.fromkeys(sorted(kept_out), "kept out by the setting insight_without")
    interest, interest_names = _distinct(shares[users], names, left_out)
    habit_names, habit_columns = list(habits), np.column_stack(list(habits.values()))[users]
    habit, habit_names = _distinct(habit_columns, habit_names, left_out)
    raw = np.column_stack([interest, habit])
    if raw.shape[1] == 0:
        raise TooLittleData("all users are alike in everything that segments could be made of.")
    logged = np.column_stack(
        [np.log1p(column) if name in _SKEWED else column for name, column in zip(habit_names, habit.T, strict=True)]
        or [np.empty((users.size, 0))]
    )
    scaled = np.column_stack([_block(np.sqrt(interest), alike=True), _block(logged, alike=False)])
    return UserFeatures(
        users=users,
        raw=raw,
        scaled=scaled,
        names=(*interest_names, *habit_names),
        interests=len(interest_names),
        left_out=left_out,
        unknown=len(history.user_ids) - users.size,
    )


def kept_out_habits(settings: Settings) -> frozenset[str]:
    """The habits that tell of a field that no model may use (`insight_without`)."""
    return frozenset(name for name, field in _TELLS_OF.items() if not is_allowed(field, settings))


def _interests(history: History, groups_of: Mapping[str, Sequence[str]]) -> tuple[list[str], Floats]:
    """Shares of the groups that most users turned to: (users, groups)."""
    ids = history.shelf.product_ids
    pairs = [(row, group) for row, product_id in enumerate(ids) for group in groups_of.get(product_id, ())]
    columns = {name: column for column, name in enumerate(sorted({group for _, group in pairs}))}
    if len(columns) < 2:
        return [], np.empty((len(history.user_ids), 0))
    from scipy.sparse import csr_matrix

    kept = (history.products >= 0) & ~np.isin(history.types, [type_code(type) for type in _TURNED_AWAY])
    of_products = csr_matrix(
        (np.ones(len(pairs)), ([row for row, _ in pairs], [columns[group] for _, group in pairs])),
        shape=(len(ids), len(columns)),
    )
    lengths = np.maximum(1.0, np.asarray(of_products.sum(axis=1)).ravel())
    acts = csr_matrix(
        (1.0 / lengths[history.products[kept]], (history.users[kept], history.products[kept])),
        shape=(len(history.user_ids), len(ids)),
    )
    counts = acts @ of_products
    widest = np.argsort(-np.asarray((counts > 0).sum(axis=0)).ravel(), kind="stable")[:MOST_GROUPS]
    widest.sort()
    total = np.asarray(counts.sum(axis=1)).ravel()
    shop = np.asarray(counts.sum(axis=0)).ravel() / max(1.0, float(total.sum()))
    dense = counts[:, widest].toarray() + _SHRUNK_BY * shop[widest]
    names = list(columns)
    return [names[column] for column in widest], dense / (total + _SHRUNK_BY)[:, None]


# Money and counts, of which a few users have a hundred times as much as most.
_SKEWED: Final = frozenset(("days since last act", "orders", "order value"))


def _habits(history: History, acts: NDArray[Any], time_zone: str) -> dict[str, Floats]:
    users = len(history.user_ids)
    orders = history.orders
    count = np.bincount(orders.users, minlength=users).astype(np.float64)
    money = np.bincount(orders.users, weights=orders.amounts, minlength=users)
    last = np.full(users, history.as_of)
    last[history.users] = history.times  # by time within a user: the last one stays
    known = np.maximum(1, acts)

    def share(*types: str, of: Floats | None = None) -> Floats:
        chosen = history.users[np.isin(history.types, [type_code(type) for type in types])]
        return np.asarray(np.bincount(chosen, minlength=users) / (known if of is None else np.maximum(1.0, of)))

    bought = history.users[history.types == type_code("purchase")]
    hours = local_hours(history.times, time_zone)
    with_product = history.products >= 0
    pairs = np.unique(history.users[with_product].astype(np.int64) * len(history.shelf.product_ids)
                      + history.products[with_product])  # fmt: skip
    different = np.bincount(pairs // max(1, len(history.shelf.product_ids)), minlength=users)
    return {
        "days since last act": (history.as_of - last) / DAY_S,
        "orders": count,
        "order value": np.divide(money, count, out=np.zeros(users), where=count > 0),
        "views": share("view", "click", "search"),
        "carts": share("cart", "favorite", "like", "share", "comment"),
        "coupons": share("coupon_claim", "coupon_redeem"),
        "refunds": np.minimum(1.0, share("refund", of=np.bincount(bought, minlength=users).astype(np.float64))),
        "new products": different / np.maximum(1, np.bincount(history.users[with_product], minlength=users)),
        "weekends": np.bincount(history.users[hours // 24 >= 5], minlength=users) / known,
        "evenings": np.bincount(history.users[hours % 24 >= _EVENING], minlength=users) / known,
    }


def local_hours(times: Floats, time_zone: str) -> NDArray[np.int64]:
    """The hour of the week, from Monday 00:00, of epoch seconds in a zone; a shift of zone is looked up by hour."""
    hours, places = np.unique((times // 3600).astype(np.int64), return_inverse=True)
    zone = ZoneInfo(time_zone)
    local = [datetime.fromtimestamp(hour * 3600.0, UTC).astimezone(zone) for hour in hours.tolist()]
    return np.array([moment.weekday() * 24 + moment.hour for moment in local], dtype=np.int64)[places]


def _distinct(columns: Floats, names: Sequence[str], left_out: dict[str, str]) -> tuple[Floats, list[str]]:
    """The columns that say something, and something else than those before them."""
    kept: list[int] = []
    for column, name in enumerate(names):
        values = columns[:, column]
        if float(values.std()) < 1e-9:
            left_out[name] = "the same for all users"
            continue
        same = [names[other] for other in kept if abs(float(np.corrcoef(values, columns[:, other])[0, 1])) > _SAME]
        if len(same) > 0:
            left_out[name] = f"says the same as {same[0]}"
            continue
        kept.append(column)
    return columns[:, kept], [names[column] for column in kept]


def _block(columns: Floats, *, alike: bool) -> Floats:
    """Centred, each column on one scale unless they are `alike` already, and the block of unit variance."""
    if columns.shape[1] == 0:
        return columns
    centred = columns - columns.mean(axis=0)
    if not alike:
        centred = np.clip(centred / columns.std(axis=0), -_CUT, _CUT)
    return np.asarray(centred / np.sqrt(centred.var(axis=0).sum()))
