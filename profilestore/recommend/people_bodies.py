"""The searches over profiles behind `lookalike` and `buyers`, as pure functions. Any app can send them itself.

Profiles are compared within one generation, so that vectors of two models never meet (promise P4); equal scores
stand in the order of user ids.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from profilestore.features.served import encode_vector
from profilestore.recommend.bodies import SPACE_FIELDS
from profilestore.recommend.clauses import MAX_CANDIDATES, Body, Clause, all_of, capped, same_generation
from profilestore.recommend.mean_profile import MeanProfile
from profilestore.recommend.neighbours import opted_out
from profilestore.settings import Settings

__all__ = ["MOST", "build_buyers_body", "build_like_mean_body", "build_like_user_body", "build_segment_clause"]

# What one search can list.
MOST: Final = MAX_CANDIDATES


def build_buyers_body(
    product_id: str, *, space: str, wanted: list[Clause], include_buyers: bool, n: int, settings: Settings
) -> Body:
    """The users nearest to a product, whose vector the server looks up; a product without one is a 404.

    Args:
        product_id: what is to be sold.
        space: taste, where the out-vector is compared, or text.
        wanted: what the users must fulfil.
        include_buyers: keep those who bought it and did not send it back.
        n: how many users.
        settings: index names and candidates.
    """
    product = {"index": settings.index("products"), "id": product_id}
    bought: list[Clause] = [] if include_buyers else [{"term": {"purchased_products": product_id}}]
    chosen = all_of([*wanted, same_generation(product)], [opted_out(), *bought])
    return _nearest(_lookup(product, space), space=space, chosen=chosen, n=n, settings=settings)


def build_like_user_body(user_id: str, *, space: str, wanted: list[Clause], n: int, settings: Settings) -> Body:
    """The users nearest to one user, whose vector the server looks up; one without is a 404."""
    profile = {"index": settings.index("profiles"), "id": user_id}
    chosen = all_of([*wanted, same_generation(profile)], [opted_out(), {"term": {"user_id": user_id}}])
    return _nearest(_lookup(profile, space), space=space, chosen=chosen, n=n, settings=settings)


def build_like_mean_body(mean: MeanProfile, *, seeds: Clause, wanted: list[Clause], n: int, settings: Settings) -> Body:
    """The users nearest to a mean of profiles, of their generation, without those whom `seeds` finds."""
    chosen = all_of([*wanted, {"term": {"generation": mean.generation}}], [opted_out(), seeds])
    vector = {"query_vector": encode_vector(mean.vector)}
    return _nearest(vector, space=mean.space, chosen=chosen, n=n, settings=settings)


def build_segment_clause(segment: str, *, query: Callable[[str], Clause]) -> Clause:
    """Whoever is in a segment: FIELD=VALUE, of which `query` makes a clause, or the name of a segment."""
    field, equals, value = segment.partition("=")
    if equals == "":
        named: list[Clause] = [{"term": {name: segment}} for name in ("segment", "rule_segments")]
        return {"bool": {"should": named}}
    quoted = value.strip().replace("\\", "\\\\").replace('"', '\\"')
    return query(f'{field.strip()} == "{quoted}"')


def _lookup(document: Clause, space: str) -> Clause:
    return {"query_vector_builder": {"lookup": {**document, "path": SPACE_FIELDS[space]}}}


def _nearest(vector: dict[str, Any], *, space: str, chosen: Clause, n: int, settings: Settings) -> Body:
    knn = {
        "field": SPACE_FIELDS[space],
        **vector,
        # Twice as many as asked for, so that equal scores at the end of the list are ordered too.
        "k": min(2 * n, MOST),
        "num_candidates": capped(2 * n, settings.num_candidates),
        "filter": chosen,
    }
    return {
        "size": n,
        "_source": ["user_id"],
        "track_total_hits": False,
        "sort": ["_score", {"user_id": "asc"}],
        "knn": knn,
    }
