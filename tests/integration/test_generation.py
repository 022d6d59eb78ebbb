"""P4: generations are built beside and switched at once, while writers, folders and readers go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fold_runs import (
    assert_exact,
    documents,
    finish,
    make_events,
    make_products,
    small,
    stand_in,
    start,
    stop,
)

from profilestore import Event, ProfileStore, Settings
from profilestore.elastic import generations, retry
from profilestore.elastic.generations import Generations
from profilestore.elastic.indices import KINDS
from profilestore.errors import StoreError

WHEN = "2026-01-05T10:00:00Z"


@pytest.fixture
def shop(settings: Settings) -> Iterator[ProfileStore]:
    with stand_in(), ProfileStore.open(small(settings)) as store:
        store.init()
        store.index_products(make_products(30))
        yield store


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that is silent for half a second is dead, and who is refused asks soon."""
    monkeypatch.setattr(generations, "_DEAD_AFTER_S", 0.5)
    monkeypatch.setattr(generations, "_BEAT_S", 0.1)
    monkeypatch.setattr(retry, "_ASK_AFTER_S", 0.2)


def indices_of(shop: ProfileStore) -> dict[str, list[str]]:
    """Index -> its aliases."""
    found = shop._client.indices.get_alias(index=f"{shop.settings.prefix}-*").body
    return {index: list(entry["aliases"]) for index, entry in found.items()}


def assert_nothing_left(shop: ProfileStore) -> None:
    """One index a kind, each behind its alias, and none of them blocked."""
    found = indices_of(shop)
    assert sorted(alias for aliases in found.values() for alias in aliases) == sorted(
        shop.settings.index(kind) for kind in KINDS
    )
    assert all(len(aliases) == 1 for aliases in found.values())
    blocked = shop._client.indices.get_settings(index=list(found), name="index.blocks.write", flat_settings=True).body
    assert [entry["settings"] for entry in blocked.values() if entry["settings"]] == []
    assert shop._parts.store.get("build-lock") is None


def set_field(shop: ProfileStore, user: str, **fields: Any) -> None:
    """As insight does it."""
    shop._client.update(index=shop.settings.index("profiles"), id=user, doc=fields)


class Crowd:
    """Threads that do something again and again; an error of any is an error of the test."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self.errors: list[BaseException] = []
        self.rounds: dict[str, int] = {}

    def add(self, name: str, work: Callable[[], None], *, pause_s: float = 0.0) -> None:
        def run() -> None:
            while not self._over.is_set():
                try:
                    work()
                except Exception as error:  # noqa: BLE001  # told by `end`
                    self.errors.append(error)
                    return
                self.rounds[name] = self.rounds.get(name, 0) + 1
                time.sleep(pause_s)

        self._threads.append(threading.Thread(target=run, name=name))
        self._threads[-1].start()

    def end(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)
        if len(self.errors) > 0:
            raise self.errors[0]


@pytest.mark.parametrize("new_log", [False, True], ids=["same log", "new log"])
def test_switches_under_writers_folders_and_readers(shop: ProfileStore, new_log: bool) -> None:
    # Users of whom the writer knows nothing: it may switch anybody else's personalisation off at any moment.
    readers = [f"reader{i}" for i in range(6)]
    first = make_events(300, seed=1, texts=False) + [
        Event(user_id=reader, type="purchase", product_id=f"p{i}", time=WHEN) for i, reader in enumerate(readers)
    ]
    shop.index_events(first)
    shop.fold()
    users = sorted({event.user_id for event in first})
    assert all("text_vector" in source_of(shop, reader) for reader in readers)
    for user in users:
        set_field(shop, user, segment=f"s-{user}", value_tier="gold")
    folder = start("follow", shop.settings)
    writer = start("load", shop.settings.model_copy(update={"batch_size": 30}), events=600, seed=2)
    crowd = Crowd()
    with ProfileStore.open(shop.settings) as reading, ProfileStore.open(shop.settings) as writing:
        mixed: list[set[str]] = []
        recorded: list[Event] = []

        def recommend() -> None:
            for user in readers:
                assert len(reading.recommend(user, n=5).items) == 5

        def ask_elasticsearch() -> None:
            for user in readers:
                request = reading.recommend_request(user, n=5)
                hits = reading._client.search(index=request.path.split("/")[1], **request.body)["hits"]["hits"]
                mixed.append({hit["_index"] for hit in hits})

        def record() -> None:
            event = Event(
                user_id=f"r{len(recorded) % 7}", type="view", product_id="p2", session=str(len(recorded)), time=WHEN
            )
            assert writing.record(event).indexed + 0 <= 1
            recorded.append(event)

        def load_products() -> None:
            price = float(1 + crowd.rounds.get("products", 0))
            row = make_products(30)[7].model_copy(update={"price": price})
            with ProfileStore.open(shop.settings) as loading:
                counts = loading.index_products([row])
            assert counts.updated + counts.unchanged == 1

        crowd.add("recommend", recommend, pause_s=0.05)
        crowd.add("elasticsearch", ask_elasticsearch, pause_s=0.02)
        crowd.add("record", record, pause_s=0.05)
        crowd.add("products", load_products, pause_s=0.3)
        try:
            made = [shop._parts.builder.build(new_log=new_log).generation for _ in range(2)]
        finally:
            crowd.end()
    assert made == ["000002", "000003"]
    finish(writer)
    code, err = stop(folder)
    assert code == -15, err
    assert all(len(indices) <= 1 for indices in mixed)  # a request caught in a switch is empty, never a mix
    assert sum(len(indices) == 1 for indices in mixed) > 0.9 * len(mixed)
    assert min(crowd.rounds.values()) >= 2, crowd.rounds
    shop.fold()
    assert_exact(shop, [*first, *make_events(600, seed=2, texts=False), *recorded])
    profiles = documents(shop.settings, "profiles")
    # Who switched personalisation off at any time loses them there, and switching it on brings nothing back.
    events = [*first, *make_events(600, seed=2, texts=False)]
    off = {event.user_id for event in events if (event.user_fields or {}).get("personalisation") == "off"}
    kept = [user for user in users if user not in off]
    assert set(readers) <= set(kept)
    assert all(profiles[user]["_source"]["segment"] == f"s-{user}" for user in kept)
    assert all(profiles[user]["_source"]["value_tier"] == "gold" for user in kept)
    now_off = [user for user in users if profiles[user]["_source"].get("personalisation") == "off"]
    assert not any(profiles[user]["_source"].get("segment") for user in now_off)
    assert {hit["_source"]["generation"] for hit in profiles.values()} == {"000003"}
    assert {hit["_source"]["generation"] for hit in documents(shop.settings, "products").values()} == {"000003"}
    assert_nothing_left(shop)


def source_of(shop: ProfileStore, user: str) -> dict[str, Any]:
    found = shop._client.get(index=shop.settings.index("profiles"), id=user, source_exclude_vectors=False)
    source: dict[str, Any] = found["_source"]
    return source


def at_steps(actions: dict[str, Callable[[], object]]) -> Callable[[str], None]:
    """A progress callback that does something once at certain steps of a build."""

    def progress(step: str) -> None:
        actions.pop(step, lambda: None)()

    return progress


@pytest.mark.parametrize("new_log", [False, True], ids=["same log", "new log"])
def test_what_comes_at_each_step_of_a_build_is_in_the_new_generation(shop: ProfileStore, new_log: bool) -> None:
    first = make_events(200, texts=False)
    shop.index_events(first)
    later: list[Event] = []
    waiting: list[threading.Thread] = []
    with ProfileStore.open(shop.settings) as other:

        def come(name: str) -> None:
            event = Event(user_id=f"new-{name}", type="purchase", product_id="p3", time=WHEN)
            later.append(event)
            other.record(event)
            old = Event(user_id="u1", type="view", product_id="p4", session=name, time=WHEN)
            later.append(old)
            other.record(old)
            set_field(other, f"new-{name}", segment=name)
            set_field(other, "u2", segment=name)
            row = make_products(30)[3].model_copy(update={"category": name})
            other.index_products([row, make_products(1)[0].model_copy(update={"product_id": f"new-{name}"})])

        def come_blocked() -> None:
            # Writers are refused now; they go on behind the switch.
            def work() -> None:
                with ProfileStore.open(shop.settings) as blocked:
                    event = Event(user_id="new-blocked", type="view", product_id="p3", time=WHEN)
                    later.append(event)
                    blocked.record(event)
                    blocked.index_products([make_products(30)[5].model_copy(update={"title": "new chair"})])
                    blocked.delete_products(["p6"])

            waiting.append(threading.Thread(target=work))
            waiting[0].start()
            time.sleep(0.4)

        actions: dict[str, Callable[[], object]] = {
            step: lambda step=step: come(step.split()[0])  # type: ignore[misc]
            for step in ("copying products", "folding profiles from the log", "catching up")
        }
        actions["last catch-up"] = come_blocked
        shop._parts.builder.build(new_log=new_log, progress=at_steps(actions))
        assert actions == {}
    waiting[0].join(60)
    assert_exact(shop, [*first, *later])
    profiles = {user: hit["_source"] for user, hit in documents(shop.settings, "profiles").items()}
    assert [profiles[f"new-{name}"].get("segment") for name in ("copying", "folding", "catching")] == [
        "copying", "folding", "catching",
    ]  # fmt: skip
    assert profiles["u2"]["segment"] == "catching"
    products = {id: hit["_source"] for id, hit in documents(shop.settings, "products").items()}
    assert {"new-copying", "new-folding", "new-catching"} <= products.keys()
    assert products["p3"]["category"] == "catching"
    assert products["p5"]["title"] == "new chair"
    assert products["p6"]["deleted"] is True
    assert_nothing_left(shop)


# Of which the last two find all copies made, and the last one the aliases moved.
STEPS = (
    "folding profiles from the log",
    "after block",
    "switching the aliases",
    "after switch",
)


def test_a_build_that_is_killed_at_any_step(shop: ProfileStore, impatient: None) -> None:
    events = make_events(200, texts=False)
    shop.index_events(events)
    for step in STEPS:
        doomed = start("build", shop.settings, step=step)
        assert doomed.wait(60) == -9, (step, doomed.communicate()[1])
        doomed.communicate()
        # The shop works meanwhile: readers at once, writers as soon as the build is known to be dead.
        assert len(shop.recommend("u1", n=3).items) == 3
        event = Event(user_id="u1", type="view", product_id="p3", session=step, time=WHEN)
        assert shop.record(event).indexed == 1
        shop.index_products([make_products(30)[2].model_copy(update={"category": step})])
        events.append(event)
        assert_exact(shop, events)
        time.sleep(0.6)
        shop.rebuild_all()
        assert_exact(shop, events)
        assert_nothing_left(shop)


def test_two_builds_at_once(shop: ProfileStore) -> None:
    with ProfileStore.open(shop.settings) as other:
        told: list[str] = []

        def build_too() -> None:
            with pytest.raises(StoreError) as error:
                other.rebuild_all()
            told.append(str(error.value))

        shop.rebuild_all(progress=at_steps({"copying products": build_too, "last catch-up": build_too}))
    assert len(told) == 2
    assert "another build" in told[0]
    assert_nothing_left(shop)


def test_a_build_that_was_taken_for_dead_does_no_harm(shop: ProfileStore) -> None:
    """Paused for a minute while another took its lock: it must neither switch nor lift the other's block."""
    events = make_events(100, texts=False)
    shop.index_events(events)
    before = indices_of(shop)

    def taken() -> None:
        shop._parts.store.put("build-lock", "lock", {"owner": "another", "seen": "2999-01-01T00:00:00+00:00"})

    with pytest.raises(StoreError, match="took over"):
        shop.rebuild_all(progress=at_steps({"last catch-up": taken}))
    now = indices_of(shop)
    assert all(now[index] == aliases for index, aliases in before.items())
    assert shop._parts.store.get("build-lock") is not None
    blocked = shop._client.indices.get_settings(
        index=shop.settings.index("profiles"), name="index.blocks.write", flat_settings=True
    ).body
    assert [entry["settings"] for entry in blocked.values()] == [{"index.blocks.write": "true"}]
    shop._parts.store.delete("build-lock")
    shop._parts.generations.clear_dead_build()
    assert_nothing_left(shop)
    assert_exact(shop, events)


@pytest.mark.parametrize("switched", [False, True])
def test_an_interrupt_at_the_switch(shop: ProfileStore, monkeypatch: pytest.MonkeyPatch, switched: bool) -> None:
    """Ctrl-C while the answer is awaited: what is in force is never deleted, whichever it is."""
    events = make_events(100, texts=False)
    shop.index_events(events)
    real = Generations.switch

    def switch(self: Generations, moves: Any) -> None:
        if switched:
            real(self, moves)
        raise KeyboardInterrupt

    monkeypatch.setattr(Generations, "switch", switch)
    with pytest.raises(KeyboardInterrupt):
        shop._parts.builder.build(new_log=True)
    monkeypatch.setattr(Generations, "switch", real)
    assert_exact(shop, events)
    assert shop.record(Event(user_id="u", type="view", product_id="p1", time=WHEN)).indexed == 1
    shop.rebuild_all()
    assert_nothing_left(shop)


def test_a_build_that_fails_leaves_all_as_it_was(shop: ProfileStore) -> None:
    events = make_events(100, texts=False)
    shop.index_events(events)
    before = indices_of(shop)

    def broken(sources: Any) -> Any:
        return [{**source, "no_such_field": 1} for source in sources]

    with pytest.raises(Exception, match="strict_dynamic_mapping_exception"):
        shop._parts.builder.build(transform=broken)
    assert indices_of(shop) == before
    assert_nothing_left(shop)
    shop.record(events[0])
    assert_exact(shop, events)


def test_a_product_deleted_by_hand_while_it_is_copied(shop: ProfileStore) -> None:
    def delete() -> None:
        shop._client.delete(index=shop.settings.index("products"), id="p9", refresh=True)

    shop.rebuild_all(progress=at_steps({"folding profiles from the log": delete}))
    assert "p9" not in documents(shop.settings, "products")
    assert len(documents(shop.settings, "products")) == 29


def test_a_text_model_put_in_force_during_a_build(settings: Settings) -> None:
    """The first products come while an empty shop is built anew: the build gives way."""
    with stand_in(), ProfileStore.open(small(settings)) as shop, ProfileStore.open(small(settings)) as other:
        shop.init()
        with pytest.raises(StoreError, match="other models"):
            shop.rebuild_all(progress=at_steps({"catching up": lambda: other.index_products(make_products(3))}))
        assert shop._parts.in_force.products.identity().meta.text_model == "minilm"
        assert_nothing_left(shop)
        events = make_events(30, products=3, texts=True)
        shop.index_events(events)
        assert_exact(shop, events)


def test_topics_are_trained_and_switched_in_under_writers(shop: ProfileStore) -> None:
    events = make_events(200)
    shop.index_events(events)
    writer = start("load", shop.settings.model_copy(update={"batch_size": 50}), events=600, seed=9)
    report = shop.train_topics(topics=3)
    finish(writer)
    events += make_events(600, seed=9, texts=False)
    shop.fold()
    assert_exact(shop, events)
    assert shop._parts.in_force.profiles.identity().meta.topics_model == report.model_id
    source = shop._client.get(index=shop.settings.index("products"), id="p1", source_exclude_vectors=False)["_source"]
    assert len(source["topic_vector"]) == 3
    shop.index_products([make_products(1)[0].model_copy(update={"product_id": "late", "title": "red mug"})])
    late = shop._client.get(index=shop.settings.index("products"), id="late", source_exclude_vectors=False)["_source"]
    assert len(late["topic_vector"]) == 3  # without retraining
    assert_exact(shop, events)
    assert_nothing_left(shop)


@pytest.mark.parametrize("act", ["fold", "rebuild", "verify", "products", "record"])
@pytest.mark.parametrize("new_log", [False, True], ids=["same log", "new log"])
def test_a_process_that_was_paused_over_a_whole_switch(
    shop: ProfileStore, monkeypatch: pytest.MonkeyPatch, act: str, new_log: bool
) -> None:
    """It resolved the aliases, and when it goes on the indices it knows are deleted."""
    events = make_events(100, texts=False)
    shop.index_events(events)
    event = Event(user_id="u1", type="view", product_id="p3", time=WHEN)
    row = make_products(30)[3].model_copy(update={"category": "else"})
    with ProfileStore.open(shop.settings) as paused:
        if act in ("fold", "record"):
            paused.fold()  # so that it knows where it is
        if act == "fold":
            paused._parts.in_force.log.append([event])
            events.append(event)
        owner, name = {
            "products": (paused._parts.in_force.products, "read"),
            "record": (paused._parts.in_force.log, "append"),
        }.get(act, (paused._parts.in_force.profiles, "read"))
        real = getattr(owner, name)

        def pause(*args: Any, **named: Any) -> Any:
            monkeypatch.setattr(owner, name, real)
            done = real(*args, **named) if act == "record" else None
            shop._parts.builder.build(new_log=new_log)
            return done if act == "record" else real(*args, **named)

        monkeypatch.setattr(owner, name, pause)
        if act == "fold":
            paused.fold()
        elif act == "rebuild":
            paused.rebuild(["u1", "u2"])
        elif act == "verify":
            assert paused.verify_all().users == {}
        elif act == "products":
            assert paused.index_products([row]).updated == 1
            assert documents(shop.settings, "products")["p3"]["_source"]["category"] == "else"
        else:
            paused.record(event)
            events.append(event)
        assert getattr(owner, name) == real  # it was paused
    assert_exact(shop, events)
    assert_nothing_left(shop)
