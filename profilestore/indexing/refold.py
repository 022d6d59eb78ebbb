"""Profiles follow the products: who has events with a changed product is folded again.

What is to be done is noted before the products change, and the note is crossed out when it is done, so a
command that is killed between leaves no profile behind: the next one finds the note and does it. Any
process may do it early, but while the writer may still be at its products only the writer crosses it out.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from profilestore.elastic.event_log import EventLog
from profilestore.elastic.model_store import ModelStore
from profilestore.indexing.profile_writer import ProfileWriter

__all__ = ["Refold", "note_due"]

_KIND: Final = "pending-refold"
_IDS_AT_ONCE: Final = 10_000
# A writer that has not said so for this long will not write any more: each bulk gives up after two minutes.
_DEAD_AFTER_S: Final = 600.0


def note_due(store: ModelStore, *, log_uuid: str, event_id: str, user_id: str, at: datetime) -> None:
    """Note that a user is to be folded again at a time: then an event that was dated too far ahead will count."""
    digest = hashlib.sha256(f"{log_uuid} {event_id}".encode()).hexdigest()[:32]
    store.put(f"{_KIND}-{digest}", _KIND, {"user_ids": [user_id], "not_before": at.isoformat()})


class Refold:
    """Rebuilds the profiles concerned by changed products."""

    def __init__(self, *, log: EventLog, writer: ProfileWriter, store: ModelStore) -> None:
        self._log = log
        self._writer = writer
        self._store = store
        self._own: dict[str, dict[str, Any]] = {}
        self._tried: set[str] = set()

    def note(self, product_ids: Sequence[str], *, event_types: Sequence[str] = ()) -> list[str]:
        """Write down which products are about to change, or of which types the events are that will be read
        otherwise; returns the notes, for `written`."""
        notes: list[str] = []
        for start in range(0, max(len(product_ids), 1 if len(event_types) > 0 else 0), _IDS_AT_ONCE):
            note = f"{_KIND}-{uuid.uuid4().hex}"
            ids = list(product_ids[start : start + _IDS_AT_ONCE])
            self._put(note, {"product_ids": ids, "event_types": list(event_types), "written": False})
            notes.append(note)
        return notes

    def written(self, notes: Sequence[str]) -> None:
        """What these notes are about has been written: whoever comes next may do it and cross them out."""
        for note in notes:
            # Not read back: a process that took us for dead may have crossed it out.
            self._put(note, self._own.pop(note) | {"written": True})

    def _put(self, note: str, body: dict[str, Any]) -> None:
        self._own[note] = body
        self._store.put(note, _KIND, body)

    def work_off(self) -> int:
        """Do what any note asks for, those of killed commands too. Returns the profiles rebuilt."""
        rebuilt = 0
        for note, record in self._store.list(_KIND):
            body = record["body"]
            if "not_before" in body and datetime.fromisoformat(body["not_before"]) > datetime.now(UTC):
                continue
            age_s = (datetime.now(UTC) - datetime.fromisoformat(record["created"])).total_seconds()
            finished = body.get("written", True) or age_s > _DEAD_AFTER_S
            if not finished and note in self._tried:
                continue
            rebuilt += self.rebuild_users_of(body.get("product_ids", []), event_types=body.get("event_types", []))
            rebuilt += self._writer.rebuild_users(body.get("user_ids", []))
            if finished:
                self._store.delete(note)
            self._tried.add(note)
        return rebuilt

    def rebuild_users_of(self, product_ids: Sequence[str], *, event_types: Sequence[str] = ()) -> int:
        """Rebuild the profiles of all users who have events with these products or of these types.
        Returns how many."""
        log = self._log.identity()
        self._log.refresh(log)
        queries: list[dict[str, Any]] = [
            {"terms": {"product_id": list(product_ids[start : start + _IDS_AT_ONCE])}}
            for start in range(0, len(product_ids), _IDS_AT_ONCE)
        ]
        if len(event_types) > 0:
            queries.append({"terms": {"type": list(event_types)}})
        rebuilt = 0
        for shard in range(log.shards):
            users: set[str] = set()
            for query in queries:
                for page in self._log.users(log, shard=shard, query=query):
                    users.update(user_id for user_id, _ in page)
            if len(users) > 0:
                rebuilt += self._writer.rebuild(log, shard=shard, user_ids=sorted(users))
        return rebuilt
