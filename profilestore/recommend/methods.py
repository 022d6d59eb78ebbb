"""The methods by name, and which spaces each asks.

`auto` is the best that the shop has trained. On Online Retail (time split at 80 %, products new to the
user, NDCG@20 over the full catalogue, half-life 90 days): text 0.046, topics 0.007 (20 topics), hybrid
with topics at 0.1 to 0.2 of the text 0.052, popular 0.042; taste 0.159 (`scripts/measure_accuracy.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from profilestore.errors import ModelError, UsageError
from profilestore.recommend.bodies import SPACE_BOOSTS

__all__ = ["METHODS", "SIMILAR_METHODS", "boosts_of", "choose_method", "choose_similar_method"]

POPULAR_METHODS: Final = ("popular", "trending")
SIMILAR_METHODS: Final = ("auto", "text", "topics", "taste", "hybrid")
METHODS: Final = (*SIMILAR_METHODS, *POPULAR_METHODS)

AUTO_ORDER: Final = ("taste", "hybrid", "text", "topics")
TRAINED_BY: Final[dict[str, str]] = {
    "text": "`profilestore index products FILE` with a text model",
    "topics": "`profilestore topics train`",
    "taste": "`profilestore train`",
}
_HYBRID_SPACES: Final = ("text", "topics")


def choose_method(method: str, *, spaces: frozenset[str]) -> str:
    """The method that `method` stands for in a shop with these trained spaces.

    Raises:
        UsageError: no such method.
        ModelError: its space is not trained; says which command trains it.
    """
    if method not in METHODS:
        raise UsageError(f"there is no such method; choose one of {', '.join(METHODS)}.")
    if method == "auto":
        return next((name for name in AUTO_ORDER if _missing(name, spaces) == []), "popular")
    if method in POPULAR_METHODS:
        return method
    missing = _missing(method, spaces)
    if len(missing) > 0:
        raise ModelError(
            f"method {method} needs the space {missing[0]}, which this shop has not trained: "
            f"run {TRAINED_BY[missing[0]]}, or take --method auto."
        )
    return method


def choose_similar_method(method: str, *, spaces: frozenset[str]) -> str:
    """As `choose_method`, for `similar`: what resembles a product is told by its text first.

    Raises:
        UsageError: no such method, or one that compares nothing.
        ModelError: its space is not trained, or none is.
    """
    if method not in SIMILAR_METHODS:
        raise UsageError(f"there is no such method for similar; choose one of {', '.join(SIMILAR_METHODS)}.")
    if method != "auto":
        return choose_method(method, spaces=spaces)
    for name in ("text", "topics", "taste"):
        if name in spaces:
            return name
    raise ModelError(f"no space is trained in this shop: run {TRAINED_BY['text']}.")


def boosts_of(method: str) -> Mapping[str, float]:
    """The spaces of a resolved method with their boosts; empty for popular and trending.

    A single space has boost 1, so that `_score` is the server's own.
    """
    if method in POPULAR_METHODS:
        return {}
    if method == "hybrid":
        return {space: SPACE_BOOSTS[space] for space in _HYBRID_SPACES}
    return {method: 1.0}


def _missing(method: str, spaces: frozenset[str]) -> list[str]:
    return [space for space in boosts_of(method) if space not in spaces]
