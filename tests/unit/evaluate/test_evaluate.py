"""Splits, metrics, intervals and peers, on cases that can be worked out by hand."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from profilestore.documents import Event
from profilestore.evaluate.metrics import ndcg, recall, score_lists
from profilestore.evaluate.peers import item_knn, list_products, popularity
from profilestore.evaluate.significance import bootstrap_difference, bootstrap_mean
from profilestore.evaluate.splits import split_by_time
from profilestore.features.ranking import ndcg_at, recall_at, top_products
from profilestore.features.taste.interactions import InteractionsBuilder
from profilestore.features.weights import FoldRules
from profilestore.settings import Settings

DAY_0 = datetime(2025, 1, 1, tzinfo=UTC)


def purchase(user: str, product: str, day: int, type: str = "purchase") -> Event:
    return Event(user_id=user, product_id=product, type=type, time=DAY_0 + timedelta(days=day))  # type: ignore[arg-type]


def test_ndcg_and_recall_by_hand() -> None:
    relevant = {"a", "b", "z"}
    expected = (1.0 + 1.0 / math.log2(4)) / (1.0 + 1.0 / math.log2(3) + 1.0 / math.log2(4))
    assert ndcg(["a", "x", "b"], relevant, k=3) == pytest.approx(expected)
    assert ndcg(["a", "x", "b"], relevant, k=1) == 1.0
    assert recall(["a", "x", "b"], relevant, k=3) == pytest.approx(2 / 3)
    assert recall(["a"], relevant, k=1) == 1.0  # one place can hold one of three
    assert (ndcg([], relevant, k=3), recall(["x"], set(), k=3), ndcg(["x"], set(), k=3)) == (0.0, 0.0, 0.0)
    assert score_lists({"u": ["a"]}, {"u": {"a"}, "v": {"a"}}, k=5)["ndcg"].tolist() == [1.0, 0.0]


def test_matrices_and_lists_give_the_same_figures() -> None:
    rng = np.random.default_rng(3)
    scores, relevant = rng.standard_normal((30, 50)), rng.uniform(size=(30, 50)) < 0.1
    hidden = (rng.uniform(size=(30, 50)) < 0.2) & ~relevant
    top = top_products(scores, k=20, hidden=hidden)
    lists = [[str(column) for column in row if column >= 0] for row in top.tolist()]
    truths = [{str(column) for column in np.flatnonzero(row)} for row in relevant]
    assert ndcg_at(top, relevant).tolist() == pytest.approx(
        [ndcg(answer, truth, k=20) for answer, truth in zip(lists, truths, strict=True)]
    )
    assert recall_at(top, relevant).tolist() == pytest.approx(
        [recall(answer, truth, k=20) for answer, truth in zip(lists, truths, strict=True)]
    )


def test_hidden_products_are_never_listed_and_short_catalogues_leave_places_empty() -> None:
    top = top_products(np.array([[3.0, 2.0, 1.0]]), k=5, hidden=np.array([[True, False, False]]))
    assert top.tolist() == [[1, 2, -1, -1, -1]]
    assert ndcg_at(top, np.array([[True, False, False]])).tolist() == [0.0]


def test_a_time_split_asks_for_what_is_new_and_known() -> None:
    events = [purchase("u", "a", day) for day in range(7)] + [purchase("v", "b", 7)]
    events += [purchase("u", "a", 8), purchase("u", "b", 9), purchase("u", "never-seen", 9), purchase("new", "a", 9)]
    split = split_by_time(events, share=8 / 12)
    assert len(split.train) == 8
    assert split.relevant == {"u": frozenset({"b"})}  # not a again, not what nobody knew, not who nobody knew
    assert all(event.time < split.cut for event in split.train)


def test_views_after_the_cut_are_not_asked_for() -> None:
    events = [purchase("u", "a", 0), purchase("v", "b", 1), purchase("u", "b", 9, type="view")]
    assert split_by_time(events, share=0.7).relevant == {}


def test_an_interval_holds_the_mean_and_is_the_same_every_time() -> None:
    values = np.random.default_rng(1).normal(0.3, 1.0, size=400)
    first, second = bootstrap_mean(values), bootstrap_mean(values)
    assert first == second
    assert first.low < first.mean < first.high
    assert first.high - first.low == pytest.approx(2 * 1.96 / math.sqrt(400), rel=0.15)


def test_a_paired_difference_is_narrower_than_two_intervals() -> None:
    rng = np.random.default_rng(2)
    base = rng.normal(0.5, 1.0, size=300)
    better = base + rng.normal(0.05, 0.05, size=300)
    assert bootstrap_difference(better, base).above_zero
    assert not bootstrap_difference(base, better).above_zero
    assert bootstrap_mean(better).low < bootstrap_mean(base).high
    with pytest.raises(ValueError, match="both figures"):
        bootstrap_difference(better, base[:10])


def test_peers_list_the_popular_and_the_neighbours_and_nothing_seen() -> None:
    builder = InteractionsBuilder(["a", "b", "c", "d", "unsold"], FoldRules.of(Settings()))
    together = [("u1", "a"), ("u1", "b"), ("u2", "a"), ("u2", "b"), ("u3", "a"), ("u3", "c"), ("u4", "c"), ("u5", "c")]
    builder.add([purchase(user, product, day) for day, (user, product) in enumerate([*together, ("u6", "c")])])
    builder.add([purchase("asked", "a", 20), purchase("u7", "d", 21)])
    acts = builder.build()
    row = {acts.user_hashes[user]: user for user in range(acts.user_count)}
    assert len(row) == 8
    asked = np.array([int(acts.users[np.flatnonzero(acts.times == acts.times[-2])[0]])])
    popular = list_products(acts, popularity(acts, asked), asked, k=5)
    assert popular == [["c", "b", "d"]]  # a was bought, and nobody knows the unsold one
    neighbours = list_products(acts, item_knn(acts, neighbours=2, shrinkage=0.0), asked, k=1)
    assert neighbours == [["b"]]
