"""Does a figure see the future? Asked by changing the future and looking whether the figure changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from profilestore.insight.history import History

Features = Callable[[History, float], Any]


def sees_the_future(features: Features, history: History, time: float) -> bool:
    """Whether `features(history, time)` differs when all that happens from `time` on is another story.

    In the other story later acts are of other amounts, quantities and products, and half of them did not happen.
    """
    later = history.times >= time
    kept = np.flatnonzero(~later | (np.arange(later.size) % 2 == 0))
    other = history.picked(kept)
    changed = later[kept]
    other = replace(
        other,
        amounts=np.where(changed, other.amounts * 7.0 + 1.0, other.amounts),
        quantities=np.where(changed, other.quantities + 3.0, other.quantities),
        products=np.where(changed, np.int32(0), other.products).astype(np.int32),
    )
    return not _same(features(history, time), features(other, time))


def _same(one: Any, two: Any) -> bool:
    if isinstance(one, np.ndarray):
        return one.shape == two.shape and bool(np.array_equal(one, two, equal_nan=one.dtype.kind == "f"))
    if isinstance(one, (tuple, list)):
        return len(one) == len(two) and all(_same(a, b) for a, b in zip(one, two, strict=True))
    return bool(one == two)
