"""Many features in two: by PCA for all, by t-SNE (van der Maaten and Hinton 2008) for a sample, and how true each is.

t-SNE grows with the square of what must be compared and gives no rule for who is new. So it is fitted on a seeded
sample, and the rest is placed by the nearest neighbours of the sample. How true a map is tells trustworthiness
(Venna and Kaski 2001): 1 where everybody's neighbours on the map are neighbours in truth. PCA is the baseline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import TooLittleData
from profilestore.insight.intervals import mean_interval, settled
from profilestore.insight.segments.clustering import sampled

__all__ = ["POINTS_LEAST", "Projection", "project", "trustworthiness_of"]

Floats = NDArray[np.floating[Any]]

POINTS_LEAST: Final = 20
_PERPLEXITY: Final = 30.0
# Of features of many dimensions, what t-SNE sees, and what neighbours are told by.
_REDUCED: Final = 50
_NEIGHBOURS: Final = 10
_PLACED_BY: Final = 5
# Ranks of all pairs are kept: 2,500 are 100 MB.
_MEASURED_ON: Final = 2500


@dataclass(frozen=True)
class Projection:
    """Coordinates of n points.

    Attributes:
        pca: (n, 2), in the features' own units around their mean.
        tsne: (n, 2).
        fitted: (n,) whether a point is of the sample that t-SNE was fitted on; the others were placed.
        explained: the share of the variance along either axis of `pca`.
        figures: `tsne` and `pca`: trustworthiness with intervals, over points drawn from all; their difference `gain`;
            `tsne_fitted`: that of points of the sample alone.
    """

    pca: Floats
    tsne: Floats
    fitted: NDArray[np.bool_]
    explained: tuple[float, float]
    figures: dict[str, Any]

    @property
    def beats(self) -> bool:
        """Whether t-SNE is truer than PCA, its interval above zero."""
        return bool(self.figures["gain"]["low"] > 0.0)


def project(points: Floats, *, sample: int, seed: int) -> Projection:
    """Lay n points of f features (n, f) out in two dimensions; the same points and seed give the same.

    Args:
        points: on one scale, no value missing.
        sample: how many points t-SNE is fitted on.
        seed: of the sample and of both fits.

    Raises:
        TooLittleData: fewer than 20 points, or all in one place.
    """
    from sklearn.decomposition import PCA
    from threadpoolctl import threadpool_limits

    if len(points) < POINTS_LEAST:
        raise TooLittleData(f"a map needs {POINTS_LEAST} of a kind; there are {len(points)}.")
    if points.shape[1] < 2 or float(np.ptp(points, axis=0).max()) <= 0.0:
        raise TooLittleData("all are alike in everything that a map could show.")
    rng = np.random.default_rng(seed)
    # One thread: sums of several come in any order, and t-SNE makes a map of its own of each.
    with threadpool_limits(limits=1):
        axes = PCA(n_components=min(_REDUCED, *points.shape), svd_solver="covariance_eigh", random_state=seed)
        reduced = axes.fit_transform(points)
        chosen = sampled(len(points), sample, rng)
        fitted = np.zeros(len(points), dtype=bool)
        fitted[chosen] = True
        tsne = _placed(reduced, chosen, _tsne(reduced[chosen], seed))
        measured = sampled(len(points), _MEASURED_ON, rng)
        ours = trustworthiness_of(points[measured], tsne[measured])
        plain = trustworthiness_of(points[measured], reduced[measured, :2])
        among = chosen[sampled(chosen.size, _MEASURED_ON, rng)]
        of_fitted = ours if fitted.all() else trustworthiness_of(points[among], tsne[among])
    explained = axes.explained_variance_ratio_
    return Projection(
        pca=reduced[:, :2],
        tsne=tsne,
        fitted=fitted,
        explained=(settled(float(explained[0])), settled(float(explained[1]))),
        figures={
            "tsne": mean_interval(ours, seed=seed),
            "pca": mean_interval(plain, seed=seed),
            "gain": mean_interval(ours - plain, seed=seed),
            "tsne_fitted": mean_interval(of_fitted, seed=seed),
        },
    )


def _tsne(points: Floats, seed: int) -> Floats:
    from sklearn.manifold import TSNE

    perplexity = min(_PERPLEXITY, (len(points) - 1) / 3.0)
    made = TSNE(n_components=2, perplexity=perplexity, init="pca", learning_rate="auto", random_state=seed)
    return np.asarray(made.fit_transform(points))


def _placed(points: Floats, chosen: NDArray[np.int64], tsne: Floats) -> Floats:
    """The sample where t-SNE put it, each other point amid its nearest of the sample, the nearer the closer."""
    from sklearn.neighbors import KNeighborsRegressor

    if chosen.size == len(points):
        return tsne
    near = KNeighborsRegressor(n_neighbors=_PLACED_BY, weights="distance", algorithm="brute").fit(points[chosen], tsne)
    placed = np.asarray(near.predict(points))
    placed[chosen] = tsne
    return placed


def trustworthiness_of(points: Floats, placed: Floats, *, neighbours: int = _NEIGHBOURS) -> NDArray[np.float64]:
    """(n,) trustworthiness of each point's surroundings on a map; the mean is scikit-learn's `trustworthiness`.

    Args:
        points: (n, f) in truth.
        placed: (n, 2) on the map.
        neighbours: how many of each point's nearest on the map are looked at; fewer than half of the points.
    """
    from sklearn.metrics import pairwise_distances
    from sklearn.neighbors import NearestNeighbors

    n = len(points)
    k = min(neighbours, (n - 1) // 2)
    distances = pairwise_distances(points)
    np.fill_diagonal(distances, np.inf)
    ranks = np.empty((n, n), dtype=np.int32)
    ranks[np.arange(n)[:, None], np.argsort(distances, axis=1)] = np.arange(1, n + 1)
    nearest = NearestNeighbors(n_neighbors=k).fit(placed).kneighbors(return_distance=False)
    too_far = np.maximum(0, ranks[np.arange(n)[:, None], nearest] - k).sum(axis=1)
    return np.asarray(1.0 - too_far * (2.0 / (k * (2.0 * n - 3.0 * k - 1.0))))
