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
from typing import Final

from profilestore.errors import ModelError
from profilestore.recommend.bodies import SPACE_FIELDS
from profilestore.recommend.clauses import MAX_CANDIDATES, Body, Clause
from profilestore.recommend.method import Method, Question
from profilestore.recommend.trained import Trained

__all__ = ["check_diversity", "diversified"]

_ORDER: Final = ("text", "topics", "taste")
_WIDER: Final = 4  # times n more to choose from, at a diversity of 1


def check_diversity(diversity: float, trained: Trained) -> None:
    """Raise ModelError where there is nothing to tell products apart by."""
    if diversity > 0.0 and len(trained.spaces) == 0:
        raise ModelError("diversity compares products in a space, and none is trained: run `profilestore index`.")


def diversified(body: Body, *, question: Question, method: Method) -> Body:
    """The same search, of whose best products the most different ones are taken; in the order of the search."""
    diversity, spaces = question.wish.diversity, question.trained.spaces
    if diversity == 0.0 or len(spaces) == 0:
        return body
    window = min(MAX_CANDIDATES, question.size + math.ceil(_WIDER * diversity * question.size))
    field = SPACE_FIELDS[next(space for space in _ORDER if space in spaces)]
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
    return {**kept, "retriever": {"diversify": diversify}}


def _wide(knn: Clause, window: int) -> Clause:
    return {**knn, "k": max(knn["k"], window), "num_candidates": max(knn["num_candidates"], window)}
