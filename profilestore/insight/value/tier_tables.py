"""The tables of the value tiers: who is in which today, and what each spent later."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from profilestore.insight.intervals import mean_interval, settled
from profilestore.insight.value.rfm import TIERS, Names, Rfm

__all__ = ["tiers_later", "tiers_today"]

Floats = NDArray[np.float64]


def tiers_later(tiers: Names, later: Floats, *, seed: int) -> list[dict[str, Any]]:
    """A row a tier: users, mean spend after the cut with its interval, and the share that bought again."""
    rows: list[dict[str, Any]] = []
    for name in TIERS:
        inside = later[tiers == name]
        if inside.size > 0:
            mean = mean_interval(inside, seed=seed)
            rows.append({"tier": name, "users": int(inside.size), "later spend": mean["mean"], "low": mean["low"],
                         "high": mean["high"], "bought again": settled(float((inside > 0).mean()))})  # fmt: skip
    return rows


def tiers_today(rfm: Rfm, tiers: Names) -> list[dict[str, Any]]:
    """A row a tier: users, their spend and its share, orders a user, and days since the last order."""
    rows: list[dict[str, Any]] = []
    total = float(rfm.spend.sum())
    for name in TIERS:
        inside = tiers == name
        if inside.any():
            rows.append({"tier": name, "users": int(inside.sum()), "spend": settled(float(rfm.spend[inside].sum())),
                         "share of spend": settled(float(rfm.spend[inside].sum()) / total),
                         "orders a user": settled(float(rfm.orders[inside].mean())),
                         "days since the last order": settled(float(np.median(rfm.recency_days[inside])))})  # fmt: skip
    return rows
