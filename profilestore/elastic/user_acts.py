"""The latest acts of one user, read from the log: what somebody who talks to them wants to see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from elasticsearch import Elasticsearch

from profilestore.documents import Event
from profilestore.elastic.logged import read_logged
from profilestore.elastic.retry import patient

__all__ = ["latest_acts"]

_MOST = 10_000


def latest_acts(
    client: Elasticsearch, *, alias: str, user_id: str, types: Sequence[str], n: int, future_limit_hours: float = 24.0
) -> list[Event]:
    """The latest acts of these types, the latest first; all that was acknowledged is seen.

    Documents that the fold would skip as invalid are left out.

    Args:
        client: the connection.
        alias: of the log.
        user_id: whose.
        types: of events.
        n: how many at most, up to 10,000.
        future_limit_hours: as in the settings.
    """
    query = {"bool": {"filter": [{"term": {"user_id": user_id}}, {"terms": {"type": list(types)}}]}}
    patient("refreshing the event log", lambda: client.indices.refresh(index=alias))
    answer = patient(
        "reading a user's acts",
        lambda: client.search(
            index=alias, query=query, size=min(n, _MOST), sort=[{"time": "desc"}, {"event_id": "asc"}], version=True,
            track_total_hits=False, allow_partial_search_results=False,
        ),
    )  # fmt: skip
    limit = timedelta(hours=future_limit_hours)
    latest = datetime.now(UTC) + limit
    read = [read_logged({**hit, "sort": [0]}, latest=latest, limit=limit) for hit in answer.body["hits"]["hits"]]
    return [logged.event for logged in read if logged.event is not None]
