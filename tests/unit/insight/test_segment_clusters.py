"""Segments by behaviour: planted ones are found again, nothing is found in noise, and names say what is true."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from leaks import sees_the_future
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score, silhouette_samples

from profilestore.errors import TooLittleData
from profilestore.ingest.sample import SampleShop, generate_shop
from profilestore.insight.history import History
from profilestore.insight.reading import HistoryBuilder
from profilestore.insight.segments import clustering
from profilestore.insight.segments.clustering import Clusters, Method, choose_clusters, fit_clusters
from profilestore.insight.segments.features import UserFeatures, user_features
from profilestore.insight.segments.foresight import look_ahead
from profilestore.insight.segments.names import Trait, kept_names, name_segments, traits_of
from profilestore.insight.segments.step import segment_users


@cache
def planted() -> tuple[SampleShop, History, dict[str, list[str]]]:
    shop = generate_shop(users=700, products=600, events=25_000, segments=True)
    return shop, history_of(shop), {product.product_id: [product.category or ""] for product in shop.products}


def history_of(shop: SampleShop) -> History:
    builder = HistoryBuilder()
    for product in shop.products:
        builder.add_product(product.product_id, product.model_dump())
    builder.add(shop.events)
    return builder.build()


def truth_of(shop: SampleShop, history: History, features: UserFeatures) -> list[str]:
    return [shop.truth.user_segments[history.user_ids[row]] for row in features.users.tolist()]


def test_planted_segments_are_found_again_and_foretell_what_their_users_do() -> None:
    shop, history, groups_of = planted()
    made = segment_users(history, groups_of=groups_of, time_zone="UTC")
    assert made.clusters.count == len(set(shop.truth.user_segments.values()))
    assert adjusted_rand_score(truth_of(shop, history, made.features), made.labels) >= 0.8
    assert made.taken == "interests"
    assert made.choice.trial.stability > 0.9
    assert any(name.startswith("Kitchen") for name in made.names)
    assert any("Electronics" in name and "browsers" in name for name in made.names)
    assert len(set(made.names)) == len(made.names)
    again = segment_users(history, groups_of=groups_of, time_zone="UTC")
    assert np.array_equal(made.labels, again.labels)
    assert made.names == again.names
    later = made.foresight
    assert later is not None
    assert later["explained"]["low"] > later["by_thirds_of_spend"]["high"]
    assert later["explained"]["low"] > 0.2


@pytest.mark.parametrize("method", ["hierarchical", "kmeans"])
def test_a_number_that_was_asked_for_is_taken(method: Method) -> None:
    shop, history, groups_of = planted()
    features = user_features(history, groups_of=groups_of, time_zone="UTC")
    points = features.scaled[:, : features.interests]
    choice = choose_clusters(points, method=method, count=7, seed=7)
    assert choice.clusters.count == 7
    assert adjusted_rand_score(truth_of(shop, history, features), choice.clusters.assign(points)) >= 0.8


def blobs(sizes: tuple[int, ...] = (120, 80, 60)) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    rng = np.random.default_rng(3)
    middles = rng.normal(size=(3, 5)) * 4.0
    labels = np.repeat(np.arange(len(sizes)), sizes)
    return middles[labels] + rng.normal(size=(labels.size, 5)) * 0.6, labels


@pytest.mark.parametrize("method", ["kmeans", "hierarchical", "dbscan"])
def test_every_method_finds_what_is_plain_to_see(method: Method) -> None:
    points, labels = blobs()
    choice = choose_clusters(points, method=method, count=None, seed=7)
    found = choice.clusters.assign(points)
    assert choice.clusters.count == 3
    assert adjusted_rand_score(labels[found >= 0], found[found >= 0]) > 0.95
    assert float(choice.silhouettes.mean()) > choice.trial.shuffled + 0.1


def test_clearness_is_the_silhouette_of_who_is_apart_and_0_of_who_is_in_none() -> None:
    points, labels = blobs()
    clusters = fit_clusters(points, "kmeans", 3, seed=7)
    assert clusters is not None
    between = points[labels == 0].mean(axis=0) + 0.45 * (
        points[labels == 1].mean(axis=0) - points[labels == 0].mean(axis=0)
    )
    asked = np.vstack([points, between])
    found = clusters.assign(asked)
    clear = clusters.clearness(asked, found)
    assert clear[:-1] == pytest.approx(silhouette_samples(points, found[:-1]), abs=0.12)
    assert 0.0 < clear[-1] < clear[:-1].min()
    assert (clusters.clearness(asked, np.full(found.size, -1)) == 0.0).all()


def test_dbscan_leaves_alone_who_resembles_nobody() -> None:
    points, labels = blobs()
    clusters = choose_clusters(points, method="dbscan", count=None, seed=7).clusters
    far, near = clusters.assign(np.stack([np.full(5, 30.0), points[labels == 1].mean(axis=0)])).tolist()
    assert far == -1
    assert near >= 0


def test_noise_stands_out_from_noise_by_nothing() -> None:
    points = np.random.default_rng(5).normal(size=(400, 6))
    choice = choose_clusters(points, method="kmeans", count=None, seed=7)
    assert float(choice.silhouettes.mean()) - choice.trial.shuffled < 0.02


def test_what_is_too_many_is_fitted_on_a_seeded_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    points, labels = blobs((1200, 800, 600))
    monkeypatch.setitem(clustering.MOST_FITTED, "hierarchical", 300)
    one, two = (fit_clusters(points, "hierarchical", 3, seed=1) for _ in range(2))
    assert one is not None
    assert two is not None
    assert np.array_equal(one.centres, two.centres)
    assert adjusted_rand_score(labels, one.assign(points)) > 0.95


def test_no_feature_sees_the_future() -> None:
    _, history, groups_of = planted()
    middle = float(np.median(history.times))

    def of_the_past(known: History, time: float) -> object:
        made = user_features(known.before(time), groups_of=groups_of, time_zone="Asia/Shanghai")
        return made.scaled, made.raw, made.users, made.names

    def with_a_leak(known: History, time: float) -> object:
        return user_features(known, groups_of=groups_of, time_zone="Asia/Shanghai").scaled

    assert not sees_the_future(of_the_past, history, middle)
    assert sees_the_future(with_a_leak, history, middle)


def test_groups_drawn_by_lot_explain_nothing_of_what_comes() -> None:
    _, history, groups_of = planted()
    ahead = look_ahead(history, groups_of=groups_of, time_zone="UTC")
    assert ahead is not None
    drawn = [ahead._between(np.random.default_rng(seed).integers(0, 7, ahead.rows.size), 1) for seed in range(20)]
    assert abs(float(np.mean([one["mean"] for one in drawn]))) < 0.005
    assert sum(one["low"] > 0 for one in drawn) <= 2
    assert look_ahead(history.picked(history.users < 20), groups_of=groups_of, time_zone="UTC") is None


def test_features_that_say_nothing_are_left_out_and_told() -> None:
    _, history, groups_of = planted()
    kept = history.of_type("view")
    features = user_features(kept, groups_of=groups_of, time_zone="UTC")
    assert features.left_out["orders"] == features.left_out["views"] == "the same for all users"
    assert "orders" not in features.names
    twins = {product: [*groups, f"also {groups[0]}"] for product, groups in groups_of.items()}
    assert any("says the same as" in reason for reason in
               user_features(kept, groups_of=twins, time_zone="UTC").left_out.values())  # fmt: skip


def test_interests_are_shares_shrunk_by_one_act() -> None:
    _, history, groups_of = planted()
    features = user_features(history, groups_of=groups_of, time_zone="UTC")
    sums = features.raw[:, : features.interests].sum(axis=1)
    assert np.allclose(sums, 1.0)
    assert np.all(features.raw[:, : features.interests] > 0)
    block = features.scaled[:, : features.interests]
    assert block.var(axis=0).sum() == pytest.approx(1.0)
    assert features.scaled[:, features.interests :].var(axis=0).sum() == pytest.approx(1.0)


def test_too_little_is_told() -> None:
    _, history, groups_of = planted()
    few = history.picked(history.users < 3)
    with pytest.raises(TooLittleData, match=r"20 users with at least 4 acts each; there are [0-3]"):
        user_features(few, groups_of=groups_of, time_zone="UTC")
    with pytest.raises(TooLittleData, match="no two groups"):
        choose_clusters(np.zeros((50, 3)), method="kmeans", count=None, seed=7)
    with pytest.raises(TooLittleData, match="no two groups"):
        choose_clusters(np.zeros((50, 3)), method="dbscan", count=None, seed=7)
    alike = replace(
        history,
        users=np.repeat(np.arange(30), 5).astype(np.int32),
        user_ids=history.user_ids[:30],
        **{name: getattr(history, name)[:150] * 0
           for name in ("products", "types", "times", "purchase_times", "quantities", "amounts", "order_keys")},
    )  # fmt: skip
    with pytest.raises(TooLittleData, match=r"all users are alike|no two groups"):
        segment_users(alike, groups_of=groups_of, time_zone="UTC")


def test_traits_are_what_is_significant() -> None:
    rng = np.random.default_rng(1)
    labels = np.repeat([0, 1], 200)
    raw = np.column_stack([np.where(labels == 0, 0.7, 0.2), 3.0 + (labels == 1) * 4.0, np.ones(400)])
    raw += rng.normal(size=raw.shape) * np.array([0.1, 1.0, 1.0])
    features = UserFeatures(np.arange(400), raw, raw, ("Toys", "orders", "coupons"), 1, {}, 0)
    traits = [traits_of(features, labels, segment) for segment in (0, 1)]
    assert [[trait.feature for trait in each] for each in traits] == [["Toys", "orders"]] * 2
    assert name_segments(traits, sizes=[200, 200]) == ["Toys, rare buyers", "frequent buyers"]


def test_names_differ_and_are_carried_on() -> None:
    trait = Trait("Toys", interest=True, mean=0.5, elsewhere=0.1, effect=2.0)
    assert name_segments([[trait], [], [trait], []], sizes=[5, 4, 9, 3]) == [
        "Toys #2", "mixed interests", "Toys", "mixed interests #2"
    ]  # fmt: skip
    labels = np.array([0, 0, 0, 1, 1, 1, -1])
    before = ["old", "old", "old", "gone", None, "old", "old"]
    assert kept_names(["new", "other"], before, labels) == ["old", "other"]
    assert kept_names(["new", "old"], before, labels) == ["old", "old #2"]
    assert kept_names(["new", "old"], [None] * 7, labels) == ["new", "old"]


def test_an_assignment_is_to_the_nearest_centre() -> None:
    clusters = Clusters(np.array([[0.0], [10.0]]))
    assert clusters.assign(np.array([[4.0], [6.0], [-3.0]])).tolist() == [0, 1, 0]
