"""Products that come late, change or go; and P3: what is unchanged is not touched."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from fold_runs import (
    StandIn,
    assert_exact,
    documents,
    finish,
    make_events,
    make_products,
    revisions,
    small,
    stand_in,
    start,
    stop,
)

from profilestore import Event, Product, ProfileStore, Settings
from profilestore.errors import NotFound, SettingsChanged
from profilestore.indexing import refold as refold_module

WHEN = "2026-01-05T10:00:00Z"


@pytest.fixture
def texts() -> Iterator[StandIn]:
    with stand_in() as model:
        yield model


@pytest.fixture
def shop(settings: Settings, texts: StandIn) -> Iterator[ProfileStore]:
    with ProfileStore.open(small(settings)) as store:
        store.init()
        yield store


def vector_of(shop: ProfileStore, user: str) -> list[float] | None:
    alias = shop.settings.index("profiles")
    answer = shop._client.get(index=alias, id=user, source_exclude_vectors=False)
    found: list[float] | None = answer["_source"].get("text_vector")
    return found


def test_unchanged_products_are_neither_embedded_nor_written(shop: ProfileStore, texts: StandIn) -> None:
    rows = make_products(30)
    assert shop.index_products(rows).indexed == 30
    assert len(texts.texts) == 30
    before = revisions(shop.settings)
    counts = shop.index_products(rows)
    assert (counts.unchanged, counts.updated, counts.indexed) == (30, 0, 0)
    assert len(texts.texts) == 30
    assert revisions(shop.settings) == before
    # Another price is written, and its text not embedded again; another title is both.
    changed = [rows[0].model_copy(update={"price": 50.0}), rows[1].model_copy(update={"title": "new lamp"}), *rows[2:]]
    counts = shop.index_products(changed)
    assert (counts.unchanged, counts.updated) == (28, 2)
    assert texts.texts[30:] == ["new lamp b1 c1"]
    after = revisions(shop.settings)
    assert {id for id in before if before[id] != after[id]} == {"products/p0", "products/p1"}


def test_a_row_that_lacks_a_field_leaves_it_as_it_was(shop: ProfileStore) -> None:
    shop.index_products([Product(product_id="p", title="red mug", price=3.0, attributes={"a": 1, "b": 2})])
    counts = shop.index_products([Product(product_id="p", price=4.0, attributes={"b": 3})])
    assert counts.updated == 1
    source = documents(shop.settings, "products")["p"]["_source"]
    assert (source["title"], source["price"], source["attributes"]) == ("red mug", 4.0, {"a": 1, "b": 3})
    assert shop.index_products([Product(product_id="p", title="red mug")]).unchanged == 1


def test_events_come_before_their_products(shop: ProfileStore) -> None:
    events = make_events(300, texts=False)
    shop.index_events(events)
    assert_exact(shop, events)
    spent = shop.profile("u1").spend_total
    shop.index_products(make_products(20))
    assert_exact(shop, events)
    assert shop.profile("u1").category is not None
    assert shop.profile("u1").spend_total != spent  # prices that the events do not have
    shop.index_products(make_products(30))
    assert_exact(shop, events)


def test_searches_before_there_is_a_text_model(shop: ProfileStore) -> None:
    """Nobody could embed them; the first products bring a model, and then they count."""
    event = Event(user_id="ann", type="search", text="red mug", time=WHEN)
    shop.record(event)
    assert vector_of(shop, "ann") is None
    shop.index_products(make_products(3))
    assert vector_of(shop, "ann") is not None
    assert_exact(shop, [event])


@pytest.mark.parametrize(
    "change",
    [{"title": "blue chair"}, {"category": "else"}, {"brand": "else"}, {"price": 77.0}, {"description": "soft"}],
    ids=lambda change: next(iter(change)),
)
def test_profiles_follow_a_changed_product(shop: ProfileStore, change: dict[str, Any]) -> None:
    rows = make_products(10)
    shop.index_products(rows)
    events = make_events(200, products=10, texts=False)
    shop.index_events(events)
    before = documents(shop.settings, "profiles")
    shop.index_products([rows[3].model_copy(update=change)])
    after = documents(shop.settings, "profiles")
    concerned = {event.user_id for event in events if event.product_id == "p3"}
    assert {user for user in before if before[user]["_seq_no"] != after[user]["_seq_no"]} == concerned
    assert_exact(shop, events)


def test_a_change_that_the_fold_does_not_read_leaves_profiles_alone(shop: ProfileStore) -> None:
    rows = make_products(10)
    shop.index_products(rows)
    shop.index_events(make_events(100, products=10, texts=False))
    before = revisions(shop.settings, ("profiles",))
    shop.index_products([row.model_copy(update={"stock": 0, "url": "x"}) for row in rows])
    assert revisions(shop.settings, ("profiles",)) == before


def test_deleted_products_keep_what_they_taught(shop: ProfileStore) -> None:
    rows = make_products(10)
    shop.index_products(rows)
    events = make_events(150, products=10, texts=False)
    shop.index_events(events)
    before = documents(shop.settings, "profiles")
    assert shop.delete_products(["p1", "p2", "p1"]) == 2
    with pytest.raises(NotFound):
        shop.delete_products(["p3", "no-such"])
    assert_exact(shop, events)
    assert documents(shop.settings, "profiles") == before
    found = {item.product_id for item in shop.recommend("u1", n=10).items}
    assert found.isdisjoint({"p1", "p2", "p3"})
    # A row brings it back.
    assert shop.index_products([rows[1]]).updated == 1
    assert documents(shop.settings, "products")["p1"]["_source"]["deleted"] is False
    assert_exact(shop, events)


def test_deleting_while_others_derive_fields_of_the_products(
    shop: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A partial update that lost a race is made again, and not told as done."""
    from profilestore.elastic.product_index import ProductIndex

    shop.index_products(make_products(4))
    real, losses = ProductIndex.write, []

    def write(self: ProductIndex, operations: Any, *, action: str) -> Any:
        if action == "deleting products" and len(losses) == 0:
            losses.append(1)
            outcomes = real(self, operations[1:], action=action)
            conflict = type(outcomes[0])(operations[0].id, 409, None, None, "version_conflict_engine_exception")
            return [conflict, *outcomes]
        return real(self, operations, action=action)

    monkeypatch.setattr(ProductIndex, "write", write)
    assert shop.delete_products(["p0", "p1"]) == 2
    stored = documents(shop.settings, "products")
    assert [stored[id]["_source"]["deleted"] for id in ("p0", "p1", "p2")] == [True, True, False]


@pytest.mark.parametrize("moment", ["noted", "products written", "note marked"])
def test_a_product_command_that_is_killed_leaves_no_profile_behind(
    shop: ProfileStore, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    rows = make_products(10)
    shop.index_products(rows)
    events = make_events(150, products=10, texts=False)
    shop.index_events(events)
    changed = [row.model_copy(update={"category": "else", "title": "new chair"}) for row in rows]
    doomed = start(
        "products", shop.settings, products=[row.model_dump(exclude_none=True) for row in changed], die=moment
    )
    assert doomed.wait(60) == -signal.SIGKILL
    doomed.communicate()
    if moment == "noted":
        assert_exact(shop, events)
        shop.index_products(changed)
    else:
        assert len(shop.verify_all().users) > 10  # the test's own premise
        shop.fold()  # any next command
    assert_exact(shop, events)
    # The note of the dead one stays until it is surely dead, and is then crossed out.
    monkeypatch.setattr(refold_module, "_DEAD_AFTER_S", 0.0)
    shop.fold()
    assert shop._parts.store.list("pending-refold") == []
    assert_exact(shop, events)


def test_a_note_is_not_crossed_out_by_others_before_its_products_are_written(
    shop: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that follows the log works notes off all the time: also just between note and write."""
    from profilestore.elastic.product_index import ProductIndex

    rows = make_products(10)
    shop.index_products(rows)
    events = make_events(150, products=10, texts=False)
    shop.index_events(events)
    real = ProductIndex.write
    with ProfileStore.open(shop.settings) as folder:

        def write(self: ProductIndex, operations: Any, *, action: str) -> Any:
            if action == "writing products":
                folder.fold()
                folder.fold()
            return real(self, operations, action=action)

        monkeypatch.setattr(ProductIndex, "write", write)
        shop.index_products([row.model_copy(update={"category": "else"}) for row in rows])
    assert_exact(shop, events)
    assert shop._parts.store.list("pending-refold") == []


def test_two_product_loads_and_two_folders_at_once(shop: ProfileStore) -> None:
    """All fight for the same products and profiles."""
    rows = make_products(25)
    shop.index_products(rows)
    events = make_events(300, products=25, texts=False)
    shop.index_events(events)
    folders = [start("follow", shop.settings) for _ in range(2)]
    loads = [
        start(
            "products",
            shop.settings,
            products=[
                {**row.model_dump(exclude_none=True), "title": f"{color} lamp {row.product_id}", "category": color}
                for row in rows
            ],
        )
        for color in ("red", "blue")
    ]
    for load in loads:
        finish(load)
    for folder in folders:
        code, err = stop(folder)
        assert code == -15, err
    shop.fold()
    assert_exact(shop, events)
    for source in (hit["_source"] for hit in documents(shop.settings, "products").values()):
        assert source["title"].startswith(source["category"])  # one row as a whole, not half of each
        assert source["category"] in source["tokens"]


def test_two_first_loads_choose_one_text_model(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would choose another; the first to write its choice down decides for both."""
    from profilestore.indexing import text_models

    chosen = iter(["minilm", "other"])
    with stand_in(), ProfileStore.open(small(settings)) as one, ProfileStore.open(small(settings)) as two:
        one.init()
        real = text_models.choose_and_train

        def choose(texts: Any, **named: Any) -> tuple[str, str]:
            name = next(chosen)
            if name == "minilm":
                monkeypatch.setattr(text_models, "choose_and_train", real)
                monkeypatch.setattr(text_models, "choose_and_train", choose)
                two.index_products(make_products(10)[5:])  # comes in between, and is done first
            return name, "for a test"

        monkeypatch.setattr(text_models, "choose_and_train", choose)
        one.index_products(make_products(5))
        metas = [
            side.identity().meta.text_model for side in (one._parts.in_force.products, one._parts.in_force.profiles)
        ]
        assert metas == ["other", "other"]
        before = revisions(one.settings)
        assert one.index_products(make_products(10)).unchanged == 10
        assert revisions(one.settings) == before


def test_a_command_under_other_half_lives_does_not_mix_them_in(shop: ProfileStore) -> None:
    rows = make_products(10)
    shop.index_products(rows)
    events = make_events(100, products=10, texts=False)
    shop.index_events(events)
    with ProfileStore.open(shop.settings.model_copy(update={"text_half_life_days": 5.0})) as other:
        for refused in (
            lambda: other.rebuild(["u1"]),
            lambda: other.verify_all(),
            lambda: other.fold(),
            lambda: other.index_events(make_events(5, seed=2, texts=False)),
            lambda: other.index_products([rows[0].model_copy(update={"category": "else"})]),
        ):
            with pytest.raises(SettingsChanged):
                refused()
        shop.fold()
        assert_exact(shop, events)
        other.rebuild_all()
        assert_exact(other, events)


def test_a_folder_sees_a_product_written_below_a_number_it_has_seen(shop: ProfileStore) -> None:
    """Writes of one shard are numbered before they are in: a lower number may become visible after a higher."""
    from profilestore.elastic import product_index

    shop.index_products(make_products(3))
    products = shop._parts.in_force.products
    index = products.identity().index
    real = product_index.seq_nos
    numbers = real(shop._client, index)[0]
    try:
        # As the server tells it while number 3 is under way and 4 is in.
        product_index.seq_nos = lambda client, index, **_: {0: (numbers[0] - 1, numbers[1])}
        changed, upto = products.changed_since(index, numbers[1] - 2)
    finally:
        product_index.seq_nos = real
    assert len(changed) == 2
    assert upto == numbers[0] - 1  # so that what is under way is asked for again


def test_odd_product_ids(shop: ProfileStore) -> None:
    ids = ["a b", "a/b", "a,b", "商品", "🙂", "x" * 512, "%2F", "*"]
    rows = [Product(product_id=id, title=f"red mug {n}", category="c", price=2.0) for n, id in enumerate(ids)]
    events = [Event(user_id="u", type="purchase", product_id=id, time=WHEN) for id in ids]
    shop.index_events(events)
    assert shop.index_products(rows).indexed == len(ids)
    assert_exact(shop, events)
    assert shop.profile("u").spend_total == 2.0 * len(ids)
    assert shop.index_products(rows).unchanged == len(ids)
    assert shop.delete_products(ids) == len(ids)


def test_a_product_without_text_says_nothing_in_the_text_space(shop: ProfileStore) -> None:
    shop.index_products([*make_products(2), Product(product_id="bare", price=1.0)])
    event = Event(user_id="u", type="view", product_id="bare", time=WHEN)
    shop.record(event)
    assert vector_of(shop, "u") is None
    with Elasticsearch(shop.url) as client:
        assert "text_vector" not in client.get(index=shop.settings.index("products"), id="bare")["_source"]
    assert_exact(shop, [event])
