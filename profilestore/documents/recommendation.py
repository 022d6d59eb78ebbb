"""The current list of one user, as `recommend --all` keeps it for mails, nightly jobs and Kibana."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from profilestore.documents.base import Document

__all__ = ["RecommendationList"]


class RecommendationList(Document):
    """What a user would like, best first. The id of the document is the user's.

    `products` has the ids in order, for aggregations and filters; `items` has title, price (in the shop's
    currency), score and reasons of each, as they were at `as_of`. `fallback` says why another method than the
    one asked for answered. `generation` is that of the products and profiles which the list was made from.

    From `segment` on the fields are those of `dashboards refresh`: the user's of now, names of the products and the
    list's lines as people read them (none of who has personalisation off), the share of the list that was listed
    within 30 days before it was made, and how many products are on sale, the same in all lists.
    """

    user_id: str
    as_of: datetime
    method: str
    fallback: str | None = None
    run: str
    generation: str
    products: list[str]
    items: list[dict[str, Any]]

    segment: str | None = None
    value_tier: str | None = None
    category: str | None = None
    product_names: list[str] | None = None
    lines: list[str] | None = None
    new_share: float | None = None
    catalogue: int | None = None
