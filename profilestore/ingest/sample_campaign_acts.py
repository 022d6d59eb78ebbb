"""Campaigns to plant in the generated shop: users of their own beside the others, their acts, and the truth."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np

from profilestore.ingest.sample_campaigns import (
    BUYER_KINDS,
    ORDER_SPREAD,
    RATE_DAYS,
    Buyers,
    Period,
    draw_buyers,
    draw_period,
    true_effects,
)  # fmt: skip
from profilestore.ingest.sample_events import HISTORY_DAYS, Item

__all__ = ["CAMPAIGN_STREAM", "PLANTED", "PlantedCampaign", "campaign_acts", "campaign_buyers"]

Acts = list[dict[str, Any]]

# Beside the seed, so that the users of the shop stay as they are.
CAMPAIGN_STREAM: Final = 0xCA
_LEAST: Final = 1200


@dataclass(frozen=True, slots=True)
class PlantedCampaign:
    """A campaign of the generated shop. `strength` times each kind's lift is its effect; 0 is none at all."""

    name: str
    starts_day: float
    days: int
    strength: float
    control_share: float
    cost_per_contact: float


# At half past six, which is midnight nowhere: a day without a clock is taken as a whole one.
_AT: Final = 6.5 / 24.0
PLANTED: Final = (
    PlantedCampaign("spring-coupon", 95 + _AT, 14, 1.0, 0.3, 0.2),
    PlantedCampaign("no-effect", 120 + _AT, 14, 0.0, 0.3, 0.2),
    PlantedCampaign("tiny-control", 145 + _AT, 14, 1.0, 0.02, 0.2),
)


def campaign_buyers(users: int) -> int:
    """How many are planted beside so many users."""
    return max(_LEAST, users)


def _in_control(campaign: PlantedCampaign, user_id: str) -> bool:
    """Whether the lot fell on control: by a stable hash, as it does when a campaign is started."""
    digest = hashlib.sha256(f"{campaign.name}\0{user_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2.0**64 < campaign.control_share


def campaign_acts(
    user_ids: Sequence[str], items: Sequence[Item], *, end: datetime, rng: np.random.Generator
) -> tuple[Acts, dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """What planted users do before, in and between the campaigns; the truth; and who was in which arm.

    Returns:
        The acts; by campaign what was planted, with its true effects over all (`all`) and by kind, and under `kinds`
        the kind of each user; and the files that `campaign import` takes, rows of `campaigns` and of `members`.
    """
    begin = end - timedelta(days=HISTORY_DAYS)
    buyers = draw_buyers(len(user_ids), rng)
    acts = _Making(user_ids, items, rng)
    acts.between(buyers, begin, HISTORY_DAYS)
    files: dict[str, list[dict[str, Any]]] = {"campaigns": [], "members": []}
    truth: dict[str, Any] = {
        "kinds": {user_id: BUYER_KINDS[kind].name for user_id, kind in zip(user_ids, buyers.kinds, strict=True)}
    }
    for campaign in PLANTED:
        treated = np.array([not _in_control(campaign, user_id) for user_id in user_ids])
        period = draw_period(buyers, treated, rng, strength=campaign.strength, days=campaign.days)
        starts = begin + timedelta(days=campaign.starts_day)
        acts.within(campaign, period, starts)
        described = {
            "campaign": campaign.name, "starts": starts.isoformat(),
            "ends": (starts + timedelta(days=campaign.days)).isoformat(), "channel": "mail",
            "cost_per_contact": campaign.cost_per_contact,
        }  # fmt: skip
        files["campaigns"].append(described)
        files["members"] += [
            {"campaign": campaign.name, "user_id": user_id, "arm": "treatment" if own else "control"}
            for user_id, own in zip(user_ids, treated.tolist(), strict=True)
        ]
        effects = true_effects(strength=campaign.strength).items()
        told = {kind or "all": {name: getattr(each, name) for name in each.__slots__} for kind, each in effects}
        truth[campaign.name] = {**described, "control_share": campaign.control_share, "effects": told}
    return acts.made, truth, files


class _Making:
    """Acts as they are made."""

    def __init__(self, user_ids: Sequence[str], items: Sequence[Item], rng: np.random.Generator) -> None:
        self._ids, self._items, self._rng = user_ids, items, rng
        self.made: Acts = []

    def between(self, buyers: Buyers, begin: datetime, days: int) -> None:
        """Purchases at each user's rate, none in the period of a campaign: there the campaign's own count."""
        rates = np.array([kind.orders_90d for kind in BUYER_KINDS])[buyers.kinds] * days / RATE_DAYS
        for user, orders in enumerate(self._rng.poisson(rates).tolist()):
            for day in self._rng.uniform(0.0, days, size=orders).tolist():
                if not any(each.starts_day <= day < each.starts_day + each.days for each in PLANTED):
                    amount = float(buyers.usual[user] * self._rng.lognormal(0.0, ORDER_SPREAD))
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
