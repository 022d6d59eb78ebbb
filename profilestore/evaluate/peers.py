"""What a recommender must beat: popularity, and item-based nearest neighbours (Sarwar et al. 2001)."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.features.ranking import top_products
from profilestore.features.taste.interactions import Interactions, unit_rows

__all__ = ["item_knn", "list_products", "popularity"]

_USERS_AT_ONCE: Final = 500


def popularity(acts: Interactions, users: NDArray[np.int64]) -> NDArray[np.float32]:
    """Scores (users, products): how many users liked the product."""
    counts = np.asarray(acts.liked().sum(axis=0), dtype=np.float32).ravel()
    return np.broadcast_to(counts, (users.size, counts.size))


def item_knn(acts: Interactions, *, neighbours: int = 100, shrinkage: float = 20.0) -> Any:
    """Cosine of products over the users who liked them, shrunk, the nearest ones of each kept.

    Args:
        acts: to learn from.
        neighbours: how many a product keeps.
        shrinkage: co-occurrences that count as no evidence yet.

    Returns:
        Sparse (products, products): scores are `liked @ item_knn`.
    """
    liked = acts.liked()
    together = (liked.T @ liked).tocsr()
    together.setdiag(0.0)
    together.eliminate_zeros()
    lengths = np.sqrt(np.asarray(liked.sum(axis=0), dtype=np.float64).ravel())
    rows = np.repeat(np.arange(together.shape[0]), np.diff(together.indptr))
    counts = together.data.astype(np.float64)
    cosine = counts / (lengths[rows] * lengths[together.indices])
    together.data = (cosine * counts / (counts + shrinkage)).astype(np.float32)
    kept = together.tocsc()
    for column in range(kept.shape[1]):
        values = kept.data[kept.indptr[column] : kept.indptr[column + 1]]
        if values.size > neighbours:
            values[np.argsort(-values, kind="stable")[neighbours:]] = 0.0
    kept.eliminate_zeros()
    return kept


def list_products(
    acts: Interactions, scores: NDArray[np.floating] | Any, users: NDArray[np.int64], *, k: int = 20
) -> list[list[str]]:
    """The k best products of each user that are new to them, as ids.

    Args:
        acts: what was known; products never acted on are not listed.
        scores: (users, products), or a sparse item-item matrix that the liked products are multiplied with.
        users: rows of `acts`.
        k: how many.
    """
    touched, known = acts.touched(), np.zeros(acts.product_count, dtype=bool)
    known[acts.products] = True
    histories = unit_rows(acts.liked())
    lists: list[list[str]] = []
    for start in range(0, users.size, _USERS_AT_ONCE):
        chosen = users[start : start + _USERS_AT_ONCE]
        if isinstance(scores, np.ndarray):
            part = np.asarray(scores[start : start + chosen.size], dtype=np.float32)
        else:
            part = (histories[chosen] @ scores).toarray()
        top = top_products(part, k=k, hidden=(touched[chosen].toarray() > 0) | ~known)
        lists += [[acts.product_ids[column] for column in row if column >= 0] for row in top.tolist()]
    return lists
