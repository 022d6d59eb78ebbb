"""Campaigns with a known uplift, as arrays: who is in them, what they do with and without, and what is true of it.

Buyers are of a few kinds. Without a campaign each kind buys in its period with a chance of its own; with it, with a
larger one, or the same where the campaign is without any effect. All expectations are known exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BUYER_KINDS", "ORDER_SPREAD", "RATE_DAYS", "BuyerKind", "Buyers", "Period", "TrueEffect", "draw_buyers",
    "draw_period", "true_effects",
]  # fmt: skip

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# An order is worth a user's usual amount, give or take; of the natural logarithm.
_USUAL_MEAN: Final = math.log(40.0)
_USUAL_SPREAD: Final = 0.6
ORDER_SPREAD: Final = 0.35
# A second order in the period.
_SECOND: Final = 0.25
_REDEEMS: Final = 0.6
_OPENS: Final = 0.35
_CLICKS: Final = 0.4
# Off the first order of who redeems.
_DISCOUNT: Final = 0.1
RATE_DAYS: Final = 90.0


@dataclass(frozen=True, slots=True)
class BuyerKind:
    """Buyers of one kind: their share, orders in 90 days before, and the chance to buy in a campaign's period:
    `buys` without it, and as much more with it as `lift` says."""

    name: str
    share: float
    orders_90d: float
    buys: float
    lift: float


BUYER_KINDS: Final = (
    BuyerKind("regular", 0.20, 4.0, 0.45, 0.01),
    BuyerKind("occasional", 0.35, 1.2, 0.15, 0.11),
    BuyerKind("new", 0.20, 0.4, 0.08, 0.06),
    BuyerKind("lapsed", 0.25, 0.15, 0.03, 0.00),
)


@dataclass(frozen=True, slots=True)
class Buyers:
    """Users before a campaign, (n,) each: place in BUYER_KINDS, the usual amount of an order, and of the 90 days
    before the number of orders, what was spent, and days since the last order (infinite without)."""

    kinds: Ints
    usual: Floats
    orders_before: Ints
    spent_before: Floats
    recency_days: Floats

    def __len__(self) -> int:
        return int(self.kinds.size)


@dataclass(frozen=True, slots=True)
class Period:
    """What they did in a campaign's period, (n,) each: the day of the first order (-1 without), what the first and
    the second one were worth before the discount, the discount, and whether they opened, clicked, redeemed."""

    first_day: Ints
    first: Floats
    second: Floats
    discount: Floats
    opened: Bools
    clicked: Bools
    redeemed: Bools

    @property
    def bought(self) -> Bools:
        """Who has an order."""
        return self.first_day >= 0

    @property
    def paid(self) -> Floats:
        """What each paid."""
        return self.first + self.second - self.discount


@dataclass(frozen=True, slots=True)
class TrueEffect:
    """What a campaign does to a user it is meant for, on average: to the chance to buy, to what is paid, and to what
    is bought before the discount."""

    conversion: float
    revenue: float
    worth: float


def draw_buyers(count: int, rng: np.random.Generator) -> Buyers:
    """Users at random."""
    shares = np.array([kind.share for kind in BUYER_KINDS])
    kinds = rng.choice(len(BUYER_KINDS), size=count, p=shares).astype(np.int64)
    usual = rng.lognormal(_USUAL_MEAN, _USUAL_SPREAD, size=count)
    orders = rng.poisson(np.array([kind.orders_90d for kind in BUYER_KINDS])[kinds]).astype(np.int64)
    # A sum of as many orders, whose spread falls with their number.
    spread = ORDER_SPREAD / np.sqrt(np.maximum(1, orders))
    spent = orders * usual * rng.lognormal(0.0, 1.0, size=count) ** spread
    # The last of as many moments spread evenly.
    recency = np.where(orders > 0, RATE_DAYS * (1.0 - rng.random(count) ** (1.0 / np.maximum(1, orders))), np.inf)
    return Buyers(kinds, usual, orders, spent, recency)


def draw_period(
    buyers: Buyers, treated: Bools, rng: np.random.Generator, *, strength: float, days: int = 14, scale: float = 1.0
) -> Period:
    """What they do in the period of a campaign.

    Args:
        buyers: who.
        treated: (n,) whether the campaign is for them.
        rng: of the draws.
        strength: of its effect.
        days: how long it is.
        scale: of all chances to buy, with and without the campaign, for a shop where buying is rarer.
    """
    count = len(buyers)
    base = np.array([kind.buys for kind in BUYER_KINDS])[buyers.kinds]
    lift = np.array([kind.lift for kind in BUYER_KINDS])[buyers.kinds]
    bought = rng.random(count) < scale * (base + strength * lift * treated)
    amounts = buyers.usual * rng.lognormal(0.0, ORDER_SPREAD, size=(2, count))
    second = bought & (rng.random(count) < _SECOND)
    redeemed = bought & treated & (rng.random(count) < _REDEEMS)
    opened = treated & ((rng.random(count) < _OPENS) | redeemed)
    clicked = opened & (rng.random(count) < _CLICKS)
    first = np.round(amounts[0], 2)
    return Period(
        first_day=np.where(bought, rng.integers(0, days, size=count), -1),
        first=np.where(bought, first, 0.0),
        second=np.where(second, np.round(amounts[1], 2), 0.0),
        discount=np.where(redeemed, np.round(first * _DISCOUNT, 2), 0.0),
        opened=opened,
        clicked=clicked,
        redeemed=redeemed,
    )


def true_effects(*, strength: float, scale: float = 1.0) -> dict[str, TrueEffect]:
    """The exact expectations over all users, under "", and by kind."""
    order = math.exp(_USUAL_MEAN + (_USUAL_SPREAD**2 + ORDER_SPREAD**2) / 2.0)
    effects: dict[str, TrueEffect] = {}
    for kind in BUYER_KINDS:
        without, lift = scale * kind.buys, scale * strength * kind.lift
        worth = lift * order * (1.0 + _SECOND)
        paid = worth - (without + lift) * order * _REDEEMS * _DISCOUNT
        effects[kind.name] = TrueEffect(lift, paid, worth)
    shares = [kind.share for kind in BUYER_KINDS]
    found = list(effects.values())
    effects[""] = TrueEffect(
        sum(share * each.conversion for share, each in zip(shares, found, strict=True)),
        sum(share * each.revenue for share, each in zip(shares, found, strict=True)),
        sum(share * each.worth for share, each in zip(shares, found, strict=True)),
    )
    return effects
