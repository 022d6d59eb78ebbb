"""`{prefix}-activity`: acts as dashboards look at them, derived from the log. What is held is told by aggregations,
so that whoever mends it need not remember how far it came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from elasticsearch import Elasticsearch

from profilestore.documents import Revision
from profilestore.elastic.bulk import Operation, Outcome, raise_failed, write_bulk
from profilestore.elastic.index_identity import IndexIdentity, resolve_index
from profilestore.elastic.retry import patient

__all__ = ["ActivityIndex", "Held", "HeldQuery"]

_PAGE: Final = 10_000
# The most that a `terms` query takes is 65,536.
_ASKED_AT_ONCE: Final = 10_000
_NONE: Final = "none"


@dataclass(frozen=True, slots=True)
class Held:
    """What is held of a user: how many acts, what they were made from, and the log's highest `_seq_no` among them."""

    acts: int
    states: frozenset[str]
    last: int


@dataclass(frozen=True, slots=True)
class HeldQuery:
    """Searches for the same words: by how many users, and how many of the acts show the words and how many do not."""

    key: str
    users: int
    shown: int
    hidden: int


class ActivityIndex:
    """The acts of one shop, behind their alias or in one concrete index of a build."""

    def __init__(self, client: Elasticsearch, *, name: str) -> None:
        self._client = client
        self._name = name

    def identity(self) -> IndexIdentity:
        """Resolve the alias to the concrete index that a pass reads and writes."""
        return resolve_index(self._client, self._name)

    def refresh(self, index: str) -> None:
        """Make what was written findable."""
        patient("refreshing the activity", lambda: self._client.indices.refresh(index=index))

    def count(self, index: str) -> int:
        """How many acts there are. Sees what was refreshed."""
        answer = patient("counting the activity", lambda: self._client.count(index=index))
        return int(answer.body["count"])

    def held(self, index: str) -> Iterator[tuple[str, Held]]:
        """What is held of each user, in order of their ids."""
        aggs = {"states": {"terms": {"field": "state", "size": 2}}, "last": {"max": {"field": "seq_no"}}}
        for bucket in self._buckets(index, "user_id", aggs):
            states = frozenset(state["key"] for state in bucket["states"]["buckets"])
            yield bucket["key"]["of"], Held(bucket["doc_count"], states, int(bucket["last"]["value"] or 0))

    def product_states(self, index: str) -> Iterator[tuple[str, frozenset[str]]]:
        """What the acts on each product were made from."""
        aggs = {"states": {"terms": {"field": "product_state", "size": 2, "missing": _NONE}}}
        for bucket in self._buckets(index, "product_id", aggs):
            yield bucket["key"]["of"], frozenset(state["key"] for state in bucket["states"]["buckets"])

    def queries(self, index: str) -> Iterator[HeldQuery]:
        """All searches by their words."""
        aggs = {
            "users": {"cardinality": {"field": "user_id"}},
            "shown": {"filter": {"exists": {"field": "query"}}},
        }
        for bucket in self._buckets(index, "query_key", aggs):
            shown = bucket["shown"]["doc_count"]
            yield HeldQuery(bucket["key"]["of"], int(bucket["users"]["value"]), shown, bucket["doc_count"] - shown)

    def users_of(self, index: str, product_ids: Sequence[str]) -> Iterator[str]:
        """Users with acts on any of these products, some more than once."""
        for start in range(0, len(product_ids), _ASKED_AT_ONCE):
            query = {"terms": {"product_id": list(product_ids[start : start + _ASKED_AT_ONCE])}}
            for bucket in self._buckets(index, "user_id", {}, query=query):
                yield bucket["key"]["of"]

    def purchase_months(self, index: str) -> Iterator[tuple[str, str, int]]:
        """User, month of their first purchase, and how many months later they bought, in order of the ids."""
        sources = [{name: {"terms": {"field": name}}} for name in ("user_id", "cohort_month", "cohort_age")]
        for bucket in self._composite(index, sources, {}, query={"term": {"type": "purchase"}}):
            key = bucket["key"]
            yield key["user_id"], key["cohort_month"], int(key["cohort_age"])

    def last_time(self, index: str) -> datetime | None:
        """When the last act was; None without any."""
        answer = patient(
            "reading the activity",
            lambda: self._client.search(index=index, size=0, aggs={"last": {"max": {"field": "time"}}}),
        )
        value = answer.body["aggregations"]["last"]["value"]
        return None if value is None else datetime.fromtimestamp(value / 1000.0, UTC)

    def read(
        self, index: str, query: dict[str, Any], *, fields: Sequence[str] | None = None, page: int = _PAGE
    ) -> Iterator[list[tuple[str, dict[str, Any], Revision]]]:
        """The acts that match, in order of their last write; refresh first."""
        after = -1
        while True:
            within = {"bool": {"filter": [query, {"range": {"_seq_no": {"gt": after}}}]}}
            answer = patient(
                "reading the activity",
                lambda within=within: self._client.search(  # type: ignore[misc]  # mypy cannot infer the lambda
                    index=index,
                    size=page,
                    query=within,
                    sort=[{"_seq_no": "asc"}],
                    seq_no_primary_term=True,
                    source_includes=None if fields is None else list(fields),
                    track_total_hits=False,
                    allow_partial_search_results=False,
                ),
            )
            hits = answer.body["hits"]["hits"]
            if len(hits) > 0:
                yield [(hit["_id"], hit["_source"], Revision(hit["_seq_no"], hit["_primary_term"])) for hit in hits]
                after = hits[-1]["sort"][0]
            if len(hits) < page:
                return

    def write(self, operations: Sequence[Operation]) -> list[Outcome]:
        """Write; conflicts, and refusals of an index that a switch has taken away, are in the outcomes.

        Raises:
            WriteFailed: the server did not take a document for another reason.
        """
        outcomes = write_bulk(self._client, operations, action="writing the activity")
        raise_failed([o for o in outcomes if not (o.index_moved or o.status == 404)], action="writing the activity")
        return outcomes

    def _buckets(
        self, index: str, field: str, aggs: dict[str, Any], *, query: dict[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        return self._composite(index, [{"of": {"terms": {"field": field}}}], aggs, query=query)

    def _composite(
        self, index: str, sources: list[dict[str, Any]], aggs: dict[str, Any], *, query: dict[str, Any] | None
    ) -> Iterator[dict[str, Any]]:
        after: dict[str, Any] | None = None
        while True:
            composite: dict[str, Any] = {"size": _PAGE, "sources": sources}
            if after is not None:
                composite["after"] = after
            by: dict[str, Any] = {"composite": composite} | ({"aggs": aggs} if len(aggs) > 0 else {})
            answer = patient(
                "reading the activity",
                lambda by=by: self._client.search(  # type: ignore[misc]  # mypy cannot infer the lambda
                    index=index, size=0, query=query, aggs={"by": by}, allow_partial_search_results=False
                ),
            )
            found = answer.body["aggregations"]["by"]
            yield from found["buckets"]
            if "after_key" not in found:
                return
            after = found["after_key"]
