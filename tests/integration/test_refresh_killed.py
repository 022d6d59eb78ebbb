"""`dashboards refresh` killed, over a switch of generations, and beside others: each act of the log once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fold_process import die_at, run_forked
from fold_runs import make_events, make_products, small, stand_in
from refresh_shop import DAY, START, acts, assert_right, derived_anew, expected_ids, opened_shop, set_fields

from profilestore import Event, ProfileStore, Settings
from profilestore.dashboards.refresh import mending
from profilestore.errors import NotInitialised, StoreError


@pytest.fixture
def shop(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProfileStore]:
    with opened_shop(settings, monkeypatch) as store:
        yield store


def test_a_refresh_that_is_killed_is_made_up_for_by_the_next(shop: ProfileStore) -> None:
    """Late events, other segments and deleted events, with the kill before or after one of the first writes."""
    shop.index_events(make_events(160, users=20, texts=False))
    for turn, (k, before) in enumerate([(1, True), (1, False), (2, True), (3, False), (5, True), (7, False)]):

        def killed(k: int = k, before: bool = before) -> None:
            die_at(k, before=before)
            with ProfileStore.open(shop.settings) as own:
                own.dashboards.refresh()

        assert run_forked(killed) == signal.SIGKILL
        shop.dashboards.refresh()
        held = acts(shop)
        assert held.keys() == expected_ids(shop)
        if turn in (2, 5):
            assert_right(shop)
        when = START - (100 + turn) * DAY
        late = Event(type="purchase", user_id="u0", product_id="p2", price=3.0, time=when)
        shop.index_events(late.model_copy(update={"event_id": f"l{turn}-{n}", "user_id": f"u{n}"}) for n in range(9))
        set_fields(shop, "segments", {f"u{n}": {"segment": f"s{turn}"} for n in range(5, 15)})
        for id in [id for id, source in held.items() if source["user_id"] in ("u7", "u16")][:3]:
            shop._client.delete(index=shop.settings.index("events"), id=id, routing=held[id]["user_id"], refresh=True)


def test_a_rebuild_that_is_killed_leaves_what_is_in_force(shop: ProfileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    from profilestore.elastic import generations

    shop.index_events(make_events(160, users=20, texts=False))
    shop.dashboards.refresh()
    before, index = acts(shop), shop._client.indices.get_alias(name=shop.settings.index("activity")).body

    def killed() -> None:
        die_at(4, before=False)  # the first is the build's lock
        with ProfileStore.open(shop.settings) as own:
            own.dashboards.refresh(rebuild=True)

    assert run_forked(killed) == signal.SIGKILL
    assert shop._client.indices.get_alias(name=shop.settings.index("activity")).body.keys() >= index.keys()
    assert acts(shop) == before
    with pytest.raises(StoreError, match="under way"):
        shop.dashboards.refresh(rebuild=True)
    monkeypatch.setattr(generations, "_DEAD_AFTER_S", 0.0)
    assert derived_anew(shop) == before
    left = shop._client.indices.get_settings(index=f"{shop.settings.index('activity')}-0*").body
    assert len(left) == 1


def test_two_at_once_beside_a_writer_lose_and_double_nothing(shop: ProfileStore) -> None:
    shop.index_events(make_events(150, users=20, texts=False))

    def refresh() -> None:
        with ProfileStore.open(shop.settings) as own:
            for _ in range(3):
                own.dashboards.refresh()

    with ThreadPoolExecutor(2) as pool:
        under_way = [pool.submit(refresh) for _ in range(2)]
        for part in range(4):
            shop.index_events(make_events(40, seed=part + 5, users=20, texts=False))
        for each in under_way:
            each.result()
    shop.dashboards.refresh()
    assert_right(shop)


def test_a_switch_in_between_is_followed(shop: ProfileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first page is written, then another process rebuilds: the rest goes into the new index."""
    shop.index_events(make_events(200, users=20, texts=False))
    real, switched = mending.Mender._apply, []

    def apply(self: Any, plan: Any) -> Any:
        done = real(self, plan)
        if len(switched) == 0:
            switched.append(True)
            with ProfileStore.open(shop.settings) as other:
                other.dashboards.refresh(rebuild=True)
        return done

    monkeypatch.setattr(mending.Mender, "_apply", apply)
    shop.dashboards.refresh()
    assert switched == [True]
    assert_right(shop)


def test_a_log_of_several_shards_and_events_that_apps_got_wrong(settings: Settings) -> None:
    with stand_in(), ProfileStore.open(small(settings, event_shards=3)) as shop:
        shop.init()
        shop.index_products(make_products(30))
        shop.index_events(make_events(200, texts=False))
        wrong = {"event_id": "w", "user_id": "u1", "type": "view", "time": "2026-01-06T00:00:00Z", "product_id": "p1"}
        index = shop.settings.index("events")
        shop._client.index(index=index, id="w", routing="u2", document=wrong, op_type="create", refresh=True)
        shop._client.index(index=index, id="x", routing="u1", document={**wrong, "event_id": "y"}, refresh=True)
        report = shop.dashboards.refresh()
        assert acts(shop).keys() == expected_ids(shop) - {"w", "x"}
        shop.record(Event(user_id="u5", type="view", product_id="p3", time=START))
        again = shop.dashboards.refresh()
        assert again.removed == 0
        assert again.acts == report.acts + 1
        assert acts(shop) == derived_anew(shop)


def test_a_shop_of_an_earlier_version_is_told_what_to_do(shop: ProfileStore) -> None:
    index = next(iter(shop._client.indices.get_alias(name=shop.settings.index("activity")).body))
    shop._client.indices.delete(index=index)
    with pytest.raises(NotInitialised, match="profilestore init"):
        shop.dashboards.refresh()
    shop.init()
    assert shop.dashboards.refresh().acts == 0
