"""Laws of odd behaviour and of the map: windows are counted exactly, names and times of others do not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.manifold import trustworthiness

from profilestore.insight.history import DAY_S, History, Shelf, type_code
from profilestore.insight.map.projection import trustworthiness_of
from profilestore.insight.odd.acts import OddActs
from profilestore.insight.odd.patterns import flag_patterns
from profilestore.insight.odd.rules import limits_of
from profilestore.settings import Settings

LIMITS = limits_of(Settings())
PRODUCTS = 40
moments = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 4 * 144).map(lambda n: n * 600)), min_size=1, max_size=60
)


def bought(rows: list[tuple[int, float, int]], users: int) -> History:
    """One order a row of user, time in seconds and product."""
    rows = sorted(rows)
    times = np.array([1.7e9 + time for _, time, _ in rows])
    return History(
        user_ids=tuple(f"u{user}" for user in range(users)),
        shelf=Shelf(tuple(f"p{n:02d}" for n in range(PRODUCTS)), ("",) * PRODUCTS, ("",) * PRODUCTS),
        users=np.array([user for user, _, _ in rows], dtype=np.int32),
        products=np.array([product for _, _, product in rows], dtype=np.int32),
        types=np.full(len(rows), type_code("purchase"), dtype=np.int8),
        times=times,
        purchase_times=times,
        quantities=np.ones(len(rows)),
        amounts=np.ones(len(rows)),
        order_keys=np.arange(len(rows), dtype=np.int64),
        as_of=float(times.max()) + 1.0,
    )


@given(moments)
def test_the_busiest_window_is_what_counting_from_each_moment_gives(acts: list[tuple[int, int]]) -> None:
    made = OddActs(bought([(user, float(time), 0) for user, time in acts], 4), "UTC")
    for user in range(4):
        own = sorted({time for who, time in acts if who == user})
        for window, counted in ((3600, made.acts_an_hour), (DAY_S, made.acts_a_day), (DAY_S, made.orders_a_day)):
            most = max((sum(start <= time < start + window for time in own) for start in own), default=0)
            assert counted[user] == most


@settings(max_examples=40)
@given(
    steps=st.lists(st.integers(0, PRODUCTS - 1), min_size=6, max_size=10, unique=True),
    starts=st.lists(st.integers(0, 300), min_size=4, max_size=7, unique=True),
    others=st.lists(st.lists(st.integers(0, PRODUCTS - 1), max_size=8), max_size=5),
    seed=st.integers(0, 1000),
)
def test_accounts_of_one_pattern_are_one_group_whoever_else_there_is(
    steps: list[int], starts: list[int], others: list[list[int]], seed: int
) -> None:
    users = len(starts) + len(others)
    number = np.random.default_rng(seed).permutation(users).tolist()
    rows = [
        (number[who], start * DAY_S + 60.0 * place, product)
        for who, start in enumerate(starts)
        for place, product in enumerate(steps)
    ]
    rows += [
        (number[len(starts) + who], 500.0 * place, product)
        for who, products in enumerate(others)
        for place, product in enumerate(products)
    ]
    facts = flag_patterns(bought(rows, users), LIMITS)
    group = {number[who] for who in range(len(starts))}
    assert group <= set(facts)
    assert len({facts[who]["pattern"] for who in group}) == 1
    assert all(facts[who]["likeness"] == 1.0 for who in group)


@settings(max_examples=25)
@given(count=st.integers(22, 60), dims=st.integers(2, 6), seed=st.integers(0, 1000))
def test_trustworthiness_is_scikit_learns_of_any_points(count: int, dims: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points, placed = rng.normal(size=(count, dims)), rng.normal(size=(count, 2))
    each = trustworthiness_of(points, placed)
    assert float(each.mean()) == pytest.approx(trustworthiness(points, placed, n_neighbors=10))
    assert trustworthiness_of(points, points).tolist() == [1.0] * count
