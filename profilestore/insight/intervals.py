"""Is a figure more than chance? Percentile bootstrap intervals over users (Efron 1979), by scipy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["clustered_mean", "interval", "mean_interval", "settled"]

# Of many users fewer resamples do: their intervals are narrow, and the bounds differ in the third digit.
_DRAWS_MOST: Final = 1000
_DRAWS_LEAST: Final = 200
_VALUES_DRAWN: Final = 10_000_000
_BATCH_BYTES: Final = 64_000_000

Floats = NDArray[np.float64]
Figure = dict[str, float]


def interval(statistic: Callable[..., Any], *columns: Floats, seed: int = 7, level: float = 0.95) -> Figure:
    """A figure over users, `mean`, with the bounds of its interval, `low` and `high`.

    Args:
        statistic: of the columns along `axis` (a keyword), such as a ratio of sums; resampled together.
        columns: a value a user each, in the same order.
        seed: of the resamples; equal input gives an equal interval.
        level: of the interval.
    """
    from scipy.stats import bootstrap

    here = float(statistic(*columns, axis=-1))
    if columns[0].size < 2:
        return {"mean": settled(here), "low": settled(here), "high": settled(here)}
    found = bootstrap(
        columns,
        statistic,
        paired=True,
        vectorized=True,
        n_resamples=min(_DRAWS_MOST, max(_DRAWS_LEAST, _VALUES_DRAWN // columns[0].size)),
        batch=max(1, _BATCH_BYTES // (8 * columns[0].size * len(columns))),
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return {"mean": settled(here), "low": settled(float(found.low)), "high": settled(float(found.high))}


def mean_interval(values: Floats, *, seed: int = 7) -> Figure:
    """The mean of a value a user, with its interval; of a paired difference, whether it is above zero."""
    return interval(np.mean, values, seed=seed)


def clustered_mean(owners: NDArray[np.int64], values: Floats, *, seed: int = 7) -> Figure:
    """The mean of values, its interval by resampling their owners: the values of one owner are not independent.

    Args:
        owners: (n,) whose each value is, a user or a product.
        values: (n,)
        seed: of the resamples.
    """
    _, places = np.unique(owners, return_inverse=True)
    sums = np.asarray(np.bincount(places, weights=values), dtype=np.float64)
    return interval(_ratio_of_sums, sums, np.bincount(places).astype(np.float64), seed=seed)


def _ratio_of_sums(sums: Any, counts: Any, axis: int = -1) -> Any:
    return sums.sum(axis) / counts.sum(axis)


def settled(value: float) -> float:
    """Six significant digits: what is beyond them says nothing, and differs between machines."""
    return float(f"{value:.6g}")
