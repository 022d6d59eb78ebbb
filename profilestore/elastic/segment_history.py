"""The history of segments, `{prefix}-segments`: members, entries and exits by time, in plain fields for Kibana."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from elasticsearch import Elasticsearch

from profilestore.elastic.bulk import Operation, raise_failed, write_through_switch
from profilestore.elastic.index_identity import resolve_index
from profilestore.elastic.retry import patient

__all__ = ["SegmentCount", "SegmentHistory"]

_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class SegmentCount:
    """A segment at one time. Members now are those of the count before, and entries, less exits.

    Attributes:
        segment: its name.
        kind: `rule` or `behaviour`.
        time: that the count speaks of.
        members: users in it, `share` of the `users` who could be: those with personalisation on.
        entries: who came in since the count before.
        exits: who left since then, users who switched personalisation off and deleted profiles included.
    """

    segment: str
    kind: Literal["rule", "behaviour"]
    time: datetime
    members: int
    entries: int
    exits: int
    users: int

    @property
    def share(self) -> float:
        """Of the users who could be in it."""
        return self.members / self.users if self.users > 0 else 0.0


class SegmentHistory:
    """The counts of one shop's segments, by time."""

    def __init__(self, client: Elasticsearch, *, alias: str) -> None:
        self._client = client
        self._alias = alias

    def check(self) -> None:
        """Raise NotInitialised where a shop of an earlier version lacks the index."""
        resolve_index(self._client, self._alias)

    def add(self, counts: Iterable[SegmentCount]) -> None:
        """Append counts; one of the same segment and time takes the place of the one there was."""
        operations = [
            Operation("index", self._alias, f"{count.kind}-{count.segment}-{_iso(count.time)}",
                      {**asdict(count), "time": _iso(count.time), "share": round(count.share, 6)})
            for count in counts
        ]  # fmt: skip
        action = "writing the history of segments"
        raise_failed(write_through_switch(self._client, operations, action=action), action=action)
        patient("refreshing the history of segments", lambda: self._client.indices.refresh(index=self._alias))

    def of(self, segment: str, *, kind: str) -> list[SegmentCount]:
        """The counts of a segment, the oldest first; the latest 10,000."""
        filters = [{"term": {"segment": segment}}, {"term": {"kind": kind}}]
        answer = patient(
            "reading the history of segments",
            lambda: self._client.search(
                index=self._alias,
                size=_MOST,
                query={"bool": {"filter": filters}},
                sort=[{"time": "desc"}],
                allow_partial_search_results=False,
            ),
        )
        return [_count(hit["_source"]) for hit in reversed(answer.body["hits"]["hits"])]

    def latest(self, *, kind: str, before: datetime | None = None) -> dict[str, SegmentCount]:
        """The last count (before a time) of every segment of a kind, by name."""
        filters: list[dict[str, Any]] = [{"term": {"kind": kind}}]
        if before is not None:
            filters.append({"range": {"time": {"lt": _iso(before)}}})
        last = {"top_hits": {"size": 1, "sort": [{"time": "desc"}]}}
        answer = patient(
            "reading the history of segments",
            lambda: self._client.search(
                index=self._alias,
                size=0,
                query={"bool": {"filter": filters}},
                aggs={"segments": {"terms": {"field": "segment", "size": _MOST}, "aggs": {"last": last}}},
                allow_partial_search_results=False,
            ),
        )
        hits = [bucket["last"]["hits"]["hits"][0] for bucket in answer.body["aggregations"]["segments"]["buckets"]]
        return {hit["_source"]["segment"]: _count(hit["_source"]) for hit in hits}


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _count(source: dict[str, Any]) -> SegmentCount:
    kept = {name: value for name, value in source.items() if name not in ("share", "time")}
    return SegmentCount(time=datetime.fromisoformat(source["time"]), **kept)
