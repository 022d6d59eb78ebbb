"""A product as the shop gives it, and as it stands in Elasticsearch."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final

from pydantic import Field

from profilestore.documents.base import Attributes, Document, Id, Money, Name
from profilestore.documents.event import content_id

__all__ = ["ROW_FIELDS", "Product", "ProductDocument"]


class Product(Document):
    """A row of the catalogue. `price` is in the shop's currency, `stock` in pieces.

    `text` is what is embedded and searched; without one it is title, brand, category and description.
    """

    product_id: Id
    title: Annotated[str, Field(min_length=1, max_length=10_000)] | None = None
    description: Annotated[str, Field(min_length=1, max_length=1_000_000)] | None = None
    category: Name | None = None
    brand: Name | None = None
    price: Money | None = None
    stock: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    released: date | None = None
    url: Annotated[str, Field(max_length=8000)] | None = None
    image_url: Annotated[str, Field(max_length=8000)] | None = None
    tags: list[Name] | None = None
    text: Annotated[str, Field(min_length=1, max_length=1_000_000)] | None = None
    attributes: Attributes | None = None

    def full_text(self) -> str:
        """The text that is embedded, tokenised and given to the topic model; empty when there is none."""
        if self.text is not None:
            return self.text
        parts = (self.title, self.brand, self.category, " ".join(self.tags or ()), self.description)
        return " ".join(part for part in parts if part)

    def content_hash(self) -> str:
        """Hash of all that the row gives: a row with the hash in the index is `unchanged` (P3)."""
        return content_id(self.model_dump(mode="json", exclude_none=True))


ROW_FIELDS: Final[tuple[str, ...]] = tuple(Product.model_fields)


class ProductDocument(Product):
    """A product in the index. `mappings/products.json` names the owner of each field.

    Shapes: `text_vector` (embedding_dims,), unit length; `topic_vector` (topics,), sums to 1;
    `taste_vector` (taste dimensions,), the out-vector; `taste_in`, the in-vector, is not searched;
    `taste_predicted` says that both were foretold from content and not learned from events; `taste_weights`
    (product acted on -> how much that speaks for this one, above 0) stand beside them in the sparse form.
    `listed` is the day from which the product is new: `released`, or the one on which it was first indexed.
    """

    listed: date | None = None
    generation: str | None = None
    row_hash: str | None = None
    text_hash: str | None = None
    tokens: str | None = None
    text_vector: list[float] | None = None
    topic_vector: list[float] | None = None
    main_topics: list[str] | None = None
    taste_vector: list[float] | None = None
    taste_in: list[float] | None = None
    taste_predicted: bool | None = None
    taste_weights: dict[str, float] | None = None
    rules: list[dict[str, Any]] | None = None
    rules_weights: dict[str, float] | None = None
    popularity: float | None = None
    trending: float | None = None
    sentiment_mean: float | None = None
    sentiment_count: int | None = None
    sentiment_price: float | None = None
    sentiment_quality: float | None = None
    sentiment_delivery: float | None = None
    sentiment_service: float | None = None
    sentiment_change: float | None = None
    map_pca_x: float | None = None
    map_pca_y: float | None = None
    map_tsne_x: float | None = None
    map_tsne_y: float | None = None
    demand_28d: float | None = None
    demand_28d_low: float | None = None
    demand_28d_high: float | None = None
    season: str | None = None
    season_months: list[int] | None = None
    segment_popularity: dict[str, float] | None = None
    deleted: bool | None = None

    def row(self) -> Product:
        """The row this document was made from."""
        return Product(**{name: getattr(self, name) for name in ROW_FIELDS})

    @classmethod
    def from_source(cls, source: dict[str, Any]) -> ProductDocument:
        """Read a stored `_source` without the cost of validating what this package wrote itself."""
        return cls.model_construct(**source)
