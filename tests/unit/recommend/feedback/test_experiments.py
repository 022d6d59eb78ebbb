"""Assignment by hash, and what an experiment's figures allow to conclude."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from profilestore.errors import UsageError
from profilestore.features.holm import holm
from profilestore.recommend.feedback.attribution import Figures, UserFigures
from profilestore.recommend.feedback.experiments import Experiment, _check, assign
from profilestore.recommend.feedback.significance import (
    RatioSums,
    difference,
    ratio_mismatch_p,
    users_needed,
    wilson,
)
from profilestore.recommend.feedback.verdict import ExperimentReport, compare_arms

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def experiment(
    name: str = "x", methods: tuple[str, ...] = ("a", "b"), shares: tuple[float, ...] = (0.5, 0.5)
) -> Experiment:
    return Experiment(name=name, methods=methods, shares=shares, start=NOW - timedelta(days=9), end=None)


def chi_squared(counts: np.ndarray, expected: np.ndarray) -> float:
    return float(((counts - expected) ** 2 / expected).sum())


def test_users_fall_into_the_shares() -> None:
    for shares in ((0.5, 0.5), (0.1, 0.9), (0.2, 0.3, 0.5)):
        methods = ("a", "b", "c")[: len(shares)]
        found = [assign(experiment("shares", methods, shares), f"user-{n}") for n in range(20_000)]
        counts = np.array([found.count(method) for method in methods])
        assert chi_squared(counts, 20_000 * np.array(shares)) < 13.8  # p 0.001 at two degrees of freedom


def test_experiments_of_other_names_are_independent() -> None:
    first, second = experiment("one"), experiment("two")
    pairs = [(assign(first, f"u{n}"), assign(second, f"u{n}")) for n in range(20_000)]
    table = np.array([[pairs.count((a, b)) for b in "ab"] for a in "ab"], dtype=float)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    assert chi_squared(table, expected) < 10.8  # p 0.001 at one degree of freedom


def test_the_assignment_is_the_same_for_ever() -> None:
    """Fixed values: a changed hash would move users between arms of experiments that are running."""
    assert [assign(experiment("fixed"), user) for user in ("u1", "u2", "u3", "u4", "客户")] == ["a", "a", "b", "a", "a"]


@pytest.mark.parametrize(
    ("methods", "shares", "said"),
    [
        (["text"], None, "at least two"),
        (["text", "text"], None, "each method once"),
        (["text", "magic"], None, "no method magic"),
        (["text", "taste"], [0.5], "2 methods and 1 shares"),
        (["text", "taste"], [0.5, 0.6], "add up to 1.1"),
        (["text", "taste"], [1.5, -0.5], "above 0"),
        (["text", "taste"], [float("nan"), 0.5], "above 0"),
    ],
)
def test_bad_definitions_are_refused(methods: list[str], shares: list[float] | None, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        _check("name", methods, known=("text", "taste"), shares=shares)
    with pytest.raises(UsageError, match="name"):
        _check("no spaces", ["text", "taste"], known=("text", "taste"), shares=None)


def test_states() -> None:
    open_end = experiment()
    assert open_end.state(NOW) == "running"
    assert open_end.state(NOW - timedelta(days=10)) == "waiting"
    closed = Experiment(name="x", methods=("a", "b"), shares=(0.5, 0.5), start=NOW, end=NOW + timedelta(days=1))
    assert closed.state(NOW + timedelta(days=1)) == "ended"


# ---------------------------------------------------------------- figures


def users(rates: dict[str, float], *, n: int, seed: int, of: Experiment) -> Iterator[tuple[str, UserFigures]]:
    """Users shown 5 to 30 products by their arm's method, who click at its rate times a mood of their own."""
    rng = np.random.default_rng(seed)
    for number in range(n):
        user = f"{seed}-{number}"
        method = assign(of, user)
        shown = int(rng.integers(5, 31))
        clicks = int(rng.binomial(shown, min(1.0, rates[method] * rng.gamma(2.0, 0.5))))
        yield user, {(method, 1): Figures(shown, clicks)}


def judged(rates: dict[str, float], *, n: int, seed: int, effect: float = 0.3) -> ExperimentReport:
    of = experiment()
    return compare_arms(of, users(rates, n=n, seed=seed, of=of), now=NOW, effect=effect)


def test_no_difference_is_rarely_taken_for_one_and_a_real_one_is_found() -> None:
    same = [judged({"a": 0.1, "b": 0.1}, n=600, seed=seed).comparisons[0] for seed in range(200)]
    assert sum(each.p is not None and each.p < 0.05 for each in same) <= 20  # 10 expected; above 20 once in 800
    assert sum(each.low < 0 < each.high for each in same if each.low is not None and each.high is not None) >= 180
    found = [judged({"a": 0.1, "b": 0.14}, n=1500, seed=seed).comparisons[0] for seed in range(20)]
    assert sum(each.outcome == "difference" and (each.difference or 0) > 0 for each in found) >= 18


def test_the_sample_size_gives_the_power_it_says() -> None:
    """With as many users as it asks for, a difference of the wished size is found in 80 % of the runs."""
    pilot = judged({"a": 0.1, "b": 0.1}, n=4000, seed=1, effect=0.3).comparisons[0]
    assert pilot.users_needed is not None
    runs = [judged({"a": 0.1, "b": 0.13}, n=pilot.users_needed, seed=500 + run).comparisons[0] for run in range(100)]
    found = sum(each.p is not None and each.p < 0.05 for each in runs)
    assert 66 <= found <= 92  # 80 expected, standard deviation 4


def test_too_few_users_conclude_nothing_even_where_p_is_small() -> None:
    report = judged({"a": 0.05, "b": 0.3}, n=60, seed=4, effect=0.05)
    (each,) = report.comparisons
    assert each.p is not None
    assert each.p < 0.05
    assert each.outcome == "nothing yet"
    assert "nothing can be concluded yet" in report.conclusion
    assert each.users_needed is not None
    assert each.users_needed > 60


def test_what_is_beyond_doubt_may_be_concluded_early() -> None:
    report = judged({"a": 0.05, "b": 0.3}, n=600, seed=4, effect=0.05)
    (each,) = report.comparisons
    assert each.users_needed is not None
    assert each.users < each.users_needed
    assert each.outcome == "difference"


def test_a_sample_ratio_mismatch_voids_everything() -> None:
    of = experiment()
    kept = list(users({"a": 0.1, "b": 0.3}, n=4000, seed=5, of=of))
    lost = [each for n, each in enumerate(kept) if assign(of, each[0]) == "a" or n % 5 > 0]
    report = compare_arms(of, lost, now=NOW)
    assert report.sample_ratio_p < 0.001
    assert report.comparisons[0].outcome == "mismatch"
    assert report.conclusion.startswith("nothing can be concluded")
    assert compare_arms(of, kept, now=NOW).comparisons[0].outcome == "difference"


def test_no_impressions_conclude_nothing() -> None:
    report = compare_arms(experiment(), [], now=NOW)
    assert [arm.users for arm in report.arms] == [0, 0]
    assert report.comparisons[0].outcome == "nothing yet"
    assert "too little" in report.conclusion


def test_who_was_assigned_counts_also_where_another_method_answered() -> None:
    of = experiment()
    user = next(f"u{n}" for n in range(50) if assign(of, f"u{n}") == "b")
    report = compare_arms(of, [(user, {("popular", 1): Figures(10, 3), ("b", 1): Figures(30, 3)})], now=NOW)
    arm = report.arms[1]
    assert (arm.users, arm.impressions, arm.clicks, arm.delivered) == (1, 40, 6, 0.75)


def test_bad_questions_are_refused() -> None:
    for wrong in ({"metric": "love"}, {"effect": 0.0}, {"effect": -1.0}):
        with pytest.raises(UsageError):
            compare_arms(experiment(), [], now=NOW, **wrong)  # type: ignore[arg-type]


# ---------------------------------------------------------------- arithmetic


def test_wilson_by_hand() -> None:
    assert wilson(10, 100) == pytest.approx((0.0552, 0.1744), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_the_ratio_s_variance_is_that_of_a_share_where_each_user_has_one_impression() -> None:
    sums = RatioSums()
    for n in range(1000):
        sums.add(1.0, float(n < 200))
    assert sums.rate == 0.2
    assert sums.variance_per_user == pytest.approx(0.16, rel=0.01)


def test_users_needed_by_hand() -> None:
    """Two proportions of 10 % and a tenth more, equal arms: 2 * (1.96 + 0.8416)^2 * 2 * 0.09 / 0.01^2."""
    arms = (RatioSums(), RatioSums())
    for sums in arms:
        for n in range(100_000):
            sums.add(1.0, float(n % 10 == 0))
    assert users_needed(*arms, effect=0.1, shares=(0.5, 0.5)) == pytest.approx(28_256, rel=0.001)
    assert difference(arms[0], arms[1]) is not None
    assert difference(RatioSums(), arms[1]) is None


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9]).tolist() == [0.9]
    assert holm([0.01], tests=4).tolist() == [0.04]


def test_the_ratio_check_by_hand() -> None:
    assert ratio_mismatch_p([500, 500], [0.5, 0.5]) == 1.0
    assert ratio_mismatch_p([550, 450], [0.5, 0.5]) == pytest.approx(0.00157, abs=1e-5)
