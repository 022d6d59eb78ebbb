"""Numbers that stand out: by 3 standard deviations, quartile ranges, Isolation Forest or DBSCAN."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any, Final

__all__ = ["build_joint_judge", "build_range_judge"]

Judge = Callable[[dict[str, Sequence[Any]], int], dict[int, list[str]]]
_LEAST_VALUES: Final = 5  # fewer say nothing about what is usual
_CONTAMINATION: Final = 0.01
_EPS: Final = 0.5  # in robust standard deviations
_MIN_SAMPLES: Final = 5


def build_range_judge(numbers: dict[str, array[float]], *, method: str) -> Judge:
    """Judge each field on its own: outside of mean ± 3 sigma, or of the quartiles ± 1.5 of their range."""
    import numpy as np

    ranges: dict[str, tuple[float, float]] = {}
    for name, values in numbers.items():
        if len(values) < _LEAST_VALUES:
            continue
        figures = np.frombuffer(values, dtype=np.float64)
        if method == "sigma":
            middle, reach = float(figures.mean()), 3.0 * float(figures.std())
            ranges[name] = (middle - reach, middle + reach)
        else:
            low, high = (float(value) for value in np.percentile(figures, (25, 75)))
            ranges[name] = (low - 1.5 * (high - low), high + 1.5 * (high - low))

    def judge(columns: dict[str, Sequence[Any]], count: int) -> dict[int, list[str]]:
        flags: dict[int, list[str]] = {}
        for name, (low, high) in ranges.items():
            for index, value in enumerate(columns.get(name, ())):
                if isinstance(value, (int, float)) and not low <= value <= high:
                    flags.setdefault(index, []).append(name)
        return flags

    return judge


def build_joint_judge(sample: list[dict[str, float | None]], *, method: str) -> Judge:
    """Judge all number fields of a row together; a flagged row names all that it was judged by.

    Isolation Forest (Liu 2008, 1 % contamination, seeded); DBSCAN (Ester 1996): a row is noise when no core
    point of the sample is within eps of it. Fields are centred on the median and scaled by the standard
    deviation; a missing value counts as the median.
    """
    import numpy as np

    names = sorted({name for row in sample for name, value in row.items() if value is not None})
    if len(names) == 0 or len(sample) < _LEAST_VALUES:
        return lambda columns, count: {}

    def matrix(rows: Sequence[Sequence[Any]]) -> Any:
        return np.array(
            [[float(v) if isinstance(v, (int, float)) else np.nan for v in row] for row in rows], dtype=np.float64
        ).reshape(len(rows), len(names))

    raw = matrix([[row.get(name) for name in names] for row in sample])
    centre = np.nanmedian(raw, axis=0)
    scale = np.nanstd(raw, axis=0)
    scale[scale == 0] = 1.0

    def scaled(figures: Any) -> Any:
        return np.nan_to_num((figures - centre) / scale, nan=0.0)

    is_outlier = _fit_forest(scaled(raw)) if method == "isolation_forest" else _fit_dbscan(scaled(raw))

    def judge(columns: dict[str, Sequence[Any]], count: int) -> dict[int, list[str]]:
        if count == 0:
            return {}
        rows = list(zip(*(columns.get(name, [None] * count) for name in names), strict=True))
        return {int(index): list(names) for index in np.flatnonzero(is_outlier(scaled(matrix(rows))))}

    return judge


def _fit_forest(points: Any) -> Callable[[Any], Any]:
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(contamination=_CONTAMINATION, random_state=0).fit(points)
    return lambda rows: forest.predict(rows) == -1


def _fit_dbscan(points: Any) -> Callable[[Any], Any]:
    import numpy as np
    from sklearn.cluster import DBSCAN
    from sklearn.neighbors import NearestNeighbors

    # Equal points are one with a weight: shops' numbers repeat, and neighbourhoods of thousands cost memory.
    distinct, weights = np.unique(points, axis=0, return_counts=True)
    core = DBSCAN(eps=_EPS, min_samples=_MIN_SAMPLES).fit(distinct, sample_weight=weights).core_sample_indices_
    if len(core) == 0:
        return lambda rows: np.ones(len(rows), dtype=bool)
    nearest = NearestNeighbors(n_neighbors=1).fit(distinct[core])
    return lambda rows: nearest.kneighbors(rows)[0][:, 0] > _EPS
