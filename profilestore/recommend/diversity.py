"""`--diversity`: a list whose products differ, by the server's `diversify` retriever (MMR), in one request.

Maximal marginal relevance (Carbonell and Goldstein 1998) takes, one after another, the product with the most of

    lambda * relevance - (1 - lambda) * (similarity to the most similar product taken)

The server knows both in one space only: relevance is the likeness of a product to the profile there, whatever
the method's own score. So the method's score chooses the best `n * (1 + 4 * diversity)` products, and MMR with
`lambda = 1 - diversity` takes n of them, in the space that tells most of what a shopper sees: text, else topics,
else taste. What remains stays in the method's order. A diversity near 0 gives the list without it, whatever the
method. Methods that know no profile take the first product and then always the one least like those taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from profilestore.errors import ModelError
from profilestore.features.served import decode_vector, encode_vector
from profilestore.recommend.bodies import SPACE_FIELDS
from profilestore.recommend.clauses import MAX_CANDIDATES, Body, Clause
from profilestore.recommend.method import Method, Question
from profilestore.recommend.trained import Trained
from profilestore.recommend.wish import Wish

__all__ = ["check_diversity", "diversified", "diversity_reads"]

_ORDER: Final = ("text", "topics", "taste")
_WIDER: Final = 4  # times n more to choose from, at a diversity of 1


def check_diversity(diversity: float, trained: Trained) -> None:
    """Raise ModelError where there is nothing to tell products apart by."""
    if diversity > 0.0 and len(trained.spaces) == 0:
        raise ModelError("diversity compares products in a space, and none is trained: run `profilestore index`.")


def diversity_reads(method: Method, trained: Trained, wish: Wish) -> tuple[str, ...]:
    """What of the profile must be in the request besides what the method reads: vectors, and their generation."""
    spaces = method.boosts(trained)
    if wish.diversity == 0.0 or len(spaces) < 2:
        return ()
    return (*sorted({SPACE_FIELDS[space] for space in spaces} | {_field(trained)}), "generation")


def diversified(body: Body, *, question: Question, method: Method) -> Body | None:
    """The same search, of whose best products the most different ones are taken; in the order of the search.

    None where a vector that the request must hold is not known.
    """
    diversity, spaces = question.wish.diversity, question.trained.spaces
    if diversity == 0.0 or len(spaces) == 0:
        return body
    window = min(MAX_CANDIDATES, question.size + math.ceil(_WIDER * diversity * question.size))
    field = _field(question.trained)
    standard: Clause = {"query": {"knn": _wide(body["knn"], window)} if "knn" in body else body["query"]}
    if isinstance(body["sort"][0], dict):  # by a field; the order by score is the retriever's own
        standard["sort"] = body["sort"]
    diversify: Clause = {
        "type": "mmr",
        "field": field,
        "lambda": round(1.0 - diversity, 6),
        "rank_window_size": window,
        "size": question.size,
        "retriever": {"standard": standard},
    }
    if question.lookup is not None and len(method.boosts(question.trained)) > 0:
        diversify["query_vector_builder"] = {"lookup": {**question.lookup, "path": field}}
    kept = {name: value for name, value in body.items() if name in ("size", "_source")}
    if len(diversity_reads(method, question.trained, question.wish)) > 0:
        profile = question.profile or {}
        if any(profile.get(field) is None for field in ("generation", *_looked_up(diversify))):
            return None
        diversify = _told(diversify, profile)
    return {**kept, "retriever": {"diversify": diversify}}


def _field(trained: Trained) -> str:
    return SPACE_FIELDS[next(space for space in _ORDER if space in trained.spaces)]


def _looked_up(clause: Any) -> Iterator[str]:
    """The vectors that a clause looks up, wherever it does."""
    if isinstance(clause, list):
        for each in clause:
            yield from _looked_up(each)
    elif isinstance(clause, dict):
        if "query_vector_builder" in clause:
            yield clause["query_vector_builder"]["lookup"]["path"]
        for value in clause.values():
            yield from _looked_up(value)


def _told(clause: Any, profile: Mapping[str, Any]) -> Any:
    """The same with the profile's vectors and generation in the place of their lookups."""
    if isinstance(clause, list):
        return [_told(each, profile) for each in clause]
    if not isinstance(clause, dict):
        return clause
    if isinstance(clause.get("terms", {}).get("generation"), dict):
        return {"term": {"generation": profile["generation"]}}
    told = {name: _told(value, profile) for name, value in clause.items() if name != "query_vector_builder"}
    if "query_vector_builder" in clause:
        vector = decode_vector(profile[clause["query_vector_builder"]["lookup"]["path"]])
        # The retriever takes no base64.
        told["query_vector"] = vector.tolist() if "retriever" in clause else encode_vector(vector)
    return told


def _wide(knn: Clause, window: int) -> Clause:
    return {**knn, "k": max(knn["k"], window), "num_candidates": max(knn["num_candidates"], window)}
