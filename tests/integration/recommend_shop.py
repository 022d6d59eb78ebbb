"""A small shop in real indices, whose answers can be worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from elasticsearch import Elasticsearch

from profilestore.elastic.indices import KINDS, init
from profilestore.recommend.recommender import Recommender
from profilestore.recommend.trained import Trained
from profilestore.settings import Settings

__all__ = ["ALL_SPACES", "RecommendShop"]

ALL_SPACES = frozenset(("text", "topics"))

# Two dimensions that mean something: red things and blue things. c1 and c2 are equal in every respect.
PRODUCTS: dict[str, dict[str, Any]] = {
    "r1": {"title": "red mug", "category": "kitchen", "price": 5.0, "stock": 3, "v": (1.0, 0.0), "popularity": 4.0},
    "r2": {"title": "red cup", "category": "kitchen", "price": 8.0, "stock": 0, "v": (0.95, 0.05), "popularity": 9.0},
    "r3": {"title": "red pen", "category": "office", "price": 2.0, "stock": 7, "v": (0.9, 0.2), "popularity": 1.0},
    "b1": {"title": "blue mug", "category": "kitchen", "price": 6.0, "stock": 1, "v": (0.0, 1.0), "popularity": 7.0},
    "b2": {"title": "blue pen", "category": "office", "price": 3.0, "stock": 2, "v": (0.1, 0.9), "popularity": 7.0},
    "c2": {"title": "grey twin", "category": "twins", "price": 1.0, "stock": 1, "v": (0.5, 0.5)},
    "c1": {"title": "grey twin", "category": "twins", "price": 1.0, "stock": 1, "v": (0.5, 0.5)},
    "gone": {"title": "red ghost", "category": "kitchen", "price": 5.0, "stock": 9, "v": (1.0, 0.0), "deleted": True,
             "popularity": 99.0},
    "bare": {"title": "nameless", "category": "office", "price": 4.0, "stock": 1},
}  # fmt: skip


@dataclass
class RecommendShop:
    """The shop with its client; `spaces` is what the recommender believes to be trained."""

    client: Elasticsearch
    settings: Settings
    spaces: frozenset[str] = field(default=ALL_SPACES)

    @classmethod
    def open(cls, settings: Settings) -> RecommendShop:
        """Make the indices and fill them."""
        assert settings.elasticsearch_url is not None
        client = Elasticsearch(settings.elasticsearch_url, request_timeout=60)
        shop = cls(client, settings)
        init(client, settings)
        for product_id, fields in PRODUCTS.items():
            shop.put_product(product_id, fields)
        shop.put_profile("red", (1.0, 0.1), seen=["r1"])
        shop.put_profile("blue", (0.1, 1.0), seen=["b1"])
        shop.put_profile("new", (1.0, 0.1), seen=None)
        shop.put_profile("off", None, seen=None, personalisation="off")
        shop.put_profile("vague", None, seen=["r2"])
        shop.refresh()
        return shop

    def close(self) -> None:
        """Delete what this shop made, by name, and close the client."""
        prefix = self.settings.prefix
        rows = self.client.cat.indices(index=f"{prefix}-*", h="index", format="json")
        self.client.indices.delete(index=[row["index"] for row in rows])
        for kind in KINDS:
            self.client.options(ignore_status=404).indices.delete_index_template(name=self.settings.index(kind))
        self.client.close()

    def put_product(self, product_id: str, fields: Mapping[str, Any], *, generation: str = "000001") -> None:
        """Write one product; `v` becomes both of its vectors."""
        document = {key: value for key, value in fields.items() if key != "v"}
        document |= {"product_id": product_id, "generation": generation, "tokens": fields["title"]}
        if "v" in fields:
            document["text_vector"] = document["topic_vector"] = list(fields["v"])
        self.client.index(index=self.settings.index("products"), id=product_id, document=document)

    def put_profile(
        self,
        user_id: str,
        vector: tuple[float, float] | None,
        *,
        seen: list[str] | None,
        generation: str = "000001",
        **fields: Any,
    ) -> None:
        """Write one profile; without a vector it is one of whom nothing is known."""
        document: dict[str, Any] = {"user_id": user_id, "generation": generation, **fields}
        if seen is not None:
            document["seen_products"] = seen
        if vector is not None:
            document["text_vector"] = document["topic_vector"] = list(vector)
        self.client.index(index=self.settings.index("profiles"), id=user_id, document=document)

    def refresh(self) -> None:
        """Make what was written findable."""
        self.client.indices.refresh(index=[self.settings.index("products"), self.settings.index("profiles")])

    def recommender(self, **options: Any) -> Recommender:
        """A recommender of this shop."""
        return Recommender(self.client, self.settings, trained=lambda: Trained(spaces=self.spaces), **options)

    def recreate(self, kind: str, generation: str) -> str:
        """A further index of a kind, beside the one in force."""
        name = f"{self.settings.index(kind)}-{generation}"
        self.client.indices.create(index=name)  # by the index template
        return name
