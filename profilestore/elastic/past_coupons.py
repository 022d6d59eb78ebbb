"""Coupons of past campaigns: kept under numbers that they have for good, whatever order later files have them in."""

from __future__ import annotations

from typing import Any, Final

from elasticsearch import Elasticsearch

from profilestore.elastic.retry import patient

__all__ = ["coupon_numbers"]

_PAGE: Final = 10_000


def coupon_numbers(client: Elasticsearch, campaign: str, *, alias: str) -> dict[str, int]:
    """Code -> number of the coupons that a campaign has. Refreshes first."""
    patient("refreshing the coupons", lambda: client.indices.refresh(index=alias))
    query = {"bool": {"filter": [{"term": {"campaign": campaign}}, {"exists": {"field": "number"}}]}}
    numbers: dict[str, int] = {}
    after: list[Any] | None = None
    while True:
        answer = patient(
            "reading coupons",
            lambda after=after: client.search(  # type: ignore[misc]  # lambda with defaults
                index=alias,
                size=_PAGE,
                query=query,
                sort=[{"number": "asc"}],
                search_after=after,
                source_includes=["code", "number"],
                allow_partial_search_results=False,
            ),
        )
        hits = answer.body["hits"]["hits"]
        numbers |= {hit["_source"]["code"]: hit["_source"]["number"] for hit in hits}
        if len(hits) < _PAGE:
            return numbers
        after = hits[-1]["sort"]
