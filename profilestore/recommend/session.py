"""The method `session`: the products of a session instead of a profile.

The session is a profile of its own, made on the spot: the sum of its products' in-vectors, or in the sparse
form of taste those products as tokens. By taste where a model has learned one of them, else by their text,
else by their topics. What stands in the session is not recommended.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.elastic.product_index import IN_VECTOR_FIELDS
from profilestore.features.served import decode_vector, encode_vector
from profilestore.recommend.bodies import SPACE_FIELDS, candidates_in
from profilestore.recommend.clauses import Body, all_of, capped, page, sparse
from profilestore.recommend.method import Method, Question
from profilestore.recommend.taste import WEIGHTS_FIELD
from profilestore.recommend.trained import Trained

__all__ = ["SESSION"]

NO_SESSION: Final = "none of these products is known here, or none has a vector: the popular products instead"
_ORDER: Final = ("taste", "text", "topics")


def _reads(trained: Trained) -> tuple[str, ...]:
    return (*(IN_VECTOR_FIELDS[space] for space in _ORDER if space in trained.spaces), "generation")


def _build(question: Question) -> Body | None:
    for space in (space for space in _ORDER if space in question.trained.spaces):
        known = {id: source for id, source in question.session.items() if source.get(IN_VECTOR_FIELDS[space])}
        if len(known) > 0:
            return _body(question, space, known)
    return None


def _body(question: Question, space: str, known: Mapping[str, Mapping[str, Any]]) -> Body | None:
    # One generation: products that are read in the middle of a switch are of the old one or of the new one.
    generation = {"term": {"generation": next(iter(known.values()))["generation"]}}
    required, forbidden = [*question.required(), generation], question.forbidden()
    if space == "taste" and question.trained.sparse_taste:
        weight = float(len(known) ** -0.5)  # of unit length, as a profile's
        taste = sparse(WEIGHTS_FIELD, dict.fromkeys(known, weight))
        return {**page(question.size), "query": all_of(required, forbidden, must=[taste])}
    vector = _sum_of([decode_vector(source[IN_VECTOR_FIELDS[space]]) for source in known.values()])
    if not vector.any():
        return None
    candidates = capped(2 * question.size, candidates_in(space, question.settings.num_candidates))
    knn = {
        "field": SPACE_FIELDS[space],
        "query_vector": encode_vector(vector),
        "k": min(2 * question.size, candidates),
        "num_candidates": candidates,
        "filter": all_of(required, forbidden),
    }
    return {**page(question.size), "knn": knn}


def _sum_of(vectors: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    total = np.sum([vector.astype(np.float64) for vector in vectors], axis=0)
    length = float(np.linalg.norm(total))
    unit: NDArray[np.float32] = (total / length if length > 0.0 else total).astype(np.float32)
    return unit


SESSION: Final = Method(name="session", build=_build, reads_session=_reads, unknown=NO_SESSION)
