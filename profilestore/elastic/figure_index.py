"""`{prefix}-figures`: figures that no aggregation can work out, brought to what they should be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from elasticsearch import Elasticsearch

from profilestore.elastic.bulk import Operation, raise_failed, write_through_switch
from profilestore.elastic.index_identity import resolve_index, scan_raw
from profilestore.elastic.retry import patient

__all__ = ["FigureIndex"]

_PAGE: Final = 10_000
_ACTION: Final = "writing figures"


class FigureIndex:
    """The figures of one shop."""

    def __init__(self, client: Elasticsearch, *, alias: str) -> None:
        self._client = client
        self._alias = alias

    def identity(self) -> str:
        """The id of the concrete index; raises NotInitialised where there is none."""
        return resolve_index(self._client, self._alias).uuid

    def bring_to(self, figures: Mapping[str, Mapping[str, Any]]) -> tuple[int, int]:
        """Write those that are new or others than they were, remove the rest. Returns how many of either."""
        operations: list[Operation] = []
        known: set[str] = set()
        gone = 0
        for id, source in self._held():
            known.add(id)
            if id not in figures:
                operations.append(Operation("delete", self._alias, id, {}))
                gone += 1
            elif source != figures[id]:
                operations.append(Operation("index", self._alias, id, figures[id]))
        operations += [Operation("index", self._alias, id, source) for id, source in figures.items() if id not in known]
        outcomes = write_through_switch(self._client, operations, action=_ACTION)
        raise_failed([outcome for outcome in outcomes if outcome.status != 404], action=_ACTION)
        patient("refreshing the figures", lambda: self._client.indices.refresh(index=self._alias))
        return len(operations) - gone, gone

    def _held(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for page in scan_raw(self._client, self._alias, page=_PAGE):
            yield from page
