"""The laws of DESIGN.md: states form a commutative monoid, and a profile is the same however it was folded."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import reduce

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from profilestore.documents import Event
from profilestore.features.compare import differing_fields
from profilestore.features.fold import merge_states, state_of
from profilestore.features.packing import pack, unpack
from profilestore.features.served import cart_products, served_fields, taste_items, unit_vectors
from profilestore.features.state import EMPTY, NO_SUM, State
from profilestore.features.weights import effective_time, event_weight
from tests.property.strategies import WORDS, events, histories, make_catalogue, make_rules, make_words

RULES = make_rules()
CATALOGUE = make_catalogue()
SPOKEN = make_words()


def fold(history: list[Event]) -> State:
    return state_of(history, catalogue=CATALOGUE, words=SPOKEN, rules=RULES)


@given(histories, st.randoms(use_true_random=False))
def test_any_order_and_any_batches_give_the_state_of_all_at_once(history: list[Event], dice: random.Random) -> None:
    shuffled = list(history)
    dice.shuffle(shuffled)
    batches: list[list[Event]] = [[]]
    for event in shuffled:
        if dice.random() < 0.4:
            batches.append([])
        batches[-1].append(event)
    states = [fold(batch) for batch in batches]
    dice.shuffle(states)
    merged = reduce(lambda a, b: merge_states(a, b, RULES), states, EMPTY)
    assert differing_fields(merged, fold(history)) == []


@given(histories, histories, histories)
def test_merge_is_associative_and_commutative(a: list[Event], b: list[Event], c: list[Event]) -> None:
    x, y, z = fold(a), fold(b), fold(c)
    left = merge_states(merge_states(x, y, RULES), z, RULES)
    right = merge_states(x, merge_states(y, z, RULES), RULES)
    assert differing_fields(left, right) == []
    assert differing_fields(merge_states(x, y, RULES), merge_states(y, x, RULES)) == []


@given(histories)
def test_the_empty_state_is_neutral(history: list[Event]) -> None:
    state = fold(history)
    assert differing_fields(merge_states(EMPTY, state, RULES), state) == []
    assert differing_fields(merge_states(state, EMPTY, RULES), state) == []


@given(histories)
def test_packing_loses_nothing(history: list[Event]) -> None:
    state = merge_states(fold(history[:10]), fold(history[10:]), RULES)
    back = unpack(pack(state))
    assert pack(back) == pack(state)
    assert served_fields(back, trained=("text",), topic_labels=()) == served_fields(
        state, trained=("text",), topic_labels=()
    )


@given(histories, events())
def test_one_more_event_changes_the_state(history: list[Event], event: Event) -> None:
    # The comparison must be able to fail, or the laws above say nothing.
    if event.event_id in {other.event_id for other in history}:
        return
    before, after = fold(history), fold([*history, event])
    if event.type != "attributes":
        assert "counts" in differing_fields(before, after)


@given(histories, st.integers(0, 2), st.floats(1, 50))
def test_a_refund_at_its_purchase_time_takes_back_exactly(history: list[Event], which: int, quantity: float) -> None:
    bought = Event(
        user_id="u", type="purchase", time="2024-05-01T10:00:00Z", product_id=f"p{which}", quantity=quantity, price=9.0
    )
    refund = Event(
        user_id="u", type="refund", time="2024-06-01T10:00:00Z", purchase_time=bought.time,
        product_id=f"p{which}", quantity=quantity, price=9.0,
    )  # fmt: skip
    known = [event for event in history if event.event_id not in (bought.event_id, refund.event_id)]
    without, with_both = fold(known), fold([*known, bought, refund])
    for space in ("text", "topics", "taste"):
        a, b = without.sums.get(space, NO_SUM), with_both.sums[space]
        if a.empty:
            assert b.is_zero
            continue
        # Bring the older one to the later anchor, as merging with nothing would.
        later = max(a.anchor, b.anchor)
        half_life_s = RULES.half_life_s[space]
        a_vector = a.vector * 2 ** (-(later - a.anchor) / half_life_s)
        b_vector = b.vector * 2 ** (-(later - b.anchor) / half_life_s)
        assert np.linalg.norm(a_vector - b_vector) <= 1e-9 * max(a.norm, b.norm)
    assert abs(with_both.spend - without.spend) <= 1e-9 * max(1.0, with_both.turnover)
    assert with_both.purchase_count == without.purchase_count
    assert f"p{which}" in with_both.seen or len(with_both.seen) == RULES.seen_limit


@given(histories)
def test_a_profile_has_the_vectors_of_all_trained_spaces_or_none(history: list[Event]) -> None:
    vectors = unit_vectors(fold(history), trained=("text", "topics", "taste"))
    assert set(vectors) in (set(), {"text", "topics", "taste"})
    for vector in vectors.values():
        assert abs(float(np.linalg.norm(vector.astype(np.float64))) - 1.0) < 1e-5


def test_the_latest_k_do_not_depend_on_the_order() -> None:
    history = [
        Event(user_id="u", type="view", time=f"2024-01-{day:02d}T00:00:00Z", product_id=f"p{day % 9}")
        for day in range(1, 29)
    ]
    forwards = reduce(lambda a, b: merge_states(a, b, RULES), (fold([event]) for event in history), EMPTY)
    backwards = reduce(lambda a, b: merge_states(a, b, RULES), (fold([event]) for event in reversed(history)), EMPTY)
    assert dict(forwards.seen) == dict(backwards.seen)
    assert len(forwards.seen) == RULES.seen_limit
    assert set(forwards.seen) == {f"p{day % 9}" for day in range(24, 29)}


def test_words_of_a_search_enter_the_text_space() -> None:
    said = Event(user_id="u", type="search", time="2024-01-01T00:00:00Z", text=WORDS[0])
    sums = fold([said]).sums
    expected = 0.3 * SPOKEN[WORDS[0]]["text"].astype(np.float64)
    assert np.allclose(sums["text"].vector, expected)
    assert sums["taste"].empty


@given(histories)
def test_the_cart_holds_what_was_put_in_last_and_neither_taken_out_nor_bought(history: list[Event]) -> None:
    acts = [e for e in history if e.type in ("cart", "cart_remove", "purchase")]
    by_product: dict[str, tuple[float, bool]] = {}
    for event in acts:
        act = (event.time.timestamp(), event.type != "cart")
        by_product[str(event.product_id)] = max(act, by_product.get(str(event.product_id), act))
    kept = sorted(by_product.items(), key=lambda item: (item[1], item[0]), reverse=True)[: RULES.cart_limit]
    expected = {product_id for product_id, (_, out) in kept if not out}
    assert set(cart_products(fold(history))) == expected


@given(histories)
def test_weights_by_product_are_the_decayed_sums_and_served_at_unit_length(history: list[Event]) -> None:
    state = fold(history)
    own = [(e, event_weight(e, RULES)) for e in history if e.product_id is not None]
    for product_id, total in state.items.sums.items():
        parts = [
            weight * 2 ** (-(state.items.anchor - effective_time(e)) / RULES.half_life_s["taste"])
            for e, weight in own
            if e.product_id == product_id
        ]
        assert abs(total - sum(parts)) <= 1e-9 * max(1.0, sum(map(abs, parts)))
    served = taste_items(state)
    assert all(weight > 0.0 and state.items.sums[name] > 0.0 for name, weight in served.items())
    if len(served) > 0:
        assert abs(sum(weight * weight for weight in served.values()) - 1.0) < 1e-4


@given(histories)
def test_a_dense_form_keeps_no_weights_by_product(history: list[Event]) -> None:
    rules = replace(RULES, keep_items=False)
    state = state_of(history, catalogue=CATALOGUE, words=SPOKEN, rules=rules)
    assert len(state.items.sums) == 0
    assert "taste_items" not in served_fields(state, trained=("text",), topic_labels=())


@given(histories)
def test_who_switched_personalisation_off_is_served_nothing_to_ask_with(history: list[Event]) -> None:
    off = Event(user_id="u", type="attributes", time="2030-01-01T00:00:00Z", user_fields={"personalisation": "off"})
    fields = served_fields(fold([*history, off]), trained=("text", "topics", "taste"), topic_labels=())
    hidden = {"text_vector", "topic_vector", "taste_vector", "taste_items", "cart_products", "seen_products"}
    assert fields.keys() & hidden == set()
