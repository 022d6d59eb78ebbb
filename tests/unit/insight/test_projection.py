"""Maps: neighbours stay neighbours, the baseline is told from what beats it, samples are stated, nothing is chance."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from leaks import sees_the_future
from numpy.typing import NDArray
from sklearn.manifold import trustworthiness

from profilestore.errors import TooLittleData
from profilestore.ingest.sample import generate_shop
from profilestore.insight.history import DAY_S, History
from profilestore.insight.map.card import map_card
from profilestore.insight.map.projection import Projection, project, trustworthiness_of
from profilestore.insight.map.step import MAP_FIELDS, Mapped
from profilestore.insight.reading import HistoryBuilder
from profilestore.insight.segments.features import user_features


def clouds(count: int = 240, dims: int = 12, groups: int = 8, seed: int = 1) -> tuple[NDArray[np.float64], list[int]]:
    """Groups about the corners of a simplex: no plane holds them all apart."""
    rng = np.random.default_rng(seed)
    labels = [row % groups for row in range(count)]
    return 5.0 * np.eye(dims)[labels] + rng.normal(0.0, 0.5, (count, dims)), labels


@cache
def made() -> Projection:
    return project(clouds()[0], sample=5000, seed=7)


def test_tsne_keeps_neighbours_that_no_plane_keeps() -> None:
    assert made().beats
    assert made().figures["tsne"]["low"] > made().figures["pca"]["high"]
    labels = np.array(clouds()[1])
    near = np.argsort(np.linalg.norm(made().tsne[:, None] - made().tsne[None], axis=2), axis=1)[:, 1:6]
    assert float((labels[near] == labels[:, None]).mean()) > 0.95
    assert made().fitted.all()


def test_the_trustworthiness_is_scikit_learns_point_by_point() -> None:
    points = clouds()[0]
    for placed in (made().tsne, made().pca):
        each = trustworthiness_of(points, placed)
        assert float(each.mean()) == pytest.approx(trustworthiness(points, placed, n_neighbors=10))
        assert each.max() <= 1.0
    assert trustworthiness_of(points[:21, :2], points[:21, :2]).tolist() == [1.0] * 21


def test_what_is_flat_already_is_not_beaten() -> None:
    flat = np.random.default_rng(2).normal(size=(150, 2))
    result = project(flat, sample=5000, seed=7)
    assert not result.beats
    assert result.figures["pca"]["mean"] == 1.0
    assert sum(result.explained) == pytest.approx(1.0)


def test_the_explained_variance_is_that_of_the_two_axes() -> None:
    stretched = np.random.default_rng(3).normal(size=(2000, 3)) * np.array([2.0, 1.0, 0.5])
    result = project(stretched[:, [2, 0, 1]], sample=100, seed=7)
    total = float(stretched.var(axis=0).sum())
    assert result.explained == pytest.approx((stretched[:, 0].var() / total, stretched[:, 1].var() / total), abs=0.02)
    assert float(result.pca[:, 0].var()) > float(result.pca[:, 1].var())


def test_beyond_the_sample_points_are_placed_beside_their_neighbours() -> None:
    points, labels = clouds(400)
    result = project(points, sample=150, seed=7)
    assert int(result.fitted.sum()) == 150
    known = np.array(labels)[result.fitted]
    for row in np.flatnonzero(~result.fitted).tolist():
        nearest = np.linalg.norm(result.tsne[result.fitted] - result.tsne[row], axis=1).argmin()
        assert known[nearest] == labels[row]
    other = project(points, sample=150, seed=8)
    assert not np.array_equal(result.fitted, other.fitted)
    figures = Mapped("profiles", tuple(map(str, range(400))), result).figures()
    assert (figures["tsne_fitted_on"], figures["tsne_placed_by_neighbours"]) == (150, 250)
    card = map_card({"profiles": figures}, better={"profiles"}, unknown=3, missing="")
    assert "fitted on a sample of 150; 250 lie amid their neighbours" in card["en"]
    assert "150 个样本" in card["zh"]


def test_the_same_points_and_seed_give_the_same_map() -> None:
    again = project(clouds()[0], sample=5000, seed=7)
    assert np.array_equal(again.tsne, made().tsne)
    assert np.array_equal(again.pca, made().pca)
    assert again.figures == made().figures


@pytest.mark.parametrize(
    ("points", "words"),
    [(np.ones((3, 4)), "needs 20"), (np.ones((50, 4)), "alike"), (np.arange(50.0)[:, None], "alike")],
)
def test_too_little_is_a_sentence(points: NDArray[np.float64], words: str) -> None:
    with pytest.raises(TooLittleData, match=words):
        project(points, sample=5000, seed=7)


def test_only_what_beats_pca_has_coordinates_by_tsne() -> None:
    mapped = Mapped("products", tuple(f"p{row}" for row in range(240)), made())
    assert tuple(mapped.fields(tsne=True)["p0"]) == MAP_FIELDS
    assert tuple(mapped.fields(tsne=False)["p0"]) == MAP_FIELDS[:2]
    worse = map_card({"products": mapped.figures()}, better=set(), unknown=0, missing="too few.")
    assert "does NOT beat" in worse["en"]
    assert "Products are not on it: too few." in worse["en"]
    assert "未优于" in worse["zh"]


def test_where_a_user_lies_does_not_hang_on_the_future() -> None:
    builder = HistoryBuilder()
    builder.add(generate_shop(users=120, products=80, events=5000).events)
    history = builder.build()

    def places(history: History, time: float) -> NDArray[np.floating]:  # type: ignore[type-arg]  # of any width
        features = user_features(history.before(time), groups_of={}, time_zone="UTC")
        return project(features.scaled, sample=5000, seed=7).pca

    def leaky(history: History, time: float) -> NDArray[np.floating]:  # type: ignore[type-arg]  # of any width
        return project(user_features(history, groups_of={}, time_zone="UTC").scaled, sample=5000, seed=7).pca

    time = history.as_of - 60 * DAY_S
    assert not sees_the_future(places, history, time)
    assert sees_the_future(leaky, history, time)
