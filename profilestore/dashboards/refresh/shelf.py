"""Products as dashboards name and group them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import orjson

__all__ = ["NEW_DAYS", "SHELF_FIELDS", "Shelf", "ShelfProduct", "digest", "is_new"]

SHELF_FIELDS: Final = ("product_id", "title", "category", "brand", "price", "main_topics", "listed", "deleted")
# A product is new for so long after it was listed.
NEW_DAYS: Final = 30
_LABEL_LENGTH: Final = 60
# Lucene refuses terms of more than 32,766 bytes, and no panel shows so much.
_TITLE_LENGTH: Final = 200


def digest(*parts: Any) -> str:
    """A short hash of values: equal for equal ones, on every machine."""
    return hashlib.blake2b(orjson.dumps(parts, default=str), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class ShelfProduct:
    """What acts take over of a product, as it is now. `state` tells it from what it was."""

    label: str
    title: str | None
    category: str | None
    brand: str | None
    topics: tuple[str, ...]
    listed: date | None
    price: float | None
    state: str


class Shelf:
    """All products of a shop by id.

    Args:
        rows: id and stored fields of each; deleted ones too, since acts speak of them.
    """

    def __init__(self, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        facts = {product_id: _facts(source) for product_id, source in rows}
        self.on_sale = sum(not deleted for _, deleted in facts.values())
        titles = Counter(known.title[:_LABEL_LENGTH] for known, _ in facts.values() if known.title is not None)
        self._products = {id: _named(id, known, titles) for id, (known, _) in facts.items()}

    def __contains__(self, product_id: str) -> bool:
        return product_id in self._products

    def get(self, product_id: str) -> ShelfProduct:
        """A product; one that nothing is known of has its id for a name."""
        found = self._products.get(product_id)
        return found or ShelfProduct(product_id, None, None, None, (), None, None, "unknown")


def is_new(product: ShelfProduct, day: date) -> bool | None:
    """Whether a product was new on a day; None where nobody knows since when it is there."""
    return None if product.listed is None else 0 <= (day - product.listed).days <= NEW_DAYS


def _facts(source: Mapping[str, Any]) -> tuple[ShelfProduct, bool]:
    title = source.get("title")
    listed = source.get("listed")
    known = ShelfProduct(
        label="",
        title=None if title is None else title[:_TITLE_LENGTH],
        category=source.get("category"),
        brand=source.get("brand"),
        topics=tuple(source.get("main_topics") or ()),
        listed=None if listed is None else date.fromisoformat(listed[:10]),
        price=source.get("price"),
        state="",
    )
    return known, source.get("deleted") is True


def _named(product_id: str, known: ShelfProduct, titles: Mapping[str, int]) -> ShelfProduct:
    label = product_id if known.title is None else known.title[:_LABEL_LENGTH].strip()
    if known.title is not None and titles[known.title[:_LABEL_LENGTH]] > 1:
        label = f"{label} · {product_id}"
    rest = (known.title, known.category, known.brand, known.topics, known.listed, known.price)
    return ShelfProduct(label, *rest, digest(label, *rest))
