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
    """

    user_id: str
    as_of: datetime
    method: str
    fallback: str | None = None
    run: str
    generation: str
    products: list[str]
    items: list[dict[str, Any]]
