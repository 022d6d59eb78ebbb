"""Popularity as a part of the taste model: what every act adds for what everybody buys.

    B' = B + 1 lift',   lift = strength * scale * (decayed number of users of each product, the highest 1)

A rank of one more: each product's in-vector gets the same number and each out-vector its lift, so the profile
stays linear and reasons exact. It matters where the data are thin: on 2,400 households and 18,000 products EASE
alone was below popularity. `scale` is what the best product of a user gets from B, so at strength 1 popularity
and taste weigh the same.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.features.taste.factoring import Factors, Matrix
from profilestore.features.taste.interactions import Interactions

__all__ = ["STRENGTHS", "add_lift", "mass_of", "popularity_lift", "score_scale"]

# (strength, half-life in days) that are tried; without a strength popularity adds nothing.
STRENGTHS: Final[tuple[tuple[float, float | None], ...]] = tuple(
    (strength, half_life) for half_life in (None, 30.0, 10.0) for strength in (0.1, 0.3, 1.0, 3.0)
)
_SCALE_USERS: Final = 500


def mass_of(profiles: Any) -> NDArray[np.float32]:
    """The sum of each profile's weights (users,): how much of the lift it gets."""
    return np.asarray(profiles.sum(axis=1), dtype=np.float32).ravel()


def score_scale(profiles: Any, predict: Any) -> float:
    """What the best product of a user gets from B for a profile of mass 1, on average; 0 where none does.

    Args:
        profiles: sparse (users, products).
        predict: from some of them to scores.
    """
    mass = mass_of(profiles)
    users = np.flatnonzero(mass > 0)[:_SCALE_USERS]
    if users.size == 0:
        return 0.0
    best = np.asarray(predict(profiles[users])).max(axis=1) / mass[users]
    return float(np.maximum(best, 0.0).mean())


def popularity_lift(
    acts: Interactions, *, strength: float, half_life_days: float | None, scale: float
) -> NDArray[np.float32]:
    """What each product gets for a profile of mass 1, (products,)."""
    users = np.asarray(acts.latest(half_life_days).sum(axis=0), dtype=np.float64).ravel()
    highest = float(users.max()) if users.size > 0 else 0.0
    if highest <= 0.0:
        return np.zeros(acts.product_count, dtype=np.float32)
    return (strength * scale * users / highest).astype(np.float32)


def add_lift(factors: Factors, lift: NDArray[np.float32]) -> Factors:
    """In- and out-vectors with one dimension more that carries the lift."""
    in_vectors, out_vectors = factors
    length = float(np.linalg.norm(lift))
    if length == 0.0:
        return factors
    # Out-vectors' columns are of unit length: so is this one, and quantisation treats it like the others.
    constant: Matrix = np.full((in_vectors.shape[0], 1), length, dtype=np.float32)
    column = (lift / np.float32(length))[:, None]
    return np.concatenate([in_vectors, constant], axis=1), np.concatenate([out_vectors, column], axis=1)
