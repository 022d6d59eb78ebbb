"""Laws of a campaign's report: arms mirror each other, test and interval agree, nothing depends on order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from profilestore.campaigns.report.effects import Difference, mean_difference, share_difference
from profilestore.campaigns.report.estimators import holm
from profilestore.campaigns.report.power import needed_sizes


@st.composite
def arms(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """What happened to users, and their arm; both arms have two users or more."""
    counts = [draw(st.integers(2, 60)) for _ in range(2)]
    hits = [draw(st.integers(0, count)) for count in counts]
    happened = np.concatenate([np.arange(count) < hit for count, hit in zip(counts, hits, strict=True)])
    return happened, np.repeat([True, False], counts)


def mirrored(one: Difference | None, other: Difference | None) -> None:
    assert (one is None) == (other is None)
    if one is None or other is None:
        return
    assert other.value == pytest.approx(-one.value, abs=1e-9)
    assert (other.low, other.high) == (pytest.approx(-one.high, abs=1e-9), pytest.approx(-one.low, abs=1e-9))
    assert other.p == pytest.approx(1.0 - one.p, abs=1e-6)


@settings(deadline=None)  # the first one imports statsmodels
@given(arms())
def test_shares_of_swapped_arms_are_mirrored_and_within_all_and_nothing(made: tuple[np.ndarray, np.ndarray]) -> None:
    happened, treated = made
    found = share_difference(happened, treated)
    assert found is not None
    assert -1.0 <= found.low <= found.value <= found.high <= 1.0
    assert 0.0 <= found.p <= 1.0
    assume(min(abs(found.low), abs(found.high)) > 1e-9)
    assert found.is_gain == (found.p < 0.025)
    mirrored(found, share_difference(happened, ~treated))


@settings(deadline=None)  # the first one imports statsmodels
@given(arms(), st.floats(0.01, 1e6), st.integers(0, 2**16))
def test_means_of_swapped_arms_are_mirrored_and_scale_with_the_currency(
    made: tuple[np.ndarray, np.ndarray], unit: float, seed: int
) -> None:
    happened, treated = made
    rng = np.random.default_rng(seed)
    values = happened * rng.exponential(10.0, happened.size)
    before = rng.exponential(30.0, happened.size)
    found = mean_difference(values, treated, before=before)
    mirrored(found, mean_difference(values, ~treated, before=before))
    if found is None:
        return
    assert found.low <= found.value <= found.high
    assert found.is_gain == (found.p < 0.025) or abs(found.p - 0.025) < 1e-9
    scaled = mean_difference(values * unit, treated, before=before)
    assert scaled is not None
    assert scaled.value == pytest.approx(found.value * unit, rel=1e-6, abs=1e-9 * unit)
    assert scaled.high - scaled.low == pytest.approx((found.high - found.low) * unit, rel=1e-6)
    order = rng.permutation(values.size)
    shuffled = mean_difference(values[order], treated[order], before=before[order])
    assert shuffled is not None
    assert (shuffled.low, shuffled.high) == (pytest.approx(found.low, abs=1e-6), pytest.approx(found.high, abs=1e-6))


@st.composite
def coarse_money(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What few prices and many repeats make: money now, money before and the arm, all of them much alike."""
    happened, treated = draw(arms())
    users = happened.size
    repeats = draw(st.sampled_from([1, 4]))  # enough buyers for a spread of each arm's own, or not
    values = happened * np.array(draw(st.lists(st.sampled_from([0.0, 5.0, 10.0]), min_size=users, max_size=users)))
    spent = st.sampled_from([0.0, 0.0, 0.0, 10.0, 1e6])
    before = draw(
        st.one_of(
            st.lists(spent, min_size=users, max_size=users).map(np.array),
            st.sampled_from([1e-3, 10.0, 1e6]).map(lambda paid: treated * paid),
            st.integers(0, users - 1).map(lambda user: 10.0 * (np.arange(users) == user)),
        )
    )
    return np.tile(values, repeats), np.tile(before, repeats), np.tile(treated, repeats)


@settings(deadline=None, max_examples=300)  # the first one imports statsmodels
@given(coarse_money())
def test_spending_before_that_says_nothing_of_its_own_changes_nothing(
    made: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    values, before, treated = made
    plain, found = mean_difference(values, treated), mean_difference(values, treated, before=before)
    assert (plain is None) == (found is None)
    if plain is None or found is None:
        assert np.ptp(values[treated]) == 0.0 and np.ptp(values[~treated]) == 0.0
        return
    assert found.low < found.value < found.high
    assert found.is_gain == (found.p < 0.025) or abs(found.p - 0.025) < 1e-9
    assert found.adjusted or found == plain
    assert found.high - found.low <= plain.high - plain.low
    apart = before[treated].min() > before[~treated].max() or before[treated].max() < before[~treated].min()
    if apart and np.ptp(before[treated]) == np.ptp(before[~treated]) == 0.0:
        assert found == plain  # who spent before are just those who were treated
    mirrored(found, mean_difference(values, ~treated, before=before))


def test_one_user_who_spent_before_among_many_who_did_not_makes_no_interval_of_no_width() -> None:
    rng = np.random.default_rng(3)
    treated = np.repeat([True, False], 100)
    values = rng.exponential(10.0, treated.size)
    before = np.zeros(treated.size)
    before[7] = 40.0
    assert mean_difference(values, treated, before=before) == mean_difference(values, treated)


@settings(deadline=None, max_examples=20)  # each collects garbage, in statsmodels
@given(st.lists(st.floats(0.0, 1.0), max_size=30))
def test_corrected_p_values_are_no_smaller_and_keep_their_order(chances: list[float]) -> None:
    found = holm(chances)
    assert all(one >= other for one, other in zip(found, chances, strict=True))
    order = np.argsort(chances, kind="stable")
    assert np.all(np.diff(np.array(found)[order]) >= -1e-12)


@settings(deadline=None)  # the first one imports statsmodels
@given(st.integers(50, 100_000), st.integers(10, 100_000), st.floats(0.005, 0.9), st.floats(0.05, 1.0))
def test_sizes_that_are_named_as_enough_are_enough(treatment: int, control: int, base: float, lift: float) -> None:
    sizes = needed_sizes(treatment=treatment, control=control, base=base, lift=lift)
    assert sizes is not None
    assert sizes.too_small == (sizes.power < 0.8)
    if sizes.control_needed is not None:
        enough = needed_sizes(treatment=treatment, control=sizes.control_needed, base=base, lift=lift)
        assert enough is not None and not enough.too_small
        assert (control < sizes.control_needed) == sizes.too_small
    else:
        assert sizes.too_small
    if sizes.smallest is not None:
        assert (sizes.smallest > sizes.effect) == sizes.too_small or sizes.smallest == pytest.approx(sizes.effect)
