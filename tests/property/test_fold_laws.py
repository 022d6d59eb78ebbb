"""The laws of DESIGN.md: states form a commutative monoid, and a profile is the same however it was folded."""

from __future__ import annotations

import random
from functools import reduce

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from profilestore.documents import Event
from profilestore.features.compare import differing_fields
from profilestore.features.fold import merge_states, state_of
from profilestore.features.packing import pack, unpack
from profilestore.features.served import served_fields, unit_vectors
from profilestore.features.state import EMPTY, NO_SUM, State
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
