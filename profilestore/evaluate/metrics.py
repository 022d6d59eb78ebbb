"""How accurate ranked lists are, by user, over the full catalogue: NDCG, recall, precision, HR and MRR at k.

A list is a row of columns of the catalogue, best first, -1 for an empty place. Relevance is binary.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.features.ranking import ndcg_of_hits

__all__ = ["ACCURACY", "accuracy_at", "hits_of", "relevant_counts"]

ACCURACY: Final = ("ndcg", "recall", "precision", "hr", "mrr")

Lists = NDArray[np.int64]
Floats = NDArray[np.float64]


def relevant_counts(relevant: Any) -> NDArray[np.int64]:
    """How many products are relevant to each user; `relevant` is sparse, (users, products)."""
    return np.asarray(np.diff(relevant.indptr), dtype=np.int64)


def hits_of(lists: Lists, relevant: Any) -> NDArray[np.bool_]:
    """Which places hold a product that is relevant to the user of the row.

    Args:
        lists: shape (users, k).
        relevant: sparse rows, (users, products), an entry for each relevant product.

    Returns:
        Shape (users, k).
    """
    products = relevant.shape[1]
    rows = np.repeat(np.arange(relevant.shape[0], dtype=np.int64), np.diff(relevant.indptr))
    wanted = rows * products + relevant.indices
    asked = np.arange(lists.shape[0], dtype=np.int64)[:, None] * products + lists
    return np.asarray(np.isin(asked, wanted) & (lists >= 0))


def accuracy_at(hits: NDArray[np.bool_], relevant: NDArray[np.int64], *, k: int) -> dict[str, Floats]:
    """The metrics of `ACCURACY` by name, each of shape (users,); 0 for a user of whom nothing is relevant.

    - ndcg: Järvelin and Kekäläinen 2002, see `features.ranking`.
    - recall: hits among the first k over all relevant products; precision: over k (Manning, Raghavan and
      Schütze 2008, *Introduction to Information Retrieval*, 8.3 and 8.4). A list shorter than k has k places.
    - hr: whether anything was hit (hit rate, Deshpande and Karypis 2004).
    - mrr: one over the place of the first hit, 0 without (Voorhees 1999).

    Args:
        hits: shape (users, at least k).
        relevant: shape (users,), how many products are relevant.
        k: how long the lists are taken to be.
    """
    first = hits[:, :k]
    found = first.sum(axis=1).astype(np.float64)
    some = first.any(axis=1)
    return {
        "ndcg": ndcg_of_hits(first, relevant),
        "recall": np.divide(found, relevant, out=np.zeros_like(found), where=relevant > 0),
        "precision": found / k,
        "hr": some.astype(np.float64),
        "mrr": np.where(some, 1.0 / (first.argmax(axis=1) + 1.0), 0.0),
    }
