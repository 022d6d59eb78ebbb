"""`segment_popularity` of products: how many users of each segment bought them, for `popular-in-segment`.

A segment is a value of a keyword field of profiles (setting `segment_fields`), written `field=value`. Segments
of fewer than `segment_min_users` users are left out: what a handful bought is chance, and could point at a
person. So are users with personalisation off. Of a field's values the 100 most frequent count.

Counted by the server, 500 products at a time, so that memory depends on neither users nor products.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from profilestore.elastic.bulk import Operation
from profilestore.elastic.product_index import ProductIndex
from profilestore.elastic.retry import patient
from profilestore.elastic.search import Client
from profilestore.elastic.sparse_vectors import changed_weights
from profilestore.settings import Settings

__all__ = ["derive_segment_popularity", "segment_token"]

FIELD: Final = "segment_popularity"
_VALUES: Final = 100
_PAGE: Final = 500  # with the values below search.max_buckets, 65,536
_ATTEMPTS: Final = 5

Body = dict[str, Any]
Tokens = dict[str, float]


def segment_token(field: str, value: str) -> str:
    """How a segment is called in the products."""
    return f"{field}={value}"


def segments_body(fields: Sequence[str], *, min_users: int) -> Body:
    """The segments that are large enough, a terms aggregation a field."""
    return _body({name: {"terms": _terms(name, min_users=min_users)} for name in fields})


def buyers_body(segments: Mapping[str, Sequence[str]], product_ids: Sequence[str]) -> Body:
    """How many users of each segment bought each of these products."""
    bought = {
        "terms": {"field": "purchased_products", "include": list(product_ids), "size": len(product_ids)}
    }  # fmt: skip
    return _body(
        {
            name: {
                "terms": {"field": name, "include": list(values), "size": len(values)},
                "aggs": {"products": bought},
            }
            for name, values in segments.items()
        }
    )


def derive_segment_popularity(client: Client, settings: Settings) -> int:
    """Write the field wherever it differs; returns how many products were written."""
    profiles = settings.index("profiles")
    if len(settings.segment_fields) == 0:
        segments: dict[str, list[str]] = {}
    else:
        found = _ask(client, profiles, segments_body(settings.segment_fields, min_users=settings.segment_min_users))
        segments = {
            name: [bucket["key"] for bucket in found[name]["buckets"]]
            for name in settings.segment_fields
            if len(found[name]["buckets"]) > 0
        }
    products = ProductIndex(client, name=settings.index("products"))
    index = products.identity().index
    written = 0
    for page in products.scan(index, fields=[FIELD], page=_PAGE, vectors=True):
        stored = {id: dict(source.get(FIELD) or {}) for id, source, _ in page}
        derived = _tokens(client, profiles, segments, list(stored)) if len(segments) > 0 else {}
        changes = {id: changed_weights(old, derived.get(id, {})) for id, old in stored.items()}
        written += _write(products, settings, {id: change for id, change in changes.items() if change is not None})
    return written


def _tokens(
    client: Client, profiles: str, segments: Mapping[str, Sequence[str]], product_ids: Sequence[str]
) -> dict[str, Tokens]:
    tokens: dict[str, Tokens] = {}
    for name, found in _ask(client, profiles, buyers_body(segments, product_ids)).items():
        for segment in found["buckets"]:
            token = segment_token(name, segment["key"])
            for product in segment["products"]["buckets"]:
                tokens.setdefault(product["key"], {})[token] = float(product["doc_count"])
    return tokens


def _write(products: ProductIndex, settings: Settings, changes: Mapping[str, Mapping[str, float | None]]) -> int:
    alias = settings.index("products")
    left = dict(changes)
    for _ in range(_ATTEMPTS):  # a conflict: the product's row was written at that moment
        operations = [Operation("update", alias, id, {FIELD: dict(change)}) for id, change in left.items()]
        lost = {each.id for each in products.write(operations, action="writing segments") if each.conflict}
        left = {id: change for id, change in left.items() if id in lost}
        if len(left) == 0:
            break
    return len(changes) - len(left)


def _terms(name: str, *, min_users: int) -> Body:
    return {"field": name, "size": _VALUES, "min_doc_count": min_users}


def _body(aggs: Body) -> Body:
    chosen = {"bool": {"must_not": [{"term": {"personalisation": "off"}}]}}
    return {"size": 0, "track_total_hits": False, "query": chosen, "aggs": aggs}


def _ask(client: Client, profiles: str, body: Body) -> dict[str, Any]:
    answer = patient(
        "deriving popularity of segments",
        lambda: client.search(index=profiles, allow_partial_search_results=False, **body),
    )
    found: dict[str, Any] = answer.body["aggregations"]
    return found
