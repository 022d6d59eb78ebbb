"""Ranking for many users at once, and NDCG@k of the lists over the full catalogue."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["hits_at", "ndcg_at", "ndcg_of_hits", "top_products"]

_NOTHING: Final = -1


def top_products(scores: NDArray[np.floating], *, k: int, hidden: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    """The k products of the highest scores, best first, equal scores by column.

    Args:
        scores: shape (users, products).
        k: how many.
        hidden: shape (users, products); products that may not be listed, as those seen before.

    Returns:
        Shape (users, k) of columns, -1 where fewer than k products are eligible.
    """
    ranked = scores if hidden is None else np.where(hidden, -np.inf, scores)
    width = min(k, ranked.shape[1])
    if ranked.shape[0] == 0 or width == 0:
        return np.full((ranked.shape[0], k), _NOTHING, dtype=np.int64)
    kept = np.sort(np.argpartition(-ranked, width - 1, axis=1)[:, :width], axis=1)
    values = np.take_along_axis(ranked, kept, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    top = np.take_along_axis(kept, order, axis=1)
    top[np.take_along_axis(values, order, axis=1) == -np.inf] = _NOTHING
    if width == k:
        return top
    padding = np.full((ranked.shape[0], k - width), _NOTHING, dtype=np.int64)
    return np.concatenate([top, padding], axis=1)


def hits_at(top: NDArray[np.int64], relevant: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which places of the lists hold a relevant product; shape of `top`."""
    found = np.take_along_axis(relevant, np.where(top < 0, 0, top), axis=1)
    return np.asarray(found & (top >= 0))


def ndcg_at(top: NDArray[np.int64], relevant: NDArray[np.bool_]) -> NDArray[np.float64]:
    """NDCG@k of each user; k is the lists' length.

    Args:
        top: shape (users, k), columns best first, -1 for an empty place.
        relevant: shape (users, products).

    Returns:
        Shape (users,); 0 for a user of whom nothing is relevant.
    """
    return ndcg_of_hits(hits_at(top, relevant), relevant.sum(axis=1))


def ndcg_of_hits(hits: NDArray[np.bool_], relevant: NDArray[np.integer]) -> NDArray[np.float64]:
    """NDCG@k with binary relevance (Järvelin and Kekäläinen 2002), the ideal list cut at k too.

    Args:
        hits: shape (users, k), which places of the lists hold a relevant product.
        relevant: shape (users,), how many products are relevant.

    Returns:
        Shape (users,); 0 for a user of whom nothing is relevant.
    """
    k = hits.shape[1]
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(relevant, k)]
    gained = hits @ discount
    return np.asarray(np.divide(gained, ideal, out=np.zeros_like(gained), where=ideal > 0))
