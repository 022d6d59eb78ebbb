"""EASE: a linear item-item model in closed form (Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse
Data"), for inputs X and targets Y that may differ:

    min |Y - X B|^2 + ridge |B|^2  with diag(B) = 0
    P = (X'X + ridge I)^-1,   B = P X'Y - P diag(diag(P X'Y) / diag(P))

With Y = X this is Steck's B = I - P diag(1 / diag(P)). float32 throughout, P by Cholesky in place.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import ModelError
from profilestore.features.taste.rows import TrainingRows

__all__ = ["fit_ease", "invert_in_place"]

_COLUMNS_AT_ONCE: Final = 1024


def fit_ease(rows: TrainingRows) -> NDArray[np.float32]:
    """The item-item matrix B, (products, products) float32: score = profile @ B.

    Raises:
        ModelError: the normal equations are singular, as when every value is zero.
    """
    right = _product(rows.inputs, rows.targets)
    left = right.copy() if rows.targets is rows.inputs else _product(rows.inputs, rows.inputs)
    left[np.diag_indices_from(left)] += np.float32(rows.ridge)
    inverse = invert_in_place(left)
    pivots = np.diag(inverse).copy()
    # In blocks of columns over the right-hand side itself: a third matrix is all that is ever held.
    for start in range(0, right.shape[1], _COLUMNS_AT_ONCE):
        block = slice(start, min(start + _COLUMNS_AT_ONCE, right.shape[1]))
        solved = inverse @ right[:, block]
        own = np.arange(block.start, block.stop)
        factors = solved[own, own - start] / pivots[block]
        solved -= inverse[:, block] * factors
        solved[own, own - start] = 0.0
        right[:, block] = solved
    return right


def _product(a: Any, b: Any) -> NDArray[np.float32]:
    """a' b of two sparse matrices, dense float32, made in blocks of columns."""
    transposed, columns = a.T.tocsr(), b.tocsc()
    product = np.empty((a.shape[1], b.shape[1]), dtype=np.float32)
    for start in range(0, b.shape[1], _COLUMNS_AT_ONCE):
        product[:, start : start + _COLUMNS_AT_ONCE] = (
            transposed @ columns[:, start : start + _COLUMNS_AT_ONCE]
        ).toarray()
    return product


def invert_in_place(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """The inverse of a symmetric positive definite matrix, in its own memory, by LAPACK's spotrf and spotri.

    Raises:
        ModelError: it is not positive definite.
    """
    from scipy.linalg.lapack import spotrf, spotri

    # The transpose of a row-major symmetric matrix is the column-major one that LAPACK works on in place.
    factor, failed = spotrf(matrix.T, lower=1, overwrite_a=1, clean=0)
    if failed == 0:
        inverse, failed = spotri(factor, lower=1, overwrite_c=1)
    if failed != 0 or not np.isfinite(np.diag(matrix)).all():
        raise ModelError(
            "the events say too little to train a taste model on: the equations are singular. "
            "Load more purchases, views or ratings, or raise the regularisation."
        )
    full: NDArray[np.float32] = inverse.T
    for start in range(0, full.shape[0], _COLUMNS_AT_ONCE):
        rows = slice(start, min(start + _COLUMNS_AT_ONCE, full.shape[0]))
        # The upper triangle of `full` is filled: mirror it below, block by block.
        full[rows.stop :, rows] = full[rows, rows.stop :].T
        square = full[rows, rows]
        square[:] = np.triu(square) + np.triu(square, 1).T
    return full
