"""Metrics, intervals, peers and plots, on cases that can be worked out by hand."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy.sparse import csr_array

from profilestore.documents import Event
from profilestore.errors import UsageError
from profilestore.evaluate.beyond import (
    average_popularity,
    coverage,
    diversity_by_category,
    diversity_by_vectors,
    exposure,
    gini,
    novelty,
)
from profilestore.evaluate.charts import Mark, plot_intervals, plot_scatter
from profilestore.evaluate.metrics import accuracy_at, hits_of, relevant_counts
from profilestore.evaluate.options import EvaluateOptions
from profilestore.evaluate.peers import BUILT_IN, item_knn, list_products, tune_peer
from profilestore.evaluate.significance import Bootstrap, Interval, randomisation_p
from profilestore.features.holm import holm
from profilestore.features.ranking import ndcg_at, top_products
from profilestore.features.taste.interactions import InteractionsBuilder
from profilestore.features.weights import FoldRules
from profilestore.settings import Settings

DAY_0 = datetime(2025, 1, 1, tzinfo=UTC)


def purchase(user: str, product: str, day: int, type: str = "purchase") -> Event:
    return Event(user_id=user, product_id=product, type=type, time=DAY_0 + timedelta(days=day))  # type: ignore[arg-type]


def test_accuracy_by_hand() -> None:
    lists = np.array([[0, 5, 1, -1], [5, 6, 7, 8], [3, -1, -1, -1]])
    relevant = csr_array((np.ones(5), ([0, 0, 0, 1, 2], [0, 1, 2, 8, 4])), shape=(3, 9))
    hits = hits_of(lists, relevant)
    assert hits.tolist() == [[True, False, True, False], [False, False, False, True], [False] * 4]
    told = accuracy_at(hits, relevant_counts(relevant), k=4)
    ideal = 1.0 + 1.0 / math.log2(3) + 1.0 / math.log2(4)
    assert told["ndcg"].tolist() == pytest.approx([(1.0 + 1.0 / math.log2(4)) / ideal, 1.0 / math.log2(5), 0.0])
    assert told["recall"].tolist() == pytest.approx([2 / 3, 1.0, 0.0])
    assert told["precision"].tolist() == pytest.approx([2 / 4, 1 / 4, 0.0])
    assert told["hr"].tolist() == [1.0, 1.0, 0.0]
    assert told["mrr"].tolist() == pytest.approx([1.0, 1 / 4, 0.0])
    # At 1 the ideal list has one place, and the recall is still over all that is relevant.
    first = accuracy_at(hits, relevant_counts(relevant), k=1)
    assert (first["ndcg"][0], first["recall"][0], first["hr"][1]) == (1.0, pytest.approx(1 / 3), 0.0)


def test_an_empty_place_never_hits() -> None:
    # -1 of row 1 and the last column of row 0 have the same number, were it not looked at.
    lists = np.array([[0, 1], [-1, -1]])
    relevant = csr_array((np.ones(2), ([0, 1], [2, 0])), shape=(2, 3))
    assert not hits_of(lists, relevant).any()


def test_beyond_accuracy_by_hand() -> None:
    lists = np.array([[0, 1, 2], [0, 3, -1], [-1, -1, -1]])
    buyers = np.array([8, 4, 0, 2])
    assert novelty(lists, buyers, users=8)[:2].tolist() == pytest.approx([(0.0 + 1.0 + 3.0) / 3, (0.0 + 2.0) / 2])
    assert average_popularity(lists, buyers)[:2].tolist() == pytest.approx([4.0, 5.0])
    vectors = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]], dtype=np.float32)
    assert diversity_by_vectors(lists, vectors)[:2].tolist() == pytest.approx([1.0 - 1.0 / 3, 2.0])
    assert diversity_by_category(lists, ["a", "a", "b", None])[:2].tolist() == pytest.approx([2 / 3, 1.0])
    for figure in (novelty(lists, buyers, users=8), diversity_by_vectors(lists, vectors)):
        assert np.isnan(figure[2])  # an empty list is neither new nor varied
    shown = exposure(lists, products=4)
    assert shown.tolist() == [2, 1, 1, 1]
    assert coverage(shown, products=8) == 0.5
    assert gini(np.array([5, 5, 5, 5]), products=4) == pytest.approx(0.0)
    assert gini(np.array([0, 0, 0, 9]), products=4) == pytest.approx(0.75)


def test_hidden_products_are_never_listed_and_short_catalogues_leave_places_empty() -> None:
    top = top_products(np.array([[3.0, 2.0, 1.0]]), k=5, hidden=np.array([[True, False, False]]))
    assert top.tolist() == [[1, 2, -1, -1, -1]]
    assert ndcg_at(top, np.array([[True, False, False]])).tolist() == [0.0]


def test_an_interval_holds_the_mean_and_is_the_same_every_time() -> None:
    values = np.random.default_rng(1).normal(0.3, 1.0, size=400)
    first, second = Bootstrap(400).mean(values), Bootstrap(400).mean(values)
    assert first == second
    assert first.low < first.mean < first.high
    assert first.high - first.low == pytest.approx(2 * 1.96 / math.sqrt(400), rel=0.15)
    assert Bootstrap(400, seed=8).mean(values) != first
    assert Bootstrap(3).mean(np.full(3, np.nan)) == Interval(0.0, 0.0, 0.0)
    half = values.copy()
    half[::2] = np.nan
    assert Bootstrap(400).mean(half).mean == pytest.approx(values[1::2].mean())


def test_the_interval_of_coverage_is_around_it() -> None:
    lists = np.random.default_rng(4).integers(0, 300, size=(100, 5))
    told = Bootstrap(100).of_all(lists, lambda shown: coverage(shown, products=300))
    assert told.mean == pytest.approx(np.unique(lists).size / 300)
    assert told.low < told.mean < told.high


def test_a_paired_difference_is_narrower_than_two_intervals() -> None:
    rng = np.random.default_rng(2)
    base = rng.normal(0.5, 1.0, size=300)
    better = base + rng.normal(0.05, 0.05, size=300)
    bootstrap = Bootstrap(300)
    assert bootstrap.difference(better, base).above_zero
    assert not bootstrap.difference(base, better).above_zero
    assert bootstrap.mean(better).low < bootstrap.mean(base).high
    with pytest.raises(ValueError, match="both figures"):
        bootstrap.difference(better, base[:10])


def test_p_values_tell_chance_from_a_difference_and_are_corrected_for_their_number() -> None:
    rng = np.random.default_rng(5)
    apart = np.stack([rng.normal(0.0, 1.0, size=200), rng.normal(0.5, 1.0, size=200), np.zeros(200)], axis=1)
    chance, real, nothing = randomisation_p(apart, flips=2000).tolist()
    assert chance > 0.05
    assert real == pytest.approx(1 / 2001)  # never 0
    assert nothing == 1.0
    # Holm 1979 by hand: 0.01 * 4, 0.02 * 3, then never smaller than before, at most 1.
    assert holm(np.array([0.02, 0.01, 0.6, 0.025])).tolist() == pytest.approx([0.06, 0.04, 0.6, 0.06])
    assert holm(np.array([0.6, 0.7])).tolist() == [1.0, 1.0]


def test_peers_list_the_popular_and_the_neighbours_and_nothing_seen() -> None:
    builder = InteractionsBuilder(["a", "b", "c", "d", "unsold"], FoldRules.of(Settings()))
    together = [("u1", "a"), ("u1", "b"), ("u2", "a"), ("u2", "b"), ("u3", "a"), ("u3", "c"), ("u4", "c"), ("u5", "c")]
    builder.add([purchase(user, product, day) for day, (user, product) in enumerate([*together, ("u6", "c")])])
    builder.add([purchase("asked", "a", 20), purchase("u7", "d", 21)])
    acts = builder.build()
    asked = np.array([int(acts.users[np.flatnonzero(acts.times == acts.times[-2])[0]])])
    liked, touched = acts.liked()[asked], acts.touched()[asked]
    on_sale = np.array([True, True, True, True, False])
    popularity = tune_peer(next(peer for peer in BUILT_IN if peer.name == "popularity"), acts, budget=4, seed=7)
    assert list_products(popularity.score, liked, touched, on_sale, length=5).tolist() == [[2, 1, 3, -1, -1]]
    neighbours = item_knn(acts, neighbours=2, shrinkage=0.0)
    lists = list_products(lambda histories: (histories @ neighbours).toarray(), liked, touched, on_sale, length=1)
    assert lists.tolist() == [[1]]


def test_plots_escape_names_and_show_each_method() -> None:
    marks = [Mark("<b>&", "shop", Interval(0.2, 0.1, 0.3), 0.5), Mark("peer: x", "peer", Interval(0.0, 0.0, 0.0), 0.0)]
    for plot in (plot_intervals(marks, title="NDCG"), plot_scatter(marks, x_title="coverage", y_title="NDCG")):
        assert "&lt;b&gt;&amp;" in plot
        assert "<b>" not in plot
        assert plot.count("<circle") == 2
        assert "NaN" not in plot.title()


@pytest.mark.parametrize(
    "wrong",
    [{"share": 0.0}, {"share": 1.0}, {"share": math.nan}, {"ks": (0,)}, {"ks": ()}, {"ks": (1001,)},
     {"split": "chance"}, {"budget": -1}, {"seed": -1}, {"cold_products": 0.9}, {"users": 1},
     {"history": 2}, {"split": "user", "history": 0}],
)  # fmt: skip
def test_options_that_cannot_be_meant_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        EvaluateOptions(**wrong)  # type: ignore[arg-type]  # that is the test
