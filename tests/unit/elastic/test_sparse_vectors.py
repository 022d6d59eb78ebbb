"""What is said to the server of weights by token that changed: no network."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from profilestore.elastic.sparse_vectors import changed_weights

WEIGHTS = st.dictionaries(st.sampled_from("abcdef"), st.floats(1e-6, 1e6), max_size=6)


def test_what_the_server_rounded_is_unchanged() -> None:
    assert changed_weights({"a": 1000.0, "b": 0.123291016}, {"a": 1001.0, "b": 0.123456}) is None
    assert changed_weights({}, {}) is None
    assert changed_weights({"a": 1000.0}, {"a": 1010.0}) == {"a": 1010.0}


def test_what_is_gone_is_named() -> None:
    assert changed_weights({"a": 1.0, "b": 2.0}, {"b": 2.0}) == {"a": None, "b": 2.0}
    assert changed_weights({"a": 1.0}, {}) == {"a": None}


@given(held=WEIGHTS, wanted=WEIGHTS)
def test_merged_token_by_token_it_gives_what_is_wanted(held: dict[str, float], wanted: dict[str, float]) -> None:
    merged = {**held, **(changed_weights(held, wanted) or {})}
    left = {token: weight for token, weight in merged.items() if weight is not None}
    assert left.keys() == wanted.keys()
    assert all(abs(left[token] - weight) <= 0.005 * max(left[token], weight) for token, weight in wanted.items())
