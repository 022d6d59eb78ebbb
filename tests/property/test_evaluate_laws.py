"""Laws of evaluation: the metrics as their definitions say it, slowly; and what a split may never let through."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from profilestore.documents import Event
from profilestore.evaluate.beyond import diversity_by_category, diversity_by_vectors, exposure, gini, novelty
from profilestore.evaluate.ledger import read_ledger
from profilestore.evaluate.metrics import accuracy_at, hits_of, relevant_counts
from profilestore.evaluate.options import EvaluateOptions, Split
from profilestore.evaluate.questions import choose_catalogue, hide_products
from profilestore.evaluate.splits import HELD_OUT, KNOWN, TRAINED, stage_events
from profilestore.features.holm import holm
from profilestore.features.taste.interactions import hash_of
from profilestore.features.weights import FoldRules
from profilestore.settings import Settings

PRODUCTS = 7
DAY_0 = datetime(2025, 1, 1, tzinfo=UTC)

one_list = st.lists(st.integers(0, PRODUCTS - 1), unique=True, max_size=5)
cases = st.lists(st.tuples(one_list, st.frozensets(st.integers(0, PRODUCTS - 1))), min_size=1, max_size=6)


def padded(lists: list[list[int]]) -> np.ndarray:
    return np.array([row + [-1] * (5 - len(row)) for row in lists], dtype=np.int64)


@given(cases, st.integers(1, 5))
def test_accuracy_is_what_its_definition_says(made: list[tuple[list[int], frozenset[int]]], k: int) -> None:
    lists, truths = [row for row, _ in made], [truth for _, truth in made]
    pairs = [(row, product) for row, truth in enumerate(truths) for product in sorted(truth)]
    relevant = csr_array(
        (np.ones(len(pairs)), ([row for row, _ in pairs], [product for _, product in pairs])),
        shape=(len(made), PRODUCTS),
    )
    told = accuracy_at(hits_of(padded(lists), relevant), relevant_counts(relevant), k=k)
    for row, (products, truth) in enumerate(zip(lists, truths, strict=True)):
        hits = [place for place, product in enumerate(products[:k], start=1) if product in truth]
        gain = sum(1.0 / math.log2(place + 1) for place in hits)
        ideal = sum(1.0 / math.log2(place + 1) for place in range(1, min(k, len(truth)) + 1))
        assert math.isclose(told["ndcg"][row], gain / ideal if ideal > 0 else 0.0)
        assert math.isclose(told["recall"][row], len(hits) / len(truth) if len(truth) > 0 else 0.0)
        assert math.isclose(told["precision"][row], len(hits) / k)
        assert told["hr"][row] == (1.0 if len(hits) > 0 else 0.0)
        assert math.isclose(told["mrr"][row], 1.0 / hits[0] if len(hits) > 0 else 0.0)


@given(
    st.lists(one_list, min_size=1, max_size=5),
    st.lists(st.integers(0, 20), min_size=PRODUCTS, max_size=PRODUCTS),
    st.lists(st.sampled_from(["a", "b", None]), min_size=PRODUCTS, max_size=PRODUCTS),
    st.integers(0, 2**16),
)
def test_what_is_beyond_accuracy_is_what_its_definition_says(
    lists: list[list[int]], buyers: list[int], categories: list[str | None], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((PRODUCTS, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[0] = 0.0  # one product has no text
    new = novelty(padded(lists), np.array(buyers), users=20)
    varied = diversity_by_vectors(padded(lists), vectors.astype(np.float32))
    apart = diversity_by_category(padded(lists), categories)
    for row, products in enumerate(lists):
        if len(products) > 0:
            assert math.isclose(new[row], np.mean([-math.log2(max(1, buyers[p]) / 20) for p in products]))
        pairs = list(combinations(products, 2))
        if len(pairs) > 0:
            cosines = [float(vectors[a] @ vectors[b]) for a, b in pairs]
            assert math.isclose(varied[row], 1.0 - float(np.mean(cosines)), abs_tol=1e-5)
            same = [categories[a] is not None and categories[a] == categories[b] for a, b in pairs]
            assert math.isclose(apart[row], 1.0 - float(np.mean(same)), abs_tol=1e-12)
        else:
            assert np.isnan(varied[row])
            assert np.isnan(apart[row])
    shown = exposure(padded(lists), products=PRODUCTS).astype(float)
    if shown.sum() > 0:
        spread = np.abs(shown[:, None] - shown[None, :]).sum() / (2.0 * PRODUCTS**2 * shown.mean())
        assert math.isclose(gini(shown, products=PRODUCTS), spread, abs_tol=1e-9)


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8))
def test_holm_is_between_the_p_value_and_bonferroni_and_keeps_the_order(values: list[float]) -> None:
    corrected = holm(np.array(values))
    for value, after in zip(values, corrected.tolist(), strict=True):
        assert value <= after <= min(1.0, value * len(values)) + 1e-12
    assert (np.diff(corrected[np.argsort(values, kind="stable")]) >= 0.0).all()


acts = st.lists(
    st.tuples(
        st.integers(0, 5), st.integers(0, 6), st.integers(0, 9), st.sampled_from(["purchase", "view", "attributes"])
    ),
    min_size=5,
    max_size=40,
)


def events_of(rows: list[tuple[int, int, int, str]]) -> list[Event]:
    made = []
    for number, (user, product, day, type) in enumerate(rows):
        told = {"user_fields": {"gender": "female"}} if type == "attributes" else {"product_id": f"p{product}"}
        made.append(
            Event(event_id=f"e{number}", user_id=f"u{user}", type=type, time=DAY_0 + timedelta(days=day), **told)  # type: ignore[arg-type]
        )
    return [
        *made,
        Event(event_id="last", user_id="u0", type="purchase", product_id="p0", time=DAY_0 + timedelta(days=10)),
    ]


def left_out_slowly(events: list[Event], *, repeats: bool) -> set[str]:
    """Of each user the last purchase (of a product never bought before), what follows it, and the product's acts."""
    held: set[str] = set()
    for user in {event.user_id for event in events}:
        own = sorted((e for e in events if e.user_id == user), key=lambda e: (e.time, hash_of(e.event_id)))
        bought: list[str | None] = []
        last: int | None = None
        for place, event in enumerate(own):
            if event.type == "purchase" and (repeats or event.product_id not in bought):
                last = place
            bought += [event.product_id] if event.type == "purchase" else []
        if last is not None:
            held |= {event.event_id for event in own[last:]}
            held |= {e.event_id for e in own if e.product_id == own[last].product_id and not repeats}
        # The first attributes of a user are known: they say who it is.
        held -= {event.event_id for event in [e for e in own if e.type == "attributes"][:1]}
    return held


@given(acts, st.integers(1, 4))
def test_newcomers_are_known_by_their_first_acts_and_asked_for_all_the_rest(
    rows: list[tuple[int, int, int, str]], history: int
) -> None:
    events = events_of(rows)
    ledger = read_ledger([events], FoldRules.of(Settings()))
    stages = stage_events(ledger, EvaluateOptions(split="user", share=0.5, history=history))
    whole = stage_events(ledger, EvaluateOptions(split="user", share=0.5))
    assert np.array_equal(stages.trained, whole.trained)
    for user_id in {event.user_id for event in events}:
        own = [n for n, e in enumerate(events) if e.user_id == user_id and ledger.acts[n] and not ledger.repeated[n]]
        known = [n for n in own if stages.of[n] == KNOWN]
        later = [n for n in own if stages.of[n] == HELD_OUT]
        assert len(known) <= history
        assert set(known) <= {n for n in own if whole.of[n] == KNOWN}
        assert all(events[n].time <= events[m].time for n in known for m in later)


@given(acts, st.sampled_from(["time", "leave-one-out", "user"]), st.booleans(), st.floats(0.1, 0.9))
def test_no_split_lets_the_future_through(
    rows: list[tuple[int, int, int, str]], split: Split, repeats: bool, share: float
) -> None:
    events = events_of(rows)
    ledger = read_ledger([events[:3], events[3:]], FoldRules.of(Settings()))
    options = EvaluateOptions(split=split, share=share, repeats=repeats)
    stages = stage_events(ledger, options)
    assert np.array_equal(stages.of, stage_events(ledger, options).of)  # the same every time
    known = [event for event, stage in zip(events, stages.of.tolist(), strict=True) if stage != HELD_OUT]
    held = [event for event, stage in zip(events, stages.of.tolist(), strict=True) if stage == HELD_OUT]
    assert {event.user_id for event in events if event.type == "attributes"} == {
        event.user_id for event in known if event.type == "attributes"
    }
    if stages.cut is not None:
        assert all(event.time < stages.cut for event in known if event.type != "attributes")
        assert all(event.time >= stages.cut for event in held)
    if split == "leave-one-out":
        assert {event.event_id for event in held} == left_out_slowly(events, repeats=repeats)
    if split == "user":
        trained = {e.user_id for e, stage in zip(events, stages.of.tolist(), strict=True)
                   if stage == TRAINED and e.type != "attributes"}  # fmt: skip
        tested = {e.user_id for e, stage in zip(events, stages.of.tolist(), strict=True) if stage not in (TRAINED,)}
        assert trained.isdisjoint(tested)
    catalogue = choose_catalogue(ledger, stages, [f"p{number}" for number in range(9)])
    assert {"p7", "p8"} <= set(catalogue)  # on sale, and nobody acted on them
    unseen, hidden = hide_products(ledger, stages, catalogue, EvaluateOptions(cold_products=0.5))
    for event, stage in zip(events, unseen.of.tolist(), strict=True):
        assert event.product_id not in hidden or stage == HELD_OUT
