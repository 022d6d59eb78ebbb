"""The method `taste`: one kNN request in the dense form; by the profile's weights by product in the sparse one.

The sparse form reads `taste_items` of the profile first. Both compare what is of one generation only: the
profile's vectors and weights with the products of the model that they were made for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from profilestore.recommend.bodies import build_knn_body
from profilestore.recommend.clauses import Body, Clause, all_of, page, sparse
from profilestore.recommend.method import Method, Question
from profilestore.recommend.trained import Trained
from profilestore.recommend.wish import Wish

__all__ = ["TASTE", "taste_items", "taste_reads"]

WEIGHTS_FIELD: Final = "taste_weights"
ITEMS_FIELD: Final = "taste_items"
_BOOSTS: Final = {"taste": 1.0}


def taste_reads(trained: Trained, wish: Wish) -> tuple[str, ...]:
    """What of the profile must be in the request: nothing in the dense form."""
    return (ITEMS_FIELD, "generation") if trained.sparse_taste else ()


def taste_items(profile: Mapping[str, Any] | None) -> tuple[Mapping[str, float], Clause] | None:
    """The user's weights by product, and the filter by their generation; None where nothing is known."""
    if profile is None:
        return None
    items = {token: weight for token, weight in (profile.get(ITEMS_FIELD) or {}).items() if weight > 0.0}
    return None if len(items) == 0 else (items, {"term": {"generation": profile["generation"]}})


def _build(question: Question) -> Body | None:
    if not question.trained.sparse_taste:
        return build_knn_body(question, _BOOSTS)
    known = taste_items(question.profile)
    if known is None:
        return None
    items, generation = known
    query = all_of([*question.required(), generation], question.forbidden(), must=[sparse(WEIGHTS_FIELD, items)])
    return {**page(question.size), "query": query}


TASTE: Final = Method(name="taste", build=_build, boosts=lambda trained: _BOOSTS, reads=taste_reads)
