"""The Elasticsearch request of each answer, as pure functions.

Any app can send such a request itself: the server looks up the user's vector, seen products and
generation in the profile, so no vector and no history travels. What holds for every body:

- Deleted products (tombstones, `deleted: true`) are left out.
- A personalised one takes products of the profile's own generation only, so that a search caught in
  an alias switch answers empty, never a mix of old and new vectors (promise P4).
- A lookup of terms in a profile that is not there matches nothing, and a lookup of a vector is a 404.
- Equal scores are ordered by product id, however the segments were merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from profilestore.recommend.clauses import Body, Clause, Filters, all_of, capped, knn, page, same_generation, take
from profilestore.recommend.method import Question

__all__ = [
    "SPACE_FIELDS",
    "TASTE_CANDIDATES",
    "build_knn_body",
    "build_search_body",
    "build_similar_body",
    "build_sorted_body",
    "candidates_in",
]

SPACE_FIELDS: Final[dict[str, str]] = {"text": "text_vector", "topics": "topic_vector", "taste": "taste_vector"}

# The graph of inner products is the weaker one, since long vectors draw the search to them: with 200 candidates
# the lists of one of two trainings on Online Retail (3,614 products) had lost 2.9 % of their NDCG@20.
TASTE_CANDIDATES: Final = 2000

# How many of the products with one of the words are compared by meaning and with the profile.
LEXICAL_CANDIDATES: Final = 1000

# `search`: BM25 has no upper end while a cosine clause gives 0 to 1. Of 10,000 real product texts, asked for
# by two or three of their words, 0.05 finds most in the first 10 (0.773; 0.617 by meaning alone), also with a
# typing error (0.660; 0.447).
WORDS_BOOST: Final = 0.05
PROFILE_BOOST: Final = 0.3


def build_knn_body(question: Question, spaces: Mapping[str, float]) -> Body:
    """The products nearest to a user's profile.

    Args:
        question: of a user, whose profile the server looks up.
        spaces: which spaces with which boosts, the one that chooses the candidates first. `_score` is
            the server's own for its similarity, (1 + cos) / 2 for text and topics, times the boost; with
            several spaces their sum.
    """
    profile = {"index": question.settings.index("profiles"), "id": question.user_id}
    return _nearest(
        profile,
        paths={space: SPACE_FIELDS[space] for space in spaces},
        spaces=spaces,
        chosen=all_of([*question.required(), same_generation(profile)], question.forbidden()),
        n=question.size,
        num_candidates=question.settings.num_candidates,
    )


def build_sorted_body(*, required: list[Clause], forbidden: list[Clause], n: int, by: Sequence[str]) -> Body:
    """The products with most of a field, such as popularity; among equal ones of the next field, then by id.

    No guard by generation: no vector is compared, and an unknown user has no generation.
    """
    order: list[Clause] = [{field: {"order": "desc", "missing": "_last"}} for field in by]
    return {**page(n), "sort": [*order, {"product_id": "asc"}], "query": all_of(required, forbidden)}


def build_similar_body(
    product_id: str, *, prefix: str, spaces: Mapping[str, float], filters: Filters, n: int, num_candidates: int
) -> Body:
    """The products nearest to one product, itself left out. In taste: what its buyers buy besides."""
    product = {"index": f"{prefix}-products", "id": product_id}
    chosen = all_of(
        [*filters.required(), same_generation(product)],
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
    required, forbidden = filters.required(), filters.forbidden()
    words = _words(tokens)
    candidates = capped(n, num_candidates)
    many = capped(n, LEXICAL_CANDIDATES)
    found: list[Clause] = [] if words is None else [words]
    clauses: list[Clause] = []
    if vector is not None:
        # Products with the words and those without are two lists, so that each has its similarity once.
        meaning = {"field": "text_vector", "query_vector": vector}
        without = [*forbidden, *found]
        clauses.append({**meaning, **take(candidates), "filter": all_of(required, without)})
        if words is not None:
            clauses.append({**meaning, **take(many), "filter": all_of([*required, words], forbidden)})
        found.append({"knn": clauses[0]})
    if user_id is not None and len(found) > 0:
        profile = {"index": f"{prefix}-profiles", "id": user_id}
        same = same_generation(profile)
        clauses.append(
            knn(
                "text_vector",
                lookup={**profile, "path": "text_vector"},
                k=many,
                num_candidates=many,
                boost=PROFILE_BOOST,
                chosen=all_of([*required, same, {"bool": {"should": found}}], forbidden),
            )
        )
    body = page(n)
    if words is not None:
        body["query"] = all_of(required, forbidden, must=[words])
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
    """kNN by the vectors that stand in a document, under a path a space.

    With several spaces the first one chooses the candidates and the others score just these. Elasticsearch
    adds up the scores of a product only where it is in the top lists of both clauses; with two lists of
    their own, 0.45 (k 200) to 0.83 (k 1000) of the exact first ten came out of 3,958 products, led by one
    all (k 200), in half of the time.

    They stand in `query`, not in `knn`: there, Elasticsearch 9.5.4 loses one search of some hundreds for
    ever (never answered, not to be cancelled) when a vector is looked up within a filter beside a lookup
    of terms; as queries it answered 50,000 of 50,000.
    """
    (first, boost), *others = spaces.items()
    candidates = capped(2 * n, candidates_in(first, num_candidates) if len(others) == 0 else num_candidates)
    leading = knn(
        SPACE_FIELDS[first],
        lookup={**document, "path": paths[first]},
        # Twice as many as asked for, so that equal scores at the end of the list are ordered too.
        k=candidates if len(others) > 0 else min(2 * n, candidates),
        num_candidates=candidates,
        boost=boost,
        chosen=chosen,
    )
    if len(others) == 0:
        return {**page(n), "knn": leading}
    same = {"knn": {name: value for name, value in leading.items() if name != "boost"}}
    following = [
        knn(
            SPACE_FIELDS[space],
            lookup={**document, "path": paths[space]},
            k=candidates,
            num_candidates=candidates,
            boost=boost,
            chosen=same,
        )
        for space, boost in others
    ]
    query = {"must": [{"knn": leading}], "should": [{"knn": clause} for clause in following]}
    return {**page(n), "query": {"bool": query}}


def candidates_in(space: str, num_candidates: int) -> int:
    """How many candidates the graph search keeps in a space: more in taste, which compares by inner product."""
    return max(num_candidates, TASTE_CANDIDATES) if space == "taste" else num_candidates


def _words(tokens: Iterable[str]) -> Clause | None:
    """Any of the words; rarer ones weigh more, by BM25 itself."""
    text = " ".join(tokens)
    if text == "":
        return None
    return {"match": {"tokens": {"query": text, "boost": WORDS_BOOST}}}
