"""Segments to plant in the generated shop: users who like the same things in like shares, and shop alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from profilestore.ingest.sample_events import Dice, Habits

__all__ = ["ARCHETYPES", "Archetype"]

# How far the shares of one user are from those of the archetype: the spread of gamma draws of this shape.
_LIKENESS: Final = 6
_ORDINARY: Final = Habits()


@dataclass(frozen=True, slots=True)
class Archetype:
    """A kind of user: tastes by cluster, and habits."""

    name: str
    tastes: dict[str, float]
    habits: Habits = _ORDINARY

    def draw_tastes(self, dice: Dice) -> dict[str, float]:
        """The tastes of one user: about the archetype's shares, summing to 1."""
        drawn = {
            cluster: share * sum(dice.exponential(1.0) for _ in range(_LIKENESS))
            for cluster, share in self.tastes.items()
        }
        total = sum(drawn.values())
        return {cluster: round(share / total, 4) for cluster, share in drawn.items()}


ARCHETYPES: Final = (
    Archetype("young families", {"newborn": 0.4, "toddler": 0.35, "snacks": 0.25}, Habits(0.4, 1.2, 0.3)),
    Archetype("home cooks", {"wok": 0.4, "baking": 0.35, "tea": 0.25}),
    Archetype("outdoor people", {"hiking": 0.4, "running": 0.3, "water": 0.3}, Habits(quantity=0.2)),
    Archetype("office people", {"office": 0.45, "formal": 0.3, "travel": 0.25}, Habits(buys=0.35, coupons=0.05)),
    Archetype("window shoppers of gadgets", {"gaming": 0.4, "audio": 0.35, "smart": 0.25}, Habits(buys=0.1)),
    Archetype("beauty bargain hunters", {"makeup": 0.4, "skincare": 0.4, "romance": 0.2}, Habits(coupons=0.5)),
    Archetype("readers", {"reading": 0.55, "stationery": 0.45}, Habits(quantity=0.8)),
)
