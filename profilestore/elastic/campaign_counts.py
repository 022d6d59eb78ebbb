"""How many places campaigns have, counted by the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from elasticsearch import Elasticsearch

from profilestore.elastic.retry import patient

__all__ = ["count_places", "count_shared", "places_query"]

_ACTION: Final = "counting places of campaigns"
# What one terms query takes.
_MOST_TERMS: Final = 65_536


def places_query(name: str) -> dict[str, Any]:
    """Finds all places in a campaign."""
    return {"bool": {"filter": [{"term": {"kind": "assignment"}}, {"term": {"campaign": name}}]}}


def count_places(client: Elasticsearch, alias: str, name: str) -> dict[str, Any]:
    """See `CampaignIndex.counts`."""
    treated = {
        "withheld": {"terms": {"field": "withheld", "size": 100}},
        "with_code": {"filter": {"exists": {"field": "code"}}},
        "with_product": {"filter": {"exists": {"field": "product_id"}}},
    }
    arms = {
        "treatment": {"filter": {"term": {"arm": "treatment"}}, "aggs": treated},
        "control": {"filter": {"term": {"arm": "control"}}},
    }
    found = _aggregated(client, alias, places_query(name), arms)
    return {
        "treatment": found["treatment"]["doc_count"],
        "control": found["control"]["doc_count"],
        "withheld": {each["key"]: each["doc_count"] for each in found["treatment"]["withheld"]["buckets"]},
        "with_code": found["treatment"]["with_code"]["doc_count"],
        "with_product": found["treatment"]["with_product"]["doc_count"],
    }


def count_shared(client: Elasticsearch, alias: str, names: Sequence[str], user_ids: Sequence[str]) -> dict[str, int]:
    """See `CampaignIndex.shared_with`."""
    counts = dict.fromkeys(names, 0)
    for start in range(0, len(user_ids) if len(counts) > 0 else 0, _MOST_TERMS):
        filters = [
            {"term": {"kind": "assignment"}},
            {"terms": {"campaign": list(names)}},
            {"terms": {"user_id": list(user_ids[start : start + _MOST_TERMS])}},
        ]
        by_campaign = {"campaigns": {"terms": {"field": "campaign", "size": len(counts)}}}
        found = _aggregated(client, alias, {"bool": {"filter": filters}}, by_campaign)
        for bucket in found["campaigns"]["buckets"]:
            counts[bucket["key"]] += bucket["doc_count"]
    return counts


def _aggregated(client: Elasticsearch, alias: str, query: dict[str, Any], aggs: dict[str, Any]) -> dict[str, Any]:
    answer = patient(
        _ACTION,
        lambda: client.search(index=alias, size=0, query=query, aggs=aggs, allow_partial_search_results=False),
    )
    found: dict[str, Any] = answer.body["aggregations"]
    return found
