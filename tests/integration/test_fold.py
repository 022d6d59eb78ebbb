"""P1: nothing twice, nothing lost, whoever dies, comes twice or comes at once."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from fold_runs import (
    assert_exact,
    documents,
    expected,
    finish,
    make_events,
    make_products,
    revisions,
    small,
    stand_in,
    start,
    stop,
    told,
)

from profilestore import Event, ProfileStore
from profilestore.elastic import bulk
from profilestore.settings import Settings


@pytest.fixture
def shop(settings: Settings) -> Iterator[ProfileStore]:
    with stand_in(), ProfileStore.open(small(settings)) as store:
        store.init()
        store.index_products(make_products(30))
        yield store


def assert_second_load_writes_nothing(shop: ProfileStore, events: list[Event]) -> None:
    before = revisions(shop.settings)
    counts = shop.index_events(events)
    assert (counts.indexed, counts.updated, counts.duplicate) == (0, 0, len(events))
    assert revisions(shop.settings) == before


def test_a_load_killed_at_random_moments_counts_once(shop: ProfileStore) -> None:
    seed, rows = 7, 4000
    slow = shop.settings.model_copy(update={"batch_size": 25})
    killed = finish(start("kill_at_random", slow, seed=seed, rounds=12, events=rows))["killed"]
    assert killed >= 9
    events = make_events(rows, seed=seed, texts=False)
    counts = shop.index_events(events)
    assert counts.read == rows == counts.indexed + counts.duplicate
    assert counts.duplicate > 0  # the killed ones did something
    assert_exact(shop, events)
    assert_second_load_writes_nothing(shop, events)


def test_a_load_killed_at_each_single_write(shop: ProfileStore) -> None:
    died = finish(start("kill_at_each_write", shop.settings.model_copy(update={"batch_size": 15})))["died"]
    assert died >= 8  # four batches of log and profiles, killed before or after each write
    # Whatever was logged is folded right, also before anybody has come to fold the rest.
    assert shop.verify_all().users == {}
    shop.fold()
    logged = [Event(**hit["_source"]) for hit in documents(shop.settings, "events").values()]
    assert len(logged) > 60 * died / 2
    assert_exact(shop, logged)


def test_three_writers_in_different_orders_and_two_folders(shop: ProfileStore) -> None:
    rows = 2000
    folders = [start("follow", shop.settings) for _ in range(2)]
    writers = [start("load", shop.settings, events=rows, seed=3, order=order) for order in (1, 2, 3)]
    results = [finish(writer) for writer in writers]
    stopped = [stop(folder) for folder in folders]
    assert [code for code, _ in stopped] == [-15, -15], [err for _, err in stopped]
    assert sum(result["indexed"] for result in results) == rows
    assert all(result["indexed"] + result["duplicate"] == result["read"] == rows for result in results)
    events = make_events(rows, seed=3, texts=False)
    shop.fold()
    assert_exact(shop, events)
    assert_second_load_writes_nothing(shop, events)


def test_a_redelivered_event_changes_nothing(shop: ProfileStore) -> None:
    event = make_events(1, texts=False)[0]
    assert shop.record(event).indexed == 1
    before = revisions(shop.settings)
    assert shop.record(event).duplicate == 1
    assert shop.record([event, event]).duplicate == 2
    assert revisions(shop.settings) == before


def test_an_event_whose_writer_died_before_the_fold_is_folded_when_redelivered(shop: ProfileStore) -> None:
    event = Event(user_id="u", type="view", product_id="p1", time="2026-01-05T10:00:00Z")
    shop._parts.in_force.log.append([event])  # and then it died
    assert shop.record(event).duplicate == 1
    assert shop.profile("u").events_total == 1  # durable in the profile when record returns


def test_a_lost_answer_of_the_log_still_folds(shop: ProfileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    from elastic_transport import ConnectionTimeout

    real, lost = shop._client.perform_request, []

    def perform(method: str, path: str, **named: object) -> object:
        answer = real(method, path, **named)  # type: ignore[arg-type]
        if path.startswith("/_bulk") and len(lost) == 0:
            lost.append(1)
            raise ConnectionTimeout("no answer")
        return answer

    monkeypatch.setattr(shop._client, "perform_request", perform)
    counts = shop.record(Event(user_id="u", type="view", product_id="p1", time="2026-01-05T10:00:00Z"))
    assert (counts.indexed, counts.duplicate, len(lost)) == (0, 1, 1)
    assert shop.profile("u").events_total == 1


def test_what_the_server_is_too_busy_for_is_sent_again(shop: ProfileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """429 to some items, a stopping node's 500 to others: neither is lost nor counted twice."""
    real, calls = bulk._send, 0

    def send(client: object, lines: list[bytes], action: str) -> list[dict[str, object]]:
        nonlocal calls
        calls += 1
        if calls % 2 == 0 or len(lines) < 4:
            return real(client, lines, action)  # type: ignore[arg-type,return-value]
        refused = {"create": {"_id": "x", "status": 429, "error": {"type": "es_rejected_execution_exception"}}}
        stopping = {"create": {"_id": "x", "status": 500, "error": {"type": "node_closed_exception"}}}
        done = real(client, lines[2:], action)  # type: ignore[arg-type]
        return [refused, stopping, *done]  # type: ignore[list-item]

    monkeypatch.setattr(bulk, "_send", send)
    events = make_events(150, texts=False)
    assert shop.index_events(events).indexed == 150
    monkeypatch.setattr(bulk, "_send", real)
    assert_exact(shop, events)


def test_another_folder_in_between_is_not_counted_twice(shop: ProfileStore, settings: Settings) -> None:
    """Both hold the same profiles in their caches, and take turns."""
    events = make_events(120, users=3, texts=False)
    with ProfileStore.open(shop.settings) as other:
        for i, event in enumerate(events):
            (shop, other)[i % 2 if i % 5 else 0].record(event)
    assert_exact(shop, events)


def test_a_lost_checkpoint_costs_nothing_but_reading(shop: ProfileStore) -> None:
    events = make_events(300, texts=False)
    shop.index_events(events)
    before = revisions(shop.settings, ("profiles",))
    for id in documents(shop.settings, "models"):
        if id.startswith("checkpoint-"):
            shop._client.delete(index=shop.settings.index("models"), id=id)
    with ProfileStore.open(shop.settings) as fresh:
        report = fresh.fold()
    assert (report.events, report.skipped, report.profiles) == (300, 300, 0)
    assert revisions(shop.settings, ("profiles",)) == before


def test_verify_finds_what_is_wrong_and_rebuild_mends_it(shop: ProfileStore) -> None:
    """The guard itself: a profile that was tampered with is found by both looks."""
    events = make_events(300, texts=False)
    shop.index_events(events)
    alias = shop.settings.index("profiles")
    source = documents(shop.settings, "profiles")["u1"]["_source"]
    shop._client.index(index=alias, id="u2", document={**source, "user_id": "u2"}, refresh=True)
    shop._client.index(index=alias, id="ghost", document={**source, "user_id": "ghost"}, refresh=True)
    shop._client.delete(index=alias, id="u3", refresh=True)
    for quick in (False, True):
        report = shop.verify_all(quick=quick)
        assert set(report.users) == {"u2", "u3", "ghost"}
    assert set(shop.verify(["u1", "u2", "ghost"]).users) == {"u2", "ghost"}
    assert shop.rebuild(["u2", "u3", "ghost"]) == 3
    assert_exact(shop, events)


def test_verify_while_events_and_products_arrive_tells_no_difference(shop: ProfileStore) -> None:
    writer = start("load", shop.settings.model_copy(update={"batch_size": 40}), events=1500, seed=5)
    changing = [row.model_copy(update={"price": 99.0}).model_dump(exclude_none=True) for row in make_products(6)]
    products = start("products", shop.settings, products=changing)
    looks = 0
    while writer.poll() is None or products.poll() is None:
        assert shop.verify_all().users == {}
        assert shop.verify_all(quick=True).users == {}
        looks += 1
        time.sleep(0.05)
    finish(writer)
    finish(products)
    assert looks >= 2
    assert_exact(shop, make_events(1500, seed=5, texts=False))


def test_ids_of_any_characters(shop: ProfileStore) -> None:
    users = ["a b", "a/b", "a,b", "张三", "🙂", "x" * 512, "%2F", '"', "_all", "*", "..", "a\nb", "u?x=1&y", "é" * 200]
    events = [
        Event(user_id=user, type="purchase", product_id=product, time="2026-01-05T10:00:00Z", quantity=i + 1)
        for i, user in enumerate(users)
        for product in ("p1", "p/2", "商品 3")
    ]
    assert shop.index_events(events).indexed == len(events)
    assert told(shop.settings) == expected(events)
    assert shop.verify_all().users == {}
    assert shop.verify(users).checked == len(users)
    assert shop.rebuild(users) == len(users)
    for user in users:
        assert shop.profile(user).events_total == 3
    assert_exact(shop, events)


def test_thousands_of_users_are_rebuilt_in_pieces(shop: ProfileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    from profilestore.indexing import profile_writer

    monkeypatch.setattr(profile_writer, "_EVENTS_AT_ONCE", 700)
    monkeypatch.setattr(profile_writer, "_KEPT", 50)  # a cache that is too small for one batch
    events = make_events(5000, users=2500, texts=False)
    shop.index_events(events)
    built = shop.rebuild_all()
    assert built.profiles == len({event.user_id for event in events})
    assert_exact(shop, events)


def test_texts_that_nobody_would_write(shop: ProfileStore) -> None:
    when = "2026-01-05T10:00:00Z"
    events = [
        Event(user_id="u", type="search", text="\x00", time=when),
        Event(user_id="u", type="search", text="红" * 100_000, time=when),
        Event(user_id="u", type="review", text="x" * 100_000, product_id="p1", time=when),
        Event(user_id="u", type="comment", text=" ", time=when),
    ]
    assert shop.index_events(events).indexed == len(events)
    assert shop.verify_all().users == {}
    assert max(len(word) for word in shop.profile("u").search_words or []) == 200


def test_an_event_of_the_far_future_is_rejected(shop: ProfileStore) -> None:
    event = Event(user_id="u", type="view", product_id="p1", time="2999-01-01T00:00:00Z")
    assert shop.record(event).rejected == 1
    counts = shop.index_events([event])
    assert (counts.read, counts.rejected) == (1, 1)
    assert documents(shop.settings, "events") == {}
