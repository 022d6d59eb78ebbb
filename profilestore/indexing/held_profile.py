"""A profile in the hands of the fold: its state, how far it was folded, and what others own of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from profilestore.documents import FoldPosition, Revision
from profilestore.elastic.event_log import LogIdentity
from profilestore.elastic.profile_index import StoredProfile
from profilestore.errors import ModelError
from profilestore.features.catalogue import Catalogue
from profilestore.features.fold import WordVectors
from profilestore.features.packing import unpack
from profilestore.features.served import FOLD_FIELDS, carried_fields
from profilestore.features.state import EMPTY, State
from profilestore.features.weights import FoldRules

__all__ = ["FoldInputs", "HeldProfile", "IndexMoved"]


class IndexMoved(Exception):
    """A switch of generations moved the profiles while they were written; begin again behind the alias."""


@dataclass(frozen=True, slots=True)
class FoldInputs:
    """All that the pure fold needs for some events, and what serving needs besides."""

    catalogue: Catalogue
    words: WordVectors
    rules: FoldRules
    trained: tuple[str, ...]
    topic_labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HeldProfile:
    """A profile as read, or as about to be written: state, position, revision, and others' fields."""

    state: State = EMPTY
    position: FoldPosition | None = None
    revision: Revision | None = None
    carried: Mapping[str, Any] = field(default_factory=dict)

    @property
    def upto(self) -> int:
        """W: every event up to it is in the state; -1 for a profile that does not exist yet."""
        return -1 if self.position is None else self.position.upto

    def foreign(self, log: LogIdentity, shard: int) -> bool:
        """Whether the position speaks of another log: a new or restored one."""
        if self.position is None:
            return False
        return self.position.log_uuid != log.uuid or self.position.shard != shard

    def beyond(self, log: LogIdentity, shard: int, upto: int) -> bool:
        """Whether the profile says it was folded further than `upto` in this log."""
        return self.position is not None and not self.foreign(log, shard) and self.position.upto > upto

    def moved(self, state: State, log: LogIdentity, shard: int, upto: int) -> HeldProfile:
        """The same profile with a new state, folded up to `upto`."""
        return HeldProfile(
            state, FoldPosition(log.uuid, shard, upto), self.revision, carried_fields(state, self.carried)
        )

    @classmethod
    def of(cls, stored: StoredProfile) -> HeldProfile:
        """Unpack a stored profile; what the fold does not own is carried over as it is."""
        carried = {name: value for name, value in stored.source.items() if name not in FOLD_FIELDS}
        try:
            return cls(unpack(stored.source.get("state", "")), stored.position, stored.revision, carried)
        except ModelError:
            # Changed by hand, or of another version: like the profile of another log, it is folded from nothing.
            return cls(EMPTY, FoldPosition("", stored.position.shard, -1), stored.revision, carried)
