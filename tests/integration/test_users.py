"""User rows: consent and opt-out stand in the log, the latest by time wins, in whatever order they come."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch, NotFoundError
from fold_runs import assert_exact, documents, make_products, revisions, small, stand_in

from profilestore import Event, ProfileStore, Settings, User

DAYS = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z")


@pytest.fixture
def shop(settings: Settings) -> Iterator[ProfileStore]:
    with stand_in(), ProfileStore.open(small(settings)) as store:
        store.init()
        store.index_products(make_products(10))
        yield store


def logged(shop: ProfileStore) -> list[Event]:
    return [Event(**hit["_source"]) for hit in documents(shop.settings, "events").values()]


def test_rows_are_indexed_updated_or_unchanged(shop: ProfileStore) -> None:
    rows = [
        User(user_id="ann", age=30, city="巴黎", consent=["mail", "sms"], attributes={"shoe": 38, "vip": True}),
        User(user_id="bob", signup_date="2020-02-29", income=1234.5),
    ]
    counts = shop.index_users(rows)
    assert (counts.read, counts.indexed, counts.updated, counts.unchanged) == (2, 2, 0, 0)
    before = revisions(shop.settings)
    assert shop.index_users(rows).unchanged == 2
    assert revisions(shop.settings) == before
    counts = shop.index_users([rows[0].model_copy(update={"consent": []}), rows[1]])
    assert (counts.updated, counts.unchanged) == (1, 1)
    profile = shop.profile("ann")
    assert (profile.consent, profile.city, profile.age) == (None, "巴黎", 30)
    assert profile.attributes == {"shoe": 38, "vip": True}
    assert shop.index_users([User(user_id="ann", attributes={"shoe": 39})]).updated == 1
    assert shop.profile("ann").attributes == {"shoe": 39, "vip": True}
    assert_exact(shop, logged(shop))
    assert shop.rebuild(["ann", "bob"]) == 2  # the log alone has it all
    assert shop.profile("ann").attributes == {"shoe": 39, "vip": True}
    assert shop.profile("bob").income == 1234.5


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_the_latest_by_time_wins_in_any_order(shop: ProfileStore, order: tuple[int, ...]) -> None:
    """Off, on, off again. The third says what the first said, and must not be taken for nothing new."""
    rows = [
        User(user_id="ann", time=DAYS[i], personalisation=said, consent=["mail"] if said == "on" else [])
        for i, said in enumerate(("off", "on", "off"))
    ]
    for i in order:
        shop.index_users([rows[i]])
    profile = shop.profile("ann")
    assert (profile.personalisation, profile.consent) == ("off", None)
    before = revisions(shop.settings)
    assert shop.index_users(rows).unchanged == 3
    assert revisions(shop.settings) == before
    assert_exact(shop, logged(shop))


def test_an_opt_out_takes_the_vectors_away_and_gives_them_back(shop: ProfileStore) -> None:
    shop.record([Event(user_id="ann", type="purchase", product_id=f"p{i}", time=DAYS[0]) for i in range(3)])

    def ask() -> None:
        shop._client.indices.refresh(index=shop.settings.index("profiles"))
        lookup = {"lookup": {"index": shop.settings.index("profiles"), "id": "ann", "path": "text_vector"}}
        knn = {"field": "text_vector", "k": 3, "num_candidates": 10, "query_vector_builder": lookup}
        with Elasticsearch(shop.url) as client:
            client.search(index=shop.settings.index("products"), knn=knn)

    ask()
    shop.index_users([User(user_id="ann", personalisation="off")])
    with pytest.raises(NotFoundError):
        ask()
    # Nothing that is done to the profile brings them back: not an event, a product, a rebuild, a new generation.
    shop.record(Event(user_id="ann", type="view", product_id="p5", time=DAYS[1]))
    shop.index_products([make_products(1)[0].model_copy(update={"title": "new lamp"})])
    shop.rebuild(["ann"])
    shop.rebuild_all()
    with pytest.raises(NotFoundError):
        ask()
    shop.index_users([User(user_id="ann", personalisation="on")])
    ask()
    assert_exact(shop, logged(shop))


def test_a_row_dated_far_ahead_is_rejected(shop: ProfileStore) -> None:
    counts = shop.index_users([User(user_id="ann", time="2999-01-01T00:00:00Z", age=3), User(user_id="bob", age=4)])
    assert (counts.read, counts.rejected, counts.indexed) == (2, 1, 1)
    assert set(documents(shop.settings, "profiles")) == {"bob"}


def test_the_same_rows_by_two_loaders(shop: ProfileStore) -> None:
    rows = [User(user_id=f"u{i}", time=DAYS[1], age=20 + i) for i in range(50)]
    with ProfileStore.open(shop.settings) as other:
        first, second = shop.index_users(rows), other.index_users(rows)
    assert (first.indexed, second.unchanged) == (50, 50)
    assert len(documents(shop.settings, "events")) == 50
    assert_exact(shop, logged(shop))


def test_profiles_whose_state_is_of_another_version_are_folded_anew(shop: ProfileStore) -> None:
    rows = [User(user_id="ann", age=30, time=DAYS[0]), User(user_id="bob", age=40, time=DAYS[0])]
    shop.index_users(rows)
    with Elasticsearch(str(shop.settings.elasticsearch_url)) as client:
        for user_id in ("ann", "bob"):
            client.update(index=shop.settings.index("profiles"), id=user_id, doc={"state": "AAAA"}, refresh=True)
    later = [User(user_id="ann", age=30, time=DAYS[1]), User(user_id="bob", age=41, time=DAYS[1])]
    counts = shop.index_users(later)
    assert (counts.read, counts.updated) == (2, 2)
    assert shop.profile("bob").age == 41
    assert_exact(shop, logged(shop))
    counts = shop.index_users(later)
    assert counts.unchanged == 2
