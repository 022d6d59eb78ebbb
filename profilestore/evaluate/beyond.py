"""What accuracy does not tell of lists: how much of the catalogue they show, how new, how varied, how popular.

A list is a row of columns of the catalogue, -1 for an empty place. Figures by user are NaN for an empty list.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "average_popularity", "coverage", "diversity_by_category", "diversity_by_vectors", "exposure", "gini", "novelty",
]  # fmt: skip

Lists = NDArray[np.int64]
Floats = NDArray[np.float64]

_USERS_AT_ONCE = 200


def novelty(lists: Lists, buyers: NDArray[np.int64], *, users: int) -> Floats:
    """Mean self-information -log2(p) of the products of each list, p the share of the training's users who
    acted on the product (Zhou et al. 2010). A product that nobody knew counts as one that one user knew.

    Args:
        lists: shape (users, k).
        buyers: shape (products,), how many users of the training acted on each.
        users: of the training.
    """
    information = -np.log2(np.maximum(buyers, 1) / max(1, users))
    return _mean_of_places(lists, information)


def average_popularity(lists: Lists, buyers: NDArray[np.int64]) -> Floats:
    """Mean number of the training's users who acted on the products of each list (ARP, Yin et al. 2012)."""
    return _mean_of_places(lists, buyers.astype(np.float64))


def _mean_of_places(lists: Lists, values: Floats) -> Floats:
    filled = lists >= 0
    total = np.where(filled, values[np.where(filled, lists, 0)], 0.0).sum(axis=1)
    count = filled.sum(axis=1)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


def diversity_by_vectors(lists: Lists, vectors: NDArray[np.float32]) -> Floats:
    """1 - mean cosine of all pairs of each list (Smyth and McClave 2001); NaN for fewer than two products.

    Args:
        lists: shape (users, k).
        vectors: shape (products, dims), of unit length, or zero for a product without one, which is then as
            different from all as can be.
    """
    figures = np.full(lists.shape[0], np.nan)
    for start in range(0, lists.shape[0], _USERS_AT_ONCE):
        part = lists[start : start + _USERS_AT_ONCE]
        filled = part >= 0
        chosen = vectors[np.where(filled, part, 0)].astype(np.float64) * filled[:, :, None]
        count = filled.sum(axis=1)
        # Of the square of the sum, what is not a vector with itself is the pairs, each twice.
        square = (chosen.sum(axis=1) ** 2).sum(axis=1)
        pairs = (square - (chosen**2).sum(axis=(1, 2))) / 2.0
        enough = count > 1
        figures[start : start + part.shape[0]][enough] = 1.0 - pairs[enough] / (count * (count - 1) / 2.0)[enough]
    return figures


def diversity_by_category(lists: Lists, categories: Sequence[str | None]) -> Floats:
    """The share of pairs of each list that are of different categories; one without is different from all."""
    numbers = {category: number for number, category in enumerate(sorted({c for c in categories if c is not None}))}
    code = np.array([-1 if c is None else numbers[c] for c in categories], dtype=np.int64)
    figures = np.full(lists.shape[0], np.nan)
    for row, places in enumerate(lists):
        filled = places[places >= 0]
        if filled.size > 1:
            _, counts = np.unique(code[filled][code[filled] >= 0], return_counts=True)
            same = (counts * (counts - 1) / 2.0).sum()
            figures[row] = 1.0 - same / (filled.size * (filled.size - 1) / 2.0)
    return figures


def exposure(lists: Lists, *, products: int) -> NDArray[np.int64]:
    """How many of the lists have each product, shape (products,)."""
    return np.bincount(lists[lists >= 0], minlength=products)


def coverage(shown: NDArray[np.integer], *, products: int) -> float:
    """The share of the catalogue that is in any list (Herlocker et al. 2004); `shown` counts by product."""
    return float(np.count_nonzero(shown)) / products if products > 0 else 0.0


def gini(shown: NDArray[np.integer], *, products: int) -> float:
    """Gini index of the products' places in lists: 0 all alike, 1 one has all (Fleder and Hosanagar 2009).

    Args:
        shown: counts of products; those that are not in it, up to `products`, were never shown.
        products: of the catalogue.
    """
    ordered = np.sort(shown[shown > 0]).astype(np.float64)
    if ordered.size == 0 or products < 2:
        return 0.0
    rank = np.arange(products - ordered.size + 1, products + 1)
    return float(((2.0 * rank - products - 1.0) * ordered).sum() / (products * ordered.sum()))
