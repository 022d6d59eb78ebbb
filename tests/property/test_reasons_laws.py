"""Reasons are arithmetic: the terms of all events sum to the score, the positive shares to one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profilestore.recommend.reasons import (
    Act,
    Space,
    TokenSpace,
    contributions,
    dot_of_score,
    explain,
    token_contributions,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
NUMBERS = st.floats(-2, 2, allow_nan=False, width=32)
VECTORS = st.lists(NUMBERS, min_size=3, max_size=3).map(lambda values: np.array(values, dtype=np.float32))
SOURCES = ["a", "b", "c", "unknown"]
ACTS = st.lists(
    st.builds(
        lambda id, days, weight, source: Act(
            event_id=f"e{id}", type="view", time=START + timedelta(days=days), weight=weight, source=source
        ),
        st.integers(0, 8),
        st.integers(-2000, 2000),
        NUMBERS,
        st.sampled_from(SOURCES),
    ),
    max_size=12,
)
SPACES = st.builds(
    lambda ins, outs, days, boost, cosine: Space(
        in_vectors=dict(zip("abc", ins, strict=True)),
        out_vectors=dict(zip("xy", outs, strict=True)),
        half_life_days=days,
        boost=boost,
        cosine=cosine,
    ),
    st.lists(VECTORS, min_size=3, max_size=3),
    st.lists(VECTORS, min_size=2, max_size=2),
    st.floats(0.5, 1000),
    st.floats(0.1, 3),
    st.booleans(),
)


def profile_of(acts: list[Act], space: Space) -> np.ndarray:
    """The definition of DESIGN.md, term by term."""
    latest = max((act.time for act in acts), default=START)
    total = np.zeros(3)
    for act in acts:
        if act.source in space.in_vectors:
            decay = 2.0 ** (-(latest - act.time).total_seconds() / 86_400 / space.half_life_days)
            total += act.weight * decay * space.in_vectors[act.source].astype(np.float64)
    return total


@given(ACTS, SPACES)
def test_terms_sum_to_the_raw_dot_product(acts: list[Act], space: Space) -> None:
    terms = contributions(acts, items=["x", "y"], space=space, normalise=False)
    outs = np.stack([space.out_vectors[item] for item in "xy"]).astype(np.float64)
    assert terms.sum(axis=0) == pytest.approx(outs @ profile_of(acts, space), rel=1e-9, abs=1e-9)


@given(ACTS, SPACES)
def test_normalised_terms_sum_to_the_servers_score(acts: list[Act], space: Space) -> None:
    profile = profile_of(acts, space)
    length = np.linalg.norm(profile)
    if length < 1e-3:
        return
    terms = contributions(acts, items=["x", "y"], space=space)
    for column, item in enumerate("xy"):
        out = space.out_vectors[item].astype(np.float64)
        norm = length * np.linalg.norm(out) if space.cosine else length
        expected = space.boost * (profile @ out) / norm if norm > 0 else 0.0
        assert terms[:, column].sum() == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(ACTS, st.lists(SPACES, min_size=1, max_size=2))
def test_shares(acts: list[Act], spaces: list[Space]) -> None:
    every = explain(acts, items=["x", "y"], spaces=spaces, titles={}, top=100)
    top = explain(acts, items=["x", "y"], spaces=spaces, titles={})
    for item in "xy":
        shares = [reason.share for reason in every[item]]
        assert shares == [] or sum(shares) == pytest.approx(1.0)
        assert shares == sorted(shares, reverse=True)
        assert all(share > 0 for share in shares)
        assert len({reason.event_id for reason in every[item]}) == len(shares)
        assert [r.event_id for r in top[item]] == [r.event_id for r in every[item]][:3]


@given(ACTS, st.lists(SPACES, min_size=1, max_size=2))
def test_the_points_of_all_events_add_up_to_the_score(acts: list[Act], spaces: list[Space]) -> None:
    scores = sum(contributions(acts, items=["x", "y"], space=space).sum(axis=0) for space in spaces)
    told = explain(acts, items=["x", "y"], spaces=spaces, titles={}, top=None)
    for column, item in enumerate("xy"):
        assert sum(reason.points or 0.0 for reason in told[item]) == pytest.approx(scores[column], abs=1e-9)
        speaking = [reason for reason in told[item] if (reason.points or 0.0) > 0]
        assert sum(reason.share for reason in speaking) == pytest.approx(1.0 if len(speaking) > 0 else 0.0)
        assert all(reason.share <= 0 for reason in told[item] if reason not in speaking)


@given(
    ACTS,
    st.dictionaries(st.sampled_from(SOURCES), st.floats(0.01, 1)),
    st.dictionaries(st.sampled_from(SOURCES), st.floats(0.01, 5)),
)
def test_tokens_are_divided_among_the_acts_that_made_them(
    acts: list[Act], tokens: dict[str, float], weights: dict[str, float]
) -> None:
    """Each token that the acts add up to more than nothing for counts whole, and no other counts at all."""
    space = TokenSpace(tokens=tokens, weights={"x": weights}, half_life_days=30, boost=2.0)
    terms = token_contributions(acts, items=["x", "y"], space=space)
    latest = max((act.time for act in acts), default=START)
    expected = 0.0
    for source in {act.source for act in acts}:
        decayed = [
            act.weight * 2.0 ** (-(latest - act.time).total_seconds() / 86_400 / 30)
            for act in acts
            if act.source == source
        ]
        if sum(decayed) > 0:
            expected += 2.0 * tokens.get(source, 0.0) * weights.get(source, 0.0)
    assert terms[:, 0].sum() == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert not terms[:, 1].any()


@given(st.floats(-0.999, 0.999))
def test_the_dot_product_is_recovered_from_the_score(dot: float) -> None:
    assert dot_of_score((1.0 + dot) / 2.0, cosine=True) == pytest.approx(dot, abs=1e-12)
    served = 1.0 + dot if dot >= 0 else 1.0 / (1.0 - dot)
    assert dot_of_score(served, cosine=False) == pytest.approx(dot, abs=1e-12)


def test_half_life_and_weight_by_hand() -> None:
    """Two views of one product, one a half-life older and twice as heavy, and one of the opposite kind."""
    space = Space(
        in_vectors={"a": np.array([1.0, 0.0], dtype=np.float32), "b": np.array([-1.0, 0.0], dtype=np.float32)},
        out_vectors={"x": np.array([1.0, 0.0], dtype=np.float32)},
        half_life_days=10,
    )
    acts = [
        Act(event_id="new", type="view", time=START, weight=1.0, source="a", product_id="a"),
        Act(event_id="old", type="cart", time=START - timedelta(days=10), weight=2.0, source="a", product_id="a"),
        Act(event_id="other", type="view", time=START, weight=0.5, source="b", product_id="b"),
    ]
    reasons = explain(acts, items=["x"], spaces=[space], titles={"a": "A thing"})["x"]
    assert [(r.event_id, r.share, r.title) for r in reasons] == [("new", 0.5, "A thing"), ("old", 0.5, "A thing")]


def test_two_spaces_add_up_by_boost() -> None:
    east, north = np.array([1.0, 0.0], dtype=np.float32), np.array([0.0, 1.0], dtype=np.float32)
    acts = [
        Act(event_id="e1", type="view", time=START, weight=1.0, source="a"),
        Act(event_id="e2", type="view", time=START, weight=1.0, source="b"),
    ]
    text = Space(in_vectors={"a": east, "b": north}, out_vectors={"x": east}, half_life_days=9, boost=3.0)
    topics = Space(in_vectors={"a": east, "b": north}, out_vectors={"x": north}, half_life_days=9, boost=1.0)
    reasons = explain(acts, items=["x"], spaces=[text, topics], titles={})["x"]
    assert [(r.event_id, round(r.share, 9)) for r in reasons] == [("e1", 0.75), ("e2", 0.25)]


def test_fifty_thousand_events_are_quick() -> None:
    random = np.random.default_rng(0)
    ins = {str(i): row for i, row in enumerate(random.normal(size=(5000, 64)).astype(np.float32))}
    acts = [
        Act(event_id=f"e{i}", type="view", time=START + timedelta(hours=i), weight=1.0, source=str(i % 5000))
        for i in range(50_000)
    ]
    space = Space(in_vectors=ins, out_vectors=ins, half_life_days=30)
    reasons = explain(acts, items=[str(i) for i in range(10)], spaces=[space], titles={})
    assert all(len(found) == 3 for found in reasons.values())
