"""The event log copied into a new index, for a mapping that cannot be changed in place."""

from __future__ import annotations

from profilestore.elastic.event_log import EventLog

__all__ = ["LogCopy"]


class LogCopy:
    """Copies a log shard by shard, in the order of its numbers, and remembers how far it came."""

    def __init__(self, old: EventLog, new: EventLog) -> None:
        self._old = old
        self._new = new
        self._upto: dict[int, int] = {}

    def catch_up(self) -> int:
        """Copy what is not copied yet. Returns how many documents.

        Documents that are no valid events are copied as they are: the log is never rewritten.
        """
        log = self._old.identity()
        copied = 0
        for shard, checkpoint in self._old.checkpoints(log).items():
            after = self._upto.get(shard, -1)
            if checkpoint <= after:
                continue
            self._old.refresh(log)
            for page in self._old.read_raw(log, shard=shard, after=after, upto=checkpoint):
                self._new.append_raw(page)
                copied += len(page)
            self._upto[shard] = checkpoint
        return copied
