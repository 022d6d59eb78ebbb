"""The Elasticsearch request of each answer, as pure functions.

Any app can send such a request itself: the server looks up the user's vector, seen products and
generation in the profile, so no vector and no history travels. What holds for every body:

- Deleted products (tombstones, `deleted: true`) are left out.
- A personalised one takes products of the profile's own generation only, so that a search caught in
  an alias switch answers empty, never a mix of old and new vectors (promise P4).
- A lookup of terms in a profile that is not there matches nothing, and a lookup of a vector is a 404.
- Equal scores are ordered by product id, so the list does not depend on how segments were merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = [
    "SOURCE",
    "SPACE_BOOSTS",
    "SPACE_FIELDS",
    "Filters",
    "build_knn_body",
    "build_popular_body",
    "build_search_body",
    "build_similar_body",
]

SPACE_FIELDS: Final[dict[str, str]] = {"text": "text_vector", "topics": "topic_vector", "taste": "taste_vector"}
SPACE_BOOSTS: Final[dict[str, float]] = {"text": 1.0, "topics": 0.15, "taste": 1.0}
SOURCE: Final = ["product_id", "title", "price", "category"]

# Two clauses add up only for products in both of their top lists, so these must be long.
HYBRID_CANDIDATES: Final = 1000
MAX_CANDIDATES: Final = 10_000

# `search`: BM25 has no upper end while a cosine clause gives 0 to 1.
WORDS_BOOST: Final = 0.1
PROFILE_BOOST: Final = 0.3

Body = dict[str, Any]
Clause = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What an answer is confined to. Prices are inclusive, in the shop's currency."""

    category: tuple[str, ...] = ()
    min_price: float | None = None
    max_price: float | None = None
    in_stock: bool = False
    exclude: tuple[str, ...] = ()

    def is_empty(self) -> bool:
        """Whether nothing is asked beyond a product that is not deleted."""
        return self == _NO_FILTERS

    def required(self) -> list[Clause]:
        """Clauses that a product must fulfil."""
        clauses: list[Clause] = []
        if len(self.category) > 0:
            clauses.append({"terms": {"category": list(self.category)}})
        bounds = {"gte": self.min_price, "lte": self.max_price}
        bounds = {name: bound for name, bound in bounds.items() if bound is not None}
        if len(bounds) > 0:
            clauses.append({"range": {"price": bounds}})
        if self.in_stock:
            clauses.append({"range": {"stock": {"gt": 0}}})
        return clauses

    def forbidden(self) -> list[Clause]:
        """Clauses that rule a product out."""
        clauses: list[Clause] = [{"term": {"deleted": True}}]
        if len(self.exclude) > 0:
            clauses.append({"terms": {"product_id": list(self.exclude)}})
        return clauses


_NO_FILTERS: Final = Filters()


def build_knn_body(
    user_id: str,
    *,
    prefix: str,
    spaces: Mapping[str, float],
    filters: Filters,
    include_seen: bool,
    n: int,
    num_candidates: int,
) -> Body:
    """The products nearest to a user's profile.

    Args:
        user_id: whose profile the server looks up.
        prefix: of the shop's indices.
        spaces: which spaces with which boosts. With one, `_score` is the server's own for its
            similarity, (1 + cos) / 2 for text and topics, times the boost; with several, their sum.
        filters: what the answer is confined to.
        include_seen: keep products that the user has seen.
        n: how many products.
        num_candidates: how many the graph search keeps a shard.
    """
    profile = {"index": f"{prefix}-profiles", "id": user_id}
    chosen = _bool(
        [*filters.required(), {"terms": {"generation": {**profile, "path": "generation"}}}],
        [*filters.forbidden(), *([] if include_seen else [_seen(profile)])],
    )
    paths = {space: SPACE_FIELDS[space] for space in spaces}
    return _nearest(profile, paths=paths, spaces=spaces, chosen=chosen, n=n, num_candidates=num_candidates)


def build_popular_body(
    *, prefix: str, filters: Filters, n: int, user_id: str | None = None, by: str = "popularity"
) -> Body:
    """The most popular (or, by `trending`, the most rising) products; with a user, without those they have seen.

    No guard by generation: no vector is compared, and an unknown user has no generation.
    """
    forbidden = filters.forbidden()
    if user_id is not None:
        forbidden.append(_seen({"index": f"{prefix}-profiles", "id": user_id}))
    page = _page(n)
    page["sort"] = [{by: {"order": "desc", "missing": "_last"}}, {"product_id": "asc"}]
    return {**page, "query": _bool(filters.required(), forbidden)}


def build_similar_body(
    product_id: str, *, prefix: str, spaces: Mapping[str, float], filters: Filters, n: int, num_candidates: int
) -> Body:
    """The products nearest to one product, itself left out. In taste: what its buyers buy besides."""
    product = {"index": f"{prefix}-products", "id": product_id}
    chosen = _bool(
        [*filters.required(), {"terms": {"generation": {**product, "path": "generation"}}}],
        [*filters.forbidden(), {"term": {"product_id": product_id}}],
    )
    paths = {space: "taste_in" if space == "taste" else SPACE_FIELDS[space] for space in spaces}
    return _nearest(product, paths=paths, spaces=spaces, chosen=chosen, n=n, num_candidates=num_candidates)


def build_search_body(
    *,
    prefix: str,
    tokens: Sequence[str],
    vector: str | Sequence[float] | None,
    filters: Filters,
    n: int,
    num_candidates: int,
    user_id: str | None = None,
) -> Body:
    """What words find: by the words, by their meaning, and leaning to the user's profile.

    The profile's clause is confined to what the words found either way, so that it moves products up
    and down and never brings in one that has nothing to do with the words.

    Args:
        prefix: of the shop's indices.
        tokens: the words as the index has them (`features.tokens`); may be empty.
        vector: their embedding, as floats or as base64 of big-endian float32; None without a text space.
        filters: what the answer is confined to.
        n: how many products.
        num_candidates: how many the graph search keeps a shard.
        user_id: towards whose profile to lean; a user without a text vector is a 404.
    """
    chosen = _bool(filters.required(), filters.forbidden())
    candidates = _candidates(n, num_candidates)
    words = _words(tokens)
    found: list[Clause] = [] if words is None else [words]
    clauses: list[Clause] = []
    if vector is not None:
        meaning = {"field": "text_vector", "query_vector": vector, "k": candidates, "num_candidates": candidates}
        clauses.append({**meaning, "filter": chosen})
        found.append({"knn": clauses[0]})
    if user_id is not None and len(found) > 0:
        profile = {"index": f"{prefix}-profiles", "id": user_id}
        leaning = _candidates(n, max(num_candidates, HYBRID_CANDIDATES))
        same = {"terms": {"generation": {**profile, "path": "generation"}}}
        clauses.append(
            _knn(
                "text_vector",
                lookup={**profile, "path": "text_vector"},
                k=leaning,
                num_candidates=leaning,
                boost=PROFILE_BOOST,
                chosen=_bool([*filters.required(), same, {"bool": {"should": found}}], filters.forbidden()),
            )
        )
    body = _page(n)
    if words is not None:
        body["query"] = _bool(filters.required(), filters.forbidden(), must=[words])
    if len(clauses) > 0:
        body["knn"] = clauses
    return body if len(found) > 0 else {**body, "query": {"match_none": {}}}


def _nearest(
    document: Clause,
    *,
    paths: Mapping[str, str],
    spaces: Mapping[str, float],
    chosen: Clause,
    n: int,
    num_candidates: int,
) -> Body:
    """kNN by the vectors that stand in a document, under a path a space."""
    several = len(spaces) > 1
    candidates = _candidates(n, max(num_candidates, HYBRID_CANDIDATES) if several else num_candidates)
    clauses = [
        _knn(
            SPACE_FIELDS[space],
            lookup={**document, "path": paths[space]},
            k=candidates if several else n,
            num_candidates=candidates,
            boost=boost,
            chosen=chosen,
        )
        for space, boost in spaces.items()
    ]
    return {**_page(n), "knn": clauses if several else clauses[0]}


def _words(tokens: Iterable[str]) -> Clause | None:
    """Two of three words must match from three on; rarer words weigh more by BM25 itself."""
    text = " ".join(tokens)
    if text == "":
        return None
    return {"match": {"tokens": {"query": text, "minimum_should_match": "2<67%", "boost": WORDS_BOOST}}}


def _seen(profile: Clause) -> Clause:
    return {"terms": {"product_id": {**profile, "path": "seen_products"}}}


def _knn(field: str, *, lookup: Clause, k: int, num_candidates: int, boost: float, chosen: Clause) -> Clause:
    clause: Clause = {
        "field": field,
        "k": k,
        "num_candidates": num_candidates,
        "query_vector_builder": {"lookup": lookup},
        "filter": chosen,
    }
    if boost != 1.0:
        clause["boost"] = boost
    return clause


def _candidates(n: int, wanted: int) -> int:
    return min(MAX_CANDIDATES, max(n, wanted))


def _page(n: int) -> Body:
    return {"size": n, "_source": list(SOURCE), "track_total_hits": False, "sort": ["_score", {"product_id": "asc"}]}


def _bool(required: list[Clause], forbidden: list[Clause], must: list[Clause] | None = None) -> Clause:
    clause: Clause = {"must_not": forbidden}
    if len(required) > 0:
        clause["filter"] = required
    if must is not None:
        clause["must"] = must
    return {"bool": clause}
