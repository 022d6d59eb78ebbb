"""EASE without its n x n matrix, for large catalogues: the gram matrix as low rank plus diagonal.

    X'X ~ Q L Q' + D    Q, L: the leading eigenpairs, D: what they leave of the diagonal, kept exactly
    P = (X'X + ridge I)^-1 = E - E Q (L^-1 + Q' E Q)^-1 Q' E   with E = 1 / (D + ridge)   (Woodbury)

B = P (X'Y - diag(g)) is never written down: it is applied to thin matrices, through the sparse rows, which is
all that factoring asks for. The eigenpairs come from randomised subspace iteration (Halko et al. 2011). That a
dense solution can stand on an approximation of the inverse is the thought of SANSA (Spisak et al. 2023).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.features.taste.factoring import orthonormal
from profilestore.features.taste.rows import TrainingRows

__all__ = ["RANK", "SpectralItems", "fit_spectral"]

# Of the gram matrix, beyond its diagonal.
RANK: Final = 1024

_ITERATIONS: Final = 4
_OVERSAMPLING: Final = 32

Matrix = NDArray[np.float32]


class SpectralItems:
    """The item-item matrix B as something that can be applied: `forward(M)` is B M, `backward(M)` is B' M."""

    def __init__(self, rows: TrainingRows, basis: Matrix, values: NDArray[np.float64]) -> None:
        self._inputs, self._targets = rows.inputs, rows.targets
        self._inputs_t, self._targets_t = rows.inputs.T.tocsr(), rows.targets.T.tocsr()
        squares = np.asarray(rows.inputs.multiply(rows.inputs).sum(axis=0), dtype=np.float64).ravel()
        left = np.maximum(squares - (basis.astype(np.float64) ** 2) @ values, 0.0)
        self._scale = (1.0 / (left + rows.ridge)).astype(np.float32)
        scaled = self._scale[:, None] * basis
        core = np.diag(1.0 / values) + (basis.T @ scaled).astype(np.float64)
        # P = E - thin thin', so that one product with `thin` each way applies it.
        self._thin: Matrix = np.linalg.solve(np.linalg.cholesky(core), scaled.T.astype(np.float64)).T.astype(np.float32)
        pivots = self._scale - (self._thin**2).sum(axis=1)
        overlap = np.asarray(rows.inputs.multiply(rows.targets).sum(axis=0), dtype=np.float32).ravel()
        crossed = self._targets_t @ (self._inputs @ self._thin)
        self._pull = (self._scale * overlap - (self._thin * crossed).sum(axis=1)) / pivots

    @property
    def products(self) -> int:
        """How many products there are."""
        return int(self._scale.size)

    def _inverse(self, thin: Matrix) -> Matrix:
        return np.asarray(self._scale[:, None] * thin - self._thin @ (self._thin.T @ thin))

    def forward(self, thin: Matrix) -> Matrix:
        """B times a matrix of few columns."""
        return self._inverse(self._inputs_t @ (self._targets @ thin) - self._pull[:, None] * thin)

    def backward(self, thin: Matrix) -> Matrix:
        """B transposed, times a matrix of few columns."""
        inner = self._inverse(thin)
        return np.asarray(self._targets_t @ (self._inputs @ inner) - self._pull[:, None] * inner)

    def columns(self, start: int, stop: int) -> Matrix:
        """Some columns of B, (products, stop - start)."""
        own = np.zeros((self.products, stop - start), dtype=np.float32)
        own[np.arange(start, stop), np.arange(stop - start)] = 1.0
        return self.forward(own)

    def predict(self, profiles: Any) -> Matrix:
        """Scores of some sparse profiles (users, products)."""
        return self.backward(np.ascontiguousarray(profiles.toarray().T)).T


def fit_spectral(rows: TrainingRows, *, rank: int = RANK, seed: int = 7) -> SpectralItems:
    """Fit the model; `rank` is how much of the gram matrix is kept beyond its diagonal."""
    count = rows.inputs.shape[1]
    rank = min(rank, count)
    width = min(rank + _OVERSAMPLING, count)
    rng = np.random.default_rng(seed)
    basis = rng.standard_normal((count, width)).astype(np.float32)
    transposed: Any = rows.inputs.T.tocsr()
    for _ in range(_ITERATIONS):
        basis = orthonormal(basis)
        basis = transposed @ (rows.inputs @ basis)
    basis = orthonormal(basis)
    seen = rows.inputs @ basis
    values, rotation = np.linalg.eigh((seen.T @ seen).astype(np.float64))
    kept = np.argsort(-values, kind="stable")[:rank]
    # A direction in which nothing lies would be divided by.
    kept = kept[values[kept] > 1e-6 * max(float(values[kept[0]]), 1e-30)]
    return SpectralItems(rows, (basis @ rotation[:, kept]).astype(np.float32), values[kept])
