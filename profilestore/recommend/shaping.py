"""What is done to the body of any method: boost and bury. Pure.

A body scores either by `_score` (its `sort` begins so) or by a field (its `sort` begins with that field).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from profilestore.recommend.clauses import Body, Clause
from profilestore.recommend.preferences import Preference

__all__ = ["preferred"]

_BY_SCORE: Final = "_score"
# `trending` is a logarithm to base 2, so that a factor is added there, as its logarithm.
_LOGARITHMIC: Final = "trending"
_DATE: Final = "listed"
_YEAR: Final = "365d"


def preferred(body: Body, preferences: Sequence[Preference]) -> Body:
    """The same search, each score multiplied by the factors of the conditions that its product fulfils.

    Of kNN they move the candidates (`num_candidates` of them), and bring in none that is far.
    """
    if len(preferences) == 0:
        return body
    shaped = {name: value for name, value in body.items() if name not in ("knn", "query", "sort")}
    first = body["sort"][0]
    field = next(iter(first)) if isinstance(first, dict) else _BY_SCORE
    query = body.get("query", {"match_all": {}})
    if field == _BY_SCORE:
        return {**shaped, "sort": body["sort"], "query": _multiplied(_as_query(body), preferences)}
    ties = [clause for clause in body["sort"] if clause is not first]
    return {**shaped, "sort": [_BY_SCORE, *ties], "query": _scored_by(field, query, preferences)}


def _multiplied(query: Clause, preferences: Sequence[Preference]) -> Clause:
    functions = [{"filter": each.clause, "weight": each.factor} for each in preferences]
    return {
        "function_score": {
            "query": query, "functions": functions, "score_mode": "multiply", "boost_mode": "multiply"
        }
    }  # fmt: skip


def _scored_by(field: str, query: Clause, preferences: Sequence[Preference]) -> Clause:
    """The value of a field as the score, which the factors then move; 0 without a value."""
    if field == _DATE:
        value: Clause = {"exp": {field: {"origin": "now/d", "scale": _YEAR, "decay": 0.5}}}
    else:
        value = {"field_value_factor": {"field": field}}
    present = {"range": {field: {"gt": 0}}} if field != _DATE else {"exists": {"field": field}}
    scored = {
        "function_score": {
            "query": {"constant_score": {"filter": query, "boost": 0.0}},
            # The score is what the functions say, and 0 where none holds.
            "functions": [{"filter": present, **value}, {"filter": {"bool": {"must_not": [present]}}, "weight": 0.0}],
            "score_mode": "first",
            "boost_mode": "replace",
        }
    }
    if field != _LOGARITHMIC:
        return _multiplied(scored, preferences)
    functions: list[Clause] = []
    for each in preferences:
        move = math.log2(each.factor)
        if move > 0.0:
            functions.append({"filter": each.clause, "weight": move})
        elif move < 0.0:  # no weight may be below 0: all others are raised instead
            functions.append({"filter": {"bool": {"must_not": [each.clause]}}, "weight": -move})
    if len(functions) == 0:
        return scored
    return {"function_score": {"query": scored, "functions": functions, "score_mode": "sum", "boost_mode": "sum"}}


def _as_query(body: Body) -> Clause:
    """What the search scores by, as one query: kNN beside a query adds up with it."""
    if "knn" not in body:
        query: Clause = body["query"]
        return query
    if isinstance(body["knn"], dict) and "query" not in body:
        return {"knn": _widest(body["knn"])}
    several = body["knn"] if isinstance(body["knn"], list) else [body["knn"]]
    scored = [*([body["query"]] if "query" in body else []), *({"knn": each} for each in several)]
    return {"bool": {"should": scored}}


def _widest(knn: Clause) -> Clause:
    """All candidates that the graph search kept, for conditions to choose among."""
    return {**knn, "k": knn["num_candidates"]}
