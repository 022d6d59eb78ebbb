"""Profiles follow the products: who has events with a changed product is folded again.

What is to be done is written down before the products change and crossed out when it is done, so a
command that is killed between leaves no profile behind: the next one finds the note and does it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Final

from profilestore.elastic.event_log import EventLog
from profilestore.elastic.model_store import ModelStore
from profilestore.indexing.profile_writer import ProfileWriter

__all__ = ["Refold"]

_KIND: Final = "pending-refold"
_IDS_AT_ONCE: Final = 10_000


class Refold:
    """Rebuilds the profiles concerned by changed products."""

    def __init__(self, *, log: EventLog, writer: ProfileWriter, store: ModelStore) -> None:
        self._log = log
        self._writer = writer
        self._store = store

    def note(self, product_ids: Sequence[str]) -> list[str]:
        """Write down which products are about to change; returns the notes, for `done`."""
        notes: list[str] = []
        for start in range(0, len(product_ids), _IDS_AT_ONCE):
            note = f"{_KIND}-{uuid.uuid4().hex}"
            self._store.put(note, _KIND, {"product_ids": list(product_ids[start : start + _IDS_AT_ONCE])})
            notes.append(note)
        return notes

    def work_off(self) -> int:
        """Do what any note asks for, those of killed commands too. Returns the profiles rebuilt."""
        rebuilt = 0
        for note, record in self._store.list(_KIND):
            rebuilt += self.rebuild_users_of(record["body"]["product_ids"])
            self._store.delete(note)
        return rebuilt

    def pending(self) -> int:
        """How many notes are open."""
        return len(self._store.list(_KIND))

    def rebuild_users_of(self, product_ids: Sequence[str]) -> int:
        """Rebuild the profiles of all users who have events with these products. Returns how many."""
        log = self._log.identity()
        self._log.refresh(log)
        rebuilt = 0
        for shard in range(log.shards):
            users: set[str] = set()
            for start in range(0, len(product_ids), _IDS_AT_ONCE):
                query = {"terms": {"product_id": list(product_ids[start : start + _IDS_AT_ONCE])}}
                for page in self._log.users(log, shard=shard, query=query):
                    users.update(user_id for user_id, _ in page)
            if len(users) > 0:
                rebuilt += self._writer.rebuild(log, shard=shard, user_ids=sorted(users))
        return rebuilt
