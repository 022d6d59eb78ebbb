"""What sets a segment apart, and the name that it gets from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from profilestore.insight.segments.features import UserFeatures

__all__ = ["Trait", "kept_names", "name_segments", "traits_of"]

# Differences below half a standard deviation are not worth a word (Cohen's "medium").
_WORTH_A_WORD: Final = 0.5
# Two-sided 0.1 %, divided among all the tests that are made (Bonferroni).
_LEVEL: Final = 0.001
_LEAST_SHARE: Final = 0.1
_INTERESTS_NAMED: Final = 2
_HABITS_NAMED: Final = 2
_WORDS: Final[dict[str, tuple[str, str]]] = {
    "days since last act": ("gone quiet", "active lately"),
    "orders": ("frequent buyers", "rare buyers"),
    "order value": ("large orders", "small orders"),
    "views": ("browsers", "straight to buying"),
    "carts": ("collectors", "few favourites"),
    "coupons": ("coupon users", "no coupons"),
    "refunds": ("send much back", "keep what they buy"),
    "new products": ("variety seekers", "buy again"),
    "weekends": ("at weekends", "on weekdays"),
    "evenings": ("in the evening", "by day"),
}


@dataclass(frozen=True, slots=True)
class Trait:
    """A feature in which a segment differs from all other users: its mean there and elsewhere, and the
    difference in standard deviations of all."""

    feature: str
    interest: bool
    mean: float
    elsewhere: float
    effect: float

    @property
    def words(self) -> str:
        """How a name says it."""
        if self.interest:
            return self.feature
        more, less = _WORDS[self.feature]
        return more if self.effect > 0 else less


def traits_of(features: UserFeatures, labels: NDArray[np.int64], segment: int) -> list[Trait]:
    """The significant traits of a segment (Welch's test), the strongest first."""
    from scipy.stats import norm

    inside, outside = features.raw[labels == segment], features.raw[labels != segment]
    if len(inside) < 2 or len(outside) < 2:
        return []
    tests = features.raw.shape[1] * max(1, int(labels.max()) + 1)
    limit = float(norm.isf(_LEVEL / 2 / tests))
    difference = inside.mean(axis=0) - outside.mean(axis=0)
    error = np.sqrt(inside.var(axis=0, ddof=1) / len(inside) + outside.var(axis=0, ddof=1) / len(outside))
    effects = difference / features.raw.std(axis=0)
    found = [
        Trait(name, column < features.interests, float(inside[:, column].mean()), float(outside[:, column].mean()),
              float(effects[column]))
        for column, name in enumerate(features.names)
        if abs(difference[column]) > limit * max(float(error[column]), 1e-12)
    ]  # fmt: skip
    return sorted(found, key=lambda trait: (-abs(trait.effect), trait.feature))


def name_segments(traits: Sequence[Sequence[Trait]], *, sizes: Sequence[int]) -> list[str]:
    """A name a segment, each different: what its users turn to, then how they shop."""
    names: list[str] = [""] * len(traits)
    for segment in sorted(range(len(traits)), key=lambda one: (-sizes[one], one)):
        telling = [trait for trait in traits[segment] if abs(trait.effect) >= _WORTH_A_WORD]
        interests = [trait.words for trait in telling
                     if trait.interest and trait.effect > 0 and trait.mean >= _LEAST_SHARE]  # fmt: skip
        habits = [trait.words for trait in telling if not trait.interest]
        parts = [" & ".join(interests[:_INTERESTS_NAMED]), *habits[:_HABITS_NAMED]]
        name = ", ".join(part for part in parts if part != "") or "mixed interests"
        taken = sum(1 for other in names if other == name or other.startswith(f"{name} #"))
        names[segment] = name if taken == 0 else f"{name} #{taken + 1}"
    return names


def kept_names(names: Sequence[str], before: Sequence[str | None], labels: NDArray[np.int64]) -> list[str]:
    """The names, where a segment is mostly one that was there before, with the name it had then.

    Two segments are the same when their users in both are more than half of those in either (Jaccard), so that
    at most one can be: filters, dashboards and campaigns that name a segment go on night after night.
    """
    held = np.array(["" if name is None else name for name in before])
    carried: dict[int, str] = {}
    for segment in range(len(names)):
        inside = labels == segment
        for name in np.unique(held[inside]).tolist():
            both = int((inside & (held == name)).sum())
            if name != "" and both * 2 > int((inside | (held == name)).sum()):
                carried[segment] = name
    taken = set(carried.values())
    result: list[str] = []
    for segment, name in enumerate(names):
        chosen, number = carried.get(segment, name), 2
        while segment not in carried and chosen in taken:
            chosen, number = f"{name} #{number}", number + 1
        taken.add(chosen)
        result.append(chosen)
    return result
