"""`personalisation: off` holds whoever asks: one test for each way of asking (DESIGN.md, *The state*)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch, NotFoundError

from profilestore import Event, Product, ProfileStore, Settings, User
from profilestore.errors import NotFound

TITLES = (
    "red wool scarf",
    "red wool hat",
    "blue ceramic mug",
    "blue ceramic plate",
    "green garden hose",
    "red wool gloves",
)


@pytest.fixture
def shop(settings: Settings) -> Iterator[ProfileStore]:
    with ProfileStore.open(settings) as store:
        store.init()
        store.index_products(
            [Product(product_id=f"p{i}", title=title, price=i + 1.0) for i, title in enumerate(TITLES)]
        )
        bought = {"ann": ["p0", "p1"], "bob": ["p0", "p1"], "cy": ["p2"], "dee": ["p2", "p3"]}
        store.index_events(
            Event(
                user_id=user,
                type="purchase",
                time=f"2025-03-0{n + 1}T10:00:00Z",
                product_id=product,
                order_id=f"{user}{n}",
            )
            for user, products in bought.items()
            for n, product in enumerate(products)
        )
        store.index_users([User(user_id="bob", personalisation="off", consent=["mail"])])
        yield store


def test_recommend_gives_what_a_stranger_gets(shop: ProfileStore) -> None:
    known, off, stranger = (shop.recommend(user, n=3) for user in ("ann", "bob", "nobody"))
    assert known.method == "text"
    assert known.product_ids[0] == "p5"
    assert off.method == stranger.method == "popular"
    assert off.product_ids == stranger.product_ids


def test_an_explicit_method_gives_no_more(shop: ProfileStore) -> None:
    assert shop.recommend("bob", n=3, method="text").method == "popular"


def test_many_at_once(shop: ProfileStore) -> None:
    answers = list(shop.recommend_many(["ann", "bob", "cy"], n=3))
    assert [answer.method for answer in answers] == ["text", "popular", "text"]


def test_the_request_for_an_app_is_the_popular_one(shop: ProfileStore) -> None:
    off, stranger = (shop.recommend_request(user, n=3).body for user in ("bob", "nobody"))
    assert str(off).replace("bob", "nobody") == str(stranger)
    assert "knn" not in off


def test_an_app_that_asks_elasticsearch_itself_gets_404_as_for_an_unknown_id(
    shop: ProfileStore, settings: Settings, server_url: str
) -> None:
    def ask(user: str) -> list[str]:
        lookup = {"lookup": {"index": settings.index("profiles"), "id": user, "path": "text_vector"}}
        knn = {"field": "text_vector", "k": 3, "num_candidates": 50, "query_vector_builder": lookup}
        answer = client.search(index=settings.index("products"), knn=knn)
        return [hit["_id"] for hit in answer.body["hits"]["hits"]]

    with Elasticsearch(server_url) as client:
        assert len(ask("ann")) == 3
        for user in ("bob", "nobody"):
            with pytest.raises(NotFoundError):
                ask(user)


def test_search_leans_nowhere(shop: ProfileStore) -> None:
    assert shop.search("ceramic", user="bob").product_ids == shop.search("ceramic").product_ids


def test_reasons_are_not_told(shop: ProfileStore) -> None:
    told = [reason for item in shop.recommend("bob", n=3, explain=True).items for reason in item.reasons]
    assert all(reason.event_id is None and reason.type == "popular" for reason in told)
    assert any(item.reasons != () for item in shop.recommend("ann", n=3, explain=True).items)


def test_no_vector_and_no_list_of_seen_products_is_stored(
    shop: ProfileStore, settings: Settings, server_url: str
) -> None:
    with Elasticsearch(server_url) as client:
        answer = client.search(
            index=settings.index("profiles"),
            query={"ids": {"values": ["ann", "bob"]}},
            source={"exclude_vectors": False},
        )
    stored = {hit["_id"]: hit["_source"] for hit in answer.body["hits"]["hits"]}
    assert "text_vector" in stored["ann"]
    assert "seen_products" in stored["ann"]
    assert not {"text_vector", "topic_vector", "taste_vector", "seen_products"} & set(stored["bob"])


def test_it_can_be_taken_back_and_survives_a_rebuild(shop: ProfileStore) -> None:
    shop.rebuild(["bob"])
    assert shop.recommend("bob").method == "popular"
    shop.index_users([User(user_id="bob", personalisation="on")])
    again = shop.recommend("bob", n=3)
    assert again.method == "text"
    assert again.product_ids == shop.recommend("ann", n=3).product_ids
    assert shop.verify_all().different == 0


def test_nobody_finds_them_and_their_basket_says_nothing(shop: ProfileStore) -> None:
    def found() -> set[str]:
        lists = (shop.people.lookalike(["ann"], n=100).user_ids, shop.people.buyers("p5", n=100).user_ids)
        return set(lists[0]) | set(lists[1])

    assert found() == {"ann", "cy", "dee"}
    with pytest.raises(NotFound):
        shop.people.lookalike(["bob"])
    for method in ("similar-users", "bought-together"):
        assert shop.recommend("bob", n=3, method=method).method == "popular"
    shop.index_users([User(user_id="bob", personalisation="on")])
    assert "bob" in found()
    assert shop.people.lookalike(["bob"], n=1).user_ids == ["ann"]
