"""What `feedback apply` does to the weights: boosts of spaces by their success, and weights of event types.

A hybrid list adds up spaces. How well each space's own lists do (the methods text, topics, taste) is in the
report; the boost that validation chose is scaled by it:

    factor = (clicks + K) / (exposure * pooled rate + K)

with clicks and position-weighted exposure of the space's method. That is the posterior mean of a Gamma prior
of mean 1 worth K clicks: little data leaves a boost as it is. Factors always scale the boosts of the model in
force, never each other, so applying twice is applying once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from profilestore.documents import EVENT_TYPES
from profilestore.errors import UsageError
from profilestore.recommend.feedback.bandit import Evidence

__all__ = ["PRIOR_CLICKS", "check_event_weights", "factors_of"]

PRIOR_CLICKS: Final = 50.0
# However sure: a space that is scaled to nothing would never be seen to get better.
_BOUNDS: Final = (0.25, 4.0)
# Acts that take back or turn away; all others speak for a product or say nothing.
_AGAINST: Final = frozenset(("unfavorite", "cart_remove", "refund"))


def factors_of(evidence: Evidence, spaces: Mapping[str, float]) -> dict[str, float]:
    """What the boost of each space is multiplied by; 1 where its own lists were not shown.

    Args:
        evidence: clicks and exposure by method; the method of a space has its name.
        spaces: boosts of the hybrid in force.
    """
    known = {space: evidence[space] for space in spaces if space in evidence and evidence[space][1] > 0}
    clicks, exposure = (math.fsum(each[part] for each in known.values()) for part in (0, 1))
    pooled = clicks / exposure if exposure > 0 else 0.0
    factors = dict.fromkeys(spaces, 1.0)
    for space, (own, shown) in known.items():
        factor = (own + PRIOR_CLICKS) / (shown * pooled + PRIOR_CLICKS)
        factors[space] = round(min(_BOUNDS[1], max(_BOUNDS[0], factor)), 6)
    return factors


def check_event_weights(weights: Mapping[str, float]) -> dict[str, float]:
    """Weights of event types that can be meant; a refund follows the purchase that it takes back.

    Raises:
        UsageError: an unknown type, a weight that is no finite number, or a sign that turns an act around.
    """
    for type, weight in weights.items():
        if type not in EVENT_TYPES:
            raise UsageError(f"there is no event type {type}; there are {', '.join(EVENT_TYPES)}.")
        if not math.isfinite(weight) or abs(weight) > 1000:
            raise UsageError(f"the weight of {type} must be a number between -1000 and 1000.")
        if weight < 0 and type not in _AGAINST:
            raise UsageError(f"the weight of {type} is negative: that would turn who did it away from the product.")
        if weight > 0 and type in _AGAINST:
            raise UsageError(f"the weight of {type} is positive: it takes back or turns away, so at most 0.")
    if "purchase" in weights and "refund" not in weights:
        return {**weights, "refund": -weights["purchase"]}
    return dict(weights)
