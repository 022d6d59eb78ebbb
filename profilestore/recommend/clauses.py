"""The parts that bodies are made of: filters, kNN clauses, the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = [
    "SOURCE",
    "Body",
    "Clause",
    "Filters",
    "all_of",
    "capped",
    "in_list_of",
    "knn",
    "page",
    "same_generation",
    "sparse",
    "take",
]

SOURCE: Final = ["product_id", "title", "price", "category"]
MAX_CANDIDATES: Final = 10_000  # Elasticsearch's limit

Body = dict[str, Any]
Clause = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What an answer is confined to. Prices are inclusive, in the shop's currency."""

    category: tuple[str, ...] = ()
    brand: tuple[str, ...] = ()
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
        if len(self.brand) > 0:
            clauses.append({"terms": {"brand": list(self.brand)}})
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


def in_list_of(document: Clause, path: str) -> Clause:
    """Products named in a list of a document; nothing where the document or the list is not there."""
    return {"terms": {"product_id": {**document, "path": path}}}


def same_generation(document: Clause) -> Clause:
    """Products of the generation of a document (promise P4)."""
    return {"terms": {"generation": {**document, "path": "generation"}}}


def sparse(field: str, tokens: Mapping[str, float], *, boost: float = 1.0) -> Clause:
    """The dot product of a field of weights by token with these. Weights are at least 0.

    Without `prune: false` the server leaves out frequent tokens, and the score is no dot product.
    """
    clause: Clause = {"field": field, "query_vector": dict(tokens), "prune": False}
    if boost != 1.0:
        clause["boost"] = boost
    return {"sparse_vector": clause}


def knn(field: str, *, lookup: Clause, k: int, num_candidates: int, boost: float, chosen: Clause) -> Clause:
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


def take(candidates: int) -> Clause:
    return {"k": candidates, "num_candidates": candidates}


def capped(n: int, wanted: int) -> int:
    return min(MAX_CANDIDATES, max(n, wanted))


def page(n: int) -> Body:
    return {"size": n, "_source": list(SOURCE), "track_total_hits": False, "sort": ["_score", {"product_id": "asc"}]}


def all_of(required: list[Clause], forbidden: list[Clause], must: list[Clause] | None = None) -> Clause:
    clause: Clause = {"must_not": forbidden}
    if len(required) > 0:
        clause["filter"] = required
    if must is not None:
        clause["must"] = must
    return {"bool": clause}
