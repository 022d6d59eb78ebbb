"""The method `hybrid`: the scores of several spaces, added up.

Without taste, text chooses the candidates and topics score them, as in `bodies.py`. With taste, a product is a
candidate that is near in taste **or** in text, so that one which no model has learned yet can be reached by
its text; each space scores all candidates. In a space in which a product has no vector, it counts as one at a
right angle to the profile, neither liked nor disliked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from profilestore.recommend.bodies import SPACE_FIELDS, build_knn_body
from profilestore.recommend.clauses import Body, Clause, all_of, capped, knn, page, same_generation, sparse
from profilestore.recommend.method import Method, Question
from profilestore.recommend.taste import WEIGHTS_FIELD, taste_items, taste_reads
from profilestore.recommend.trained import Trained

__all__ = ["HYBRID", "hybrid_boosts"]

# Where validation chose none. Taste comes first; the others tell apart what it leaves equal, and carry new products.
_WITH_TASTE: Final[dict[str, float]] = {"taste": 1.0, "text": 0.1, "topics": 0.015}
_WITHOUT_TASTE: Final[dict[str, float]] = {"text": 1.0, "topics": 0.15}
# The server's score of a vector at a right angle: (1 + 0) / 2 by cosine, 1 + 0 by inner product.
_NEUTRAL: Final = {"text": 0.5, "topics": 0.5, "taste": 1.0}
_SCORED: Final = 1000  # of what shares a product with the profile, how many also get their score of text


def hybrid_boosts(trained: Trained) -> Mapping[str, float]:
    """The spaces with their boosts: those of validation, else the defaults, of what is trained.

    What `feedback apply` measured scales them. Hybrid needs two spaces; with fewer, the missing one stands here
    to be named.
    """
    factors = dict(trained.boost_factors)
    return {space: boost * factors.get(space, 1.0) for space, boost in _chosen(trained).items()}


def _chosen(trained: Trained) -> Mapping[str, float]:
    chosen = dict(trained.hybrid_boosts)
    if len(chosen) > 0 and chosen.keys() <= trained.spaces:
        return {space: boost for space, boost in chosen.items() if boost > 0.0}
    if "taste" in trained.spaces and len(trained.spaces) > 1:
        return {space: boost for space, boost in _WITH_TASTE.items() if space in trained.spaces}
    return _WITHOUT_TASTE


def _build(question: Question) -> Body | None:
    boosts = hybrid_boosts(question.trained)
    if "taste" not in boosts:
        return build_knn_body(question, boosts)
    if not question.trained.sparse_taste:
        return _dense(question, boosts)
    return _sparse(question, boosts)


def _dense(question: Question, boosts: Mapping[str, float]) -> Body:
    """Each leading space scores its own nearest, and those of the other; the rest score both lists."""
    profile = {"index": question.settings.index("profiles"), "id": question.user_id}
    chosen = all_of([*question.required(), same_generation(profile)], question.forbidden())
    candidates = _candidates(question)
    lists = {
        space: {"knn": _near(profile, space, candidates, chosen)} for space in ("taste", "text") if space in boosts
    }
    near = {"bool": {"should": list(lists.values())}}
    leading: list[Clause] = []
    for space in lists:
        filters = [chosen, *(found for other, found in lists.items() if other != space)]
        scored = [{"knn": _near(profile, space, candidates, each, boost=boosts[space])} for each in filters]
        leading.append({"dis_max": {"queries": scored}})  # a product of both lists counts once
    others = [
        {"knn": _near(profile, space, 2 * candidates, near, boost=boost)}
        for space, boost in boosts.items()
        if space not in lists
    ]
    missing = [
        {"constant_score": {"filter": _without(space), "boost": _NEUTRAL[space] * boost}}
        for space, boost in boosts.items()
    ]
    query = {"bool": {"must": [{"bool": {"should": leading}}], "should": [*others, *missing]}}
    return {**page(question.size), "query": query}


def _sparse(question: Question, boosts: Mapping[str, float]) -> Body | None:
    known = taste_items(question.profile)
    if known is None:
        return None
    items, generation = known
    profile = {"index": question.settings.index("profiles"), "id": question.user_id}
    chosen = all_of([*question.required(), generation], question.forbidden())
    shares = all_of([*question.required(), generation, sparse(WEIGHTS_FIELD, items)], question.forbidden())
    candidates = _candidates(question)
    others = {space: boost for space, boost in boosts.items() if space != "taste"}
    near: list[Clause] = [shares]
    if "text" in others:
        near.append({"knn": _near(profile, "text", candidates, chosen)})
    among = {"bool": {"should": near}}
    scored = [_scored(profile, space, boost, max(candidates, _SCORED), among) for space, boost in others.items()]
    taste = sparse(WEIGHTS_FIELD, items, boost=boosts["taste"])
    return {**page(question.size), "query": {"bool": {"filter": [among], "should": [taste, *scored]}}}


def _without(space: str) -> Clause:
    return {"bool": {"must_not": [{"exists": {"field": SPACE_FIELDS[space]}}]}}


def _candidates(question: Question) -> int:
    return capped(2 * question.size, question.settings.num_candidates)


def _near(profile: Clause, space: str, candidates: int, chosen: Clause, *, boost: float = 1.0) -> Clause:
    field = SPACE_FIELDS[space]
    k = capped(0, candidates)
    return knn(field, lookup={**profile, "path": field}, k=k, num_candidates=k, boost=boost, chosen=chosen)


def _scored(profile: Clause, space: str, boost: float, candidates: int, among: Clause) -> Clause:
    """The score of a space; of products far away or without a vector, that of a right angle."""
    neutral = {"constant_score": {"filter": {"match_all": {}}, "boost": _NEUTRAL[space] * boost}}
    return {"dis_max": {"queries": [neutral, {"knn": _near(profile, space, candidates, among, boost=boost)}]}}


HYBRID: Final = Method(name="hybrid", build=_build, boosts=hybrid_boosts, reads=taste_reads)
