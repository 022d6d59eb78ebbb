"""Intervals hold what they promise, and are the same for the same figures."""

from __future__ import annotations

import numpy as np
import pytest

from profilestore.insight.intervals import interval, mean_interval, settled


def test_a_mean_lies_within_its_interval_about_as_often_as_is_said() -> None:
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(60):
        found = mean_interval(rng.normal(3.0, 2.0, 150))
        inside += found["low"] <= 3.0 <= found["high"]
    assert 50 <= inside <= 60


def test_columns_are_resampled_together() -> None:
    rng = np.random.default_rng(2)
    values = rng.lognormal(0.0, 2.0, 400)
    # The same in both columns: whoever is drawn, the difference is nothing.
    found = interval(lambda a, b, axis=-1: (a - b).sum(axis), values, values)
    assert (found["mean"], found["low"], found["high"]) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("size", [1, 2, 60_000])
def test_equal_input_gives_an_equal_interval(size: int) -> None:
    values = np.random.default_rng(3).normal(1.0, 1.0, size)
    found = mean_interval(values)
    assert found == mean_interval(values)
    assert found["low"] <= found["mean"] <= found["high"]


def test_what_is_beyond_six_digits_is_left_out() -> None:
    assert settled(1234567.0) == 1234570.0
    assert settled(0.12345678) == 0.123457
