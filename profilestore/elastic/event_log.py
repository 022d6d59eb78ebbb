"""The event log: append with `create`, read by `_seq_no`. Never updated, so it is a queue.

Elasticsearch numbers every write of a shard, and every write up to the shard's `global_checkpoint` is
in, with no hole. That is all the fold needs to know what it has not read yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from elasticsearch import Elasticsearch

from profilestore.documents import Event
from profilestore.elastic.bulk import Operation, raise_failed, write_bulk
from profilestore.elastic.index_identity import seq_nos
from profilestore.elastic.log_users import USER_FIGURES, user_buckets
from profilestore.elastic.logged import Logged, read_logged
from profilestore.elastic.retry import BlockWait, patient
from profilestore.errors import NotInitialised

__all__ = ["Appended", "EventLog", "LogIdentity"]

# index.max_result_window
PAGE: Final = 10_000


@dataclass(frozen=True, slots=True)
class LogIdentity:
    """The concrete index behind the log's alias. Another `uuid` is another log, with other numbers."""

    index: str
    uuid: str
    shards: int


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append did: the log written to, and per event its `_seq_no`, or None for a duplicate."""

    log: LogIdentity
    seq_nos: list[int | None]

    @property
    def created(self) -> int:
        """How many events were new."""
        return sum(seq_no is not None for seq_no in self.seq_nos)


class EventLog:
    """The log of one shop behind its alias `{prefix}-events`."""

    def __init__(
        self,
        client: Elasticsearch,
        *,
        alias: str,
        future_limit_hours: float = 24.0,
        ask: Callable[[], object] = lambda: None,
    ) -> None:
        """`ask` is called when writes are refused for long: it may find that the build that did it is dead."""
        self._client = client
        self.alias = alias
        self._ask = ask
        # One event of the year 2999 would decay all of a profile's real past to nothing.
        self._future_limit = timedelta(hours=future_limit_hours)

    def patience(self) -> BlockWait:
        """For a loop that meets a switch of generations."""
        return BlockWait(self._ask)

    def identity(self) -> LogIdentity:
        """Resolve the alias: one cheap request, made anew for each batch since a switch may have moved it.

        Raises:
            NotInitialised: there is no such alias.
        """
        answer = patient(
            "reading the event log's settings",
            lambda: self._client.indices.get_settings(
                index=self.alias, filter_path="*.settings.index.uuid,*.settings.index.number_of_shards"
            ),
        )
        if len(answer.body) != 1:
            raise NotInitialised(f"{self.alias} is not one index. Run `profilestore init`.")
        ((index, entry),) = answer.body.items()
        settings = entry["settings"]["index"]
        return LogIdentity(index, settings["uuid"], int(settings["number_of_shards"]))

    def latest_time(self) -> datetime:
        """The latest time that an event may have now; one dated further ahead is not taken."""
        return datetime.now(UTC) + self._future_limit

    def append(self, events: Sequence[Event]) -> Appended:
        """Create the events under their ids, routed by user. An id that is there already is a duplicate.

        Raises:
            WriteFailed: the server refused a document for another reason.
        """
        patience = self.patience()
        while True:
            log = self.identity()
            operations = [
                Operation("create", log.index, event.event_id, event.to_source(), routing=event.user_id)
                for event in events
            ]
            outcomes = write_bulk(self._client, operations, action="appending to the event log")
            if not any(outcome.index_moved for outcome in outcomes) or not patience.go_on():
                break
        raise_failed(outcomes, action="appending to the event log")
        return Appended(log, [None if o.revision is None else o.revision.seq_no for o in outcomes])

    def append_raw(self, documents: Sequence[tuple[str, str | None, dict[str, Any]]]) -> None:
        """Create documents (id, routing, source) as they are, valid or not: a log is copied, not judged."""
        log = self.identity()
        operations = [Operation("create", log.index, id, source, routing=routing) for id, routing, source in documents]
        raise_failed(
            write_bulk(self._client, operations, action="copying the event log"), action="copying the event log"
        )

    def refresh(self, log: LogIdentity) -> None:
        """Make every acknowledged event findable."""
        patient("refreshing the event log", lambda: self._client.indices.refresh(index=log.index))

    def checkpoints(self, log: LogIdentity) -> dict[int, int]:
        """The global checkpoint of each shard; -1 for an empty one."""
        numbers = seq_nos(self._client, log.index, shards=log.shards)
        return {shard: checkpoint for shard, (checkpoint, _) in numbers.items()}

    def by_shard(self, log: LogIdentity, user_ids: Iterable[str]) -> dict[int, list[str]]:
        """Users by the shard of their events, each once, in order."""
        found: dict[int, list[str]] = {}
        for user_id in sorted(set(user_ids)):
            found.setdefault(self.shard_of(log, user_id), []).append(user_id)
        return found

    def shard_of(self, log: LogIdentity, user_id: str) -> int:
        """The shard that a user's events are routed to."""
        if log.shards == 1:
            return 0
        if "," in user_id:  # which a URL parameter takes for two users
            return self._shard_with(log, user_id)
        answer = patient(
            "finding a user's shard",
            lambda: self._client.search_shards(index=log.index, routing=user_id, filter_path="shards.shard"),
        )
        return int(answer.body["shards"][0][0]["shard"])

    def _shard_with(self, log: LogIdentity, user_id: str) -> int:
        """The shard that has documents routed by this id; 0 where there are none yet."""
        self.refresh(log)
        for shard in range(log.shards):
            body = {"size": 1, "query": {"bool": {"filter": [{"term": {"_routing": user_id}}]}}, "sort": ["_doc"]}
            if len(self._search(log, body, shard=shard)) > 0:
                return shard
        return 0

    def read(self, log: LogIdentity, *, shard: int, after: int, upto: int) -> Iterator[list[Logged]]:
        """The shard's events with `after` < `_seq_no` <= `upto`, in pages, in order. Refresh first."""
        yield from self._pages(log, shard, after, upto, extra=[])

    def read_users(self, log: LogIdentity, users: Sequence[str], *, shard: int, upto: int) -> Iterator[list[Logged]]:
        """All events of these users up to and with `upto`, in pages, in order. Refresh first."""
        yield from self._pages(log, shard, -1, upto, extra=[{"terms": {"user_id": list(users)}}])

    def read_range(
        self, log: LogIdentity, first_user: str, last_user: str, *, shard: int, upto: int
    ) -> Iterator[list[Logged]]:
        """All events of the users from `first_user` to `last_user` in id order, as `read_users`."""
        between = {"range": {"user_id": {"gte": first_user, "lte": last_user}}}
        yield from self._pages(log, shard, -1, upto, extra=[between])

    def read_matching(
        self, log: LogIdentity, query: dict[str, Any], *, shard: int, upto: int
    ) -> Iterator[list[Logged]]:
        """The shard's events up to and with `upto` that match a query, in pages, in order. Refresh first."""
        yield from self._pages(log, shard, -1, upto, extra=[query])

    def read_raw(
        self, log: LogIdentity, *, shard: int, after: int, upto: int
    ) -> Iterator[list[tuple[str, str | None, dict[str, Any]]]]:
        """As `read`, but (id, routing, source) of every document, valid or not."""
        for hits in self._hits(log, shard, after, upto, extra=[]):
            yield [(hit["_id"], hit.get("_routing"), hit["_source"]) for hit in hits]

    def _pages(
        self, log: LogIdentity, shard: int, after: int, upto: int, *, extra: list[dict[str, Any]]
    ) -> Iterator[list[Logged]]:
        for hits in self._hits(log, shard, after, upto, extra=extra):
            latest = datetime.now(UTC) + self._future_limit
            yield [read_logged(hit, latest=latest, limit=self._future_limit) for hit in hits]

    def _hits(
        self, log: LogIdentity, shard: int, after: int, upto: int, *, extra: list[dict[str, Any]]
    ) -> Iterator[list[dict[str, Any]]]:
        while after < upto:
            within = {"range": {"_seq_no": {"gt": after, "lte": upto}}}
            body = {
                "size": PAGE,
                "query": {"bool": {"filter": [within, *extra]}},
                "sort": [{"_seq_no": "asc"}],
                "version": True,
                "track_total_hits": False,
            }
            hits = self._search(log, body, shard=shard)
            if len(hits) == 0:
                return
            yield hits
            after = hits[-1]["sort"][0]
            if len(hits) < PAGE:
                return

    def _search(self, log: LogIdentity, body: dict[str, Any], *, shard: int) -> list[dict[str, Any]]:
        answer = patient(
            "reading the event log",
            lambda: self._client.search(
                index=log.index,
                preference=f"_shards:{shard}",
                filter_path="hits.hits._id,hits.hits._routing,hits.hits._version,hits.hits._source,hits.hits.sort",
                allow_partial_search_results=False,
                **body,
            ),
        )
        hits: list[dict[str, Any]] = answer.body.get("hits", {}).get("hits", [])
        return hits

    def count(self, log: LogIdentity, query: dict[str, Any] | None = None) -> int:
        """How many events match, all for None. Sees what was refreshed."""
        answer = patient("counting events", lambda: self._client.count(index=log.index, query=query))
        return int(answer.body["count"])

    def users(
        self, log: LogIdentity, *, shard: int | None = None, query: dict[str, Any] | None = None, page: int = 1000
    ) -> Iterator[list[tuple[str, int]]]:
        """Users with matching events and how many, in order of their ids, a page at a time."""
        for buckets in user_buckets(self._client, log.index, shard=shard, query=query, page=page):
            yield [(bucket["key"]["user"], bucket["doc_count"]) for bucket in buckets]

    def user_figures(
        self, log: LogIdentity, first_user: str, last_user: str, *, shard: int
    ) -> Iterator[dict[str, tuple[int, int, int]]]:
        """Of the users between two ids: acts (all but `attributes` events), first and last `_seq_no`."""
        between = {"range": {"user_id": {"gte": first_user, "lte": last_user}}}
        for buckets in user_buckets(self._client, log.index, shard=shard, query=between, aggs=USER_FIGURES):
            yield {
                bucket["key"]["user"]: (
                    bucket["acts"]["doc_count"],
                    int(bucket["first"]["value"]),
                    int(bucket["last"]["value"]),
                )
                for bucket in buckets
            }
