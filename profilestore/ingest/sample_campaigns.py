"""Campaigns to plant in the generated shop, with a known uplift, beside the others; and the same users as arrays.

Buyers are of a few kinds. Without a campaign each kind buys in its period with a chance of its own; with it, with a
larger one, or the same where the campaign is without any effect. All expectations are known exactly.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.ingest.sample_events import HISTORY_DAYS, Item

__all__ = [
    "BUYER_KINDS", "CAMPAIGN_STREAM", "PLANTED", "BuyerKind", "Buyers", "Period", "PlantedCampaign", "TrueEffect",
    "campaign_acts", "campaign_buyers", "draw_buyers", "draw_period", "true_effects",
]  # fmt: skip

Acts = list[dict[str, Any]]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Beside the seed, so that the users of the shop stay as they are.
CAMPAIGN_STREAM: Final = 0xCA
_LEAST: Final = 1200
# An order is worth a user's usual amount, give or take; of the natural logarithm.
_USUAL_MEAN: Final = math.log(40.0)
_USUAL_SPREAD: Final = 0.6
_ORDER_SPREAD: Final = 0.35
# A second order in the period.
_SECOND: Final = 0.25
_REDEEMS: Final = 0.6
_OPENS: Final = 0.35
_CLICKS: Final = 0.4
# Off the first order of who redeems.
_DISCOUNT: Final = 0.1
_BEFORE_DAYS: Final = 90.0


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
class PlantedCampaign:
    """A campaign of the generated shop. `strength` times each kind's lift is its effect; 0 is none at all."""

    name: str
    starts_day: int
    days: int
    strength: float
    control_share: float
    cost_per_contact: float


PLANTED: Final = (
    PlantedCampaign("spring-coupon", 95, 14, 1.0, 0.3, 0.2),
    PlantedCampaign("no-effect", 120, 14, 0.0, 0.3, 0.2),
    PlantedCampaign("tiny-control", 145, 14, 1.0, 0.02, 0.2),
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
    spread = _ORDER_SPREAD / np.sqrt(np.maximum(1, orders))
    spent = orders * usual * rng.lognormal(0.0, 1.0, size=count) ** spread
    # The last of as many moments spread evenly.
    recency = np.where(orders > 0, _BEFORE_DAYS * (1.0 - rng.random(count) ** (1.0 / np.maximum(1, orders))), np.inf)
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
    amounts = buyers.usual * rng.lognormal(0.0, _ORDER_SPREAD, size=(2, count))
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
    order = math.exp(_USUAL_MEAN + (_USUAL_SPREAD**2 + _ORDER_SPREAD**2) / 2.0)
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


def campaign_buyers(users: int) -> int:
    """How many are planted beside so many users."""
    return max(_LEAST, users)


def in_control(campaign: PlantedCampaign, user_id: str) -> bool:
    """Whether the lot fell on control: by a stable hash, as it does when a campaign is started."""
    digest = hashlib.sha256(f"{campaign.name}\0{user_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2.0**64 < campaign.control_share


def campaign_acts(
    user_ids: Sequence[str], items: Sequence[Item], *, end: datetime, rng: np.random.Generator
) -> tuple[Acts, dict[str, Any], list[dict[str, Any]]]:
    """What planted users do before, in and between the campaigns; the truth; and who was in which arm.

    Returns:
        The acts; by campaign what was planted, with its true effects overall and by kind, and the kind of each user
        under `kinds`; and the members of the campaigns, a row each.
    """
    begin = end - timedelta(days=HISTORY_DAYS)
    buyers = draw_buyers(len(user_ids), rng)
    acts = _Making(user_ids, items, rng)
    acts.between(buyers, begin, end)
    members: list[dict[str, Any]] = []
    truth: dict[str, Any] = {"kinds": {u: BUYER_KINDS[k].name for u, k in zip(user_ids, buyers.kinds, strict=True)}}
    for campaign in PLANTED:
        treated = np.array([not in_control(campaign, user_id) for user_id in user_ids])
        period = draw_period(buyers, treated, rng, strength=campaign.strength, days=campaign.days)
        starts = begin + timedelta(days=campaign.starts_day)
        acts.within(campaign, period, starts)
        members += [
            {"campaign": campaign.name, "user_id": user_id, "arm": "treatment" if own else "control"}
            for user_id, own in zip(user_ids, treated.tolist(), strict=True)
        ]
        truth[campaign.name] = {
            "starts": starts.isoformat(),
            "ends": (starts + timedelta(days=campaign.days)).isoformat(),
            "cost_per_contact": campaign.cost_per_contact,
            "control_share": campaign.control_share,
            "effects": {
                kind or "all": {"conversion": e.conversion, "revenue": e.revenue, "worth": e.worth}
                for kind, e in true_effects(strength=campaign.strength).items()
            },
        }
    return acts.made, truth, members


class _Making:
    """Acts as they are made."""

    def __init__(self, user_ids: Sequence[str], items: Sequence[Item], rng: np.random.Generator) -> None:
        self._ids, self._items, self._rng = user_ids, items, rng
        self.made: Acts = []

    def between(self, buyers: Buyers, begin: datetime, end: datetime) -> None:
        """Purchases at each user's rate, none in the period of a campaign: there the campaign's own count."""
        days = (end - begin).days
        rates = np.array([kind.orders_90d for kind in BUYER_KINDS])[buyers.kinds] * days / _BEFORE_DAYS
        for user, orders in enumerate(self._rng.poisson(rates).tolist()):
            for day in self._rng.uniform(0.0, days, size=orders).tolist():
                if not any(each.starts_day <= day < each.starts_day + each.days for each in PLANTED):
                    amount = float(buyers.usual[user] * self._rng.lognormal(0.0, _ORDER_SPREAD))
                    self._order(user, begin + timedelta(days=day), round(amount, 2))

    def within(self, campaign: PlantedCampaign, period: Period, starts: datetime) -> None:
        """What a campaign's period has of each user."""
        for user in np.flatnonzero(period.opened | period.bought).tolist():
            name = campaign.name
            if period.opened[user]:
                sent = starts + timedelta(minutes=self._rng.uniform(1.0, 400.0))
                self._add(user, sent, type="open", campaign=name)
                if period.clicked[user]:
                    seen = sent + timedelta(seconds=20)
                    self._add(user, seen, type="click", campaign=name, product_id=self._item())
            if not period.bought[user]:
                continue
            at = starts + timedelta(days=int(period.first_day[user]), hours=self._rng.uniform(8.0, 20.0))
            redeemed = bool(period.redeemed[user])
            order = self._order(
                user, at, float(period.first[user]), discount=float(period.discount[user]) if redeemed else None,
                campaign=name if redeemed else None,
            )  # fmt: skip
            if redeemed:
                self._add(user, at - timedelta(minutes=5), type="coupon_claim", campaign=name)
                self._add(user, at, type="coupon_redeem", campaign=name, order_id=order)
            if period.second[user] > 0.0:
                self._order(user, at + timedelta(hours=3), float(period.second[user]))

    def _order(self, user: int, at: datetime, amount: float, **fields: Any) -> str:
        order = f"{self._ids[user]}-c{len(self.made)}"
        self._add(
            user, at, type="purchase", product_id=self._item(), quantity=1, price=amount, order_id=order, **fields
        )
        return order

    def _item(self) -> str:
        return self._items[int(self._rng.integers(len(self._items)))].product_id

    def _add(self, user: int, at: datetime, **fields: Any) -> None:
        given = {name: value for name, value in fields.items() if value is not None}
        self.made.append({"time": at.replace(microsecond=0), "user_id": self._ids[user], **given})
