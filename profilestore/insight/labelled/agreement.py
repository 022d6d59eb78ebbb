"""What several selections of features, one a fold, have in common: by feature, and between each two methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from profilestore.insight.intervals import settled
from profilestore.insight.labelled.selection import AGREED, METHODS, Selection

__all__ = ["Agreement", "agreement_of"]


@dataclass(frozen=True)
class Agreement:
    """What the methods agree on.

    Attributes:
        features: a row a feature, the most agreed on first: in how many folds each method takes it, `methods` that
            take it in most folds, and its mean place over methods and folds.
        pairs: a row each two methods: `jaccard`, features that both take of those that either does, and `rank`,
            Spearman's correlation of their orders; means over the folds.
        agreed: features that at least three methods take in most folds.
    """

    features: list[dict[str, Any]]
    pairs: list[dict[str, Any]]
    agreed: tuple[str, ...]


def agreement_of(selections: Sequence[Selection]) -> Agreement:
    """Of selections of the same features."""
    names, count = selections[0].names, len(selections)
    taken = {method: np.sum([each.chosen[method] for each in selections], axis=0) for method in METHODS}
    places = np.mean([each.ranks(method) for each in selections for method in METHODS], axis=0)
    votes = np.sum([times > count / 2 for times in taken.values()], axis=0)
    order = np.lexsort((places, -votes))
    features = [
        {
            "feature": names[place],
            "methods": int(votes[place]),
            **{method: int(taken[method][place]) for method in METHODS},
            "mean place": settled(float(places[place])),
        }
        for place in order.tolist()
    ]
    agreed = tuple(names[place] for place in order.tolist() if votes[place] >= AGREED)
    return Agreement(features, [_pair(selections, one, two) for one, two in combinations(METHODS, 2)], agreed)


def _pair(selections: Sequence[Selection], one: str, two: str) -> dict[str, Any]:
    from scipy.stats import spearmanr

    shared, ranks = [], []
    for selection in selections:
        both, either = (
            int(np.sum(join(selection.chosen[one], selection.chosen[two]))) for join in (np.logical_and, np.logical_or)
        )
        shared.append(both / either if either > 0 else 1.0)
        left, right = selection.ranks(one), selection.ranks(two)
        if np.ptp(left) > 0.0 and np.ptp(right) > 0.0:
            ranks.append(float(spearmanr(left, right).statistic))
    return {
        "methods": f"{one} and {two}",
        "jaccard": settled(float(np.mean(shared))),
        "rank": settled(float(np.mean(ranks))) if len(ranks) > 0 else None,
    }
