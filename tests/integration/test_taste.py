"""`train` on a real server: planted tastes are found, nothing is lost, models are taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pytest
from elasticsearch import Elasticsearch

from profilestore.documents import Event, Product
from profilestore.errors import ModelError, NotFound
from profilestore.features.served import decode_vector
from profilestore.indexing.training import TasteReport
from profilestore.ingest.sample import SampleShop, generate_shop
from profilestore.settings import Settings
from profilestore.store import ProfileStore


@dataclass
class Trained:
    """A sample shop with a taste model in force."""

    store: ProfileStore
    sample: SampleShop
    report: TasteReport
    client: Elasticsearch

    def product(self, product_id: str) -> dict[str, object]:
        answer = self.client.get(
            index=self.store.settings.index("products"), id=product_id, source_exclude_vectors=False
        )
        return dict(answer.body["_source"])

    def profile(self, user_id: str) -> dict[str, object]:
        answer = self.client.get(index=self.store.settings.index("profiles"), id=user_id, source_exclude_vectors=False)
        return dict(answer.body["_source"])

    def taste_in_force(self) -> str:
        return str(self.store.status()["models"]["taste"])


@pytest.fixture(scope="module")
def trained(module_settings: Settings) -> Iterator[Trained]:
    settings = module_settings.model_copy(update={"text_model": "words"})
    sample = generate_shop(users=200, products=150, events=8000, language="en")
    client = Elasticsearch(settings.elasticsearch_url or "", request_timeout=60)
    with ProfileStore.open(settings) as store:
        store.init()
        store.index_products(sample.products)
        store.index_events(sample.events)
        report = store.train(budget=2, form="dense")
        yield Trained(store, sample, report, client)
    client.close()


def share_to_taste(trained: Trained, method: str) -> float:
    """How much of what is recommended is of a cluster that was planted in the user."""
    truth = trained.sample.truth
    users = sorted(truth.user_clusters)[:100]
    hits = [
        truth.product_clusters[item.product_id] in truth.user_clusters[answer.user_id]
        for answer in trained.store.recommend_many(users, n=10, method=method)
        for item in answer.items
        if item.product_id in truth.product_clusters  # not what a test added
    ]
    assert len(hits) > 500
    return float(np.mean(hits))


def test_taste_finds_what_was_planted_and_popular_does_not(trained: Trained) -> None:
    taste, popular = share_to_taste(trained, "taste"), share_to_taste(trained, "popular")
    assert taste > popular + 0.15, (taste, popular)


def test_auto_takes_what_validation_chose_and_the_report_says_what_it_learned_from(trained: Trained) -> None:
    some = trained.sample.events[0].user_id
    chosen = trained.report.figures["auto_methods"]
    assert trained.store.recommend(some).method == (chosen[-1][1] if chosen else "taste")
    assert chosen == sorted(chosen)
    meta = trained.client.indices.get_mapping(index=trained.store.settings.index("products"))
    ((_, entry),) = meta.body.items()
    in_force = entry["mappings"]["_meta"]
    assert in_force.get("auto_methods", []) == chosen
    assert in_force.get("hybrid_boosts") == trained.report.figures.get("hybrid_boosts")
    assert trained.report.figures["ndcg@20"] > 0
    assert trained.report.figures["users"] <= 200
    assert trained.taste_in_force() == trained.report.model_id


def test_profiles_carry_the_model_s_half_life_and_verify_agrees(trained: Trained) -> None:
    found = trained.store.verify_all()
    assert (found.different, found.checked > 150) == (0, True)
    meta = trained.client.indices.get_mapping(index=trained.store.settings.index("profiles"))
    ((_, entry),) = meta.body.items()
    assert entry["mappings"]["_meta"]["taste_half_life_days"] in (
        trained.report.settings["profile_half_life_days"],
        36_500.0,
    )


def test_the_score_is_profile_times_out_vector_and_reasons_come_with_it(trained: Trained) -> None:
    user = trained.sample.events[0].user_id
    answer = trained.store.recommend(user, n=5, method="taste", explain=True)
    profile = decode_vector(trained.profile(user)["taste_vector"])  # type: ignore[arg-type]  # a stored vector
    for item in answer.items:
        dot = float(profile @ decode_vector(trained.product(item.product_id)["taste_vector"]))  # type: ignore[arg-type]
        assert item.score == pytest.approx(1.0 + dot if dot >= 0 else 1.0 / (1.0 - dot), abs=1e-3)
        assert len(item.reasons) > 0


def test_a_new_product_has_vectors_at_once_and_enters_profiles(trained: Trained) -> None:
    like = trained.sample.products[0]
    new = like.model_copy(update={"product_id": "brand-new"})
    trained.store.index_products([new])
    stored = trained.product("brand-new")
    assert stored["taste_predicted"] is True
    learned = trained.product(like.product_id)
    assert learned["taste_predicted"] is False
    assert len(decode_vector(stored["taste_in"])) == trained.report.settings["dims"]  # type: ignore[arg-type]
    when = trained.sample.events[-1].time
    trained.store.record(Event(user_id="fan", type="purchase", product_id="brand-new", time=when))
    profile, vector = trained.profile("fan"), decode_vector(stored["taste_in"])  # type: ignore[arg-type]
    unit = vector / np.linalg.norm(vector)
    assert decode_vector(profile["taste_vector"]) @ unit == pytest.approx(1.0, abs=1e-5)  # type: ignore[arg-type]
    assert trained.store.verify(["fan"]).different == 0


def test_a_new_product_finds_its_buyers_in_the_order_of_the_dot_product(trained: Trained) -> None:
    like = trained.sample.products[4]
    trained.store.index_products([like.model_copy(update={"product_id": "just-in"})])
    stored = trained.product("just-in")
    assert stored["taste_predicted"] is True
    answer = trained.store.people.buyers("just-in", n=20)
    assert (answer.method, len(answer.users)) == ("taste", 20)
    out = decode_vector(stored["taste_vector"])  # type: ignore[arg-type]  # a stored vector
    dots = [float(decode_vector(trained.profile(user)["taste_vector"]) @ out) for user in answer.user_ids]  # type: ignore[arg-type]
    assert dots == sorted(dots, reverse=True)
    assert [user.score for user in answer.users] == pytest.approx(
        [(1.0 + dot / float(np.linalg.norm(out))) / 2.0 for dot in dots], abs=1e-3
    )
    truth = trained.sample.truth
    cluster = truth.product_clusters[like.product_id]
    found = np.mean([cluster in truth.user_clusters.get(user, {}) for user in answer.user_ids])
    by_chance = np.mean([cluster in clusters for clusters in truth.user_clusters.values()])
    assert found > by_chance + 0.3, (found, by_chance)


def test_neighbours_and_lookalikes_share_what_was_planted(trained: Trained) -> None:
    truth = trained.sample.truth
    users = sorted(truth.user_clusters)[:60]

    def shared(user: str, other: str) -> bool:
        return len(truth.user_clusters[user].keys() & truth.user_clusters.get(other, {}).keys()) > 0

    alike = [
        shared(answer.asked["like"][0], other)
        for user in users
        if len((answer := trained.store.people.lookalike([user], n=5)).users) > 0
        for other in answer.user_ids
    ]
    by_chance = np.mean([shared(user, other) for user in users for other in users if user != other])
    assert np.mean(alike) > by_chance + 0.3
    assert share_to_taste(trained, "similar-users") > share_to_taste(trained, "popular") + 0.15


def test_a_user_who_only_searched_has_every_space(trained: Trained) -> None:
    words = str(trained.sample.products[0].title)
    trained.store.record(Event(user_id="seeker", type="search", text=words, time=trained.sample.events[-1].time))
    assert {"text_vector", "taste_vector"} <= trained.profile("seeker").keys()
    trained.client.indices.refresh(index=trained.store.settings.index("profiles"))
    assert trained.store.recommend("seeker", method="taste").method == "taste"


def test_events_during_a_training_are_kept_and_the_old_model_comes_back(trained: Trained) -> None:
    first = trained.taste_in_force()
    bought = trained.sample.products[1].product_id
    when = trained.sample.events[-1].time + timedelta(minutes=1)
    with ProfileStore.open(trained.store.settings) as other:

        def meanwhile(step: str) -> None:
            if step in ("copying products", "folding profiles from the log", "catching up"):
                other.record(Event(user_id=f"late-{step.split()[0]}", type="purchase", product_id=bought, time=when))

        second = trained.store.train(budget=0, dims=8, form="dense", progress=meanwhile)
    assert second.model_id != first
    late = [f"late-{step.split()[0]}" for step in ("copying products", "folding profiles from the log", "catching up")]
    trained.store.fold()
    for user_id in late:
        assert trained.profile(user_id)["purchased_products"] == [bought]
        assert len(decode_vector(trained.profile(user_id)["taste_vector"])) == 8  # type: ignore[arg-type]
    dearer = trained.sample.products[2].model_copy(update={"price": 123.0})
    trained.store.index_products([dearer])

    trained.store.use_model(first)

    assert trained.taste_in_force() == first
    assert trained.product(dearer.product_id)["price"] == 123.0  # today's, not the model's day's
    assert trained.store.verify_all().different == 0
    listed = {entry.model_id: entry for entry in trained.store.models() if entry.kind == "taste"}
    assert (listed[first].in_force, listed[second.model_id].in_force) == (True, False)
    assert listed[second.model_id].figures["settings"]["dims"] == 8


def test_a_model_that_is_not_there(trained: Trained) -> None:
    with pytest.raises(NotFound, match="models list"):
        trained.store.use_model("taste-000000000000")


def test_a_shop_without_events_cannot_be_trained(settings: Settings) -> None:
    with ProfileStore.open(settings) as store:
        store.init()
        store.index_products([Product(product_id="a", title="red mug")])
        with pytest.raises(ModelError, match="at least 2 users"):
            store.train()
        assert store.status()["models"]["taste"] is None
