"""NDCG@k and recall@k of answers as lists of product ids, by user."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set

import numpy as np
from numpy.typing import NDArray

__all__ = ["ndcg", "recall", "score_lists"]


def ndcg(answer: Sequence[str], relevant: Set[str], *, k: int) -> float:
    """NDCG@k of one list with binary relevance (Järvelin and Kekäläinen 2002); 0 where nothing is relevant."""
    gained = sum(1.0 / math.log2(place + 2) for place, item in enumerate(answer[:k]) if item in relevant)
    ideal = sum(1.0 / math.log2(place + 2) for place in range(min(k, len(relevant))))
    return gained / ideal if ideal > 0 else 0.0


def recall(answer: Sequence[str], relevant: Set[str], *, k: int) -> float:
    """Hits among the first k over min(k, relevant products); 0 where nothing is relevant."""
    possible = min(k, len(relevant))
    return sum(item in relevant for item in answer[:k]) / possible if possible > 0 else 0.0


def score_lists(
    answers: Mapping[str, Sequence[str]], relevant: Mapping[str, Set[str]], *, k: int
) -> dict[str, NDArray[np.float64]]:
    """`ndcg` and `recall` of each user, in the order of `relevant`; a user without an answer has 0."""
    users = list(relevant)
    return {
        "ndcg": np.array([ndcg(answers.get(user, ()), relevant[user], k=k) for user in users]),
        "recall": np.array([recall(answers.get(user, ()), relevant[user], k=k) for user in users]),
    }
