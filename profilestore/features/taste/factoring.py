"""An item-item matrix as in- and out-vectors: profile @ B, projected on the leading subspace of its predictions.

With W the d leading right singular vectors of the predictions X B of real profiles X, the matrix B W W' is the
best of rank d for these predictions (Eckart and Young; reduced-rank regression). So in = B W and out = W.
W is found by randomised subspace iteration (Halko, Martinsson and Tropp 2011, algorithm 4.4).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Factors", "factor"]

_OVERSAMPLING: Final = 32
_ITERATIONS: Final = 5

Factors = tuple[NDArray[np.float32], NDArray[np.float32]]


def factor(matrix: NDArray[np.float32], profiles: Any, *, dims: int, seed: int = 7) -> Factors:
    """In- and out-vectors, (products, dims) float32 each, columns in falling order of what they explain.

    Args:
        matrix: B, (products, products).
        profiles: X, sparse (users, products), as they are served.
        dims: how many dimensions; no more than there are products.
        seed: of the random start.
    """
    count = matrix.shape[0]
    dims = min(dims, count)
    width = min(dims + _OVERSAMPLING, count)
    rng = np.random.default_rng(seed)
    basis = rng.standard_normal((count, width)).astype(np.float32)
    transposed = profiles.T.tocsr()
    for _ in range(_ITERATIONS):
        basis, _ = np.linalg.qr(basis)
        basis = matrix.T @ (transposed @ (profiles @ (matrix @ basis)))
    basis, _ = np.linalg.qr(basis)
    predicted = profiles @ (matrix @ basis)
    # Rayleigh-Ritz: within the subspace the directions in order of their energy, so that a prefix is a model too.
    energy, rotation = np.linalg.eigh(predicted.T.astype(np.float64) @ predicted)
    out = np.ascontiguousarray(basis @ rotation[:, np.argsort(-energy, kind="stable")[:dims]].astype(np.float32))
    # A sign of its own for each column, so that equal input gives equal vectors.
    out *= np.where(out[np.abs(out).argmax(axis=0), np.arange(dims)] < 0, -1.0, 1.0).astype(np.float32)
    return matrix @ out, out
