"""RFM scores and value tiers, by hand and on a made shop."""

from __future__ import annotations

import numpy as np
import pytest
from bought import START_S, purchases, shop_of_buyers
from leaks import sees_the_future

from profilestore.insight.history import DAY_S, History
from profilestore.insight.value.rfm import TIERS, quintiles, rfm_of, segment_names, tiers_of
from profilestore.insight.value.step import check_tiers, horizon_of, learn_weights
from profilestore.insight.value.tier_rules import fit_rules


def test_quintiles_give_a_fifth_each_and_equal_scores_to_equals() -> None:
    assert np.bincount(quintiles(np.arange(100.0)))[1:].tolist() == [20] * 5
    assert quintiles(np.array([1.0, 1.0, 1.0, 1.0])).tolist() == [3, 3, 3, 3]
    mostly_once = quintiles(np.array([1.0] * 60 + [2.0] * 20 + [3.0] * 20))
    assert [sorted(set(mostly_once[a:b].tolist())) for a, b in ((0, 60), (60, 80), (80, 100))] == [[2], [4], [5]]


def test_figures_by_hand() -> None:
    h = purchases(("a", 0, 10.0), ("a", 95, 30.0), ("b", 50, 100.0), ("c", 100, 1.0))
    rfm = rfm_of(h)
    assert [h.user_ids[user] for user in rfm.users] == ["a", "b", "c"]
    assert rfm.recency_days.tolist() == pytest.approx([5.0, 50.0, 0.0], abs=1e-6)
    assert rfm.orders.tolist() == [2.0, 1.0, 1.0]
    assert rfm.spend.tolist() == [40.0, 100.0, 1.0]
    assert rfm.recent_spend.tolist() == [30.0, 100.0, 1.0]
    assert rfm_of(h, period_s=10 * DAY_S).recent_spend.tolist() == [30.0, 0.0, 1.0]
    assert rfm.recency_score.tolist() == [3, 1, 5]


def test_tiers_are_a_fifth_three_tenths_and_half_and_the_rising_are_told_apart() -> None:
    # Who spent most, spent it long ago; u10 and u70 spent lately.
    rows = [(f"u{n:02d}", float(n) / 10.0, 100.0 + n) for n in range(100)]
    h = purchases(*rows, ("u10", 300.0, 0.5), ("u70", 301.0, 0.5))
    rfm = rfm_of(h)
    only_money = np.array([0.0, 0.0, 1.0])
    plain = tiers_of(rfm, only_money, potential=False)
    assert {name: int((plain == name).sum()) for name in ("high", "mid", "low")} == {"high": 20, "mid": 30, "low": 50}
    assert set(plain[80:].tolist()) == {"high"}
    tiers = tiers_of(rfm, only_money)
    assert (tiers[10], tiers[70]) == ("potential_mid", "potential_high")
    assert (tiers == plain).sum() == 98


def test_equals_are_in_one_tier() -> None:
    tiers = tiers_of(rfm_of(purchases(*[(f"u{n}", 1.0, 5.0) for n in range(40)])), np.full(3, 1 / 3))
    assert len(set(tiers.tolist())) == 1


def test_every_user_has_a_customary_name() -> None:
    names = segment_names(rfm_of(shop_of_buyers(500)))
    assert {"champions", "lost", "at risk", "promising"} <= set(names.tolist())
    assert "" not in names


def test_what_weighs_is_learned_from_what_was_spent_later() -> None:
    h = shop_of_buyers(1500)
    horizon_s = horizon_of(h)
    assert horizon_s is not None
    at = h.as_of - horizon_s
    weights = learn_weights(h, at, horizon_s=horizon_s)
    assert weights.sum() == pytest.approx(1.0)
    assert weights.min() >= 0.0
    check = check_tiers(h, weights, at, horizon_s=horizon_s, seed=7)
    assert check is not None
    assert check.apart
    assert check.figures["top_share"]["low"] > 2 * check.figures["top_users_share"]
    assert check == check_tiers(h, weights, at, horizon_s=horizon_s, seed=7)


def test_tiers_that_say_nothing_are_found_out() -> None:
    """Everybody is the same, and what they spent says nothing of what they will spend."""
    rng = np.random.default_rng(2)
    rows = [(f"u{rng.integers(400):03d}", float(rng.uniform(0, 365)), float(rng.lognormal(3, 1))) for _ in range(900)]
    h = purchases(*rows)
    horizon_s = 90 * DAY_S
    weights = learn_weights(h.before(h.as_of - horizon_s), h.as_of - 2 * horizon_s, horizon_s=horizon_s)
    check = check_tiers(h, weights, h.as_of - horizon_s, horizon_s=horizon_s, seed=7)
    assert check is not None
    assert not check.apart


def test_nothing_of_it_sees_the_future() -> None:
    h = shop_of_buyers(300)
    cut = START_S + 250 * DAY_S

    def tiers(of: History, at: float) -> object:
        return tiers_of(rfm_of(of.before(at)), learn_weights(of.before(at), at - 90 * DAY_S, horizon_s=90 * DAY_S))

    def planted(of: History, at: float) -> object:
        return learn_weights(of, at, horizon_s=90 * DAY_S)

    assert not sees_the_future(tiers, h, cut)
    assert sees_the_future(planted, h, cut)


def test_rules_reproduce_the_tiers_and_read_as_words() -> None:
    h = shop_of_buyers(800)
    rfm = rfm_of(h)
    tiers = tiers_of(rfm, np.array([0.2, 0.3, 0.5]))
    tree = fit_rules(rfm, tiers, seed=7)
    assert tree.agreement > 0.85 > tree.majority
    assert sum(rule["users"] for rule in tree.rules) == len(rfm)
    assert len(tree.rules) <= 12
    assert {rule["tier"] for rule in tree.rules} <= set(TIERS)
    assert any("spend > " in rule["if"] for rule in tree.rules)
    assert sum(tree.weights.values()) == pytest.approx(1.0, abs=1e-3)
    assert tree == fit_rules(rfm, tiers, seed=7)


def test_a_held_out_period_is_ninety_days_or_a_quarter_of_a_short_history() -> None:
    assert horizon_of(purchases(("a", 0, 1.0), ("a", 400, 1.0))) == 90 * DAY_S
    assert horizon_of(purchases(("a", 0, 1.0), ("a", 100, 1.0))) == pytest.approx(25 * DAY_S, rel=1e-6)
    assert horizon_of(purchases(("a", 0, 1.0), ("a", 20, 1.0))) is None
    assert horizon_of(purchases()) is None
