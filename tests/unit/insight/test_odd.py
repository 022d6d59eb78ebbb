"""Odd behaviour: planted odd users are found, ordinary ones are left alone, and each flag says why."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from leaks import sees_the_future
from scipy.stats import binomtest

from profilestore.errors import TooLittleData
from profilestore.ingest.sample import generate_shop
from profilestore.ingest.sample_odd import ODD_KINDS
from profilestore.insight.history import DAY_S, History, Shelf, type_code
from profilestore.insight.odd.acts import OddActs, recent_acts
from profilestore.insight.odd.finding import OddUsers, agreement, find_odd
from profilestore.insight.odd.forest import find_unusual
from profilestore.insight.odd.patterns import flag_patterns
from profilestore.insight.odd.rules import Limits, flag_haste, flag_order_values, flag_refunds, limits_of
from profilestore.insight.odd.trial import Trial, farthest, judge, plant_odd, try_planted
from profilestore.insight.odd.words import FLAGS, odd_card, odd_reasons
from profilestore.insight.reading import HistoryBuilder
from profilestore.settings import Settings

LIMITS = limits_of(Settings())
START = 1.7e9
Act = tuple[str, str, str, float, float, float]  # user, type, product, day, pieces, amount


@cache
def shop(*, odd: bool) -> tuple[History, dict[str, str]]:
    made = generate_shop(users=600, products=400, events=18_000, odd=odd)
    builder = HistoryBuilder()
    builder.add(made.events)
    return builder.build(), made.truth.odd_users


@cache
def found(*, odd: bool) -> OddUsers:
    return find_odd(shop(odd=odd)[0], limits=LIMITS, time_zone="UTC", seed=7)


@cache
def tried() -> Trial:
    return try_planted(found(odd=False), limits=LIMITS, seed=7)


def history_of(acts: list[Act]) -> History:
    """Lines of one user and day are of one order."""
    users, products = sorted({act[0] for act in acts}), sorted({act[2] for act in acts})
    rows = sorted(acts, key=lambda act: (act[0], act[3], act[2]))
    times = np.array([START + act[3] * DAY_S for act in rows])
    return History(
        user_ids=tuple(users),
        shelf=Shelf(tuple(products), ("",) * len(products), ("",) * len(products)),
        users=np.array([users.index(act[0]) for act in rows], dtype=np.int32),
        products=np.array([products.index(act[2]) for act in rows], dtype=np.int32),
        types=np.array([type_code(act[1]) for act in rows], dtype=np.int8),
        times=times,
        purchase_times=times,
        quantities=np.array([act[4] for act in rows]),
        amounts=np.array([act[5] for act in rows]),
        order_keys=np.array([int(act[3] * 1e6) for act in rows], dtype=np.int64),
        as_of=float(times.max()) + 1.0,
    )


def ordinary(users: int = 60, seed: int = 3) -> list[Act]:
    """Each user buys some five times for about 20, of 200 products."""
    rng = np.random.default_rng(seed)
    return [
        (f"u{user:02d}", "purchase", f"p{rng.integers(200):03d}", float(rng.uniform(0, 300)), 1.0,
         float(20.0 * rng.lognormal(0.0, 0.5)))
        for user in range(users)
        for _ in range(int(rng.integers(4, 8)))
    ]  # fmt: skip


def told(facts: dict[int, Any], history: History) -> dict[str, Any]:
    return {history.user_ids[row]: fact for row, fact in facts.items()}


def test_planted_odd_users_are_found_and_no_others() -> None:
    history, truth = shop(odd=True)
    flagged = set(found(odd=True).flags())
    hits = len(flagged & set(truth))
    precision, recall = binomtest(hits, len(flagged)), binomtest(hits, len(truth))
    assert hits / len(flagged) >= 0.8
    assert hits / len(truth) >= 0.8
    assert precision.proportion_ci(method="wilson").low >= 0.8
    assert recall.proportion_ci(method="wilson").low >= 0.8
    plain = {history.user_ids[row] for row in farthest(found(odd=True).unusual, len(flagged))}
    assert len(plain & set(truth)) < hits - 5  # as many by the largest deviation find fewer
    assert set(truth.values()) == set(ODD_KINDS)


@pytest.mark.parametrize(
    ("kind", "flag"),
    [
        ("huge orders", "order-value"), ("many orders at once", "velocity"), ("refunds", "refunds"),
        ("crawler", "velocity"), ("one pattern", "same-pattern"),
    ],
)  # fmt: skip
def test_each_kind_gets_the_flag_that_says_what_it_is(kind: str, flag: str) -> None:
    flags, truth = found(odd=True).flags(), shop(odd=True)[1]
    of_kind = [user for user, planted in truth.items() if planted == kind]
    assert sum(flag in flags.get(user, []) for user in of_kind) >= 0.8 * len(of_kind)


def test_hardly_anybody_is_flagged_where_nobody_is_odd() -> None:
    flags = found(odd=False).flags()
    assert len(flags) <= 0.015 * len(shop(odd=False)[0].user_ids)
    assert Counter(flag for each in flags.values() for flag in each).keys() <= {"unusual"}


def test_the_same_history_and_seed_give_the_same_and_other_seeds_nearly() -> None:
    history = shop(odd=True)[0]
    again = find_odd(history, limits=LIMITS, time_zone="UTC", seed=7)
    assert again.fields() == found(odd=True).fields()
    other = set(find_odd(history, limits=LIMITS, time_zone="UTC", seed=8).facts)
    both = set(again.facts) & other
    assert len(both) / len(set(again.facts) | other) > 0.9
    assert (agreement(again.unusual, LIMITS) or 0.0) > 0.4


def columns_at(history: History, time: float) -> Any:
    acts = OddActs(recent_acts(history.before(time), days=365.0), "UTC")
    return [acts.acts_a_day, *acts.columns().values()]


def leaky_columns_at(history: History, time: float) -> Any:
    return [*OddActs(history, "UTC").columns().values()]


def test_no_figure_sees_the_future_and_a_planted_leak_is_found() -> None:
    history = shop(odd=True)[0]
    time = history.as_of - 60 * DAY_S
    assert not sees_the_future(columns_at, history, time)
    assert sees_the_future(leaky_columns_at, history, time)

    def flags_at(history: History, time: float) -> Any:
        return find_odd(history.before(time), limits=LIMITS, time_zone="UTC", seed=7).fields()

    assert not sees_the_future(flags_at, history, time)


def test_what_was_odd_long_ago_is_forgotten() -> None:
    old = [("old", "purchase", f"p{n:03d}", n / 100, 1.0, 20.0) for n in range(12)]
    history = history_of([*ordinary(), *old, ("old", "purchase", "p001", 299.0, 1.0, 20.0)])
    assert "old" in told(flag_haste(OddActs(history, "UTC"), LIMITS), history)
    recent = recent_acts(history, days=100.0)
    assert told(flag_haste(OddActs(recent, "UTC"), LIMITS), history) == {}


def test_a_large_order_is_odd_and_a_wholesalers_habit_is_not() -> None:
    habit = [("shop", "purchase", "p001", 10.0 * n, 90.0, 2000.0 + 10 * n) for n in range(1, 9)]
    history = history_of([*ordinary(), *habit, ("u05", "purchase", "p002", 200.5, 100.0, 2000.0)])
    facts = told(flag_order_values(OddActs(history, "UTC"), LIMITS), history)
    assert list(facts) == ["u05"]
    assert facts["u05"]["times"] == pytest.approx(2000 / facts["u05"]["usual"], rel=1e-3)
    assert flag_order_values(OddActs(history, "UTC"), replace(LIMITS, order_deviations=50.0)) == {}


def test_haste_is_told_by_orders_by_the_hour_and_by_the_day() -> None:
    orders = [("buyer", "purchase", f"p{n:03d}", 50 + n / 24, 1.0, 20.0) for n in range(6)]
    looks = [("crawler", "view", f"p{n % 200:03d}", 60 + n / 300, 1.0, 0.0) for n in range(260)]
    fast = [("robot", "view", f"p{n % 200:03d}", 70 + n / 5000, 1.0, 0.0) for n in range(150)]
    history = history_of([*ordinary(), *orders, *looks, *fast])
    facts = told(flag_haste(OddActs(history, "UTC"), LIMITS), history)
    assert {user: (fact["of"], fact["count"]) for user, fact in facts.items()} == {
        "buyer": ("orders_a_day", 6),
        "crawler": ("acts_a_day", 260),
        "robot": ("acts_an_hour", 150),
    }
    assert told(flag_haste(OddActs(history, "UTC"), replace(LIMITS, orders_a_day=7)), history).keys() == {
        "crawler", "robot",
    }  # fmt: skip


def test_the_lines_of_one_large_basket_are_one_moment() -> None:
    basket = [("family", "purchase", f"p{n:03d}", 50.0, 1.0, 2.0) for n in range(199)]
    history = history_of([*ordinary(), *basket])
    assert flag_haste(OddActs(history, "UTC"), LIMITS) == {}


def test_refunds_are_odd_where_most_comes_back_and_more_than_chance() -> None:
    bought = [("back", "purchase", f"p{n:03d}", 20.0 * n, 1.0, 30.0) for n in range(1, 9)]
    back = [("back", "refund", f"p{n:03d}", 20.0 * n + 2, 1.0, 30.0) for n in range(1, 7)]
    one = [("u07", "refund", "p001", 250.0, 1.0, 200.0)]
    history = history_of([*ordinary(), *bought, *back, *one])
    facts = told(flag_refunds(OddActs(history, "UTC"), LIMITS), history)
    assert facts.keys() == {"back"}
    assert (facts["back"]["refunds"], facts["back"]["purchases"], facts["back"]["share"]) == (6, 8, 0.75)
    everybody = [(user, "refund", product, day + 1, 1.0, amount) for user, _, product, day, _, amount in ordinary()]
    assert flag_refunds(OddActs(history_of([*ordinary(), *everybody]), "UTC"), LIMITS) == {}


def pattern(user: str, start: float, products: list[int], type: str = "purchase") -> list[Act]:
    return [(user, type, f"p{n:03d}", start + place / 50, 1.0, 20.0) for place, n in enumerate(products)]


def test_accounts_with_one_pattern_are_found_whenever_they_act() -> None:
    steps = [3, 77, 12, 150, 61, 199, 8]
    group = [pattern(f"same{n}", 40.0 * n + 1, steps[: 7 - n % 2]) for n in range(5)]
    pair = [pattern(f"pair{n}", 9.0, [150, 3, 8, 12, 77]) for n in range(2)]
    crowd = [pattern(f"look{n}", 9.0, [1, 2, 3, 4, 5, 6], "view") for n in range(9)]
    history = history_of([*ordinary(), *(act for acts in (*group, *pair, *crowd) for act in acts)])
    facts = told(flag_patterns(history, LIMITS), history)
    assert facts.keys() == {f"same{n}" for n in range(5)}
    assert {(fact["pattern"], fact["accounts"]) for fact in facts.values()} == {(1, 5)}
    assert flag_patterns(history, replace(LIMITS, accounts=6)) == {}
    assert len(flag_patterns(history, replace(LIMITS, accounts=2))) == 7


def test_who_only_shares_a_favourite_or_two_is_of_no_pattern() -> None:
    rng = np.random.default_rng(5)
    acts: list[Act] = []
    for number in range(6):
        own = rng.choice(np.arange(20, 200), size=5, replace=False).tolist()
        acts += pattern(f"fan{number}", 10.0 * number, [1, 2, 3, 4, *own])
    history = history_of([*ordinary(), *acts])
    assert flag_patterns(history, LIMITS) == {}
    loose = told(flag_patterns(history, replace(LIMITS, likeness=0.2)), history)
    assert loose.keys() == {f"fan{number}" for number in range(6)}


def test_thousands_of_accounts_of_one_pattern_are_one_group() -> None:
    every: list[Act] = []
    for number in range(3000):
        every += pattern(f"same{number:04d}", 300.0 * number / 3000, [3, 77, 12, 150, 61, 199, 8])
    facts = flag_patterns(history_of(every), LIMITS)
    assert {fact["accounts"] for fact in facts.values()} == {3000}
    assert len(facts) == 3000


def test_no_more_are_unusual_than_a_person_can_look_at() -> None:
    unusual = find_unusual(OddActs(shop(odd=True)[0], "UTC"), seed=7)
    loose = replace(LIMITS, score=0.3)
    assert unusual.odd(loose).size == int(0.01 * unusual.rows.size)
    assert unusual.odd(replace(loose, share=0.0)).size == 0
    highest = unusual.scores[unusual.odd(loose)]
    assert highest.min() >= np.sort(unusual.scores)[-highest.size]
    assert 0.0 < unusual.scores.min() < unusual.scores.max() < 1.0


@pytest.mark.parametrize(
    ("acts", "words"),
    [
        (ordinary(3), "there are 3"),
        ([(f"u{n:02d}", "purchase", "p", float(day), 1.0, 5.0) for n in range(30) for day in range(4)], "alike"),
    ],
)
def test_too_little_is_a_sentence(acts: list[Act], words: str) -> None:
    with pytest.raises(TooLittleData, match=words):
        find_odd(history_of(acts), limits=LIMITS, time_zone="UTC", seed=7)


def test_a_shop_without_purchases_has_no_order_to_be_odd() -> None:
    history = history_of([(user, "view", product, day, 1.0, 0.0) for user, _, product, day, _, _ in ordinary()])
    odd = find_odd(history, limits=LIMITS, time_zone="UTC", seed=7)
    assert {flag for flags in odd.flags().values() for flag in flags} <= {"unusual"}
    assert {row["kind"] for row in try_planted(odd, limits=LIMITS, seed=7).rows} == {"crawler"}


def test_the_search_is_tried_on_a_copy_with_odd_users_planted() -> None:
    odd = found(odd=False)
    before = odd.acts.history
    copy, truth = plant_odd(before, seed=7)
    assert len(copy.user_ids) == len(before.user_ids) + len(truth)
    assert np.array_equal(copy.times[copy.users < len(before.user_ids)], before.times)
    assert bool((copy.times < copy.as_of).all())
    trial = tried()
    assert trial.beats
    assert trial.figures["recall"]["low"] > trial.figures["baseline"]["high"]
    assert {row["kind"] for row in trial.rows} == {"huge order", "many orders at once", "refunds", "crawler",
                                                  "one pattern"}  # fmt: skip
    blind = replace(find_odd(copy, limits=LIMITS, time_zone="UTC", seed=7), facts={})
    assert not judge(blind, truth, seed=7).beats  # who finds nobody does not beat the baseline


def test_reasons_are_told_in_words_in_two_languages() -> None:
    facts = {flag: next(fact for each in found(odd=True).facts.values() for fact in each if fact["flag"] == flag)
             for flag in FLAGS}  # fmt: skip
    english = odd_reasons(list(facts.values()), "en", currency="GBP")
    chinese = odd_reasons(list(facts.values()), "zh", currency="CNY")
    for words, part in zip(english, ("times the usual", "within", "refunds on", "accounts", "unlike the"), strict=True):
        assert part in words
    for words, part in zip(chinese, ("订单", "提示", "退款", "账号", "少见"), strict=True):
        assert part in words
    assert "GBP" in english[0]
    assert "CNY" in chinese[0]
    usual = facts["unusual"]["by"]
    assert 1 <= len(usual) <= 3
    assert all(by["value"] != by["usual"] for by in usual)


def test_the_card_says_that_nobody_is_blocked_and_how_good_it_is() -> None:
    trial = tried()
    card = odd_card(odd_users=40, users=1000, counts=dict.fromkeys(FLAGS, 8), trial=trial)
    assert "Nothing is blocked" in card["en"]
    assert "40 of 1,000 users (4.00%)" in card["en"]
    assert "Better than that baseline" in card["en"]
    assert "不会拦截任何人" in card["zh"]
    worse = odd_card(odd_users=0, users=10, counts={}, trial=replace(trial, beats=False))
    assert "NOT better" in worse["en"]
    assert "未优于" in worse["zh"]


def test_limits_are_the_settings() -> None:
    changed = limits_of(Settings(odd_orders_a_day=9, odd_refund_share=0.7))
    assert changed == Limits(**{**{name: getattr(LIMITS, name) for name in Limits.__slots__},
                                "orders_a_day": 9, "refund_share": 0.7})  # fmt: skip
