"""`{prefix}-audits`: who did what with users' data. A line is there before anything leaves the shop."""

from __future__ import annotations

import getpass
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from elasticsearch import Elasticsearch

from profilestore.documents import AuditDocument
from profilestore.elastic.bulk import Operation, raise_failed, write_through_switch
from profilestore.elastic.index_identity import resolve_index
from profilestore.elastic.retry import patient

__all__ = ["AuditEntry", "AuditLog"]

_ACTION: Final = "writing the audit"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A line of the audit and its id."""

    id: str
    line: AuditDocument


class AuditLog:
    """The audit of one shop.

    Args:
        client: the connection.
        alias: of the audits.
        actor: who acts; the account of this process and its machine when None.
    """

    def __init__(self, client: Elasticsearch, *, alias: str, actor: str | None = None) -> None:
        self._client = client
        self._alias = alias
        self._actor = actor

    @property
    def actor(self) -> str:
        """Who acts."""
        if self._actor is not None:
            return self._actor
        try:
            return f"{getpass.getuser()}@{socket.gethostname()}"
        except (KeyError, OSError):  # a process whose account has no name
            return f"?@{socket.gethostname()}"

    def begin(self, action: str, *, subject: str, details: Mapping[str, Any]) -> AuditEntry:
        """Write that something is about to be done. `details` hold neither ids of users nor values of theirs."""
        line = AuditDocument(
            action=action, subject=subject, who=self.actor, when=datetime.now(UTC), state="started",
            details=dict(details),
        )  # fmt: skip
        entry = AuditEntry(uuid.uuid4().hex, line)
        resolve_index(self._client, self._alias)  # tells of a shop that has no audit yet
        self._write("create", entry)
        return entry

    def finish(self, entry: AuditEntry, *, count: int) -> AuditEntry:
        """Write that it was done, with how many users."""
        return self._end(entry, {"state": "done", "count": count})

    def fail(self, entry: AuditEntry, *, error: str) -> AuditEntry:
        """Write that it broke off. `error` is a type, not a message."""
        return self._end(entry, {"state": "failed", "error": error})

    def _end(self, entry: AuditEntry, fields: Mapping[str, Any]) -> AuditEntry:
        ended = AuditEntry(entry.id, entry.line.model_copy(update={"finished": datetime.now(UTC), **fields}))
        self._write("index", ended)
        return ended

    def _write(self, op: Any, entry: AuditEntry) -> None:
        operation = Operation(op, self._alias, entry.id, entry.line.to_source())
        raise_failed(write_through_switch(self._client, [operation], action=_ACTION), action=_ACTION)
        patient("refreshing the audits", lambda: self._client.indices.refresh(index=self._alias))

    def list(self, *, subject: str | None = None, n: int = 100) -> list[AuditEntry]:
        """The last lines, the latest first, of one subject or of all; 10,000 at most."""
        query = {"match_all": {}} if subject is None else {"term": {"subject": subject}}
        answer = patient(
            "reading the audits",
            lambda: self._client.search(
                index=self._alias, size=min(n, 10_000), query=query, sort=[{"when": "desc"}],
                allow_partial_search_results=False,
            ),
        )  # fmt: skip
        return [AuditEntry(hit["_id"], AuditDocument(**hit["_source"])) for hit in answer.body["hits"]["hits"]]
