"""What a churn model goes by, in groups that are reasons: silence, orders, pace, spend, visits and more.

Everything is of one user and of before the rhythm's time. No age, gender, place or other attribute is among it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from profilestore.insight.churn.rhythm import Rhythm
from profilestore.insight.history import DAY_S, History, type_code
from profilestore.insight.value.buying import BuyingModel, Repeats, fit_buying

__all__ = ["FEATURES", "ChurnFeatures", "churn_features"]

# Feature -> the group it is part of, and the direction in which it can only raise the risk (0: either). The first
# feature of a group is the one that a reason is told by.
FEATURES: Final = {
    "silence": ("silence", 1),
    "silence_to_own_gap": ("silence", 1),
    "still_there": ("silence", -1),
    "buying_days": ("orders", -1),
    "bought_once": ("orders", 0),
    "customer_for": ("orders", 0),
    "order_due": ("orders", -1),
    "own_gap": ("gap", 0),
    "unsteadiness": ("steadiness", 0),
    "recent_to_usual": ("pace", -1),
    "recent_days": ("pace", -1),
    "last_gap_to_own": ("pace", 0),
    "spend_a_day": ("spend", 0),
    "last_spend_to_own": ("spend", 0),
    "new_products_lately": ("variety", 0),
    "products_a_day": ("variety", 0),
    "returned": ("returns", 0),
    "returned_lately": ("returns", 0),
    "visits_lately": ("visits", -1),
    "visits_to_usual": ("visits", -1),
    "days_since_visit": ("visits", 1),
    "contacts_lately": ("service", 0),
    "in_sales": ("sales", 0),
}
_LATELY_DAYS: Final = 60.0
_RECENT_DAYS: Final = 90.0
# Users the buying model is fitted on; the rest is only asked.
_FITTED_MOST: Final = 20_000
_CHANCE_LEAST: Final = 1e-4
_TRADES: Final = ("purchase", "refund")
# After these a user has bought and says how it was: no sign of coming again.
_AFTER: Final = ("rate", "review", "contact")

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ChurnFeatures:
    """`values` (n, f): a row for each of the rhythm's users, a column for each of `FEATURES`. Times, money and counts
    are logarithms of one plus them."""

    rhythm: Rhythm
    values: Floats


def churn_features(history: History, rhythm: Rhythm, *, seed: int) -> ChurnFeatures:
    """The features as of the rhythm's time.

    Args:
        history: that the rhythm is of; it ends at the rhythm's time.
        rhythm: of its buyers.
        seed: of the sample that the buying model is fitted on.
    """
    found = _rhythm(rhythm, seed) | _pace(rhythm) | _spending(rhythm) | _products(history, rhythm)
    found |= _returns(history, rhythm) | _visits(history, rhythm)
    return ChurnFeatures(rhythm, np.column_stack([found[name] for name in FEATURES]))


def _rhythm(rhythm: Rhythm, seed: int) -> dict[str, Floats]:
    still_there, order_due = _by_rhythm(rhythm, seed)
    return {
        "silence": np.log1p(rhythm.silence),
        "silence_to_own_gap": np.log1p(rhythm.silence / np.maximum(rhythm.own_gap, 1.0)),
        "still_there": still_there,
        "order_due": order_due,
        "bought_once": (rhythm.days == 1).astype(np.float64),
        "buying_days": np.log1p(rhythm.days),
        "customer_for": np.log1p(rhythm.age),
        "own_gap": np.log1p(rhythm.own_gap),
        "unsteadiness": rhythm.spread / np.maximum(rhythm.own_gap, 1.0),
        "in_sales": rhythm.in_sales,
    }


def _by_rhythm(rhythm: Rhythm, seed: int) -> tuple[Floats, Floats]:
    """What BG/NBD says of an order within the patience, as logarithms that add up to that of its chance: of still
    being a customer, and of ordering in that time if one is, 1 - ((alpha + T) / (alpha + T + t))^(r + x), since nobody
    leaves but at an order."""
    past = Repeats(rhythm.days - 1.0, (rhythm.age - rhythm.silence) / 7.0, rhythm.age / 7.0)
    chosen = np.arange(len(past))
    if chosen.size > _FITTED_MOST:
        chosen = np.sort(np.random.default_rng(seed).choice(chosen, _FITTED_MOST, replace=False))
    model: BuyingModel = fit_buying(past.part(chosen))
    waited = model.alpha + past.age
    orders = -np.expm1(-(model.r + past.x) * np.log1p(rhythm.patience / 7.0 / waited))
    return np.log(np.maximum(model.alive(past), _CHANCE_LEAST)), np.log(np.maximum(orders, _CHANCE_LEAST))


def _pace(rhythm: Rhythm) -> dict[str, Floats]:
    count = int(rhythm.users.max()) + 1
    lately = rhythm.bought.between(rhythm.as_of - _RECENT_DAYS * DAY_S, rhythm.as_of)
    recent = np.bincount(lately.users, minlength=count)[rhythm.users].astype(np.float64)
    usual = rhythm.days / np.maximum(rhythm.age, _RECENT_DAYS) * _RECENT_DAYS
    return {
        "last_gap_to_own": np.log(np.maximum(rhythm.last_gap, 0.5) / np.maximum(rhythm.own_gap, 0.5)),
        "recent_days": np.log1p(recent),
        "recent_to_usual": np.log1p(recent / usual),
    }


def _spending(rhythm: Rhythm) -> dict[str, Floats]:
    bought, count = rhythm.bought, int(rhythm.users.max()) + 1
    mean = np.bincount(bought.users, bought.amounts, minlength=count)[rhythm.users] / rhythm.days
    # By user, then by time: the last row of a user is the last day.
    ends = np.flatnonzero(np.r_[bought.users[1:] != bought.users[:-1], True])
    last = np.zeros(count)
    last[bought.users[ends]] = bought.amounts[ends]
    return {
        "spend_a_day": np.log1p(mean),
        "last_spend_to_own": np.log((last[rhythm.users] + 1.0) / (mean + 1.0)),
    }


def _products(history: History, rhythm: Rhythm) -> dict[str, Floats]:
    """How many different products a day of buying, and how many of those bought lately had not been bought before."""
    count = int(rhythm.users.max()) + 1
    bought = np.flatnonzero((history.types == type_code("purchase")) & (history.products >= 0))
    bought = bought[history.users[bought] < count]
    pairs = history.users[bought].astype(np.int64) * (len(history.shelf.product_ids) + 1) + history.products[bought]
    order = np.lexsort((history.times[bought], pairs))
    first = order[np.flatnonzero(np.r_[True, pairs[order][1:] != pairs[order][:-1]])] if order.size > 0 else order
    users, times = history.users[bought][first], history.times[bought][first]
    different = np.bincount(users, minlength=count)[rhythm.users].astype(np.float64)
    lately = np.bincount(users[times >= rhythm.as_of - _RECENT_DAYS * DAY_S], minlength=count)[rhythm.users]
    return {"products_a_day": np.log1p(different / rhythm.days), "new_products_lately": np.log1p(lately)}


def _returns(history: History, rhythm: Rhythm) -> dict[str, Floats]:
    refunded, bought = (history.types == type_code(name) for name in ("refund", "purchase"))
    money = _count(history, rhythm, refunded, weights=history.amounts)
    spent = _count(history, rhythm, bought, weights=history.amounts)
    lately = history.times >= rhythm.as_of - _LATELY_DAYS * DAY_S
    return {
        "returned": np.minimum(1.0, money / np.maximum(spent, 1.0)),
        "returned_lately": np.log1p(_count(history, rhythm, refunded & lately)),
    }


def _visits(history: History, rhythm: Rhythm) -> dict[str, Floats]:
    """Acts that lead to an order, such as views and searches; of a shop that records none, all columns are equal."""
    other = ~np.isin(history.types, [type_code(name) for name in (*_TRADES, *_AFTER)])
    lately = history.times >= rhythm.as_of - _LATELY_DAYS * DAY_S
    acts, recent = _count(history, rhythm, other), _count(history, rhythm, other & lately)
    since = np.full(len(history.user_ids), -np.inf)
    np.maximum.at(since, history.users[other], history.times[other])
    last = np.maximum(since[rhythm.users], rhythm.first)
    known = np.maximum((rhythm.as_of - rhythm.first) / DAY_S, _LATELY_DAYS)
    quiet = (rhythm.as_of - last) / DAY_S if other.any() else np.zeros(len(rhythm))
    return {
        "visits_lately": np.log1p(recent),
        "visits_to_usual": np.log1p(recent / np.maximum(acts / known * _LATELY_DAYS, 1.0)),
        "days_since_visit": np.log1p(quiet),
        "contacts_lately": np.log1p(_count(history, rhythm, (history.types == type_code("contact")) & lately)),
    }


def _count(history: History, rhythm: Rhythm, chosen: NDArray[np.bool_], *, weights: Floats | None = None) -> Floats:
    """Acts (or their weights) of each of the rhythm's users."""
    counted = np.bincount(
        history.users[chosen],
        None if weights is None else weights[chosen],
        minlength=len(history.user_ids),
    )
    found: Floats = counted[rhythm.users].astype(np.float64)
    return found
