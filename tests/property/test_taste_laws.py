"""Laws of the taste space: what is served is the sum of what each event adds, and training sees what the fold sees."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from profilestore.documents import Event
from profilestore.features.catalogue import Catalogue, ProductFeatures
from profilestore.features.fold import state_of
from profilestore.features.served import unit_vectors
from profilestore.features.taste.interactions import InteractionsBuilder
from profilestore.features.weights import FoldRules, effective_time, event_weight
from profilestore.settings import Settings

DIMS = 5
PRODUCTS = [f"p{number}" for number in range(6)]
START = datetime(2025, 1, 1, tzinfo=UTC)
RNG = np.random.default_rng(11)
IN_VECTORS = RNG.standard_normal((len(PRODUCTS), DIMS)).astype(np.float32)
OUT_VECTORS = RNG.standard_normal((len(PRODUCTS), DIMS)).astype(np.float32)

acts = st.lists(
    st.builds(
        lambda type, product, hours, quantity: Event(
            user_id="u", type=type, product_id=product, time=START + timedelta(hours=hours), quantity=quantity
        ),
        type=st.sampled_from(["purchase", "view", "cart", "refund"]),
        product=st.sampled_from(PRODUCTS),
        hours=st.integers(0, 24 * 400),
        quantity=st.integers(1, 50),
    ),
    min_size=1,
    max_size=25,
)
half_lives = st.one_of(st.none(), st.floats(0.5, 500.0))


def rules(half_life_days: float | None) -> FoldRules:
    return FoldRules.of(Settings()).with_taste_half_life(half_life_days)


def catalogue() -> Catalogue:
    return Catalogue(
        ProductFeatures(product_id=product, vectors={"taste": vector})
        for product, vector in zip(PRODUCTS, IN_VECTORS, strict=True)
    )


@settings(max_examples=60, deadline=None)
@given(events=acts, half_life_days=half_lives)
def test_the_score_is_the_sum_of_what_each_event_adds(events: list[Event], half_life_days: float | None) -> None:
    used = rules(half_life_days)
    state = state_of(events, catalogue=catalogue(), words={}, rules=used)
    profile = state.sums["taste"]
    if profile.is_zero:
        return
    end = max(effective_time(event) for event in events)
    each = [
        event_weight(event, used)
        * 2.0 ** (-(end - effective_time(event)) / used.half_life_s["taste"])
        * (IN_VECTORS[PRODUCTS.index(str(event.product_id))].astype(np.float64) @ OUT_VECTORS.T.astype(np.float64))
        for event in events
    ]
    tolerance = 1e-9 * max(1.0, profile.norm) * np.abs(OUT_VECTORS).max() * 100
    assert np.allclose(profile.vector @ OUT_VECTORS.T, np.sum(each, axis=0), rtol=1e-9, atol=tolerance)


@settings(max_examples=60, deadline=None)
@given(events=acts, half_life_days=half_lives)
def test_training_sees_the_profile_that_the_fold_serves(events: list[Event], half_life_days: float | None) -> None:
    used = rules(half_life_days)
    state = state_of(events, catalogue=catalogue(), words={}, rules=used)
    served = unit_vectors(state, trained=["taste"])
    part = state.sums["taste"]
    if len(served) == 0 or np.linalg.norm(part.vector) < 1e-3 * part.norm:
        return  # what is left of a purchase and its refund is rounding
    builder = InteractionsBuilder(PRODUCTS, used)
    builder.add(events)
    seconds = used.half_life_s["taste"]
    trained = np.asarray(builder.build().profiles(seconds / 86_400.0).toarray()[0], dtype=np.float64) @ IN_VECTORS
    length = np.linalg.norm(trained)
    assert length > 0
    assert np.allclose(trained / length, served["taste"], atol=5e-3)


@settings(max_examples=40, deadline=None)
@given(events=acts, split=st.integers(0, 25))
def test_the_order_and_paging_of_the_log_are_forgotten(events: list[Event], split: int) -> None:
    one, other = InteractionsBuilder(PRODUCTS, rules(None)), InteractionsBuilder(PRODUCTS, rules(None))
    one.add(events)
    other.add(reversed(events[split:]))
    other.add(reversed(events[:split]))
    first, second = one.build(), other.build()
    for name in ("users", "products", "times", "weights", "user_hashes"):
        assert np.array_equal(getattr(first, name), getattr(second, name)), name


def test_the_model_s_half_life_goes_before_the_setting() -> None:
    assert rules(10.0).half_life_s["taste"] == 10 * 86_400.0
    assert rules(None).half_life_s["taste"] == Settings().taste_half_life_days * 86_400.0
    assert rules(10.0).half_life_s["text"] == rules(None).half_life_s["text"]
