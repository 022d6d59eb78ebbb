"""Whether two states are the same to float rounding: what `verify` asks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from profilestore.features.state import SPACES, DecayedShares, DecayedSum, State

__all__ = ["differing_fields"]

# In-vectors are float32 and may be read back rounded by half a unit in the last place.
_VECTOR_TOLERANCE: Final = 1e-6
_SUM_TOLERANCE: Final = 1e-9
_EXACT: Final = (
    "counts", "first_seen", "last_seen", "first_purchase", "last_purchase", "purchase_count", "rating_count",
    "channels", "devices", "payments", "seen", "words", "cart",
)  # fmt: skip


def differing_fields(a: State, b: State) -> list[str]:
    """Names of the fields in which two states differ by more than rounding, [] when they are the same.

    Sums of vectors are compared relative to their decayed sum of |w| * |in|, money and quantities
    relative to the turnover.
    """
    found = [name for name in _EXACT if getattr(a, name) != getattr(b, name)]
    scale = max(1.0, a.turnover, b.turnover)
    found += [
        name
        for name in ("quantity", "spend", "turnover", "rating_sum")
        if abs(getattr(a, name) - getattr(b, name)) > _SUM_TOLERANCE * scale
    ]
    found += [name for name in ("orders", "hours") if not np.array_equal(getattr(a, name), getattr(b, name))]
    if not _same_amounts(a.purchased, b.purchased, _SUM_TOLERANCE * scale):
        found.append("purchased")
    if _plain_fields(a) != _plain_fields(b):
        found.append("user_fields")
    found += [
        name for name in ("categories", "brands", "items") if not _same_shares(getattr(a, name), getattr(b, name))
    ]
    found += [space for space in SPACES if not _same_sum(a.sums.get(space), b.sums.get(space))]
    return found


def _plain_fields(state: State) -> dict[str, tuple[object, ...]]:
    return {name: tuple(entry) for name, entry in state.user_fields.items()}


def _same_amounts(a: Mapping[str, float], b: Mapping[str, float], tolerance: float) -> bool:
    return all(abs(a.get(name, 0.0) - b.get(name, 0.0)) <= tolerance for name in a.keys() | b.keys())


def _same_shares(a: DecayedShares, b: DecayedShares) -> bool:
    if (len(a.sums) == 0) != (len(b.sums) == 0) or (len(a.sums) > 0 and a.anchor != b.anchor):
        return False
    largest = max((abs(weight) for weight in (*a.sums.values(), *b.sums.values())), default=0.0)
    return _same_amounts(a.sums, b.sums, _VECTOR_TOLERANCE * max(1.0, largest))


def _same_sum(a: DecayedSum | None, b: DecayedSum | None) -> bool:
    if a is None or a.empty or b is None or b.empty:
        return (a is None or a.empty) and (b is None or b.empty)
    if a.anchor != b.anchor or a.vector.shape != b.vector.shape:
        return False
    scale = max(a.norm, b.norm)
    close = float(np.linalg.norm(a.vector - b.vector)) <= _VECTOR_TOLERANCE * scale
    return close and math.isclose(a.norm, b.norm, rel_tol=_VECTOR_TOLERANCE)
