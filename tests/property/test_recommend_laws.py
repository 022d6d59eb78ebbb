"""The law of every list: n products while n are eligible, each eligible, none twice. On a real server."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from elasticsearch import Elasticsearch, helpers
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from profilestore.elastic.indices import init
from profilestore.recommend.recommender import Recommender
from profilestore.recommend.trained import Trained
from profilestore.settings import Settings

SPACES = frozenset(("text", "topics", "taste"))
METHODS = ["auto", "taste", "hybrid", "text", "topics", "popular", "trending", "new", "popular-in-segment", "session"]
VECTOR = st.tuples(st.integers(-3, 3), st.integers(-3, 3)).filter(any)
PRODUCT = st.fixed_dictionaries(
    {"deleted": st.booleans(), "stock": st.integers(0, 1)},
    optional={
        "category": st.sampled_from(["c1", "c2", "c3"]),
        "brand": st.sampled_from(["b1", "b2"]),
        "price": st.integers(0, 5).map(float),
        "text": VECTOR,
        "taste": VECTOR,
        "weights": st.dictionaries(st.integers(0, 9), st.floats(0.1, 5), min_size=1, max_size=3),
        "popularity": st.integers(0, 3).map(float),
        "trending": st.integers(0, 1500).map(float),
        "listed": st.integers(0, 3),
    },
)
WISH = st.fixed_dictionaries(
    {"method": st.sampled_from(METHODS), "n": st.integers(1, 30)},
    optional={
        "category": st.sampled_from(["c1", "c2"]),
        "brand": st.just("b1"),
        "max_price": st.integers(0, 5).map(float),
        "in_stock": st.booleans(),
        "include_seen": st.booleans(),
        "exclude_bought": st.booleans(),
        "exclude_cart": st.booleans(),
        "exclude": st.lists(st.integers(0, 29).map("p{}".format), max_size=4),
        "max_per_category": st.integers(1, 3),
        "diversity": st.sampled_from([0.0, 0.5, 1.0]),
        "boost": st.sampled_from(["brand=b1", "price<3:4"]),
        "bury": st.just("category=c1:10"),
    },
)
PICKS = st.lists(st.integers(0, 29).map("p{}".format), max_size=25, unique=True)


@pytest.fixture(scope="module")
def shop(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Elasticsearch, Settings]]:
    own = Settings(
        home=tmp_path_factory.mktemp("home"), prefix=f"t-{uuid.uuid4().hex[:12]}", elasticsearch_url=server_url,
        embedding_dims=2, num_candidates=10,
    )  # fmt: skip
    with Elasticsearch(server_url, request_timeout=60) as client:
        init(client, own)
        yield client, own
        rows = client.cat.indices(index=f"{own.prefix}-*", h="index", format="json")
        client.indices.delete(index=[row["index"] for row in rows])
        for row in client.indices.get_index_template(name=f"{own.prefix}-*")["index_templates"]:
            client.indices.delete_index_template(name=row["name"])


def write(client: Elasticsearch, own: Settings, products: list[dict[str, Any]], profile: dict[str, Any]) -> None:
    """These products and no others, and one profile."""
    alias = own.index("products")
    rows: list[dict[str, Any]] = [
        {"_op_type": "delete", "_index": alias, "_id": f"p{i}"} for i in range(len(products), 30)
    ]
    for i, product in enumerate(products):
        source = {name: product[name] for name in product if name not in ("text", "taste", "weights", "listed")}
        source |= {"product_id": f"p{i}", "generation": "000001"}
        if "text" in product:
            source |= {"text_vector": product["text"], "topic_vector": product["text"]}
        if "taste" in product:
            source |= {"taste_vector": product["taste"], "taste_in": product["taste"]}
        if "weights" in product:
            source["taste_weights"] = {f"p{token}": weight for token, weight in product["weights"].items()}
            source["segment_popularity"] = {"gender=female": 1.0 + i}
        if "listed" in product:
            source["listed"] = (date(2026, 1, 1) + timedelta(days=product["listed"])).isoformat()
        rows.append({"_index": alias, "_id": f"p{i}", **source})
    rows.append({"_index": own.index("profiles"), "_id": "u", "user_id": "u", "generation": "000001", **profile})
    helpers.bulk(client, rows, raise_on_error=False)
    client.indices.refresh(index=[alias, own.index("profiles")])


def eligible(products: list[dict[str, Any]], profile: dict[str, Any], wish: dict[str, Any]) -> dict[str, str | None]:
    """The ids that the rules leave in, with their categories."""
    hidden = {*wish.get("exclude", ()), *wish.get("session", ())}
    hidden |= set() if wish.get("include_seen", False) else set(profile["seen_products"])
    hidden |= set(profile["purchased_products"]) if wish.get("exclude_bought", False) else set()
    hidden |= set(profile["cart_products"]) if wish.get("exclude_cart", False) else set()
    return {
        f"p{i}": product.get("category")
        for i, product in enumerate(products)
        if not product["deleted"]
        and f"p{i}" not in hidden
        and ("category" not in wish or product.get("category") == wish["category"])
        and ("brand" not in wish or product.get("brand") == wish["brand"])
        and ("max_price" not in wish or product.get("price", 9e9) <= wish["max_price"])
        and (not wish.get("in_stock", False) or product["stock"] > 0)
    }


@given(
    products=st.lists(PRODUCT, min_size=1, max_size=30),
    wishes=st.lists(WISH, min_size=1, max_size=4),
    lists=st.tuples(PICKS, PICKS, PICKS),
    known=st.booleans(),
    form=st.sampled_from(["dense", "sparse"]),
)
# What popular products stand in for a session of which nothing is known must not be the session's own.
@example(
    products=[{"deleted": False, "stock": 0}],
    wishes=[{"method": "session", "n": 1}],
    lists=([], [], []),
    known=False,
    form="dense",
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_list_is_shorter_than_it_could_be(
    shop: tuple[Elasticsearch, Settings],
    products: list[dict[str, Any]],
    wishes: list[dict[str, Any]],
    lists: tuple[list[str], list[str], list[str]],
    known: bool,
    form: Any,
) -> None:
    client, own = shop
    profile: dict[str, Any] = dict(zip(("seen_products", "purchased_products", "cart_products"), lists, strict=True))
    vectors = {"text_vector": [1.0, 0.0], "topic_vector": [1.0, 0.0], "taste_vector": [0.0, 1.0]}
    write(
        client, own, products,
        {**profile, **(vectors if known else {}), "taste_items": {"p1": 0.8, "p2": 0.6} if known else {},
         "gender": "female"},
    )  # fmt: skip
    recommender = Recommender(client, own, trained=lambda: Trained(spaces=SPACES, taste_form=form))
    for drawn in wishes:
        wish = {**drawn, "session": ["p0", "p3", "gone"]} if drawn["method"] == "session" else drawn
        answer = recommender.recommend("u", **wish)
        left = eligible(products, profile, wish)
        assert set(answer.product_ids) <= set(left)
        assert len(set(answer.product_ids)) == len(answer.product_ids)
        limit = wish.get("max_per_category", 30)
        assert all(count <= limit for count in Counter(left[id] for id in answer.product_ids).values())
        possible = sum(min(limit, count) for count in Counter(left.values()).values())
        assert len(answer.items) == min(wish["n"], possible)
