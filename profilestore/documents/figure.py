"""Figures that dashboards show and that no aggregation can work out."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from profilestore.documents.base import Document

__all__ = ["FigureDocument"]


class FigureDocument(Document):
    """One row of a figure, made by `dashboards refresh`; `figure` tells of what.

    `retention`: of the `users` who bought first in `cohort_month`, by segment, tier and main category of now, how many
    are `active`, having bought in the month that is `cohort_age` months later (`time` is its first instant). Sums
    of both give the share of any group; absent fields are of users with personalisation off.
    `topic`: its `words`, and the `products` (a `share` of those on sale) that have it among their main ones.
    `experiment`: a method of it; `rate` of the `metric` (ctr or conversion) with its 95 % interval, and the
    `difference` to the control with its own.
    """

    figure: Literal["retention", "topic", "experiment"]
    as_of: datetime | None = None
    time: datetime | None = None
    segment: str | None = None
    value_tier: str | None = None
    category: str | None = None
    cohort_month: str | None = None
    cohort_age: int | None = None
    users: int | None = None
    active: int | None = None
    topic: str | None = None
    words: str | None = None
    products: int | None = None
    share: float | None = None
    experiment: str | None = None
    method: str | None = None
    metric: str | None = None
    control: bool | None = None
    state: str | None = None
    impressions: int | None = None
    clicks: int | None = None
    conversions: int | None = None
    rate: float | None = None
    low: float | None = None
    high: float | None = None
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    p: float | None = None
    outcome: str | None = None
    conclusion: str | None = None
