"""Seasonal products to plant in the generated shop: two years of purchases, drawn from a stream of their own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np

from profilestore.ingest.sample_events import Item, Shelf

__all__ = ["SEASON_DAYS", "SEASON_STREAM", "season_acts"]

# Beside the seed, so that the events of the shop stay as they are.
SEASON_STREAM: Final = 0x5EA
SEASON_DAYS: Final = 2 * 364 + 14
_YEAR_DAYS: Final = 365.25
_SEASONAL: Final = 24
_STEADY: Final = 36
# Orders a week at the height of the season, out of it, and of what has none.
_HEIGHT: Final = (6.0, 14.0)
_OUT_OF_SEASON: Final = 0.3
_STEADY_RATE: Final = (1.0, 5.0)
_WIDTH_DAYS: Final = (18.0, 35.0)


def season_acts(
    shelf: Shelf, user_ids: Sequence[str], *, end: datetime, rng: np.random.Generator
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Purchases of two years: of products with a season that comes every year, and of as many and more without.

    Returns:
        The events, and of each seasonal product the month in which its season is at its height. A shop of few
        products has fewer of them.
    """
    items = [item for name in shelf.names for item in shelf.clusters[name]]
    picked = [items[place] for place in rng.permutation(len(items))[: _SEASONAL + _STEADY].tolist()]
    seasonal = picked[: len(picked) * _SEASONAL // (_SEASONAL + _STEADY)]
    begin = end - timedelta(days=SEASON_DAYS)
    days = np.arange(SEASON_DAYS - 1)
    acts: list[dict[str, Any]] = []
    months: dict[str, int] = {}
    for item in picked:
        if item in seasonal:
            height_day, width = float(rng.uniform(0.0, _YEAR_DAYS)), float(rng.uniform(*_WIDTH_DAYS))
            away = np.abs((days - height_day + _YEAR_DAYS / 2) % _YEAR_DAYS - _YEAR_DAYS / 2)
            weekly = _OUT_OF_SEASON + float(rng.uniform(*_HEIGHT)) * np.exp(-0.5 * (away / width) ** 2)
            months[item.product_id] = (begin + timedelta(days=height_day)).month
        else:
            weekly = np.full(days.size, float(rng.uniform(*_STEADY_RATE)))
        acts += _purchases(item, rng.poisson(weekly / 7.0), user_ids, begin, rng)
    return acts, months


def _purchases(
    item: Item, orders: np.ndarray[Any, Any], user_ids: Sequence[str], begin: datetime, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """So many orders a day, mostly of one piece."""
    acts: list[dict[str, Any]] = []
    for day in np.repeat(np.arange(orders.size), orders).tolist():
        user_id = user_ids[int(rng.integers(len(user_ids)))]
        time = begin + timedelta(days=day, seconds=8 * 3600 + int(rng.integers(12 * 3600)))
        acts.append({"type": "purchase", "time": time, "user_id": user_id, "product_id": item.product_id,
                     "quantity": 1 + math.floor(float(rng.exponential(0.8))), "price": item.price,
                     "order_id": f"{item.product_id}-{len(acts)}"})  # fmt: skip
    return acts
