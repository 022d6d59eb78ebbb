"""Documents read in real time with their revisions, and written whole under them: who loses a race reads again.

Each is written to the concrete index it was read from, since a revision does not outlive a switch of generations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from elasticsearch import Elasticsearch

from profilestore.documents import Revision
from profilestore.elastic.bulk import Operation, raise_failed, write_bulk
from profilestore.elastic.index_identity import check_docs, resolve_index
from profilestore.elastic.retry import BlockWait, patient, wait
from profilestore.errors import NotInitialised

__all__ = ["Held", "RevisedDocuments", "following"]

T = TypeVar("T")

_READ_AT_ONCE: Final = 2000
_FOLLOWED: Final = 10
_PATHS: Final = ",".join(
    f"docs.{name}" for name in ("_id", "_index", "found", "_seq_no", "_primary_term", "_source", "error.type")
)


@dataclass(frozen=True, slots=True)
class Held:
    """A document as it was read or written last: where, and at which revision."""

    id: str
    index: str
    revision: Revision
    source: dict[str, Any]


class RevisedDocuments:
    """The documents behind an alias.

    Args:
        client: the connection.
        alias: of the index.
        what: they are, for messages.
        ask: is called when writes are refused for long: it may find that the build that did it is dead.
    """

    def __init__(
        self, client: Elasticsearch, *, alias: str, what: str, ask: Callable[[], object] = lambda: None
    ) -> None:
        self._client = client
        self._alias = alias
        self._what = what
        self._ask = ask
        self._patience: BlockWait | None = None

    def read(self, ids: Sequence[str]) -> dict[str, Held]:
        """Those of these documents that are there, by id. Real time, no refresh needed."""
        found: dict[str, Held] = {}
        asked = [id for id in ids if _is_text(id)]
        for start in range(0, len(asked), _READ_AT_ONCE):
            body = {"ids": asked[start : start + _READ_AT_ONCE]}
            answer = following(self._client, self._alias, lambda body=body: self._mget(body))  # type: ignore[misc]  # lambda with defaults
            for doc in answer["docs"]:
                if doc["found"]:
                    revision = Revision(doc["_seq_no"], doc["_primary_term"])
                    found[doc["_id"]] = Held(doc["_id"], doc["_index"], revision, doc["_source"])
        return found

    def _mget(self, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = patient(
            f"reading {self._what}",
            lambda: check_docs(
                self._client.perform_request(
                    "POST",
                    f"/{self._alias}/_mget?filter_path={_PATHS}",
                    headers={"content-type": "application/json", "accept": "application/json"},
                    body=body,
                ),
                index=self._alias,
            ),
        )
        found: dict[str, Any] = answer.body
        return found

    def write(self, changes: Sequence[tuple[Held, dict[str, Any]]]) -> list[Held | None]:
        """Write documents anew under the revisions they were read at; None for each that was changed since, or that a
        switch of generations refused: read it again.

        Raises:
            WriteFailed: the server refused one for another reason, or a switch goes on for too long.
        """
        action = f"writing {self._what}"
        operations = [
            Operation("index", held.index, held.id, source, expected=held.revision) for held, source in changes
        ]
        outcomes = write_bulk(self._client, operations, action=action)
        if any(outcome.index_moved for outcome in outcomes):
            self._patience = self._patience or BlockWait(self._ask)
            if not self._patience.go_on():
                raise_failed(outcomes, action=action)
        else:
            self._patience = None
        raise_failed([outcome for outcome in outcomes if not outcome.index_moved], action=action)
        return [
            None if outcome.revision is None else Held(held.id, held.index, outcome.revision, source)
            for outcome, (held, source) in zip(outcomes, changes, strict=True)
        ]


def _is_text(id: str) -> bool:
    """Whether an id can be there: half a character, as of a command line that is no UTF-8, cannot be sent."""
    return id.isascii() or not any("\ud800" <= each <= "\udfff" for each in id)


def following(client: Elasticsearch, alias: str, call: Callable[[], T]) -> T:
    """Make a call by an alias again where the index behind it was dropped by a switch just then.

    Raises:
        NotInitialised: there is no such alias.
    """
    for attempt in range(_FOLLOWED):
        try:
            return call()
        except NotInitialised:
            resolve_index(client, alias)
            wait(attempt)
    return call()
