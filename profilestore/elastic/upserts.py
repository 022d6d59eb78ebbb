"""Documents that follow from files alone: written where they are missing or differ, and else left alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson
from elasticsearch import Elasticsearch

from profilestore.documents import Revision
from profilestore.elastic.bulk import Operation, raise_failed, write_through_switch
from profilestore.elastic.index_identity import check_docs, resolve_index
from profilestore.elastic.retry import patient, wait
from profilestore.errors import UpdateGaveUp

__all__ = ["Upserted", "upsert"]

_PAGE: Final = 2000
_ATTEMPTS: Final = 20
_PLAIN: Final = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC


@dataclass(frozen=True, slots=True)
class Upserted:
    """What became of one document."""

    id: str
    what: Literal["indexed", "updated", "unchanged"]


def upsert(
    client: Elasticsearch,
    documents: Iterable[tuple[str, Mapping[str, Any]]],
    *,
    alias: str,
    action: str,
    lasting: tuple[str, ...] = (),
    kept: tuple[str, ...] = (),
) -> Iterator[Upserted]:
    """Make each document be as it is given. Safe to kill at any moment, to run again and to run twice at once.

    Args:
        client: the connection.
        documents: id and source of each; an id comes once.
        alias: of the index.
        action: for messages.
        lasting: fields that a document never changes: where one is held otherwise, others took its id meanwhile.
        kept: fields that stay as they are held, such as when a document was first written.

    Raises:
        WriteFailed: the server did not take a document.
        UpdateGaveUp: others kept changing some of them, or took their ids.
    """
    for page in _pages(documents):
        yield from _Page(client, alias, action, dict(page), lasting, kept).run()


def _pages(documents: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[list[tuple[str, Mapping[str, Any]]]]:
    rows = iter(documents)
    while len(page := [row for _, row in zip(range(_PAGE), rows, strict=False)]) > 0:
        yield page


class _Page:
    """Some documents, written until each is as it should be."""

    def __init__(
        self,
        client: Elasticsearch,
        alias: str,
        action: str,
        wanted: dict[str, Mapping[str, Any]],
        lasting: tuple[str, ...],
        kept: tuple[str, ...],
    ) -> None:
        self._client = client
        self._alias = alias
        self._action = action
        self._wanted = wanted
        self._lasting = lasting
        self._kept = kept

    def run(self) -> Iterator[Upserted]:
        pending = list(self._wanted)
        for attempt in range(_ATTEMPTS):
            held = self._read(pending)
            self._check(held)
            operations: list[Operation] = []
            index = resolve_index(self._client, self._alias).index if len(held) > 0 else self._alias
            for id in pending:
                source = _plain(self._wanted[id])
                if id not in held:
                    operations.append(Operation("create", self._alias, id, source))
                    continue
                # By what is held at this revision: two imports at once do not undo each other.
                source |= {name: held[id][0].get(name) for name in self._kept}
                source = _plain(source)
                if held[id][0] == source:
                    yield Upserted(id, "unchanged")
                else:
                    operations.append(Operation("index", index, id, source, expected=held[id][1]))
            outcomes = write_through_switch(self._client, operations, action=self._action)
            raise_failed([outcome for outcome in outcomes if not outcome.index_moved], action=self._action)
            for operation, outcome in zip(operations, outcomes, strict=True):
                if outcome.ok:
                    yield Upserted(outcome.id, "indexed" if operation.op == "create" else "updated")
            pending = [outcome.id for outcome in outcomes if not outcome.ok]
            if len(pending) == 0:
                return
            wait(attempt)
        raise UpdateGaveUp(
            f"{self._action}: {len(pending)} documents kept being changed by others: try again.",
            ids=pending,
            attempts=_ATTEMPTS,
        )

    def _check(self, held: Mapping[str, tuple[dict[str, Any], Revision]]) -> None:
        taken = [
            id
            for id, (source, _) in held.items()
            if any(source.get(name) != _plain(self._wanted[id]).get(name) for name in self._lasting)
        ]
        if len(taken) > 0:
            raise UpdateGaveUp(
                f"{self._action}: others took {len(taken)} ids at the same time: try again.", ids=taken, attempts=1
            )

    def _read(self, ids: list[str]) -> dict[str, tuple[dict[str, Any], Revision]]:
        docs: list[dict[str, Any]] = [{"_id": id} for id in ids]
        answer = patient(
            self._action,
            lambda: check_docs(self._client.mget(index=self._alias, docs=docs), index=self._alias),
        )
        return {
            body["_id"]: (_plain(body["_source"]), Revision(body["_seq_no"], body["_primary_term"]))
            for body in answer.body["docs"]
            if body["found"]
        }


def _plain(source: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON holds it, without fields that say nothing."""
    held = {name: value for name, value in source.items() if value is not None}
    plain: dict[str, Any] = orjson.loads(orjson.dumps(held, option=_PLAIN))
    return plain
