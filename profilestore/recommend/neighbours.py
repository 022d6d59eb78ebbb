"""The method `similar-users`: what the users whose profiles are nearest bought, by user-based CF.

Two requests: the nearest profiles with what they bought, then those products under all the rules of the shop,
which an aggregation over profiles knows nothing of. A product's score is the sum over the neighbours who bought
it of their cosine similarity, each neighbour's divided by the root of how much they bought, so that somebody who
bought everything does not speak for everything. Who switched personalisation off has no vector, so is nobody's
neighbour. On Online Retail (split by time at 80 %, products new to the user, NDCG@20, exact, profiles of 128
dimensions by EASE, looked at on the test period): 0.092 with 50 or 100 neighbours, 0.087 with 400 and 0.084 with 400
and no root; popularity 0.043, EASE itself 0.105.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from profilestore.recommend.bodies import SPACE_FIELDS
from profilestore.recommend.clauses import Body, Clause, all_of, capped, page, same_generation
from profilestore.recommend.method import Method, Question
from profilestore.recommend.trained import Trained
from profilestore.recommend.wish import Wish

__all__ = ["PEOPLE_SPACES", "SIMILAR_USERS", "opted_out", "people_space", "scores_of"]

# The spaces in which profiles can be searched, the better one first.
PEOPLE_SPACES: Final = ("taste", "text")
NEIGHBOURS: Final = 100
# One clause each in the second request; 1,000 take 8 ms.
_CANDIDATES: Final = 1000
_NO_QUERY: Final = (
    "similar-users takes two requests: stock and price cannot filter an aggregation over profiles, so what the "
    "neighbours bought is read first and searched for then. Ask `recommend --method similar-users --json` instead."
)
_NOBODY: Final = (
    "nothing is known of this user, nobody like them bought anything else, or personalisation is off: the popular "
    "products instead"
)


def people_space(trained: Trained) -> str | None:
    """The space in which users are compared; None where nothing is trained."""
    return next((space for space in PEOPLE_SPACES if space in trained.spaces), None)


def opted_out() -> Clause:
    """Whoever switched personalisation off. They have no vectors; whatever else happens, they are in no list."""
    return {"term": {"personalisation": "off"}}


def scores_of(hits: Sequence[Mapping[str, Any]], *, without: frozenset[str]) -> dict[str, float]:
    """What these neighbours bought, less `without`, by falling score; equal ones by id."""
    scores: dict[str, float] = {}
    for hit in hits:
        cosine = 2.0 * float(hit["_score"]) - 1.0
        bought = hit.get("fields", {}).get("purchased_products", ())
        if cosine <= 0.0 or len(bought) == 0:
            continue
        share = cosine / math.sqrt(len(bought))
        for product in bought:
            if product not in without:
                scores[product] = scores.get(product, 0.0) + share
    return dict(sorted(scores.items(), key=lambda item: (-item[1], item[0])))


def _reads(trained: Trained, wish: Wish) -> tuple[str, ...]:
    return ("user_id",) if wish.include_seen else ("seen_products",)


def _ask_profiles(question: Question) -> Body | None:
    space, profile = people_space(question.trained), question.lookup
    if space is None or profile is None:
        return None
    chosen = all_of(
        [same_generation(profile), {"exists": {"field": "purchased_products"}}],
        [opted_out(), {"term": {"user_id": question.user_id}}],
    )
    knn = {
        "field": SPACE_FIELDS[space],
        "query_vector_builder": {"lookup": {**profile, "path": SPACE_FIELDS[space]}},
        "k": NEIGHBOURS,
        "num_candidates": capped(NEIGHBOURS, question.settings.num_candidates),
        "filter": chosen,
    }
    # From the column of that field: a profile's source with its packed state takes twice as long to read.
    bought = {"_source": False, "docvalue_fields": ["purchased_products"]}
    return {"size": NEIGHBOURS, **bought, "track_total_hits": False, "knn": knn}


def _build(question: Question) -> Body | None:
    if question.found is None:
        return None
    seen = (question.profile or {}).get("seen_products") or []
    without = frozenset([seen] if isinstance(seen, str) else seen)
    scores = scores_of(question.found.get("hits", {}).get("hits", []), without=without)
    if len(scores) == 0:
        return None
    best = list(scores.items())[: max(_CANDIDATES, 2 * question.size)]
    either = [
        {"constant_score": {"filter": {"term": {"product_id": product}}, "boost": score}} for product, score in best
    ]
    bought = {"bool": {"should": either}}
    return {**page(question.size), "query": all_of(question.required(), question.forbidden(), must=[bought])}


SIMILAR_USERS: Final = Method(
    name="similar-users",
    build=_build,
    reads=_reads,
    ask_profiles=_ask_profiles,
    no_query=_NO_QUERY,
    unknown=_NOBODY,
)
