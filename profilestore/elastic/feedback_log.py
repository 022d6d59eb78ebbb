"""What the log says of recommendations: impressions, clicks and purchases, one user after another.

Pages are sorted by user, time and id and taken up by `search_after`, so that one page is in memory at a
time and no search context has to stay alive for as long as a large log takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from elasticsearch import Elasticsearch

from profilestore.elastic.retry import patient

__all__ = ["FeedbackLog", "LoggedAct"]

_PAGE: Final = 10_000
_FIELDS: Final = ["user_id", "type", "product_id", "method", "position", "request_id", "experiment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedAct:
    """An impression, a click or a purchase. Times in epoch milliseconds."""

    user_id: str
    type: str
    time_ms: int
    product_id: str
    method: str | None = None
    position: int | None = None
    request_id: str | None = None
    experiment: str | None = None


class FeedbackLog:
    """Reads one shop's event log for the loop; never writes."""

    def __init__(self, client: Elasticsearch, *, alias: str) -> None:
        self._client = client
        self._alias = alias

    def acts(
        self,
        *,
        since: datetime | None,
        until: datetime | None,
        window: timedelta,
        experiment: str | None = None,
        purchases: bool = True,
    ) -> Iterator[LoggedAct]:
        """All acts that may matter to impressions of a time, by user and then by time.

        Args:
            since: of the impressions, inclusive; what was shown up to a window before is read too, since a
                click may belong to it.
            until: of the impressions, exclusive; what came of them within a window after is read too.
            window: how long after it was shown an act may belong to an impression.
            experiment: impressions and clicks of this experiment alone.
            purchases: whether these are read too.
        """
        patient("refreshing the event log", lambda: self._client.indices.refresh(index=self._alias))
        query = self._query(since, until, window, experiment, purchases)
        after: list[Any] | None = None
        while True:
            hits = self._page(query, after)
            for hit in hits:
                source = hit["_source"]
                if "product_id" in source:  # an app wrote it, and the fold skips it too
                    yield LoggedAct(time_ms=int(hit["sort"][1]), **source)
            if len(hits) < _PAGE:
                return
            after = hits[-1]["sort"]

    def _page(self, query: dict[str, Any], after: list[Any] | None) -> list[dict[str, Any]]:
        answer = patient(
            "reading impressions and clicks",
            lambda: self._client.search(
                index=self._alias,
                size=_PAGE,
                query=query,
                sort=[{"user_id": "asc"}, {"time": {"order": "asc", "format": "epoch_millis"}}, {"event_id": "asc"}],
                search_after=after,
                source_includes=_FIELDS,
                track_total_hits=False,
                allow_partial_search_results=False,
                filter_path="hits.hits._source,hits.hits.sort",
            ),
        )
        hits: list[dict[str, Any]] = answer.body.get("hits", {}).get("hits", [])
        return hits

    def _query(
        self,
        since: datetime | None,
        until: datetime | None,
        window: timedelta,
        experiment: str | None,
        purchases: bool,
    ) -> dict[str, Any]:
        of_it = [] if experiment is None else [{"term": {"experiment": experiment}}]
        earliest = None if since is None else since - window
        shown = [{"term": {"type": "impression"}}, *_between(earliest, until), *of_it]
        latest = None if until is None else until + window
        clicked = [{"term": {"type": "click"}}, *_between(earliest, latest), *of_it]
        kinds = [{"bool": {"filter": shown}}, {"bool": {"filter": clicked}}]
        times = self._times({"bool": {"filter": shown}}) if purchases else None
        if times is not None:  # a log has far more purchases than those after an impression
            bought = [{"term": {"type": "purchase"}}, *_between(times[0], times[1] + window + timedelta(seconds=1))]
            kinds.append({"bool": {"filter": bought}})
        return {"bool": {"should": kinds, "minimum_should_match": 1}}

    def _times(self, query: dict[str, Any]) -> tuple[datetime, datetime] | None:
        answer = patient(
            "reading impressions and clicks",
            lambda: self._client.search(
                index=self._alias,
                size=0,
                query=query,
                aggs={"first": {"min": {"field": "time"}}, "last": {"max": {"field": "time"}}},
                allow_partial_search_results=False,
            ),
        )
        first, last = (answer.body["aggregations"][name]["value"] for name in ("first", "last"))
        return None if first is None else (_time(first), _time(last))


def _between(since: datetime | None, until: datetime | None) -> list[dict[str, Any]]:
    bounds = {name: time.isoformat() for name, time in (("gte", since), ("lt", until)) if time is not None}
    return [{"range": {"time": bounds}}] if len(bounds) > 0 else []


def _time(epoch_ms: float) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000.0, UTC)
