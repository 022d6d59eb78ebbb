"""The value tiers as rules a person can read: a small decision tree on recency, orders and spend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.insight.value.rfm import FEATURES, Names, Rfm

__all__ = ["TierRules", "fit_rules"]

_LEAVES: Final = 12
_FOLDS: Final = 5
_WORDS: Final = {
    "recency_days": "days since the last order",
    "orders": "orders",
    "spend": "spend",
    "recent_spend": "spend of the last period",
}


@dataclass(frozen=True, slots=True)
class TierRules:
    """A fitted tree.

    Attributes:
        rules: one a leaf, largest first: its conditions in words, tier, users, and the share of them it is right of.
        weights: importance of each figure for the tier, by name; they sum to 1.
        agreement: share of users whose tier the rules give, in cross-validation, not on who they were made from.
        majority: the same of always naming the largest tier, what rules must beat.
    """

    rules: list[dict[str, Any]]
    weights: dict[str, float]
    agreement: float
    majority: float


def fit_rules(rfm: Rfm, tiers: Names, *, seed: int) -> TierRules:
    """Fit a tree of at most 12 leaves to the tiers, and say how well it reproduces them on users it has not seen."""
    from sklearn.model_selection import KFold, cross_val_predict
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(max_leaf_nodes=_LEAVES, min_samples_leaf=max(1, len(rfm) // 200), random_state=seed)
    folds = KFold(_FOLDS, shuffle=True, random_state=seed)
    told = cross_val_predict(tree, rfm.figures, tiers, cv=folds)
    tree.fit(rfm.figures, tiers)
    _, counts = np.unique(tiers, return_counts=True)
    return TierRules(
        rules=_rules(tree, tree.apply(rfm.figures), tiers),
        weights=dict(zip(FEATURES, [round(float(share), 4) for share in tree.feature_importances_], strict=True)),
        agreement=float(np.mean(told == tiers)),
        majority=float(counts.max() / counts.sum()),
    )


def _rules(tree: Any, leaf_of: NDArray[np.int64], tiers: Names) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def walk(node: int, bounds: dict[int, tuple[float, float]]) -> None:
        left, right = int(tree.tree_.children_left[node]), int(tree.tree_.children_right[node])
        if left == right:
            inside = tiers[leaf_of == node]
            names, counts = np.unique(inside, return_counts=True)
            best = int(counts.argmax())
            found.append(
                {
                    "if": _in_words(bounds),
                    "tier": str(names[best]),
                    "users": int(inside.size),
                    "right": round(float(counts[best] / inside.size), 3),
                }
            )
            return
        column, limit = int(tree.tree_.feature[node]), float(tree.tree_.threshold[node])
        low, high = bounds.get(column, (-np.inf, np.inf))
        walk(left, {**bounds, column: (low, min(high, limit))})
        walk(right, {**bounds, column: (max(low, limit), high)})

    walk(0, {})
    return sorted(found, key=lambda rule: (-rule["users"], rule["if"]))


def _in_words(bounds: dict[int, tuple[float, float]]) -> str:
    parts: list[str] = []
    for column in sorted(bounds):
        low, high = bounds[column]
        name = _WORDS[FEATURES[column]]
        if np.isfinite(low):
            parts.append(f"{name} > {low:,.6g}")
        if np.isfinite(high):
            parts.append(f"{name} <= {high:,.6g}")
    return " and ".join(parts) if parts else "always"
