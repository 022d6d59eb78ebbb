"""Packing, comparing and serving a state; and the catalogue it is folded with."""

from __future__ import annotations

import base64
import dataclasses
import json
import struct
from typing import Any

import numpy as np
import pytest

from profilestore.documents import Event
from profilestore.errors import ModelError
from profilestore.features.catalogue import Catalogue, ProductFeatures
from profilestore.features.compare import differing_fields
from profilestore.features.fold import merge_states, state_of
from profilestore.features.packing import pack, unpack
from profilestore.features.served import order_count, served_fields
from profilestore.features.state import EMPTY, ORDERS_KEPT, DecayedShares, DecayedSum, State
from profilestore.features.weights import FoldRules
from profilestore.settings import Settings

RULES = FoldRules.of(Settings(prefix="unit", time_zone="Asia/Shanghai"))


def product(product_id: str, *numbers: float, **fields: Any) -> ProductFeatures:
    return ProductFeatures(product_id, vectors={"text": np.array(numbers, dtype=np.float32)}, **fields)


CATALOGUE = Catalogue([product("mug", 1, 0, category="kitchen", brand="A", price=4.0), product("pen", 0, 1)])


def fold(*events: dict[str, Any], catalogue: Catalogue = CATALOGUE) -> State:
    base = {"user_id": "u", "time": "2025-05-01T12:00:00Z"}
    return state_of([Event(**(base | event)) for event in events], catalogue=catalogue, words={}, rules=RULES)


def serve(state: State, trained: tuple[str, ...] = ("text",)) -> dict[str, Any]:
    return served_fields(state, trained=trained, topic_labels=())


def test_money_and_counts_of_a_purchase_and_its_refund() -> None:
    state = fold(
        {"type": "purchase", "product_id": "mug", "quantity": 3, "price": 5.0, "discount": 1.0, "order_id": "o1"},
        {"type": "purchase", "product_id": "pen", "quantity": 1, "price": 2.0, "order_id": "o1"},
        {"type": "refund", "product_id": "mug", "quantity": 3, "price": 5.0, "discount": 1.0, "order_id": "o1"},
    )
    fields = serve(state)
    assert fields["spend_total"] == 2.0
    assert fields["purchase_count"] == 1
    assert fields["quantity_total"] == 1.0
    assert fields["order_count"] == 1
    assert fields["event_counts"] == {"purchase": 2, "refund": 1}
    assert fields["purchased_products"] == ["pen"]
    assert set(fields["seen_products"]) == {"mug", "pen"}


def test_where_an_event_has_no_price_the_product_has_one() -> None:
    assert serve(fold({"type": "purchase", "product_id": "mug", "quantity": 2}))["spend_total"] == 8.0


def test_nothing_is_served_of_what_cancels_to_rounding() -> None:
    both = fold(
        {"type": "purchase", "product_id": "mug", "quantity": 3},
        {"type": "refund", "product_id": "mug", "quantity": 3, "purchase_time": "2025-05-01T12:00:00Z",
         "time": "2025-06-01T00:00:00Z"},
    )  # fmt: skip
    assert both.sums["text"].is_zero
    assert "text_vector" not in serve(both)
    assert "category" not in serve(both)


def test_a_refunded_purchase_leaves_no_weight_and_a_dislike_none_below_zero() -> None:
    rules = dataclasses.replace(RULES, keep_items=True)
    rows: list[dict[str, Any]] = [
        {"type": "purchase", "product_id": "mug", "quantity": 3},
        {"type": "refund", "product_id": "mug", "quantity": 3, "purchase_time": "2025-05-01T12:00:00Z",
         "time": "2025-06-01T00:00:00Z"},
        {"type": "rate", "product_id": "pen", "rating": 1.0},
        {"type": "view", "product_id": "cup"},
    ]  # fmt: skip
    base = {"user_id": "u", "time": "2025-05-01T12:00:00Z"}
    state = EMPTY
    for row in rows:
        state = merge_states(
            state, state_of([Event(**(base | row))], catalogue=CATALOGUE, words={}, rules=rules), rules
        )
    assert state.items.sums["pen"] < 0.0
    assert serve(state)["taste_items"] == {"cup": 1.0}


def test_the_cart_follows_time_and_not_the_order_of_arrival() -> None:
    bought = {"type": "purchase", "product_id": "mug", "time": "2025-05-02T12:00:00Z"}
    carted = {"type": "cart", "product_id": "mug", "time": "2025-05-02T12:00:00Z"}
    late = merge_states(fold(bought), fold(carted, {"type": "cart", "product_id": "pen"}), RULES)
    assert serve(late)["cart_products"] == ["pen"]
    removed = {"type": "cart_remove", "product_id": "pen", "time": "2025-05-03T12:00:00Z"}
    assert "cart_products" not in serve(merge_states(late, fold(removed), RULES))


def test_a_state_of_an_older_version_says_rebuild() -> None:
    old = json.dumps({"format": 1}).encode()
    text = base64.b64encode(struct.pack("<I", len(old)) + old).decode()
    with pytest.raises(ModelError, match="format 1, not 2: rebuild"):
        unpack(text)


def test_the_hour_is_the_shops_own() -> None:
    hours = serve(fold({"type": "view", "product_id": "mug", "time": "2025-05-04T17:30:00Z"}))["hour_of_week"]
    assert hours.index(1) == 1  # Monday 01:30 in Shanghai
    assert sum(hours) == 1


def test_distinct_orders_are_exact_and_then_estimated() -> None:
    few = fold(*({"type": "purchase", "product_id": "mug", "order_id": f"o{i % 400}"} for i in range(800)))
    assert order_count(few) == 400
    parts = [
        fold(*({"type": "purchase", "product_id": "mug", "order_id": f"{part}-{i}"} for i in range(2500)))
        for part in range(4)
    ]
    many = parts[0]
    for part in parts[1:]:
        many = merge_states(many, part, RULES)
    assert many.orders.size == ORDERS_KEPT
    assert order_count(many) == pytest.approx(10_000, rel=0.15)


def test_each_attribute_is_the_latest_by_time_whatever_came_last() -> None:
    newer = {
        "type": "attributes",
        "time": "2025-02-01T00:00:00Z",
        "user_fields": {"age": 40, "attributes": {"shoe": "42"}},
    }
    older = {"type": "attributes", "time": "2025-01-01T00:00:00Z", "user_fields": {"age": 39, "city": "Bath"}}
    for order in ((newer, older), (older, newer)):
        state = EMPTY
        for event in order:
            state = merge_states(state, fold(event), RULES)
        fields = serve(state)
        assert (fields["age"], fields["city"], fields["attributes"]) == (40, "Bath", {"shoe": "42"})
        assert fields["events_total"] == 0


@pytest.mark.parametrize("broken", ["", "AAAA", "not base64 at all!", pack(EMPTY)[:-8], "e30="])
def test_a_damaged_state_is_an_error_that_says_what_to_do(broken: str) -> None:
    with pytest.raises(ModelError, match="rebuild"):
        unpack(broken)


@pytest.mark.parametrize(
    "change",
    [
        {"counts": {"view": 9}}, {"spend": 1.0}, {"quantity": 0.5}, {"last_seen": 3.0}, {"seen": {"pen": 1.0}},
        {"purchased": {"pen": 1.0}}, {"words": {"red": 1.0}}, {"hours": np.ones(168, dtype=np.int64)},
        {"orders": np.array([7], dtype=np.uint64)}, {"user_fields": {"age": (1.0, "e", 3)}},
        {"cart": {"pen": (1.0, False)}}, {"items": DecayedShares(1.0, {"pen": 1.0})},
        {"sums": {"text": DecayedSum(5.0, np.array([0.5, 0.5]), 1.0)}}, {"channels": {"app": 1}},
    ],
)  # fmt: skip
def test_the_comparison_sees_a_change_in_every_field(change: dict[str, Any]) -> None:
    state = fold({"type": "purchase", "product_id": "mug"})
    assert differing_fields(state, state) == []
    assert differing_fields(state, dataclasses.replace(state, **change)) != []


def test_a_product_that_changed_takes_its_row_again() -> None:
    catalogue = Catalogue(product(f"p{i}", i, 1) for i in range(10))
    for round_ in range(50):
        catalogue.discard([f"p{i}" for i in range(10)])
        catalogue.add([product(f"p{i}", i, round_) for i in range(10)])
    assert catalogue.rows([f"p{i}" for i in range(10)]).max() < 10
    found = catalogue.in_vectors("text", catalogue.rows(["p3", None, "who?"]))
    assert found is not None
    told, vectors, _ = found
    assert told.tolist() == [True, False, False]
    assert vectors.tolist() == [[3.0, 49.0]]


def test_two_lengths_of_vectors_in_one_space_are_two_models() -> None:
    with pytest.raises(ModelError, match="two models"):
        Catalogue([product("a", 1, 2), product("b", 1, 2, 3)])
