"""Chances of a purchase: what is planted is found, the future is not seen, too little is said."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from bought import START, START_S
from leaks import sees_the_future

from profilestore.documents import Event
from profilestore.errors import TooLittleData
from profilestore.insight.history import DAY_S, History
from profilestore.insight.labelled.candidates import candidates_named
from profilestore.insight.propensity.categories import category_moment, shelf_of
from profilestore.insight.propensity.check import PropensityCheck, beats, check_propensity, judged
from profilestore.insight.propensity.features import RECENCY_AND_FREQUENCY, purchase_features
from profilestore.insight.propensity.model import learn_moments, moment_of, moments_of, search, table_of
from profilestore.insight.propensity.pairs import Categories, CategoryChances, check_categories
from profilestore.insight.reading import HistoryBuilder
from profilestore.settings import Settings

UTC = ZoneInfo("UTC")
GROUPS = {f"p{place}": [f"c{place % 4}"] for place in range(8)}


def shop_with_visits(users: int = 260, *, days: int = 240, told: bool = True, seed: int = 2) -> History:
    """Buyers who look before they buy (`told`): recency and frequency say little, visits much."""
    rng = np.random.default_rng(seed)
    builder = HistoryBuilder()
    for number in range(users):
        favourite = int(rng.integers(4))
        for day in range(0, days, 10):
            eager = rng.random() < 0.3
            buys = eager if told else rng.random() < 0.3
            at = START + timedelta(days=day + float(rng.uniform(0.0, 3.0)))
            product = f"p{favourite + 4 * int(rng.integers(2))}" if rng.random() < 0.8 else f"p{rng.integers(8)}"
            user = f"u{number:04d}"
            events = [Event(user_id=user, type="view", time=at, product_id=product)]
            if eager:
                events += [Event(user_id=user, type="cart", time=at + timedelta(hours=1), product_id=product)]
            if buys:
                later = at + timedelta(days=14.0 + float(rng.uniform(0.0, 14.0)))
                events += [Event(user_id=user, type="purchase", time=later, product_id=product, price=5.0)]
            builder.add(event for event in events if event.time < START + timedelta(days=days))
    return builder.build(as_of=START_S + days * DAY_S)


@pytest.fixture(scope="module")
def history() -> History:
    return shop_with_visits()


def test_features_are_what_they_are_called() -> None:
    builder = HistoryBuilder()
    builder.add(
        Event(user_id=user, type=kind, time=START + timedelta(days=day), product_id=product, price=price)
        for user, kind, day, product, price in (
            ("a", "purchase", 0.0, "p1", 4.0), ("a", "purchase", 10.0, "p1", 6.0), ("a", "purchase", 30.0, "p2", 5.0),
            ("a", "cart", 38.0, "p3", None), ("b", "view", 20.0, "p1", None),
        )
    )  # fmt: skip
    found = purchase_features(builder.build(as_of=START_S + 40 * DAY_S), horizon_days=30.0, zone=UTC)
    of = {name: found.values[:, place] for place, name in enumerate(found.names)}
    assert of["days since the last order"][0] == pytest.approx(10.0)
    assert (of["orders"][0], of["orders of 30 days"][0], of["orders of 14 days"][0]) == (3.0, 2.0, 1.0)
    assert (of["spend"][0], of["spend of 30 days"][0], of["value of an order"][0]) == (15.0, 11.0, 5.0)
    assert of["days between orders"][0] == pytest.approx(15.0)
    assert of["longest days between"][0] == pytest.approx(20.0)
    assert of["silence to the longest"][0] == pytest.approx(0.5)
    assert of["share of new products"][0] == pytest.approx(2 / 3)
    assert (of["carts of 7 days"][0], of["days since the last visit"][0]) == (1.0, pytest.approx(2.0))
    # Who never bought has no silence, and is known all the same.
    assert np.isnan(of["days since the last order"][1])
    assert (of["orders"][1], of["visits of 30 days"][1]) == (0.0, 1.0)


def test_no_feature_sees_the_future_and_a_planted_leak_is_found(history: History) -> None:
    cut = START_S + 200 * DAY_S
    shelf = shelf_of(history, GROUPS)

    def honest(of: History, at: float) -> Any:
        features = purchase_features(of.before(at), horizon_days=30.0, zone=UTC)
        pairs = category_moment(
            of.before(at), features, shelf, weights={"view": 1.0, "purchase": 5.0}, half_life_days=90.0, zone=UTC
        )
        return [features.users, features.values, pairs.users, pairs.categories, pairs.values, pairs.weight]

    def planted(of: History, at: float) -> Any:
        return purchase_features(of.before(at + 5 * DAY_S), horizon_days=30.0, zone=UTC).values

    def moment(of: History, at: float) -> Any:
        return moment_of(of, at, zone=UTC, seed=7).features.values

    assert not sees_the_future(honest, history, cut)
    assert not sees_the_future(moment, history, cut)
    assert sees_the_future(planted, history, cut)


def test_what_the_check_learned_knows_nothing_of_the_days_it_is_checked_on(history: History) -> None:
    """Chances given at the last moment stay the same when all that comes after it is another story."""

    def chances(of: History, at: float) -> Any:
        moments = moments_of(of, zone=UTC, seed=7)
        table = table_of(moments[1:])
        parts = search(table, candidates_named(["logistic"]), seed=7)
        model = learn_moments(parts, moments[1:], table, seed=7)
        return model.of(moments[0].features.names, moments[0].features.values)

    assert not sees_the_future(chances, history, history.as_of - 30 * DAY_S)
    assert sees_the_future(chances, history, history.as_of - 60 * DAY_S)  # these days it learns from


def test_the_days_of_two_moments_do_not_overlap_and_labels_are_of_the_days_after(history: History) -> None:
    moments = moments_of(history, zone=UTC, seed=7)
    assert len(moments) == 6
    assert {round((one.at - two.at) / DAY_S) for one, two in pairwise(moments)} == {30}
    orders = history.orders.between(moments[1].at, moments[0].at)
    bought = set(orders.users.tolist())
    known = zip(moments[1].features.users.tolist(), moments[1].bought.tolist(), strict=True)
    assert all((user in bought) == label for user, label in known)
    rows = table_of(moments)
    for group in np.unique(rows.groups)[:5]:
        assert (rows.groups == group).sum() == len(moments)


@pytest.fixture(scope="module")
def check(history: History) -> PropensityCheck:
    return check_propensity(moments_of(history, zone=UTC, seed=7), seed=7)


def test_who_looks_will_buy_and_that_beats_recency_and_frequency(check: PropensityCheck, history: History) -> None:
    figures = check.figures
    assert check.beats
    assert figures["gain"]["roc_auc"]["low"] > 0.05
    assert figures["gain"]["brier"]["low"] > 0.0
    assert abs(figures["predicted"] - figures["bought"]) < 0.1
    assert figures["calibration_error"] < 0.12
    assert sum(figures["confusion"].values()) == figures["rows"] == 260
    assert len(check.models) == 8
    assert [row["cross-validated ROC-AUC"] for row in check.models] == sorted(
        (row["cross-validated ROC-AUC"] for row in check.models), reverse=True
    )
    assert [part.candidate.title for part in check.parts] == [row["model"] for row in check.models[:3]]
    assert len(check.calibration) == 10


def test_where_nothing_foretells_it_does_not_beat() -> None:
    rng = np.random.default_rng(1)
    bought, baseline = rng.random(2_000) < 0.4, np.full(2_000, 0.4)
    guessed = np.clip(0.4 + rng.normal(0.0, 0.05, 2_000), 0.0, 1.0)
    assert not beats(judged(bought, guessed, baseline + 0.001 * guessed[::-1], seed=7))
    right = np.where(bought, 0.6, 0.3)
    assert beats(judged(bought, right, baseline, seed=7))
    # Users are told apart, but the chances are far off.
    assert not beats(judged(bought, right / 100.0, baseline, seed=7))


def test_chances_by_category_are_of_the_users_own(history: History) -> None:
    settings = Settings()
    moments = moments_of(history, zone=UTC, seed=7)
    categories = Categories.of(history, GROUPS, settings)
    pairs = check_categories(categories, moments, seed=7)
    assert pairs.figures["gain"]["roc_auc"]["low"] > 0.0
    main = pairs.moments[0]
    counts = np.bincount(main.users)
    assert counts.max() == 3
    features = purchase_features(history, horizon_days=30.0, zone=UTC)
    today = CategoryChances.learn(pairs, categories, features, seed=7)
    user = int(features.users[0])
    chances = today.of(user)
    own = history.products[history.users == user]
    assert set(chances) == {GROUPS[history.shelf.product_ids[product]][0] for product in own.tolist()}
    assert all(0.0 <= chance <= 1.0 for chance in chances.values())
    assert today.of(10**6) == {}
    acts = np.bincount([int(GROUPS[history.shelf.product_ids[p]][0][1]) for p in own.tolist()], minlength=4)
    assert chances[f"c{int(np.argmax(acts))}"] == max(chances.values())
    with pytest.raises(TooLittleData, match="two categories"):
        check_categories(Categories.of(history, {}, settings), moments, seed=7)


def test_the_same_history_and_seed_give_the_same_chances(history: History) -> None:
    moments = moments_of(history, zone=UTC, seed=7)[:3]
    table = table_of(moments[1:])
    found = []
    for _ in range(2):
        parts = search(table, candidates_named(["logistic", "boosting"]), seed=7)
        model = learn_moments(parts, moments[1:], table, seed=7)
        found.append(model.of(moments[0].features.names, moments[0].features.values))
    assert np.array_equal(*found)
    newest = moments[1]
    assert model.of(newest.features.names, newest.features.values).mean() == pytest.approx(
        newest.bought.mean(), abs=0.01
    )
    assert set(RECENCY_AND_FREQUENCY) <= set(table.names)


def test_too_little_is_a_sentence() -> None:
    with pytest.raises(TooLittleData, match="needs 50 users and 88 days"):
        moments_of(shop_with_visits(40), zone=UTC, seed=7)
    with pytest.raises(TooLittleData, match="needs 50 users and 88 days"):
        moments_of(shop_with_visits(80, days=60), zone=UTC, seed=7)
    with pytest.raises(TooLittleData, match="needs 50 users"):
        moments_of(HistoryBuilder().build(as_of=START_S), zone=UTC, seed=7)
    builder = HistoryBuilder()
    builder.add(
        Event(user_id=f"u{user}", type="view", time=START + timedelta(days=4 * turn), product_id="p")
        for user in range(60)
        for turn in range(40)
    )
    looked = moments_of(builder.build(), zone=UTC, seed=7)
    with pytest.raises(TooLittleData, match="0 of 60 known users bought"):
        check_propensity(looked, seed=7)
