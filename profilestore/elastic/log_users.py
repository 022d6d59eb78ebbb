"""The users of the event log, listed by a composite aggregation: a page at a time, in order of their ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from elasticsearch import Elasticsearch

from profilestore.elastic.retry import patient

__all__ = ["USER_FIGURES", "acts_by_user", "user_buckets"]

# What `verify` compares by: acts (all but `attributes` events), first and last number of a user's events.
USER_FIGURES: Final[dict[str, Any]] = {
    "acts": {"filter": {"bool": {"must_not": [{"term": {"type": "attributes"}}]}}},
    "first": {"min": {"field": "_seq_no"}},
    "last": {"max": {"field": "_seq_no"}},
}


def user_buckets(
    client: Elasticsearch,
    index: str,
    *,
    shard: int | None = None,
    query: dict[str, Any] | None = None,
    aggs: dict[str, Any] | None = None,
    page: int = 1000,
) -> Iterator[list[dict[str, Any]]]:
    """Pages of buckets by user; `aggs` are computed within each. Sees what was refreshed."""
    after: dict[str, Any] | None = None
    while True:
        composite: dict[str, Any] = {"size": page, "sources": [{"user": {"terms": {"field": "user_id"}}}]}
        if after is not None:
            composite["after"] = after
        users: dict[str, Any] = {"composite": composite} if aggs is None else {"composite": composite, "aggs": aggs}
        answer = patient(
            "listing the event log's users",
            lambda users=users: client.search(  # type: ignore[misc]  # mypy cannot infer the lambda
                index=index,
                size=0,
                query=query,
                aggs={"users": users},
                preference=None if shard is None else f"_shards:{shard}",
                allow_partial_search_results=False,
            ),
        )
        found = answer.body["aggregations"]["users"]
        if len(found["buckets"]) == 0:
            return
        yield found["buckets"]
        after = found["after_key"]


def acts_by_user(client: Elasticsearch, index: str) -> Iterator[tuple[str, int, int]]:
    """Each user's number of acts (all but `attributes` events), and the highest `_seq_no` among them, in order of
    their ids. Sees what was refreshed."""
    aggs = {"acts": {**USER_FIGURES["acts"], "aggs": {"last": USER_FIGURES["last"]}}}
    for buckets in user_buckets(client, index, aggs=aggs, page=10_000):
        for bucket in buckets:
            acts = bucket["acts"]
            yield bucket["key"]["user"], acts["doc_count"], int(acts["last"]["value"] or 0)
