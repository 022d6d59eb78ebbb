"""Decayed counts on a logarithmic scale."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profilestore.indexing.popularity import counted_types, decayed_log2, interval_of, popularity_body, trending_body
from profilestore.settings import Settings

DAY_MS = 86_400_000.0
WEEKS = st.dictionaries(st.integers(0, 60).map(lambda week: week * 7 * DAY_MS), st.integers(1, 10_000), min_size=1)


@given(WEEKS, WEEKS, st.sampled_from([1.0, 7.0, 14.0, 90.0]))
def test_order_is_that_of_decayed_counts(a: dict[float, int], b: dict[float, int], half_life_days: float) -> None:
    """Whatever the date that the counts are decayed to."""

    def decayed(counts: dict[float, int]) -> float:
        return sum(count * 2 ** ((start / DAY_MS - 500) / half_life_days) for start, count in counts.items())

    difference = decayed_log2(a, half_life_days=half_life_days) - decayed_log2(b, half_life_days=half_life_days)
    assert difference == pytest.approx(math.log2(decayed(a) / decayed(b)), abs=1e-6)


def test_no_overflow_in_sixty_years_of_one_day_half_lives() -> None:
    start = 60 * 365 * DAY_MS
    assert decayed_log2({start: 8}, half_life_days=1.0) == pytest.approx(60 * 365 + 3)
    assert decayed_log2({0.0: 1, start: 8}, half_life_days=1.0) == pytest.approx(60 * 365 + 3)


def test_purchases_or_whatever_speaks_for_a_product() -> None:
    assert counted_types(Settings(), purchases=True) == ["purchase"]
    types = counted_types(Settings(), purchases=False)
    assert "view" in types
    assert "refund" not in types


def test_pages_follow_each_other() -> None:
    body = popularity_body(["purchase"], after={"product_id": "p9"})
    assert body["aggs"]["pages"]["composite"]["after"] == {"product_id": "p9"}
    assert "after" not in popularity_body(["purchase"])["aggs"]["pages"]["composite"]
    week = trending_body(["view"], interval_days=interval_of(3.0))["aggs"]["pages"]["composite"]["sources"][1]
    assert week["week"]["date_histogram"]["fixed_interval"] == "1d"
    assert interval_of(14.0) == 7
