"""Events, products and words for the laws of the fold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import strategies as st

from profilestore.documents import Event
from profilestore.features.catalogue import Catalogue, ProductFeatures
from profilestore.features.weights import FoldRules
from profilestore.settings import Settings

START = datetime(2024, 1, 1, tzinfo=UTC)
PRODUCTS = [f"p{i}" for i in range(12)]
WORDS = ["red dress", "running shoes", "红色连衣裙"]
DIMS = {"text": 6, "topics": 3, "taste": 4}


def make_rules(**changes: object) -> FoldRules:
    settings = Settings(prefix="law", seen_limit=5, search_words_limit=2, **changes)  # type: ignore[arg-type]
    return replace(FoldRules.of(settings), cart_limit=4, keep_items=True)


def make_catalogue() -> Catalogue:
    """Twelve products: most with all vectors, one with none, one that is not there at all."""
    rng = np.random.default_rng(3)
    products = []
    for i, product_id in enumerate(PRODUCTS[:-1]):
        vectors = {s: rng.normal(size=d).astype(np.float32) for s, d in DIMS.items()} if i != 4 else {}
        products.append(
            ProductFeatures(
                product_id, category=f"c{i % 3}" if i % 4 else None, brand=f"b{i % 2}", price=float(i), vectors=vectors
            )
        )
    return Catalogue(products)


def make_words() -> dict[str, dict[str, np.ndarray]]:
    rng = np.random.default_rng(5)
    return {w: {s: rng.normal(size=DIMS[s]).astype(np.float32) for s in ("text", "topics")} for w in WORDS}


times = st.integers(0, 3 * 365 * 86_400).map(lambda s: START + timedelta(seconds=s))
quantities = st.none() | st.floats(0.01, 1000, allow_nan=False)
prices = st.none() | st.floats(0, 1e5, allow_nan=False)


@st.composite
def events(draw: st.DrawFn) -> Event:
    """One valid event of one user, of any type."""
    kind = draw(
        st.sampled_from(
            [
                "view",
                "cart",
                "cart_remove",
                "purchase",
                "refund",
                "rate",
                "review",
                "search",
                "impression",
                "like",
                "attributes",
                "unfavorite",
            ]
        )
    )
    fields: dict[str, object] = {"user_id": "u", "type": kind, "time": draw(times)}
    if kind == "attributes":
        fields["user_fields"] = draw(
            st.fixed_dictionaries(
                {}, optional={"age": st.integers(0, 99), "personalisation": st.sampled_from(["on", "off"]),
                              "attributes": st.dictionaries(st.sampled_from("xyz"), st.integers(0, 3), max_size=2)},
            )
        )  # fmt: skip
    elif kind != "search":
        fields["product_id"] = draw(st.sampled_from(PRODUCTS))
    if kind in ("purchase", "refund", "cart", "cart_remove"):
        fields |= {"quantity": draw(quantities), "price": draw(prices), "discount": draw(prices)}
        fields["order_id"] = draw(st.none() | st.sampled_from(["o1", "o2", "o3"]))
    if kind == "refund":
        fields["purchase_time"] = draw(st.none() | times)
    if kind in ("rate", "review"):
        fields["rating"] = draw(st.floats(0, 5) if kind == "rate" else st.none() | st.floats(0, 5))
    if kind in ("search", "review"):
        fields["text"] = draw(st.sampled_from([*WORDS, "words nobody embedded"]))
    if draw(st.booleans()):
        fields |= {"channel": draw(st.sampled_from(["app", "web"])), "device": "phone"}
    return Event(**{name: value for name, value in fields.items() if value is not None})  # type: ignore[arg-type]


# One event id may come twice in a list; the log would refuse the second, so the laws are for distinct ones.
histories = st.lists(events(), max_size=25, unique_by=lambda event: event.event_id)
