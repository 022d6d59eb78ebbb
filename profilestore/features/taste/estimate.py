"""What a training will take, before it starts: memory and time by learner, and which one fits."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from profilestore.errors import ModelError
from profilestore.features.taste.settings import Learner
from profilestore.features.taste.spectral import RANK

__all__ = ["EASE_MOST", "MEMORY_MOST", "Estimate", "choose_learner", "estimate"]

MEMORY_MOST: Final = 8_000_000_000
# Beyond so many products `auto` takes the spectral learner: the exact one grows with their cube.
EASE_MOST: Final = 10_000
# Real work reaches this share of the speed of one large matrix product.
_EFFICIENCY: Final = 0.4
# Scoring, masking and ranking one product for one user.
_SECONDS_A_CELL: Final = 6e-8
_CELLS_USERS: Final = 2000
_SEARCHED_PRODUCTS: Final = 2000
# How often the cut's users are ranked: popularity, dimensions, weights, and the exact matrix.
RANKINGS: Final = 24
# The program itself with torch, and what the acts and rows need each.
_BASE_BYTES: Final = 700_000_000
_BYTES_AN_ACT: Final = 150


@dataclass(frozen=True, slots=True)
class Estimate:
    """Peak memory and seconds of a training, the search and the choice of dimensions included."""

    learner: Learner
    products: int
    memory_bytes: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"{self.learner} on {self.products:,} products: about {self.seconds:,.0f} s "
            f"and {self.memory_bytes / 1e9:.1f} GB"
        )


def estimate(
    learner: Learner, *, products: int, acts: int, dims: int, budget: int = 0, flops: float | None = None
) -> Estimate:
    """Estimate a training.

    Args:
        learner: which one.
        products: with acts.
        acts: in the training period.
        dims: of the vectors.
        budget: how many settings are tried before.
        flops: float operations a second of this machine; measured when None.
    """
    speed = _measured_flops() if flops is None else flops
    searched = min(products, _SEARCHED_PRODUCTS)
    search = budget * (4.0 * searched**3 / (speed * _EFFICIENCY) + _SECONDS_A_CELL * _CELLS_USERS * searched)
    around = search + RANKINGS * _SECONDS_A_CELL * _CELLS_USERS * products
    fixed = _BASE_BYTES + _BYTES_AN_ACT * acts
    if learner == "ease":
        # X'X, X'Y and one block; 2 n^3 for the inverse, 2 n^3 for the product, the rest for the factoring.
        memory = fixed + int(2.3 * 4 * products**2) + 6 * 4 * products * (dims + 32)
        work = 4.0 * products**3 + 24.0 * products**2 * (dims + 32)
        return Estimate(learner, products, memory, 2.0 * work / (speed * _EFFICIENCY) + around)
    rank, width = min(RANK, products), min(max(dims, RANK), products) + 32
    # The cut's model is held while the last one is made. Measured on 36,000 products x 43,000 users: 2.6 GB without it.
    memory = fixed + 14 * 4 * products * width
    # Orthogonal bases of (products, width) nine times, the sparse rows some thirty times, at a tenth of the speed;
    # and every column of B once for the sparse form.
    work = 40.0 * products * float(width) ** 2 + 600.0 * acts * width + 24.0 * products * rank * width
    work += 4.0 * float(products) ** 2 * rank
    return Estimate(learner, products, memory, 2.0 * work / (speed * _EFFICIENCY) + around)


def choose_learner(
    wanted: Literal["auto", "ease", "spectral"],
    *,
    products: int,
    acts: int,
    dims: int,
    budget: int = 0,
    flops: float | None = None,
) -> Estimate:
    """The learner to take, with what it will take.

    Raises:
        ModelError: the one asked for, or any, does not fit into 8 GB; says what does.
    """
    speed = _measured_flops() if flops is None else flops
    ease = estimate("ease", products=products, acts=acts, dims=dims, budget=budget, flops=speed)
    spectral = estimate("spectral", products=products, acts=acts, dims=dims, budget=budget, flops=speed)
    if wanted == "auto":
        wanted = "ease" if products <= EASE_MOST and ease.memory_bytes <= MEMORY_MOST else "spectral"
        if wanted == "ease" and budget > 0 and products > RANK:
            # Both are validated, and one of them is trained then.
            ease = replace(
                ease,
                memory_bytes=max(ease.memory_bytes, spectral.memory_bytes),
                seconds=ease.seconds + spectral.seconds / 2.0,
            )
    chosen, other = (ease, spectral) if wanted == "ease" else (spectral, ease)
    if chosen.memory_bytes <= MEMORY_MOST:
        return chosen
    fits = other.memory_bytes <= MEMORY_MOST
    raise ModelError(
        f"{chosen}, which is more than {MEMORY_MOST / 1e9:.0f} GB: "
        + (f"take --learner {other.learner} ({other})." if fits else "take fewer --dims.")
    )


def _measured_flops(size: int = 768) -> float:
    """Float operations a second of a float32 matrix product here, by a short trial."""
    a = np.ones((size, size), dtype=np.float32)
    best = np.inf
    for _ in range(3):
        started = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - started)
    return 2.0 * size**3 / best
