"""An item-item matrix as in- and out-vectors: profile @ B, projected on the leading subspace of its predictions.

With W the d leading right singular vectors of the predictions X B of real profiles X, the matrix B W W' is the
best of rank d for these predictions (Eckart and Young; reduced-rank regression). So in = B W and out = W.
W is found by randomised subspace iteration (Halko, Martinsson and Tropp 2011, algorithm 4.4).
"""

from __future__ import annotations

from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["DenseItems", "Factors", "ItemMatrix", "factor", "orthonormal"]

_OVERSAMPLING: Final = 32
_ITERATIONS: Final = 5
_ROWS_AT_ONCE: Final = 8192

Matrix = NDArray[np.float32]
Factors = tuple[Matrix, Matrix]


class ItemMatrix(Protocol):
    """An item-item matrix B that can be applied to matrices of few columns."""

    @property
    def products(self) -> int:
        """How many products there are."""

    def forward(self, thin: Matrix) -> Matrix:
        """B times a matrix of few columns."""

    def backward(self, thin: Matrix) -> Matrix:
        """B transposed, times a matrix of few columns."""

    def columns(self, start: int, stop: int) -> Matrix:
        """Some columns of B, (products, stop - start); the caller may change them."""

    def predict(self, profiles: Any) -> Matrix:
        """Scores of some sparse profiles (users, products)."""


class DenseItems:
    """An item-item matrix that is written down."""

    def __init__(self, matrix: Matrix) -> None:
        self._matrix = matrix

    @property
    def products(self) -> int:
        """How many products there are."""
        return int(self._matrix.shape[0])

    def forward(self, thin: Matrix) -> Matrix:
        """B times a matrix of few columns."""
        return self._matrix @ thin

    def backward(self, thin: Matrix) -> Matrix:
        """B transposed, times a matrix of few columns."""
        return self._matrix.T @ thin

    def columns(self, start: int, stop: int) -> Matrix:
        """Some columns of B, (products, stop - start)."""
        return self._matrix[:, start:stop].copy()

    def predict(self, profiles: Any) -> Matrix:
        """Scores of some sparse profiles (users, products)."""
        return np.asarray(profiles @ self._matrix)


def orthonormal(matrix: Matrix) -> Matrix:
    """An orthonormal basis of the columns of a tall matrix.

    By the Cholesky factor of its gram matrix, twice, the first time shifted and in float64 so that columns that
    are dependent to float32's rounding do no harm (Fukaya et al. 2020): some matrix products, where LAPACK's
    Householder QR of 18,000 x 1,056 takes thirty times one.
    """
    for shift in (1e-14, 0.0):
        gram = np.zeros((matrix.shape[1], matrix.shape[1]))
        for start in range(0, matrix.shape[0], _ROWS_AT_ONCE):
            rows = matrix[start : start + _ROWS_AT_ONCE].astype(np.float64)
            gram += rows.T @ rows
        gram[np.diag_indices_from(gram)] += shift * np.trace(gram)
        try:
            inverse = np.linalg.inv(np.linalg.cholesky(gram)).T
        except np.linalg.LinAlgError:
            return np.asarray(np.linalg.qr(matrix)[0])
        applied = np.empty_like(matrix)
        for start in range(0, matrix.shape[0], _ROWS_AT_ONCE):
            applied[start : start + _ROWS_AT_ONCE] = matrix[start : start + _ROWS_AT_ONCE].astype(np.float64) @ inverse
        matrix = applied
    # Directions that were nothing but rounding are not quite at right angles yet.
    return matrix if np.abs(np.diag(gram) - 1.0).max() < 1e-2 else np.asarray(np.linalg.qr(matrix)[0])


def factor(items: ItemMatrix, profiles: Any, *, dims: int, seed: int = 7) -> Factors:
    """In- and out-vectors, (products, dims) float32 each, columns in falling order of what they explain.

    Args:
        items: B.
        profiles: X, sparse (users, products), as they are served.
        dims: how many dimensions; no more than there are products.
        seed: of the random start.
    """
    count = items.products
    dims = min(dims, count)
    width = min(dims + _OVERSAMPLING, count)
    rng = np.random.default_rng(seed)
    basis = rng.standard_normal((count, width)).astype(np.float32)
    transposed = profiles.T.tocsr()
    for _ in range(_ITERATIONS):
        basis = orthonormal(basis)
        basis = items.backward(transposed @ (profiles @ items.forward(basis)))
    basis = orthonormal(basis)
    predicted = profiles @ items.forward(basis)
    # Rayleigh-Ritz: within the subspace the directions in order of their energy, so that a prefix is a model too.
    energy, rotation = np.linalg.eigh(predicted.T.astype(np.float64) @ predicted)
    out = np.ascontiguousarray(basis @ rotation[:, np.argsort(-energy, kind="stable")[:dims]].astype(np.float32))
    # A sign of its own for each column, so that equal input gives equal vectors.
    out *= np.where(out[np.abs(out).argmax(axis=0), np.arange(dims)] < 0, -1.0, 1.0).astype(np.float32)
    return items.forward(out), out
