"""`recommend --all`: every user's list once, also after a SIGKILL, in a switch, and beside a second one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fold_runs import arguments, documents, make_events, make_products, small, stand_in

from profilestore import Event, ProfileStore, Settings, User
from profilestore.errors import StoreError, UsageError
from profilestore.recommend import nightly, nightly_run

WHEN = "2026-03-20T10:00:00Z"


@pytest.fixture
def shop(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProfileStore]:
    monkeypatch.setattr(nightly, "_PAGE", 7)
    with stand_in(), ProfileStore.open(small(settings)) as store:
        store.init()
        store.index_products(make_products(30))
        store.index_events(make_events(300, users=40, texts=False))
        yield store


def lists(shop: ProfileStore) -> dict[str, dict[str, Any]]:
    return {id: hit["_source"] for id, hit in documents(shop.settings, "recommendations").items()}


def users(shop: ProfileStore) -> set[str]:
    return set(documents(shop.settings, "profiles"))


def assert_each_once(shop: ProfileStore, run: str) -> None:
    found = lists(shop)
    assert found.keys() == users(shop)
    assert {each["run"] for each in found.values()} == {run}
    assert all(id == each["user_id"] for id, each in found.items())


def process(shop: ProfileStore, **given: Any) -> subprocess.Popen[str]:
    folder = Path(__file__).resolve().parent
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PROFILESTORE_")}
    environment["PYTHONPATH"] = str(folder.parent.parent)
    return subprocess.Popen(
        [sys.executable, str(folder / "nightly_process.py"), arguments(shop.settings, page=7, **given)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def test_lists_are_what_recommend_says(shop: ProfileStore) -> None:
    told: list[tuple[int, int]] = []
    report = shop.recommend_all(n=5, method="text", progress=lambda done, total: told.append((done, total)))
    found = lists(shop)
    assert_each_once(shop, report.run)
    assert report.users == len(found) == len(users(shop))
    assert report.resumed == report.removed == 0
    assert told[0] == (0, len(found))
    assert told[-1] == (len(found), len(found))
    assert sum(report.methods.values()) == len(found)
    for answer in shop.recommend_many(sorted(found), n=5, method="text"):
        kept = found[answer.user_id]
        assert kept["products"] == answer.product_ids
        assert [item["product_id"] for item in kept["items"]] == answer.product_ids
        assert [item["price"] for item in kept["items"]] == [item.price for item in answer.items]
        assert (kept["method"], kept.get("fallback")) == (answer.method, answer.fallback)
        assert "reasons" not in kept["items"][0]
        assert kept["generation"] == "000001"


def test_who_opted_out_gets_the_popular_products_and_business_rules_hold(shop: ProfileStore) -> None:
    shop.index_users([User(user_id="u1", personalisation="off")])
    report = shop.recommend_all(n=5)
    found = lists(shop)
    assert found["u1"]["method"] == "popular"
    assert found["u1"]["products"] == shop.recommend("nobody", n=5).product_ids
    assert report.fallbacks == sum("fallback" in each for each in found.values()) > 0
    shop.recommend_all(n=3, method="text", category="c1", exclude=iter(["p1"]), explain=True)
    found = lists(shop)
    named = {product for each in found.values() for product in each["products"]}
    assert named <= {f"p{i}" for i in range(30) if i % 4 == 1 and i != 1}
    explained = next(each for each in found.values() if each["method"] == "text")
    assert explained["items"][0]["reasons"][0]["share"] > 0


def test_the_next_run_replaces_lists_and_removes_those_of_who_is_gone(shop: ProfileStore) -> None:
    first = shop.recommend_all(n=5)
    shop._client.delete(index=shop.settings.index("profiles"), id="u3", refresh=True)
    shop.record(Event(user_id="fresh", type="view", time=WHEN, product_id="p1"))
    second = shop.recommend_all(n=5)
    assert second.run != first.run
    assert second.removed == 1
    assert "u3" not in lists(shop)
    assert "fresh" in lists(shop)
    assert_each_once(shop, second.run)


def test_a_killed_run_goes_on_where_it_stopped(shop: ProfileStore) -> None:
    shop.recommend_all(n=4)  # a former run, whose lists must all go
    killed = process(shop, options={"n": 5}, die_at=14)
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    record = shop._parts.store.get("recommend-all")
    assert record is not None
    assert not record[0]["body"]["finished"]
    assert len({each["run"] for each in lists(shop).values()}) == 2
    again = process(shop, options={"n": 5})
    out, err = again.communicate(timeout=60)
    assert again.returncode == 0, err
    report = json.loads(out.splitlines()[-1])
    assert report["resumed"] >= 7
    assert report["run"] == record[0]["body"]["run"]
    assert report["users"] == len(users(shop))
    assert_each_once(shop, report["run"])


def test_after_a_kill_other_options_or_another_day_begin_anew(
    shop: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = process(shop, options={"n": 5}, die_at=7)
    killed.communicate(timeout=60)
    report = shop.recommend_all(n=6)
    assert report.resumed == 0
    assert_each_once(shop, report.run)
    assert {len(each["products"]) for each in lists(shop).values()} == {6}
    killed = process(shop, options={"n": 6}, die_at=7)
    killed.communicate(timeout=60)
    monkeypatch.setattr(nightly_run, "_RESUMABLE_FOR", nightly_run._DEAD_AFTER * 0)
    assert shop.recommend_all(n=6).resumed == 0


def test_a_second_run_is_refused_while_the_first_is_at_it(shop: ProfileStore) -> None:
    first = process(shop, options={"n": 5}, ready=0.4)
    assert first.stdout is not None
    assert first.stdout.readline() == "ready\n"
    for n in (5, 6):
        with pytest.raises(StoreError, match="under way"):
            shop.recommend_all(n=n)
    out, err = first.communicate(timeout=60)
    assert first.returncode == 0, err
    assert_each_once(shop, json.loads(out.splitlines()[-1])["run"])


def test_a_run_that_was_taken_over_stops(shop: ProfileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a process that was paused for longer than a minute: two in one process, the first taken for dead."""
    taken: list[str] = []

    def meanwhile(done: int, total: int) -> None:
        if done >= 7 and len(taken) == 0:
            taken.append("now")
            monkeypatch.setattr(nightly_run, "_alive", lambda body, now: False)
            taken.append(shop.recommend_all(n=6).run)

    with pytest.raises(StoreError, match="took over"):
        shop.recommend_all(n=5, progress=meanwhile)
    assert {each["run"] for each in lists(shop).values()} >= {taken[1]}
    # What the loser wrote before it knew is replaced by the next run.
    report = shop.recommend_all(n=6)
    assert_each_once(shop, report.run)


def test_a_failed_run_can_be_gone_on_with_at_once(shop: ProfileStore) -> None:
    def fail(done: int, total: int) -> None:
        if done >= 14:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shop.recommend_all(n=5, progress=fail)
    report = shop.recommend_all(n=5)
    assert report.resumed >= 14
    assert_each_once(shop, report.run)


def test_each_list_is_of_one_generation_through_switches(shop: ProfileStore) -> None:
    """The old generation's products carry a mark in their titles, which no list may mix."""
    switched = threading.Event()

    def switch() -> None:
        with ProfileStore.open(shop.settings) as other:
            other._parts.builder.build(
                transform=lambda sources: [{**source, "title": "switched"} for source in sources]
            )
        switched.set()

    thread = threading.Thread(target=switch)

    def progress(done: int, total: int) -> None:
        if done == 7:
            thread.start()
            switched.wait(30)

    report = shop.recommend_all(n=5, method="text", progress=progress)
    thread.join()
    assert report.generations == ["000001", "000002"]
    assert_each_once(shop, report.run)
    for each in lists(shop).values():
        titles = {item["title"] == "switched" for item in each["items"]}
        assert titles == {each["generation"] == "000002"}


def test_a_shop_without_users_has_no_lists_and_bad_options_are_told_first(settings: Settings) -> None:
    with stand_in(), ProfileStore.open(small(settings)) as shop:
        shop.init()
        for bad in ({"n": 0}, {"method": "magic"}, {"min_price": 3.0, "max_price": 1.0}, {"session": ["p1"]}):
            with pytest.raises(UsageError):
                shop.recommend_all(**bad)  # type: ignore[arg-type]
        assert shop._parts.store.get("recommend-all") is None
        report = shop.recommend_all()
        assert (report.users, report.removed, report.methods) == (0, 0, {})
