"""The sparse form of taste on a real server: written, asked, kept up to date, switched to and from (P4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from profilestore.documents import Event, User
from profilestore.indexing.training import TasteReport
from profilestore.ingest.sample import SampleShop, generate_shop
from profilestore.settings import Settings
from profilestore.store import ProfileStore


@dataclass
class Shop:
    """A sample shop with a sparse taste model in force."""

    store: ProfileStore
    sample: SampleShop
    sparse: TasteReport
    client: Elasticsearch

    def source(self, kind: str, id: str) -> dict[str, Any]:
        index = self.store.settings.index(kind)
        return dict(self.client.get(index=index, id=id, source_exclude_vectors=False).body["_source"])

    def form(self) -> str:
        answer = self.client.indices.get_mapping(index=self.store.settings.index("products"))
        ((_, entry),) = answer.body.items()
        return str(entry["mappings"]["_meta"]["taste_form"])

    def count(self, kind: str, field: str) -> int:
        index = self.store.settings.index(kind)
        self.client.indices.refresh(index=index)
        return int(self.client.count(index=index, query={"exists": {"field": field}}).body["count"])


@pytest.fixture(scope="module")
def shop(module_settings: Settings) -> Iterator[Shop]:
    settings = module_settings.model_copy(update={"text_model": "words"})
    sample = generate_shop(users=120, products=80, events=4000, language="en")
    client = Elasticsearch(settings.elasticsearch_url or "", request_timeout=60)
    with ProfileStore.open(settings) as store:
        store.init()
        store.index_products(sample.products)
        store.index_events(sample.events)
        report = store.train(budget=0, form="sparse")
        yield Shop(store, sample, report, client)
    client.close()


def test_both_forms_were_measured_and_the_one_asked_for_is_in_force(shop: Shop) -> None:
    assert shop.form() == "sparse"
    assert shop.sparse.settings["form"] == "sparse"
    assert shop.sparse.figures["ndcg@20_by_weights"].keys() == {"100", "200", "400"}
    assert len(shop.sparse.figures["ndcg@20_by_dims"]) > 0
    assert shop.store.verify_all().different == 0


def test_the_server_s_score_is_the_sum_of_weights_of_what_the_user_acted_on(shop: Shop) -> None:
    user = shop.sample.events[0].user_id
    items = shop.source("profiles", user)["taste_items"]
    assert len(items) > 1
    assert sum(weight * weight for weight in items.values()) == pytest.approx(1.0, abs=1e-3)
    products = shop.store.settings.index("products")
    shop.client.indices.refresh(index=products)
    clause = {"sparse_vector": {"field": "taste_weights", "query_vector": items, "prune": False}}
    hits = shop.client.search(index=products, query=clause, size=10).body["hits"]["hits"]
    assert len(hits) == 10
    for hit in hits:
        weights = shop.source("products", hit["_id"])["taste_weights"]
        assert all(value > 0.0 for value in weights.values())
        assert hit["_id"] not in weights
        expected = sum(weight * weights.get(product_id, 0.0) for product_id, weight in items.items())
        assert hit["_score"] == pytest.approx(expected, rel=0.01)


def test_a_new_product_has_weights_at_once_and_a_changed_text_leaves_none_of_the_old(shop: Shop) -> None:
    first, other = shop.sample.products[0], shop.sample.products[-1]
    shop.store.index_products([first.model_copy(update={"product_id": "fresh"})])
    before = shop.source("products", "fresh")
    assert before["taste_predicted"] is True
    assert len(before["taste_weights"]) > 0
    shop.store.index_products(
        [other.model_copy(update={"product_id": "fresh", "category": other.category, "price": 1.0})]
    )
    after = shop.source("products", "fresh")["taste_weights"]
    shop.store.index_products([other.model_copy(update={"product_id": "fresh-too", "price": 1.0})])
    same = shop.source("products", "fresh-too")["taste_weights"]
    assert after.keys() == same.keys()
    assert after.keys() != before["taste_weights"].keys()


def test_a_product_that_says_nothing_any_more_keeps_no_foretold_taste(shop: Shop) -> None:
    said = shop.sample.products[0].model_copy(update={"product_id": "mute"})
    shop.store.index_products([said])
    assert len(shop.source("products", "mute")["taste_weights"]) > 0
    texts = {"title": "?", "category": "?", **dict.fromkeys(("description", "brand"), "?"), "tags": ["?"]}
    mute = said.model_copy(update={name: value for name, value in texts.items() if getattr(said, name) is not None})
    shop.store.index_products([mute])
    after = shop.source("products", "mute")
    assert after["taste_weights"] == {}
    gone = ("text_vector", "taste_vector", "taste_in", "taste_predicted")
    assert [name for name in gone if after.get(name) is not None] == []


def test_who_switched_personalisation_off_has_no_items_to_ask_with(shop: Shop) -> None:
    user, when = shop.sample.events[1].user_id, shop.sample.events[-1].time
    shop.store.record(Event(user_id=user, type="cart", product_id=shop.sample.products[3].product_id, time=when))
    assert shop.source("profiles", user)["cart_products"][0] == shop.sample.products[3].product_id
    shop.store.index_users([User(user_id=user, personalisation="off")])
    assert shop.source("profiles", user).keys() & {"taste_items", "cart_products", "taste_vector"} == set()
    assert shop.store.verify([user]).different == 0


def test_to_dense_and_back_loses_no_event_and_verify_agrees(shop: Shop) -> None:
    user, bought = shop.sample.events[0].user_id, shop.sample.products[1].product_id
    gone = next(
        item.product_id for item in shop.store.recommend(user, n=5, method="taste").items if item.product_id != bought
    )
    shop.store.delete_products([gone])
    when = shop.sample.events[-1].time + timedelta(minutes=1)
    with ProfileStore.open(shop.store.settings) as other:

        def meanwhile(step: str) -> None:
            if step in ("copying products", "folding profiles from the log", "catching up"):
                user = f"{shop.form()}-{step.split()[0]}"
                other.record(Event(user_id=user, type="purchase", product_id=bought, time=when))

        dense = shop.store.train(budget=0, dims=8, form="dense", progress=meanwhile)
        assert (shop.form(), dense.settings["form"]) == ("dense", "dense")
        assert shop.count("products", "taste_weights") == 0
        shop.store.fold()
        assert shop.store.verify_all().different == 0
        assert "taste_items" not in shop.source("profiles", shop.sample.events[0].user_id)

        shop.store.use_model(shop.sparse.model_id, progress=meanwhile)
    assert shop.form() == "sparse"
    assert shop.count("products", "taste_weights") > 50
    shop.store.fold()
    assert shop.store.verify_all().different == 0
    # Deleted after the model was trained: its vectors still count in profiles, and nobody is shown it.
    assert gone not in {item.product_id for item in shop.store.recommend(user, n=50, method="taste").items}
    for form in ("sparse", "dense"):
        for step in ("copying", "folding", "catching"):
            assert shop.source("profiles", f"{form}-{step}")["taste_items"] == {bought: 1.0}
