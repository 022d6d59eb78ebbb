"""`rules mine|show` on a real server: stored with the products, kept by builds, replaced by the next mining."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from profilestore.documents import Event, Product
from profilestore.errors import ModelError, NotFound, UsageError
from profilestore.settings import Settings
from profilestore.store import ProfileStore

START = datetime(2025, 3, 1, 12, tzinfo=UTC)
NAMES = ("tea", "pot", "cup", *(f"x{n}.{n % 3}" for n in range(40)))


def orders(pairs: list[tuple[str, ...]], *, kind: str = "purchase", days: int = 0) -> list[Event]:
    """An order each, of a user each."""
    return [
        Event(
            user_id=f"u{number}",
            type=kind,
            product_id=product,
            order_id=f"{number}",
            time=START + timedelta(days=days, minutes=number),
        )
        for number, basket in enumerate(pairs)
        for product in basket
    ]


PAIRS: list[tuple[str, ...]] = [
    *[("tea", "pot")] * 12,
    *[("tea", "cup")] * 9,
    *[(NAMES[n], NAMES[n + 20]) for n in range(3, 23)],
    *[(NAMES[n],) for n in range(3, 43)],
]


class Mined:
    """A shop with the client to look at what is stored."""

    def __init__(self, store: ProfileStore, client: Elasticsearch) -> None:
        self.store, self.client = store, client

    def stored(self, product_id: str) -> dict[str, Any]:
        answer = self.client.get(
            index=self.store.settings.index("products"), id=product_id, source_exclude_vectors=False
        )
        return dict(answer.body["_source"])

    def asked(self, *product_ids: str) -> list[str]:
        """What an app finds with these products in the basket."""
        tokens = dict.fromkeys(product_ids, 1.0)
        query = {"sparse_vector": {"field": "rules_weights", "query_vector": tokens, "prune": False}}
        answer = self.client.search(index=self.store.settings.index("products"), query=query)
        return [hit["_id"] for hit in answer.body["hits"]["hits"]]


@pytest.fixture
def shop(settings: Settings) -> Iterator[Mined]:
    with ProfileStore.open(settings) as store, Elasticsearch(str(settings.elasticsearch_url)) as client:
        store.init()
        store.index_products([Product(product_id=name, category="all", price=3.0) for name in NAMES])
        store.index_events(orders(PAIRS))
        yield Mined(store, client)


def pairs_of(shop: Mined) -> set[tuple[str, str]]:
    return {(rule.antecedent, rule.consequent) for rule in shop.store.rules.show(n=1000)}


def test_rules_are_stored_where_they_are_asked_and_where_they_are_shown(shop: Mined) -> None:
    with pytest.raises(NotFound, match="rules mine"):
        shop.store.rules.show()
    report = shop.store.rules.mine()
    assert pairs_of(shop) == {("tea", "pot"), ("pot", "tea"), ("tea", "cup"), ("cup", "tea")}
    assert (report.rules, report.antecedents, report.baskets, report.written) == (4, 3, 81, 3)
    assert (report.baskets_of_several, report.products, report.tests) == (41, 3, 3)
    assert report.first_purchase == "2025-03-01T12:00:00+00:00"
    assert shop.store.rules.report() == report
    assert shop.asked("tea") == ["pot", "cup"]
    assert shop.asked("pot", "cup") == ["tea"]
    extra = [rule.extra_orders for rule in shop.store.rules.show()]
    assert extra == sorted(extra, reverse=True)
    (best,) = shop.store.rules.show(["tea"], n=1)
    assert (best.consequent, best.count) == ("pot", 12)
    assert best.support == pytest.approx(12 / 81, rel=1e-5)
    assert best.confidence == pytest.approx(12 / 21, rel=1e-5)
    assert best.lift == pytest.approx(12 * 81 / (21 * 12), rel=1e-5)
    assert best.p_value < 0.01
    assert shop.store.check() == []


def test_mining_again_replaces_what_was_there_and_writes_nothing_that_stays(shop: Mined) -> None:
    shop.store.rules.mine()
    assert shop.store.rules.mine().written == 0
    shop.store.index_events(orders(PAIRS[:12], kind="refund", days=1))  # all the pots and their teas come back
    assert shop.store.rules.mine().rules == 2
    assert pairs_of(shop) == {("tea", "cup"), ("cup", "tea")}
    assert shop.asked("pot") == []
    assert shop.asked("cup") == ["tea"]
    assert shop.stored("pot")["rules"] == []
    assert shop.stored("pot")["rules_weights"] == {}
    assert shop.stored("tea")["rules_weights"].keys() == {"cup"}


def test_rules_outlive_builds_and_new_rows(shop: Mined) -> None:
    shop.store.rules.mine()
    before = pairs_of(shop)
    generation = shop.stored("tea")["generation"]
    shop.store.rebuild_all()
    shop.store.index_products([Product(product_id="tea", title="green tea", category="all", price=4.0)])
    shop.store.refresh_popularity()
    assert shop.stored("tea")["generation"] != generation
    assert shop.stored("tea")["price"] == 4.0
    assert pairs_of(shop) == before
    assert shop.asked("tea") == ["pot", "cup"]
    assert shop.store.rules.mine().written == 0


def test_rules_mined_while_a_generation_is_built_come_along(shop: Mined) -> None:
    with ProfileStore.open(shop.store.settings) as other:

        def meanwhile(step: str) -> None:
            if step == "folding profiles from the log":
                other.rules.mine()

        shop.store.rebuild_all(progress=meanwhile)
    assert len(pairs_of(shop)) == 4


def test_a_deleted_product_is_in_no_rule_that_is_shown(shop: Mined) -> None:
    shop.store.rules.mine()
    shop.store.delete_products(["pot"])
    assert pairs_of(shop) == {("tea", "cup"), ("cup", "tea")}
    assert [rule.consequent for rule in shop.store.rules.show(["tea"])] == ["cup"]
    assert shop.store.rules.show(["pot"]) == []


def test_too_little_and_bad_input(settings: Settings) -> None:
    with ProfileStore.open(settings) as store:
        store.init()
        store.index_products([Product(product_id="a"), Product(product_id="b")])
        with pytest.raises(ModelError, match="no purchase"):
            store.rules.mine()
        store.index_events([Event(user_id="u", type="view", product_id="a", time=START)])
        with pytest.raises(ModelError, match="no purchase"):
            store.rules.mine()
        store.index_events(orders([("a", "b")]))
        assert store.rules.mine(min_support=0.0).rules == 0  # one basket
        assert store.rules.show() == []
        with pytest.raises(NotFound, match="no product nothing"):
            store.rules.show(["a", "nothing"])
        for no_id in ("", " ", "\udcff"):
            with pytest.raises(UsageError, match="product id"):
                store.rules.show(["a", no_id])
        for bad in ({"level": 1.0}, {"level": 0.0}, {"min_support": 2.0}, {"min_confidence": -1.0}):
            with pytest.raises(UsageError, match=next(iter(bad))):
                store.rules.mine(**bad)
