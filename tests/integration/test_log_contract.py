"""What apps may write to the log themselves, over plain HTTP, and what becomes of what they may not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from elasticsearch import Elasticsearch
from fold_runs import assert_exact, documents, make_events, make_products, small, stand_in, told

from profilestore import Event, ProfileStore
from profilestore.settings import Settings

WHEN = "2026-01-05T10:00:00Z"


@pytest.fixture
def shop(settings: Settings) -> Iterator[ProfileStore]:
    with stand_in(), ProfileStore.open(small(settings)) as store:
        store.init()
        store.index_products(make_products(30))
        yield store


def put(shop: ProfileStore, id: str, source: dict[str, Any], *, routing: str | None = None, create: bool = True) -> int:
    """As an app does it: one PUT, by hand."""
    verb = "_create" if create else "_doc"
    path = f"/{shop.settings.index('events')}/{verb}/{quote(id, safe='')}"
    path += f"?routing={quote(str(source.get('user_id', 'nobody')) if routing is None else routing, safe='')}"
    headers = {"content-type": "application/json", "accept": "application/json"}
    with Elasticsearch(shop.url) as client:
        return int(client.transport.perform_request("PUT", path, headers=headers, body=source).meta.status)


def view(user: str, **more: Any) -> dict[str, Any]:
    return {"user_id": user, "type": "view", "time": WHEN, "product_id": "p1", **more}


def test_valid_events_of_an_app_are_folded(shop: ProfileStore) -> None:
    assert put(shop, "x1", view("ann", event_id="x1")) == 201
    assert put(shop, "x2", view("ann")) == 201  # the document's id is id enough
    assert put(shop, "x1", view("ann", event_id="x1")) == 409
    report = shop.fold()
    assert (report.events, report.profiles, report.invalid) == (2, 1, [])
    assert shop.profile("ann").events_total == 2
    assert shop.fold().events == 0
    assert shop.verify_all().users == {}


INVALID: dict[str, tuple[dict[str, Any], str | None]] = {
    "routing is not user_id": (view("ann"), "bob"),
    "product_id is missing": ({"user_id": "ann", "type": "view", "time": WHEN}, None),
    "user_id is missing": ({"type": "view", "time": WHEN, "product_id": "p1"}, "ann"),
    "time is missing": ({"user_id": "ann", "type": "view", "product_id": "p1"}, None),
    "event_id is another": (view("ann", event_id="other"), None),
    "far future": (view("ann", time="2999-01-01T00:00:00Z"), None),
    "far past with a zone": (view("ann", time="0001-01-01T00:00:00+14:00"), None),
    "no such type": (view("ann", type="stare"), None),
    "a list of users": (view("ann", user_id=["ann", "bob"]), "ann"),
    "blanks around the user": (view(" ann "), "ann"),
    "blanks around the product": (view("ann", product_id=" p1"), None),
    "negative price": (view("ann", type="purchase", price=-1), None),
    "endless price": (view("ann", type="purchase", price=1e300, quantity=1e9), None),
    "no quantity": (view("ann", type="purchase", quantity=0), None),
    "user fields that no profile has": (
        {"user_id": "ann", "type": "attributes", "time": WHEN, "user_fields": {"folded_upto": 7}}, None),
    "user fields of a wrong type": (
        {"user_id": "ann", "type": "attributes", "time": WHEN, "user_fields": {"age": {"x": 1}}}, None),
    "user fields of another user": (
        {"user_id": "ann", "type": "attributes", "time": WHEN, "user_fields": {"user_id": "bob"}}, None),
    "attributes with an endless key": (
        {"user_id": "ann", "type": "attributes", "time": WHEN, "user_fields": {"attributes": {"k" * 40_000: 1}}}, None),
    "attributes with NUL": (
        {"user_id": "ann", "type": "attributes", "time": WHEN, "user_fields": {"attributes": {"k\x00": "v"}}}, None),
}  # fmt: skip


def test_each_invalid_event_is_skipped_counted_and_listed(shop: ProfileStore) -> None:
    ids = [f"bad{i}" for i in range(len(INVALID))]
    for id, (source, routing) in zip(ids, INVALID.values(), strict=True):
        assert put(shop, id, source, routing=routing) == 201
    assert put(shop, "good", view("ann")) == 201
    only_invalid = put(shop, "alone", view("zoe", type="stare"))
    assert only_invalid == 201
    report = shop.fold()
    assert {id for id, _ in report.invalid} == {*ids, "alone"}
    assert report.events == 1
    assert set(told(shop.settings)) == {"ann"}
    assert shop.profile("ann").events_total == 1
    # None of it is a difference to verify, nor to its quick look, which counts by aggregations.
    for checked in (shop.verify_all(), shop.verify_all(quick=True), shop.verify(["ann", "bob", "zoe"])):
        assert (checked.users, checked.behind) == ({}, 0)
    assert shop.rebuild(["ann", "zoe"]) == 2
    assert set(told(shop.settings)) == {"ann"}
    # The problem is named by type, and no value of a field is (P6).
    for _, problem in report.invalid:
        assert "stare" not in problem
        assert "bob" not in problem


def test_a_load_tells_of_invalid_events_in_the_log(shop: ProfileStore) -> None:
    put(shop, "bad", view("ann", type="stare"))
    shop.index_events(make_events(20, texts=False))
    put(shop, "worse", view("ann", type="stare"))
    counts = shop.index_events(make_events(20, seed=2, texts=False))
    assert any("worse" in note for note in counts.notes)
    assert shop.verify_all().users == {}


def test_a_changed_document_of_the_log_rebuilds_its_user(shop: ProfileStore) -> None:
    put(shop, "x1", view("ann", type="purchase", quantity=2))
    put(shop, "x2", view("ann"))
    shop.fold()
    assert shop.profile("ann").quantity_total == 2
    put(shop, "x1", view("ann", type="purchase", quantity=5), create=False)
    report = shop.fold()
    assert (report.rebuilt, report.events) == (1, 0)
    profile = shop.profile("ann")
    assert (profile.quantity_total, profile.events_total) == (5, 2)
    # Changed into another user's event: neither of the two keeps what is not theirs.
    put(shop, "x1", view("ann", type="purchase", quantity=5), routing="bob", create=False)
    report = shop.fold()
    assert [id for id, _ in report.invalid] == ["x1"]
    assert shop.profile("ann").events_total == 1
    # Changed into nothing valid at all.
    put(shop, "x2", view("ann", type="stare"), create=False)
    shop.fold()
    assert set(told(shop.settings)) == set()
    assert shop.verify_all().users == {}


def test_an_event_that_was_too_early_counts_once_its_time_has_come(shop: ProfileStore) -> None:
    soon = datetime.now(UTC) + timedelta(hours=24, seconds=3)
    put(shop, "early", view("ann", time=soon.isoformat()))
    put(shop, "x1", view("ann"))
    assert [id for id, _ in shop.fold().invalid] == ["early"]
    while datetime.now(UTC) + timedelta(hours=24) < soon:
        pass
    shop.fold()
    assert shop.verify_all().users == {}
    assert shop.profile("ann").events_total == 2


@pytest.mark.parametrize("shards", [2, 3])
def test_a_log_of_several_shards(settings: Settings, shards: int) -> None:
    users = ["u1", "a,b", "c,d,e", "张 三", "x/y", "u2", "u3", "u4"]
    with stand_in(), ProfileStore.open(small(settings, event_shards=shards)) as shop:
        shop.init()
        shop.index_products(make_products(30))
        events = make_events(400, texts=False)
        events += [Event(user_id=user, type="view", product_id=f"p{i}", time=WHEN) for user in users for i in range(3)]
        assert shop.index_events(events).indexed == len(events)
        assert_exact(shop, events)
        assert shop.verify(users).users == {}
        assert shop.verify(users).checked == len(users)
        assert shop.rebuild(users) == len(users)
        assert_exact(shop, events)
        extra = [Event(user_id=user, type="view", product_id="p9", time=WHEN) for user in users]
        for event in extra:
            assert shop.record(event).indexed == 1
        put(shop, "app", view("a,b", product_id="p3"))
        events += [*extra, Event(event_id="app", **view("a,b", product_id="p3"))]
        assert shop.fold().events == 1
        assert_exact(shop, events)
        shop.index_products([make_products(5)[4].model_copy(update={"category": "other"})])
        assert_exact(shop, events)
        shop.train_topics(topics=2)
        assert_exact(shop, events)
        shop.rebuild_all()
        assert_exact(shop, events)


def test_a_log_that_was_made_anew_makes_the_profiles_anew(shop: ProfileStore) -> None:
    shop.index_events(make_events(200, texts=False))
    with Elasticsearch(shop.url) as client:
        client.indices.delete(index=f"{shop.settings.index('events')}-000001")
    shop.init()
    events = make_events(300, seed=2, texts=False)
    shop.index_events(events)
    gone = set(told(shop.settings)) - {event.user_id for event in events}
    assert set(shop.verify_all().users) == gone  # profiles without any event are told, and not deleted unasked
    shop.rebuild(sorted(gone))
    assert_exact(shop, events)


def test_a_log_restored_to_less_than_was_folded(shop: ProfileStore) -> None:
    """W above all that the log has. A restored index has another uuid as a rule; here it has the same."""
    events = make_events(200, texts=False)
    shop.index_events(events)
    alias = shop.settings.index("profiles")
    with Elasticsearch(shop.url) as client:
        for user in documents(shop.settings, "profiles"):
            client.update(index=alias, id=user, doc={"folded_upto": 100_000, "events_total": 7})
        client.update(
            index=shop.settings.index("models"),
            id=next(id for id in documents(shop.settings, "models") if id.startswith("checkpoint-")),
            doc={"body": {"shards": {"0": 100_000}}},
        )
    with ProfileStore.open(shop.settings) as fresh:
        assert fresh.fold().rebuilt == len({event.user_id for event in events})
        assert_exact(fresh, events)


def test_profiles_that_were_lost_are_folded_from_the_log(shop: ProfileStore) -> None:
    events = make_events(200, texts=False)
    shop.index_events(events)
    shop.rebuild_all()  # so that the generation is no longer the first
    with Elasticsearch(shop.url) as client:
        client.indices.delete(index=f"{shop.settings.index('profiles')}-000002")
    shop.init()
    with ProfileStore.open(shop.settings) as fresh:
        fresh.fold()
        assert_exact(fresh, events)
