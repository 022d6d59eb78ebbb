"""Drift of interests and next purchases: planted ones are found, shuffled ones are not, nothing sees the future."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from profilestore.documents import Event
from profilestore.errors import TooLittleData
from profilestore.insight.history import DAY_S, History
from profilestore.insight.interests.again import next_purchases, told_of
from profilestore.insight.interests.drift import days_of, drift_of, drift_strength, window_start
from profilestore.insight.interests.drift_check import check_drift
from profilestore.insight.interests.regulars import purchases_of, regulars_at, wait_after
from profilestore.insight.interests.step import find_interests
from profilestore.insight.reading import HistoryBuilder
from profilestore.insight.sales import local_days
from tests.unit.insight.leaks import sees_the_future

START = datetime(2025, 1, 1, tzinfo=UTC)
ZONE = ZoneInfo("UTC")
GROUPS = {f"p{number}": (f"c{number}",) for number in range(6)}
TURN_DAY = 200


def visits(users: int = 80, *, days: int = 300, changing: int = 40, seed: int = 1) -> Iterator[Event]:
    """Users with a visit every five days, who turn to two of six categories; of the first `changing` the second
    category gives way to another from day 200 on."""
    rng = np.random.default_rng(seed)
    for user in range(users):
        first, second, third = rng.choice(6, 3, replace=False).tolist()
        for day in np.cumsum(rng.exponential(5.0, 2 * days // 5)):
            if day >= days:
                break
            other = third if user < changing and day >= TURN_DAY else second
            for product in {first if rng.random() < 0.6 else other, other if rng.random() < 0.6 else first}:
                yield Event(
                    user_id=f"u{user:03d}",
                    type="view",
                    time=START + timedelta(days=float(day)),
                    product_id=f"p{product}",
                )


def built(events: Any, *, days: int) -> History:
    builder = HistoryBuilder()
    builder.add(events)
    return builder.build(as_of=(START + timedelta(days=days)).timestamp())


@pytest.fixture(scope="module")
def past() -> History:
    return built(visits(), days=300)


def early_days(history: History, time: float) -> Any:
    since = time - 60 * DAY_S
    return days_of(history.before(time), GROUPS, types=("view",), since=since, zone=ZONE)


def test_who_changed_is_told_and_who_did_not_is_not(past: History) -> None:
    days = days_of(past, GROUPS, types=("view",), since=past.as_of - 90 * DAY_S, zone=ZONE)
    drift = drift_of(days, seed=7)
    told = np.unique(drift.users[drift.sign != 0])
    assert (told < 40).sum() >= 32
    assert (told >= 40).sum() <= 6
    rising = {
        (int(user), days.names[group])
        for user, group, sign in zip(drift.users, drift.groups, drift.sign, strict=True)
        if sign > 0
    }
    assert len(rising) >= 25


def test_a_shuffled_story_gives_hardly_any_claims(past: History) -> None:
    days = days_of(past, GROUPS, types=("view",), since=past.as_of - 90 * DAY_S, zone=ZONE)
    drift = drift_of(days, seed=7)
    claims = int((drift.sign != 0).sum())
    assert claims > 50
    assert drift.false <= 0.2 * claims
    stories = [days.shuffled(np.random.default_rng(seed)) for seed in range(5)]
    assert sum(int((drift_of(story, seed=7).sign != 0).sum()) for story in stories) <= 10


def test_shuffling_keeps_what_each_user_did_and_how_many_days_are_recent(past: History) -> None:
    days = days_of(past, GROUPS, types=("view",), since=past.as_of - 90 * DAY_S, zone=ZONE)
    shuffled = days.shuffled(np.random.default_rng(1))
    assert np.array_equal(np.bincount(days.users[days.recent]), np.bincount(shuffled.users[shuffled.recent]))
    assert (shuffled.recent != days.recent).any()


def test_drift_is_strong_where_interest_changed_and_about_zero_where_it_did_not(past: History) -> None:
    days = days_of(past, GROUPS, types=("view",), since=past.as_of - 90 * DAY_S, zone=ZONE)
    known = drift_of(days, seed=7).known
    strength = drift_strength(days, known, seed=7)
    assert ((strength >= 0.0) & (strength <= 1.0)).all()
    assert np.median(strength[known < 40]) > 0.3
    assert np.median(strength[known >= 40]) < 0.05
    assert np.array_equal(strength, drift_strength(days, known, seed=7))


def test_what_is_told_goes_on_afterwards() -> None:
    long = built(visits(days=330), days=330)  # the turn is well within the window that is told of
    check = check_drift(long, GROUPS, types=("view",), window_s=80 * DAY_S, zone=ZONE, seed=7)
    assert check is not None
    assert check.beats
    assert check.figures["goes_on"]["low"] > 0.15


def test_a_fashion_of_one_window_does_not_go_on_and_is_refused() -> None:
    def fickle() -> Iterator[Event]:
        """All turn to another category for the window before the last, then back."""
        rng = np.random.default_rng(4)
        for user in range(60):
            home, away = rng.choice(6, 2, replace=False).tolist()
            for day in np.arange(rng.integers(3), 240, 3):
                product = away if 120 <= day < 180 else home
                yield Event(
                    user_id=f"u{user:03d}",
                    type="view",
                    time=START + timedelta(days=float(day)),
                    product_id=f"p{product}",
                )

    check = check_drift(built(fickle(), days=240), GROUPS, types=("view",), window_s=60 * DAY_S, zone=ZONE, seed=7)
    assert check is not None
    assert not check.beats


def test_drift_knows_nothing_of_the_future_and_a_planted_leak_is_found(past: History) -> None:
    time = (START + timedelta(days=250)).timestamp()

    def told(history: History, at: float) -> Any:
        drift = drift_of(early_days(history, at), seed=7)
        return drift.sign, drift.before, drift.now

    assert not sees_the_future(told, past, time)
    assert sees_the_future(
        lambda h, at: drift_of(days_of(h, GROUPS, types=("view",), since=at, zone=ZONE), seed=7).now, past, time
    )


def regular_purchases(users: int = 400, *, days: int = 400, seed: int = 2) -> Iterator[Event]:
    """Each user buys two products, each in a rhythm of its own with some noise: one gap of five is three times
    as long, and one purchase of twenty is the last of its kind."""
    rng = np.random.default_rng(seed)
    for user in range(users):
        for product in rng.choice(20, 2, replace=False).tolist():
            gap, day = float(rng.uniform(6.0, 30.0)), float(rng.uniform(0.0, 200.0))
            while day < days:
                yield Event(
                    user_id=f"u{user:03d}",
                    type="purchase",
                    time=START + timedelta(days=day),
                    product_id=f"p{product:02d}",
                    price=1.0,
                )
                if rng.random() < 0.05:
                    break
                day += max(1.0, gap * float(rng.lognormal(0.0, 0.15)) * (3.0 if rng.random() < 0.2 else 1.0))


@pytest.fixture(scope="module")
def bought() -> History:
    return built(regular_purchases(), days=400)


def day_of(history: History, time: float) -> int:
    return int(local_days(np.array([time]), ZONE)[0])


def test_rhythms_are_told_better_than_by_the_last_gap_and_the_median(bought: History) -> None:
    purchases = purchases_of(bought, list(range(len(bought.shelf.product_ids))), ZONE)
    today = day_of(bought, bought.as_of)
    again = next_purchases(purchases, today, seed=7)
    assert again is not None
    assert again.beats
    figures = again.figures
    assert figures["error_days"]["mean"] < 16.0
    assert figures["gain_days_over_one_wait_for_all"]["low"] > 0.0
    assert 0.7 <= figures["covered"]["mean"] <= 0.95
    assert (again.low <= again.middle).all()
    assert (again.middle <= again.high).all()
    told = told_of(again)
    assert len(told) > 60
    same = next_purchases(purchases, today, seed=7)
    assert same is not None
    assert np.array_equal(same.middle, again.middle)


def test_of_a_user_the_purchase_that_comes_first_is_told(bought: History) -> None:
    purchases = purchases_of(bought, list(range(len(bought.shelf.product_ids))), ZONE)
    again = next_purchases(purchases, day_of(bought, bought.as_of), seed=7)
    assert again is not None
    for user, row in list(told_of(again).items())[:20]:
        mine = again.told & (again.regulars.users == user)
        assert again.middle[row] == again.middle[mine].min()


def test_what_was_left_alone_for_long_or_bought_thrice_is_not_regular() -> None:
    def events() -> Iterator[Event]:
        for user, days in (("often", range(0, 100, 10)), ("thrice", (0, 10, 20)), ("left", range(0, 40, 10))):
            for day in days:
                yield Event(user_id=user, type="purchase", time=START + timedelta(days=day), product_id="p", price=1.0)

    past = built(events(), days=100)
    purchases = purchases_of(past, [0], ZONE)
    regulars = regulars_at(purchases, day_of(past, past.as_of))
    assert [past.user_ids[user] for user in regulars.users] == ["often"]
    assert (regulars.mean_gap[0], regulars.usual_gap) == (10.0, 10.0)


def test_a_wait_ends_at_the_horizon(bought: History) -> None:
    purchases = purchases_of(bought, list(range(len(bought.shelf.product_ids))), ZONE)
    day = day_of(bought, bought.as_of) - 60
    regulars = regulars_at(purchases, day)
    waits = wait_after(purchases, regulars, day, horizon=60)
    row = int(np.argmin(waits))
    mine = (
        (purchases.users == regulars.users[row]) & (purchases.things == regulars.things[row]) & (purchases.days >= day)
    )
    assert waits[row] == purchases.days[mine].min() - day
    assert np.array_equal(np.minimum(waits, 20.0), wait_after(purchases, regulars, day, horizon=20))


def test_rhythms_know_nothing_of_the_future_and_a_planted_leak_is_found(bought: History) -> None:
    time = (START + timedelta(days=300)).timestamp()

    def told(history: History, at: float, *, leaking: bool = False) -> Any:
        purchases = purchases_of(history, list(range(len(history.shelf.product_ids))), ZONE)
        regulars = regulars_at(purchases, day_of(history, at) + (40 if leaking else 0))
        return regulars.features, regulars.last

    assert not sees_the_future(told, bought, time)
    assert sees_the_future(lambda h, at: told(h, at, leaking=True), bought, time)


def test_too_little_is_a_sentence() -> None:
    with pytest.raises(TooLittleData, match="56 days"):
        find_interests(built(visits(5, days=40), days=40), {"categories": GROUPS}, types=("view",), zone=ZONE, seed=7)
    seldom = [Event(user_id=f"u{n}", type="view", time=START + timedelta(days=n), product_id="p1") for n in range(100)]
    with pytest.raises(TooLittleData, match="three days"):
        find_interests(built(seldom, days=100), {"categories": GROUPS}, types=("view",), zone=ZONE, seed=7)
    assert window_start(built([], days=10)) is None
