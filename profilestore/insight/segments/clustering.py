"""Clusters of users: K-Means, Ward's hierarchy or DBSCAN, and how many are worth telling apart.

The number of clusters is the one of highest silhouette (Rousseeuw 1987) among those that come out alike on
resamples (adjusted Rand index of two fits on bootstrap samples, at least `STABLE`). What is measured against is
the same procedure on shuffled columns, in which there is nothing to find.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import TooLittleData

__all__ = ["MOST_FITTED", "Choice", "Clusters", "Method", "Trial", "choose_clusters", "fit_clusters", "sampled"]

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Method = Literal["kmeans", "hierarchical", "dbscan"]

# Distances of all pairs are kept: 5,000 are 200 MB. K-Means needs none.
MOST_FITTED: Final[dict[str, int]] = {"kmeans": 20_000, "hierarchical": 5000, "dbscan": 5000}
MOST_CLUSTERS: Final = 12
STABLE: Final = 0.8
_CHOSEN_ON: Final = 6000
_MEASURED_ON: Final = 2500
_RESAMPLES: Final = 5
_SHUFFLES: Final = 3
_STARTS: Final = 4
# Of the distances to the n-th neighbour: within which of them DBSCAN looks.
_REACHES: Final = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
# A cluster of less than this share of the users is an accident, not a segment.
_LEAST_SHARE: Final = 0.01


@dataclass(frozen=True)
class Clusters:
    """A fit. A point belongs to the nearest of the `centres` (k, f); with a `reach`, to the cluster of the
    nearest of the `cores` within it, or to none."""

    centres: Floats
    cores: Floats | None = None
    core_labels: Labels | None = None
    reach: float = np.inf

    @property
    def count(self) -> int:
        """How many clusters."""
        return int(self.centres.shape[0])

    def assign(self, points: Floats) -> Labels:
        """The cluster of each point, -1 for none."""
        from sklearn.metrics import pairwise_distances_argmin_min
        from sklearn.neighbors import NearestNeighbors

        if self.cores is None or self.core_labels is None:
            return np.asarray(pairwise_distances_argmin_min(points, self.centres)[0], dtype=np.int64)
        distances, nearest = NearestNeighbors(n_neighbors=1).fit(self.cores).kneighbors(points)
        return np.where(distances[:, 0] <= self.reach, self.core_labels[nearest[:, 0]], -1)

    def clearness(self, points: Floats, labels: Labels) -> Floats:
        """How much nearer each point is to the centre of its own cluster than to the next: from -1 to 1, 0 for none.

        The simplified silhouette (Hruschka et al. 2004): linear in the points, where the silhouette is quadratic.
        """
        from sklearn.metrics import pairwise_distances

        distances = pairwise_distances(points, self.centres)
        inside = labels >= 0
        own = distances[np.arange(labels.size), np.maximum(labels, 0)]
        distances[np.arange(labels.size), np.maximum(labels, 0)] = np.inf
        other = distances.min(axis=1)
        widest = np.maximum(np.maximum(own, other), 1e-12)
        return np.asarray(np.where(inside, (other - own) / widest, 0.0), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Trial:
    """A number of clusters that was tried: silhouette, that on shuffled columns, and the agreement of resamples."""

    clusters: int
    silhouette: float
    shuffled: float
    stability: float


@dataclass(frozen=True, slots=True)
class Choice:
    """The clusters chosen, what was tried, and the silhouette of single users, for intervals."""

    clusters: Clusters
    trial: Trial
    trials: tuple[Trial, ...]
    silhouettes: Floats


def sampled(count: int, most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Up to `most` of `count` positions, drawn without repetition, in order."""
    return np.arange(count) if count <= most else np.sort(rng.choice(count, size=most, replace=False))


def choose_clusters(points: Floats, *, method: Method, count: int | None, seed: int) -> Choice:
    """Fit clusters on a sample of the points; `count` of them, or as many as are worth it.

    Raises:
        TooLittleData: no number of clusters makes at least two of a size worth the name.
    """
    rng = np.random.default_rng(seed)
    looked_at = points[sampled(len(points), min(_CHOSEN_ON, MOST_FITTED[method]), rng)]
    most = min(MOST_CLUSTERS, len(looked_at) // 5)
    counts: Sequence[int | None] = (None,) if method == "dbscan" else [count] if count else list(range(2, most + 1))
    trials = [trial for k in counts if (trial := _try(looked_at, method, k, rng)) is not None]
    if len(trials) == 0:
        raise TooLittleData(f"{method} finds no two groups of users that differ.")
    stable = [trial for trial in trials if trial.stability >= STABLE]
    if len(stable) > 0:
        best = max(stable, key=lambda trial: (trial.silhouette, -trial.clusters))
    else:
        best = max(trials, key=lambda trial: (trial.stability, trial.silhouette))
    fitted_on = points[sampled(len(points), MOST_FITTED[method], rng)]
    clusters = _fit(fitted_on, method, None if method == "dbscan" else best.clusters, rng)
    if clusters is None:
        raise TooLittleData(f"{method} finds no two groups of users that differ.")
    measured = fitted_on[sampled(len(fitted_on), _MEASURED_ON, rng)]
    return Choice(clusters, best, tuple(trials), _silhouettes(measured, clusters.assign(measured)))


def fit_clusters(points: Floats, method: Method, count: int, *, seed: int) -> Clusters | None:
    """That many clusters of a sample of the points; DBSCAN finds its own number. None where there are not so many."""
    rng = np.random.default_rng(seed)
    return _fit(points[sampled(len(points), MOST_FITTED[method], rng)], method, count, rng)


def _try(points: Floats, method: Method, count: int | None, rng: np.random.Generator) -> Trial | None:
    clusters = _fit(points, method, count, rng)
    if clusters is None:
        return None
    measured = points[sampled(len(points), _MEASURED_ON, rng)]
    silhouettes = _silhouettes(measured, clusters.assign(measured))
    if silhouettes.size == 0:
        return None
    shuffled: list[float] = []
    for _ in range(_SHUFFLES):
        noise = rng.permuted(points, axis=0)
        fitted = _fit(noise, method, count, rng)
        found = noise[sampled(len(noise), _MEASURED_ON, rng)]
        values = np.empty(0) if fitted is None else _silhouettes(found, fitted.assign(found))
        shuffled.append(float(values.mean()) if values.size > 0 else 0.0)
    agreements = _agreements(points, measured, method, count, rng)
    return Trial(clusters.count, float(silhouettes.mean()), max(shuffled), float(np.mean(agreements)))


def _agreements(
    points: Floats, measured: Floats, method: Method, count: int | None, rng: np.random.Generator
) -> list[float]:
    """Adjusted Rand index of pairs of fits on resamples of the points."""
    from sklearn.metrics import adjusted_rand_score

    found: list[float] = []
    for _ in range(_RESAMPLES):
        pair = [_fit(points[rng.integers(0, len(points), len(points))], method, count, rng) for _ in range(2)]
        labels = [fitted.assign(measured) for fitted in pair if fitted is not None]
        found.append(float(adjusted_rand_score(*labels)) if len(labels) == 2 else 0.0)
    return found


def _silhouettes(points: Floats, labels: Labels) -> Floats:
    """Of the points that are in a cluster; empty where there are not two clusters."""
    from sklearn.metrics import silhouette_samples

    kept = labels >= 0
    if np.unique(labels[kept]).size < 2 or int(kept.sum()) <= np.unique(labels[kept]).size:
        return np.empty(0)
    return np.asarray(silhouette_samples(points[kept], labels[kept]), dtype=np.float64)


def _fit(points: Floats, method: Method, count: int | None, rng: np.random.Generator) -> Clusters | None:
    seed = int(rng.integers(2**31))
    if method == "dbscan":
        return _fit_density(points)
    assert count is not None
    if np.unique(points, axis=0).shape[0] < count:
        return None
    if method == "kmeans":
        from sklearn.cluster import KMeans

        return Clusters(np.asarray(KMeans(count, n_init=_STARTS, random_state=seed).fit(points).cluster_centers_))
    from sklearn.cluster import AgglomerativeClustering

    return Clusters(_centres(points, AgglomerativeClustering(count, linkage="ward").fit(points).labels_, count))


def _fit_density(points: Floats) -> Clusters | None:
    """DBSCAN with the reach, of a few quantiles of the distance to the n-th neighbour, of highest silhouette
    among those that leave no more than half of the points without a cluster."""
    from sklearn.cluster import DBSCAN
    from sklearn.neighbors import NearestNeighbors

    neighbours = min(max(5, 2 * points.shape[1]), 50, len(points) // 4)
    far = NearestNeighbors(n_neighbors=neighbours).fit(points).kneighbors(points)[0][:, -1]
    best: tuple[float, Clusters] | None = None
    for reach in sorted({float(value) for value in np.quantile(far, _REACHES) if value > 0}):
        fit = DBSCAN(eps=reach, min_samples=neighbours).fit(points)
        labels = _large_only(np.asarray(fit.labels_, dtype=np.int64))
        count = int(labels.max()) + 1
        if count < 2 or float((labels < 0).mean()) > 0.5:
            continue
        quality = float(_silhouettes(points, labels).mean())
        if best is None or quality > best[0]:
            core = fit.core_sample_indices_[labels[fit.core_sample_indices_] >= 0]
            best = quality, Clusters(_centres(points, labels, count), points[core], labels[core], reach)
    return None if best is None else best[1]


def _large_only(labels: Labels) -> Labels:
    """Clusters below the least share become none, the others are numbered anew."""
    sizes = np.bincount(labels[labels >= 0], minlength=1)
    number = np.full(sizes.size + 1, -1, dtype=np.int64)
    kept = np.flatnonzero(sizes >= max(2.0, _LEAST_SHARE * labels.size))
    number[kept] = np.arange(kept.size)
    return number[labels]


def _centres(points: Floats, labels: NDArray[Any], count: int) -> Floats:
    return np.stack([points[labels == label].mean(axis=0) for label in range(count)])
