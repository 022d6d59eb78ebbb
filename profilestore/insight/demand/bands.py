"""Intervals of forecasts of counts, from how far earlier forecasts were off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEVEL", "Band", "band_of"]

LEVEL: Final = 0.8
_BINS: Final = 6
_BIN_LEAST: Final = 60

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Band:
    """By size of the forecast (`edges` between sizes), how far the square root of what came was from that of the
    forecast, `low` and `high`. Square roots, since the noise of counts grows with them (Anscombe 1948)."""

    edges: Floats
    low: Floats
    high: Floats

    def around(self, forecast: Floats) -> tuple[Floats, Floats]:
        """The lower and the upper end of each forecast, which lies between them."""
        size = np.searchsorted(self.edges, forecast, side="right")
        root = np.sqrt(forecast)
        lower = np.maximum(root + self.low[size], 0.0) ** 2
        upper = np.maximum(root + self.high[size], 0.0) ** 2
        return np.minimum(lower, forecast), np.maximum(upper, forecast)


def band_of(made: Floats, actual: Floats) -> Band:
    """The band that holds four of five of what came, of forecasts `made`, both (n,) and not negative; n at least 1."""
    bins = int(np.clip(made.size // _BIN_LEAST, 1, _BINS))
    edges = np.unique(np.quantile(made, np.arange(1, bins) / bins))
    size = np.searchsorted(edges, made, side="right")
    off = np.sqrt(actual) - np.sqrt(made)
    # A bin that ties left empty says what all say.
    ends = [_ends(off[size == number] if (size == number).any() else off) for number in range(edges.size + 1)]
    return Band(edges, np.array([end[0] for end in ends]), np.array([end[1] for end in ends]))


def _ends(off: Floats) -> tuple[float, float]:
    """The quantiles, a little outward of the plain ones: what comes next is one more draw, of n + 1."""
    upper = min(1.0, (1.0 + LEVEL) / 2.0 * (off.size + 1) / off.size)
    return float(np.quantile(off, 1.0 - upper, method="lower")), float(np.quantile(off, upper, method="higher"))
