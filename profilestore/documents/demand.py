"""Demand for a product or category in one week, as the sales outlook keeps it for Kibana and for inventory."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from profilestore.documents.base import Document

__all__ = ["DemandWeek"]


class DemandWeek(Document):
    """Pieces of one product or category in the seven days from `week` on.

    A week that is over has `actual`; one to come has `expected` and the interval `low` to `high`, which holds
    the pieces four times of five. `key` is the product's id or the category's name, `as_of` the day from which
    the outlook looks ahead.
    """

    kind: Literal["product", "category"]
    key: str
    week: date
    actual: float | None = None
    expected: float | None = None
    low: float | None = None
    high: float | None = None
    as_of: datetime
