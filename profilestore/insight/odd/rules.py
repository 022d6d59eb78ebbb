"""Flags by rule: orders of a value, a haste, or refunds that a person should look at. Thresholds are settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from profilestore.insight.intervals import settled
from profilestore.insight.odd.acts import OddActs
from profilestore.settings import Settings

__all__ = ["Fact", "Facts", "Limits", "flag_haste", "flag_order_values", "flag_refunds", "limits_of"]

# Of one flag of one user, what a person needs to judge it: `flag` and its figures.
Fact = Mapping[str, Any]
Facts = dict[int, Fact]

# Fewer orders, and there is no usual value to be far from.
_ORDERS_LEAST: Final = 20
# Of a user with so many other orders, the own habit counts: a wholesaler's orders are large every week.
_HABIT_ORDERS: Final = 4
_HABIT_TIMES: Final = 4.0
# From the median absolute deviation to the standard deviation of a normal distribution.
_TO_DEVIATION: Final = 1.4826
# What a person judges by first is told, where several are over their limits.
_HASTE: Final = ("orders_a_day", "acts_an_hour", "acts_a_day")
_CHANCE_MOST: Final = 0.001


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on something is odd; the settings `odd_…` of the same names."""

    days: float
    order_deviations: float
    orders_a_day: int
    acts_an_hour: int
    acts_a_day: int
    refunds: int
    refund_share: float
    accounts: int
    likeness: float
    score: float
    share: float


def limits_of(settings: Settings) -> Limits:
    """The shop's."""
    return Limits(**{name: getattr(settings, f"odd_{name}") for name in Limits.__slots__})


def flag_order_values(acts: OddActs, limits: Limits) -> Facts:
    """Users with an order far above the shop's usual ones, and above their own where they have a habit.

    Far is told in robust standard deviations of the logarithm (Iglewicz and Hoaglin 1993): neither the odd orders
    themselves nor the long tail of ordinary ones shift what is usual.
    """
    orders = acts.orders
    paid = np.flatnonzero(orders.amounts > 0.0)
    if paid.size < _ORDERS_LEAST:
        return {}
    logs = np.log(orders.amounts[paid])
    usual = float(np.median(logs))
    deviation = _TO_DEVIATION * float(np.median(np.abs(logs - usual)))
    if deviation <= 0.0:
        return {}
    far = (logs - usual) / deviation
    found: Facts = {}
    for user in np.unique(orders.users[paid][far >= limits.order_deviations]).tolist():
        own = logs[orders.users[paid] == user]
        most = float(own.max())
        others = np.delete(own, int(own.argmax()))
        if others.size >= _HABIT_ORDERS and most - float(np.median(others)) < np.log(_HABIT_TIMES):
            continue
        found[user] = {
            "flag": "order-value",
            "amount": settled(float(np.exp(most))),
            "usual": settled(float(np.exp(usual))),
            "times": settled(float(np.exp(most - usual))),
            "deviations": settled((most - usual) / deviation),
        }
    return found


def flag_haste(acts: OddActs, limits: Limits) -> Facts:
    """Users with more orders within 24 hours, or more acts within an hour or 24, than one person is likely to make."""
    made = {name: getattr(acts, name) for name in _HASTE}
    over = {name: made[name] >= getattr(limits, name) for name in _HASTE}
    odd = np.flatnonzero(np.any(list(over.values()), axis=0))
    found: Facts = {}
    for user in odd.tolist():
        name = next(name for name in _HASTE if over[name][user])
        found[user] = {"flag": "velocity", "of": name, "count": int(made[name][user]), "limit": getattr(limits, name)}
    return found


def flag_refunds(acts: OddActs, limits: Limits) -> Facts:
    """Users who send back most of what they buy, and more often than chance gives where all are alike (binomial)."""
    from scipy.stats import binom

    bought, back, share = acts.purchase_lines, acts.refund_lines, acts.refunded
    if bought.sum() == 0 or back.sum() == 0:
        return {}
    usual = min(1.0, float(back.sum() / bought.sum()))
    # What was bought before the window or the log may come back within it: more refunds than purchases are all.
    tries = np.maximum(bought, back)
    chance = binom.sf(back - 1, tries, usual)
    odd = (back >= limits.refunds) & (share >= limits.refund_share) & (chance <= _CHANCE_MOST)
    return {
        user: {
            "flag": "refunds",
            "refunds": int(back[user]),
            "purchases": int(bought[user]),
            "share": settled(float(share[user])),
            "usual": settled(usual),
        }
        for user in np.flatnonzero(odd).tolist()
    }
