"""`init --check` and `migrate`: what differs between server and mappings is told, and mended without a stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fold_runs import assert_exact, finish, make_events, make_products, revisions, small, stand_in, start
from test_generation import assert_nothing_left, indices_of

from profilestore import Event, ProfileStore, Settings
from profilestore.elastic import indices
from profilestore.errors import MappingMismatch

Change = Callable[[dict[str, Any]], None]
real_template = indices.template


@pytest.fixture
def mappings(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Change the properties of kinds, as a new version of the mappings would: `mappings(events=change)`."""

    def set_to(**changes: Change) -> None:
        def changed(kind: str, settings: Settings) -> dict[str, Any]:
            body = real_template(kind, settings)
            if kind in changes:
                changes[kind](body["template"]["mappings"]["properties"])
            return body

        monkeypatch.setattr(indices, "template", changed)

    return set_to


@pytest.fixture
def shop(settings: Settings) -> Iterator[ProfileStore]:
    with stand_in(), ProfileStore.open(small(settings)) as store:
        yield store


def filled(shop: ProfileStore) -> list[Event]:
    shop.init()
    shop.index_products(make_products(30))
    events = make_events(200)
    shop.index_events(events)
    return events


def test_a_fresh_shop_has_no_difference(shop: ProfileStore) -> None:
    filled(shop)
    assert shop.check() == []
    before = indices_of(shop)
    report = shop.migrate()
    assert (report.differences, report.added, report.build) == ((), 0, None)
    assert indices_of(shop) == before


def test_a_new_field_is_added_in_place(shop: ProfileStore, mappings: Callable[..., None]) -> None:
    mappings(events=lambda p: p.pop("experiment"), profiles=lambda p: p.pop("churn_risk"))
    events = filled(shop)
    mappings()
    assert len(shop.check()) == 2
    before, written = indices_of(shop), revisions(shop.settings)
    report = shop.migrate()
    assert (report.added, report.build) == (2, None)
    assert indices_of(shop) == before
    assert revisions(shop.settings) == written
    assert shop.check() == []
    event = Event(user_id="u1", type="view", product_id="p1", time="2026-01-05T10:00:00Z", experiment="e")
    shop.record(event)
    assert_exact(shop, [*events, event])


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("products", lambda p: p["brand"].update({"ignore_above": 900})),
        ("profiles", lambda p: p["city"].update({"ignore_above": 900})),
        ("events", lambda p: p["campaign"].update({"ignore_above": 900})),
        ("models", lambda p: p["bytes"].update({"type": "double"})),
        ("texts", lambda p: p["model"].update({"ignore_above": 900})),
        ("recommendations", lambda p: p["method"].update({"ignore_above": 900})),
        ("segments", lambda p: p["kind"].update({"ignore_above": 900})),
        ("demand", lambda p: p["kind"].update({"ignore_above": 900})),
        ("activity", lambda p: p["brand"].update({"ignore_above": 900})),
        ("figures", lambda p: p["topic"].update({"ignore_above": 900})),
        ("audiences", lambda p: p["channel"].update({"ignore_above": 900})),
        ("audits", lambda p: p["action"].update({"ignore_above": 900})),
        ("campaigns", lambda p: p["audience"].update({"ignore_above": 900})),
        ("coupons", lambda p: p["code"].update({"ignore_above": 900})),
    ],
    ids=[
        "products",
        "profiles",
        "events",
        "models",
        "texts",
        "recommendations",
        "segments",
        "demand",
        "activity",
        "figures",
        "audiences",
        "audits",
        "campaigns",
        "coupons",
    ],
)
def test_what_cannot_be_changed_in_place_is_built_beside(
    shop: ProfileStore, mappings: Callable[..., None], kind: str, change: Change
) -> None:
    events = filled(shop)
    mappings(**{kind: change})
    assert len(shop.check()) == 1
    writer = start("load", shop.settings.model_copy(update={"batch_size": 50}), events=300, seed=4)
    report = shop.migrate()
    finish(writer)
    assert (report.build is not None) == (kind in ("products", "profiles", "events"))
    assert shop.check() == []
    moved = [index for index in indices_of(shop) if not index.endswith("-000001")]
    expected = {"products": 2, "profiles": 2, "events": 3}.get(kind, 1)
    assert len(moved) == expected
    shop.fold()
    assert_exact(shop, [*events, *make_events(300, seed=4, texts=False)])
    assert_nothing_left(shop)


def test_an_installation_that_disagrees_with_itself_is_told_before_anything_is_done(
    shop: ProfileStore, mappings: Callable[..., None]
) -> None:
    filled(shop)
    before = indices_of(shop)
    mappings(products=lambda p: p.update({"no_such_field": {"type": "keyword"}}))
    with pytest.raises(MappingMismatch, match="install it again"):
        shop.migrate()
    assert indices_of(shop) == before


def test_a_log_of_more_shards_by_migration(shop: ProfileStore) -> None:
    events = filled(shop)
    wider = shop.settings.model_copy(update={"event_shards": 3})
    with stand_in(), ProfileStore.open(wider) as after:
        assert after.check() != []
        after.migrate()
        assert_exact(after, events)
        # The first one, opened before the migration, goes on.
        event = Event(user_id="u1", type="view", product_id="p1", time="2026-01-05T10:00:00Z")
        shop.record(event)
        assert_exact(after, [*events, event])


def test_models_killed_while_they_are_moved(
    shop: ProfileStore, monkeypatch: pytest.MonkeyPatch, mappings: Callable[..., None]
) -> None:
    """The lock and the fold's checkpoints stand in the very index that is blocked then."""
    from profilestore.elastic import generations

    events = filled(shop)
    old = shop.settings.index("models")
    index = next(iter(shop._client.indices.get_alias(name=old).body))
    shop._parts.store.put("build-lock", "lock", {"owner": "dead", "seen": "2020-01-01T00:00:00+00:00"})
    shop._client.indices.add_block(index=index, block="write")
    monkeypatch.setattr(generations, "_DEAD_AFTER_S", 0.5)
    mappings(models=lambda p: p["bytes"].update({"type": "double"}))
    shop.migrate()
    assert shop.check() == []
    assert_exact(shop, events)
    assert_nothing_left(shop)
