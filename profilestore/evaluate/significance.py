"""Is a difference more than chance? The bootstrap over users (Efron 1979), paired for differences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Interval", "bootstrap_difference", "bootstrap_mean"]

_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over users with its percentile interval at `level`."""

    mean: float
    low: float
    high: float
    level: float = 0.95

    def __str__(self) -> str:
        return f"{self.mean:.4f} [{self.low:.4f}, {self.high:.4f}]"

    @property
    def above_zero(self) -> bool:
        """Whether the whole interval is."""
        return self.low > 0.0


def bootstrap_mean(values: NDArray[np.float64], *, draws: int = 2000, level: float = 0.95, seed: int = 7) -> Interval:
    """The mean of a figure by user, with its interval. Equal input gives an equal interval.

    Args:
        values: shape (users,).
        draws: how many resamples of the users.
        level: of the interval.
        seed: of the draws.
    """
    if values.size == 0:
        return Interval(0.0, 0.0, 0.0, level)
    rng = np.random.default_rng(seed)
    means = np.concatenate(
        [
            values[rng.integers(0, values.size, size=(min(_AT_ONCE, draws - start), values.size))].mean(axis=1)
            for start in range(0, draws, _AT_ONCE)
        ]
    )
    low, high = np.quantile(means, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return Interval(float(values.mean()), float(low), float(high), level)


def bootstrap_difference(
    ours: NDArray[np.float64], theirs: NDArray[np.float64], *, draws: int = 2000, level: float = 0.95, seed: int = 7
) -> Interval:
    """The mean difference of two figures of the same users in the same order, paired, with its interval."""
    if ours.shape != theirs.shape:
        raise ValueError("a paired difference needs both figures of every user")
    return bootstrap_mean(ours - theirs, draws=draws, level=level, seed=seed)
