"""`{prefix}-demand`: one document a product or category and week, what was sold and what is expected."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Final, Literal

from elasticsearch import Elasticsearch

from profilestore.documents import DemandWeek
from profilestore.elastic.bulk import Operation, raise_failed, write_through_switch
from profilestore.elastic.index_identity import resolve_index, seq_nos
from profilestore.elastic.retry import patient

__all__ = ["DemandIndex"]

_AT_ONCE: Final = 10_000


class DemandIndex:
    """The weeks of one shop's products and categories."""

    def __init__(self, client: Elasticsearch, *, alias: str) -> None:
        self._client = client
        self._alias = alias

    def check(self) -> None:
        """Raise NotInitialised where a shop of an earlier version lacks the index."""
        resolve_index(self._client, self._alias)

    def replace(self, weeks: Iterable[DemandWeek]) -> int:
        """Write these weeks in place of all there were; returns how many.

        The new ones are written first, so that a reader finds at no time less than one outlook.
        """
        action, written = "writing demand", 0
        _, last = seq_nos(self._client, self._alias)[0]
        rest = iter(weeks)
        while len(part := list(islice(rest, _AT_ONCE))) > 0:
            operations = [Operation("index", self._alias, _id(week), week.to_source()) for week in part]
            outcomes = write_through_switch(self._client, operations, action=action)
            raise_failed(outcomes, action=action)
            written += len(part)
        self.refresh()
        self._delete_upto(last)
        return written

    def _delete_upto(self, last: int) -> None:
        """Delete what was not written since; the embedded server knows no deletion by query."""
        action, after = "deleting former demand", -1
        while after < last:
            answer = patient(
                action,
                lambda after=after: self._client.search(  # type: ignore[misc]  # mypy cannot infer the lambda
                    index=self._alias,
                    size=_AT_ONCE,
                    query={"range": {"_seq_no": {"gt": after, "lte": last}}},
                    sort=[{"_seq_no": "asc"}],
                    source=False,
                    track_total_hits=False,
                    allow_partial_search_results=False,
                ),
            )
            hits = answer.body["hits"]["hits"]
            if len(hits) == 0:
                break
            operations = [Operation("delete", self._alias, hit["_id"], {}) for hit in hits]
            outcomes = write_through_switch(self._client, operations, action=action)
            raise_failed([outcome for outcome in outcomes if outcome.status != 404], action=action)
            after = hits[-1]["sort"][0]
        self.refresh()

    def read(self, *, kind: Literal["product", "category"] | None = None, keys: Sequence[str] = ()) -> list[DemandWeek]:
        """Weeks in order of kind, key and week; of all keys where none is named."""
        filters: list[dict[str, Any]] = [] if kind is None else [{"term": {"kind": kind}}]
        if len(keys) > 0:
            filters.append({"terms": {"key": list(keys)}})
        found: list[DemandWeek] = []
        after: list[Any] | None = None
        while True:
            answer = patient(
                "reading demand",
                lambda after=after: self._client.search(  # type: ignore[misc]  # mypy cannot infer the lambda
                    index=self._alias,
                    size=_AT_ONCE,
                    query={"bool": {"filter": filters}},
                    sort=[{"kind": "asc"}, {"key": "asc"}, {"week": "asc"}],
                    search_after=after,
                    track_total_hits=False,
                    allow_partial_search_results=False,
                ),
            )
            hits = answer.body["hits"]["hits"]
            found += [DemandWeek.model_validate(hit["_source"]) for hit in hits]
            if len(hits) < _AT_ONCE:
                return found
            after = hits[-1]["sort"]

    def refresh(self) -> None:
        """Make what was written findable."""
        patient("refreshing the demand", lambda: self._client.indices.refresh(index=self._alias))


def _id(week: DemandWeek) -> str:
    """Of bounded length, however long the product's id or the category's name is."""
    return hashlib.blake2b(f"{week.kind}\0{week.key}\0{week.week}".encode(), digest_size=16).hexdigest()
