"""Recency, frequency and monetary value of users, their scores, and the value tiers. Pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from profilestore.insight.history import DAY_S, History

__all__ = ["FEATURES", "TIERS", "Rfm", "future_spend", "quintiles", "ranks_of", "rfm_of", "segment_names", "tiers_of"]

FEATURES: Final = ("recency_days", "orders", "spend", "recent_spend")
TIERS: Final = ("high", "mid", "low", "potential_high", "potential_mid")
# The best fifth by score is the high tier, the next three tenths the mid one.
_HIGH_FROM: Final = 0.8
_MID_FROM: Final = 0.5
# On the way up: among the best three tenths by what was spent lately.
_LATELY_FROM: Final = 0.7
_PERIOD_S: Final = 90 * DAY_S

Floats = NDArray[np.float64]
Scores = NDArray[np.int64]
Names = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Rfm:
    """Users who have bought, with their figures (n,) and quintile scores 1 (worst) to 5 (best).

    `users` are rows of the history's users; `recency_days` since the last order, `orders` their number,
    `spend` and `recent_spend` (of the last period, 90 days or less) in the shop's currency, net of refunds.
    """

    users: NDArray[np.int64]
    recency_days: Floats
    orders: Floats
    spend: Floats
    recent_spend: Floats
    recency_score: Scores
    frequency_score: Scores
    monetary_score: Scores

    def __len__(self) -> int:
        return int(self.users.size)

    @property
    def figures(self) -> Floats:
        """The columns of `FEATURES`; (n, 4)."""
        return np.column_stack([self.recency_days, self.orders, self.spend, self.recent_spend])

    @property
    def ranks(self) -> Floats:
        """How lately, how often and for how much, each as the share of users below, 0 to 1; (n, 3)."""
        return np.column_stack([ranks_of(values) for values in (-self.recency_days, self.orders, self.spend)])


def ranks_of(values: Floats) -> Floats:
    """The share of values below each, 0 to 1; equal values share their mean rank."""
    from scipy.stats import rankdata

    found: Floats = (rankdata(values, method="average") - 0.5) / max(1, values.size)
    return found


def quintiles(values: Floats) -> Scores:
    """Scores 1 to 5 by rank, the largest values 5. Equal values have equal scores: that of their mean rank."""
    scores: Scores = np.minimum(5, np.floor(ranks_of(values) * 5.0).astype(np.int64) + 1)
    return scores


def rfm_of(history: History, *, period_s: float = _PERIOD_S) -> Rfm:
    """The figures and scores of all who have an order left after refunds, as of the history's end.

    Args:
        history: up to the time that is spoken of.
        period_s: how long ago is lately, for `recent_spend`.
    """
    orders, count = history.orders, len(history.user_ids)
    numbers = np.bincount(orders.users, minlength=count)
    users = np.flatnonzero(numbers > 0)
    last = np.full(count, -np.inf)
    np.maximum.at(last, orders.users, orders.times)
    spend: Floats = np.bincount(orders.users, orders.amounts, minlength=count)[users].astype(np.float64)
    recency = (history.as_of - last[users]) / DAY_S
    frequency = numbers[users].astype(np.float64)
    lately = orders.between(history.as_of - period_s, history.as_of)
    recent = np.bincount(lately.users, lately.amounts, minlength=count)[users].astype(np.float64)
    return Rfm(
        users=users,
        recency_days=recency,
        orders=frequency,
        spend=spend,
        recent_spend=recent,
        recency_score=quintiles(-recency),
        frequency_score=quintiles(frequency),
        monetary_score=quintiles(spend),
    )


def future_spend(history: History, users: NDArray[np.int64], *, start: float, stop: float) -> Floats:
    """What these users spent from `start` to before `stop`: what a figure made at `start` is checked against."""
    orders = history.before(stop).orders.between(start, stop)
    spent = np.bincount(orders.users, orders.amounts, minlength=len(history.user_ids))[users]
    return spent.astype(np.float64)


def tiers_of(rfm: Rfm, weights: Floats, *, potential: bool = True) -> Names:
    """The value tier of each user.

    By the weighted ranks the best fifth is `high`, the next three tenths `mid`, the rest `low` (equals are in
    one tier). Of those below `high`, who is among the best three tenths by what was spent lately is
    `potential_high` or `potential_mid`: the tier they are on the way to.

    Args:
        rfm: of the users.
        weights: of the three ranks, shape (3,).
        potential: whether potential tiers are told apart.
    """
    # Rounded, so that equals stay equal whatever order they are added in.
    share = ranks_of(np.round(rfm.ranks @ weights, 9))
    tiers = np.where(share >= _HIGH_FROM, "high", np.where(share >= _MID_FROM, "mid", "low")).astype("<U14")
    if potential:
        rising = (ranks_of(rfm.recent_spend) >= _LATELY_FROM) & (rfm.recent_spend > 0.0)
        tiers[rising & (tiers == "mid")] = "potential_high"
        tiers[rising & (tiers == "low")] = "potential_mid"
    return tiers


def segment_names(rfm: Rfm) -> Names:
    """The customary names of the RFM grid, by recency and the mean of frequency and monetary score."""
    recency, worth = rfm.recency_score, (rfm.frequency_score + rfm.monetary_score) / 2.0
    conditions = [
        (recency >= 4) & (worth >= 4),
        (recency >= 3) & (worth >= 3.5),
        (recency == 5) & (worth < 2),
        (recency >= 4),
        (recency == 3),
        (recency <= 2) & (worth >= 4),
        (recency <= 2) & (worth >= 2.5),
        (recency == 2),
    ]
    names = ["champions", "loyal", "new", "promising", "needs attention", "cannot lose", "at risk", "hibernating"]
    return np.select(conditions, names, default="lost")
