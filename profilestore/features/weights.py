"""How much an event says: its weight w(e), from the event's own fields and never from other events.

That is what keeps a profile a sum that can be taken in any order (DESIGN.md, *linear profiles*).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from profilestore.documents import Event, IndexMeta
from profilestore.settings import Settings

__all__ = ["FoldRules", "effective_time", "event_weight"]

# A review without stars still says that the user cared, though not that they were pleased.
UNRATED_REVIEW = 0.3
# So many of the latest acts on the cart tell what is in it.
CART_ACTS_KEPT = 100
SCALED_BY_QUANTITY = frozenset(("purchase", "refund", "cart", "cart_remove"))
RATED = frozenset(("rate", "review"))


@dataclass(frozen=True, slots=True)
class FoldRules:
    """What the fold takes from the settings. Half-lives in seconds."""

    weights: Mapping[str, float]
    rating_midpoint: float
    rating_max: float
    half_life_s: Mapping[str, float]
    interest_half_life_s: float
    seen_types: frozenset[str]
    seen_limit: int
    words_limit: int
    zone: ZoneInfo = field(repr=False)
    cart_limit: int = CART_ACTS_KEPT
    # whether profiles keep weights by product, as the sparse form of taste asks with
    keep_items: bool = False

    @classmethod
    def of(cls, settings: Settings) -> FoldRules:
        """The rules that these settings mean."""
        day_s = 86_400.0
        return cls(
            weights=settings.event_weights,
            rating_midpoint=settings.rating_midpoint,
            rating_max=settings.rating_max,
            half_life_s={
                "text": settings.text_half_life_days * day_s,
                "topics": settings.topics_half_life_days * day_s,
                "taste": settings.taste_half_life_days * day_s,
            },
            interest_half_life_s=settings.interest_half_life_days * day_s,
            seen_types=frozenset(settings.seen_types),
            seen_limit=settings.seen_limit,
            words_limit=settings.search_words_limit,
            zone=ZoneInfo(settings.time_zone),
        )

    def with_taste_half_life(self, days: float | None) -> FoldRules:
        """The rules under a taste model trained for a half-life of its own; unchanged for None."""
        if days is None:
            return self
        return replace(self, half_life_s={**self.half_life_s, "taste": days * 86_400.0})

    def under(self, meta: IndexMeta) -> FoldRules:
        """The rules in force: weights given by feedback, the taste model's half-life, what its form asks."""
        rules = self.with_taste_half_life(meta.taste_half_life_days)
        if meta.event_weights is not None:
            rules = replace(rules, weights={**rules.weights, **meta.event_weights})
        return replace(rules, keep_items=True) if meta.taste_form == "sparse" else rules


def event_weight(event: Event, rules: FoldRules) -> float:
    """w(e) = base(type) * quantity factor * rating factor.

    The quantity factor is log2(1 + quantity): ten pieces say more than one, not ten times as much.
    A refund has the negative weight of a purchase of the same quantity, so one that takes back the
    whole line cancels it exactly. The rating factor runs from -1 (dislike) over 0 at the midpoint of
    the scale to 1.
    """
    base = rules.weights.get(event.type, 0.0)
    if base == 0.0:
        return 0.0
    if event.type in SCALED_BY_QUANTITY:
        return base if event.quantity is None else base * math.log2(1.0 + event.quantity)
    if event.type in RATED:
        if event.rating is None:
            return base * UNRATED_REVIEW
        span = rules.rating_max - rules.rating_midpoint
        return base * max(-1.0, min(1.0, (event.rating - rules.rating_midpoint) / span))
    return base


def effective_time(event: Event) -> float:
    """When the event counts, in epoch seconds: a refund counts at its purchase's time where it says it."""
    if event.type == "refund" and event.purchase_time is not None:
        return event.purchase_time.timestamp()
    return event.time.timestamp()
