"""Histories made by hand or from a seed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from profilestore.documents import Event
from profilestore.insight.history import DAY_S, History
from profilestore.insight.reading import HistoryBuilder

START = datetime(2025, 1, 1, tzinfo=UTC)
START_S = START.timestamp()


def purchases(*rows: tuple[str, float, float]) -> History:
    """A history of (user, days after the start, amount)."""
    builder = HistoryBuilder()
    builder.add(
        Event(user_id=user, type="purchase", time=START + timedelta(days=day), product_id="p", price=amount)
        for user, day, amount in rows
    )
    return builder.build()


def shop_of_buyers(users: int, *, days: float = 365.0, seed: int = 1) -> History:
    """Buyers as BG/NBD and Gamma-Gamma have them: each with a rate, a chance of leaving, and a usual amount."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[str, float, float]] = []
    for number in range(users):
        rate, leaving = rng.gamma(0.8, 1.0 / 30.0), rng.beta(1.0, 6.0)
        amount, day = 6.0 * 15.0 / rng.gamma(4.0), float(rng.uniform(0.0, 0.6 * days))
        while day < days:
            rows.append((f"u{number:05d}", day, float(np.round(rng.gamma(6.0, amount / 6.0), 2))))
            if rng.random() < leaving:
                break
            day += float(rng.exponential(1.0 / rate))
    builder = HistoryBuilder()
    builder.add(
        Event(user_id=user, type="purchase", time=START + timedelta(days=day), product_id="p", price=amount)
        for user, day, amount in rows
    )
    return builder.build(as_of=START_S + days * DAY_S)
