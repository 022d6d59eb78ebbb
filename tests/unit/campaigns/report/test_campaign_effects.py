"""Differences between arms: known intervals, the test that agrees with them, and what too few users allow."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from profilestore.campaigns.report.effects import mean_difference, share_difference
from profilestore.campaigns.report.power import needed_sizes

Flags = np.ndarray


def two_arms(ours: tuple[int, int], theirs: tuple[int, int]) -> tuple[Flags, Flags]:
    """(users, hits) of each arm -> what happened, and the arm."""
    treated = np.repeat([True, False], [ours[0], theirs[0]])
    happened = np.concatenate([np.arange(users) < hits for users, hits in (ours, theirs)])
    return happened, treated


@pytest.mark.parametrize(
    ("ours", "theirs", "low", "high"),
    [  # Newcombe 1998, Statistics in Medicine 17:873-890, table II, method 10
        ((70, 56), (80, 48), 0.0524, 0.3339),
        ((10, 9), (10, 3), 0.1705, 0.8090),
        ((56, 5), (29, 0), -0.0381, 0.1926),
        ((10, 0), (20, 0), -0.1611, 0.2775),
        ((10, 10), (10, 0), 0.6075, 1.0),
    ],
)
def test_shares_have_the_published_interval(
    ours: tuple[int, int], theirs: tuple[int, int], low: float, high: float
) -> None:
    found = share_difference(*two_arms(ours, theirs))
    assert found is not None
    assert (found.low, found.high) == (pytest.approx(low, abs=6e-5), pytest.approx(high, abs=6e-5))


@pytest.mark.parametrize("hits", range(0, 41, 2))
def test_the_one_sided_test_never_disagrees_with_the_interval(hits: int) -> None:
    found = share_difference(*two_arms((40, hits), (40, 15)))
    assert found is not None
    assert found.is_gain == (found.p < 0.025)
    assert found.is_loss == (found.p > 0.975)


def test_p_of_a_large_sample_is_that_of_the_z_test() -> None:
    found = share_difference(*two_arms((10_000, 1_050), (10_000, 1_000)))
    assert found is not None
    z = 0.005 / np.sqrt(0.105 * 0.895 / 10_000 + 0.1 * 0.9 / 10_000)
    assert found.p == pytest.approx(stats.norm.sf(z), abs=0.002)


def test_an_arm_of_nobody_has_no_difference() -> None:
    assert share_difference(np.array([True]), np.array([True])) is None
    assert mean_difference(np.array([1.0, 2.0, 3.0]), np.array([True, True, False])) is None
    assert mean_difference(np.zeros(10), np.arange(10) < 5) is None


def test_means_of_many_buyers_have_the_interval_of_welch() -> None:
    rng = np.random.default_rng(1)
    treated = np.arange(3000) < 2000
    values = np.where(treated, rng.exponential(30.0, 3000), rng.exponential(20.0, 3000))
    found = mean_difference(values, treated)
    welch = stats.ttest_ind(values[treated], values[~treated], equal_var=False).confidence_interval(0.95)
    assert found is not None
    assert (found.method, found.adjusted) == ("own-spread", False)
    assert (found.low, found.high) == (pytest.approx(welch.low, rel=0.005), pytest.approx(welch.high, rel=0.005))


def test_few_buyers_share_one_spread() -> None:
    treated = np.arange(100) < 80
    values = np.where(np.arange(100) % 3 == 0, 10.0 + np.arange(100), 0.0)
    found = mean_difference(values, treated)
    student = stats.ttest_ind(values[treated], values[~treated]).confidence_interval(0.95)
    assert found is not None
    assert found.method == "pooled-spread"
    assert (found.low, found.high) == (pytest.approx(student.low), pytest.approx(student.high))


def test_spending_before_narrows_the_interval_where_it_tells_something_and_is_left_where_not() -> None:
    rng = np.random.default_rng(2)
    before, treated = rng.exponential(50.0, 4000), rng.random(4000) < 0.5
    values = 0.8 * np.minimum(before, np.quantile(before, 0.99)) + 3.0 * treated + rng.normal(0.0, 5.0, 4000)
    plain = mean_difference(values, treated)
    better = mean_difference(values, treated, before=before)
    assert plain is not None and better is not None
    assert better.adjusted
    assert better.high - better.low < 0.3 * (plain.high - plain.low)
    assert better.low <= 3.0 <= better.high
    unrelated = mean_difference(values, treated, before=np.ones(4000))
    assert unrelated == plain


def test_one_spender_of_a_lifetime_does_not_draw_the_line() -> None:
    rng = np.random.default_rng(3)
    before, treated = rng.exponential(50.0, 2000), np.arange(2000) % 2 == 0
    values = 0.5 * before + rng.normal(0.0, 5.0, 2000)
    usual = mean_difference(values, treated, before=before)
    before[0] = 1e9
    found = mean_difference(values, treated, before=before)
    assert usual is not None and found is not None
    assert found.adjusted
    assert found.high - found.low < 1.3 * (usual.high - usual.low)


def test_needed_sizes_are_those_of_the_books() -> None:
    # 20 % against 24 %, power 80 %, one-sided 2.5 %: 1,680 to 1,690 in each arm (normal approximation)
    sizes = needed_sizes(treatment=10_000, control=1_000, base=0.2, lift=0.2)
    assert sizes is not None
    assert 1_670 <= sizes.each_needed <= 1_700
    assert sizes.control_needed is not None
    assert 850 <= sizes.control_needed < 1_000
    assert not sizes.too_small
    again = needed_sizes(treatment=10_000, control=sizes.control_needed, base=0.2, lift=0.2)
    one_less = needed_sizes(treatment=10_000, control=sizes.control_needed - 1, base=0.2, lift=0.2)
    assert again is not None and one_less is not None
    assert again.power >= 0.8 > one_less.power


def test_a_treatment_arm_too_small_itself_is_said() -> None:
    sizes = needed_sizes(treatment=200, control=20, base=0.02)
    assert sizes is not None
    assert sizes.too_small
    assert sizes.control_needed is None
    assert sizes.each_needed > 10_000
    assert sizes.smallest is not None and sizes.smallest > 0.1


@pytest.mark.parametrize(("base", "control"), [(0.0, 50), (1.0, 50), (0.5, 0)])
def test_no_size_can_be_named_where_nothing_is_known(base: float, control: int) -> None:
    assert needed_sizes(treatment=100, control=control, base=base) is None


def test_a_lift_beyond_everybody_is_taken_back() -> None:
    sizes = needed_sizes(treatment=1000, control=1000, base=0.9, lift=0.5)
    assert sizes is not None
    assert 0.9 + sizes.effect < 1.0
    assert sizes.lift < 0.5
