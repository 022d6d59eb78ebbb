"""Documents of an index that are one a user, in order of the users, a page at a time, of one moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from elasticsearch import Elasticsearch, NotFoundError

from profilestore.elastic.member_pages import open_moment
from profilestore.elastic.retry import patient

__all__ = ["read_by_user"]

_KEEP_ALIVE: Final = "10m"
# What one search can list.
_MOST: Final = 10_000


def read_by_user(
    client: Elasticsearch, alias: str, query: Mapping[str, Any], *, source: Sequence[str] = (), page: int = _MOST
) -> Iterator[list[dict[str, Any]]]:
    """The hits of a query that finds at most one document a user. Refreshes first.

    Where the moment is lost, as in a restart or when a migration drops the index, reading goes on from the last user.

    Args:
        client: the connection.
        alias: of the index, whose documents have a `user_id`.
        query: what to find.
        source: fields to read beside `user_id`; all when empty.
        page: how many at once.
    """
    patient("refreshing", lambda: client.indices.refresh(index=alias))
    after: str | None = None
    while True:
        with open_moment(client, alias) as pit:
            while (hits := _page(client, pit, query, source, after, page)) is not None:
                if len(hits) == 0:
                    return
                after = hits[-1]["_source"]["user_id"]
                yield hits


def _page(
    client: Elasticsearch, pit: str, query: Mapping[str, Any], source: Sequence[str], after: str | None, page: int
) -> list[dict[str, Any]] | None:
    """The next hits; None where the moment is lost."""
    beyond = [] if after is None else [{"range": {"user_id": {"gt": after}}}]

    def call() -> list[dict[str, Any]] | None:
        try:
            answer = client.search(
                pit={"id": pit, "keep_alive": _KEEP_ALIVE},
                size=min(page, _MOST),
                query={"bool": {"filter": [query, *beyond]}},
                sort=[{"user_id": "asc"}],
                source_includes=None if len(source) == 0 else sorted({"user_id", *source}),
                track_total_hits=False,
                allow_partial_search_results=False,
            )
        except NotFoundError:
            return None
        hits: list[dict[str, Any]] = answer.body["hits"]["hits"]
        return hits

    return patient("reading pages of users", call)
