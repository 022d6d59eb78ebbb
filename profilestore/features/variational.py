"""Variational inference of LDA for a whole chunk of documents at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["expected_log", "infer_chunk"]

ITERATIONS: Final = 100
TOLERANCE: Final = 1e-3
_TINY: Final = 1e-30


def expected_log(parameters: NDArray[Any]) -> NDArray[Any]:
    """E[log x] of Dirichlet rows: psi(row) - psi(sum of row)."""
    from scipy.special import psi

    return np.asarray(psi(parameters) - psi(parameters.sum(axis=1, keepdims=True)))


def infer_chunk(
    documents: Sequence[Sequence[tuple[int, float]]],
    exp_log_beta: NDArray[Any],
    alpha: NDArray[Any],
    *,
    collect: bool = False,
) -> tuple[NDArray[np.float32], tuple[NDArray[np.intp], NDArray[np.float32]] | None]:
    """The E step of Hoffman, Blei and Bach (2010), algorithm 1, for bags of words (column, count).

    Every document starts from alpha plus its words shared out evenly, and rests as soon as it has
    converged itself, so its gamma is its own and not its batch's.

    Returns:
        gamma (documents, topics), and with `collect` the sufficient statistics (columns, sums of shape
        (topics, columns)), still to be multiplied by `exp_log_beta`.
    """
    topics = len(alpha)
    sizes = np.asarray([len(document) for document in documents])
    columns = np.asarray([column for document in documents for column, _ in document], dtype=np.intp)
    counts = np.asarray([count for document in documents for _, count in document], dtype=np.float32)
    totals = np.asarray([sum(count for _, count in document) for document in documents], dtype=np.float32)
    gamma = (alpha[None, :] + totals[:, None] / topics).astype(np.float32)
    beta = np.ascontiguousarray(exp_log_beta[:, columns].T, dtype=np.float32)  # (words of all documents, topics)
    owner = np.repeat(np.arange(len(documents)), sizes)

    active = np.flatnonzero(sizes > 0)
    rows, row_counts, row_owner = beta, counts, np.repeat(np.arange(len(active)), sizes[active])
    for _ in range(ITERATIONS):
        if len(active) == 0:
            break
        theta = np.exp(expected_log(gamma[active])).astype(np.float32)
        starts = np.concatenate(([0], np.cumsum(sizes[active])[:-1]))
        norm = np.einsum("ij,ij->i", theta[row_owner], rows) + _TINY
        shared = np.add.reduceat(rows * (row_counts / norm)[:, None], starts, axis=0)
        updated = (alpha[None, :] + theta * shared).astype(np.float32)
        moved = np.abs(updated - gamma[active]).mean(axis=1)
        gamma[active] = updated
        going = moved >= TOLERANCE
        if not going.all():
            keep = going[row_owner]
            rows, row_counts = rows[keep], row_counts[keep]
            active = active[going]
            row_owner = np.repeat(np.arange(len(active)), sizes[active])
    if not collect:
        return gamma, None
    theta = np.exp(expected_log(gamma)).astype(np.float32)
    norm = np.einsum("ij,ij->i", theta[owner], beta) + _TINY
    order = np.argsort(columns, kind="stable")
    present, starts = np.unique(columns[order], return_index=True)
    if len(present) == 0:
        return gamma, (present, np.zeros((topics, 0), dtype=np.float32))
    sums = np.add.reduceat((theta[owner] * (counts / norm)[:, None])[order], starts, axis=0)
    return gamma, (present, sums.T)
