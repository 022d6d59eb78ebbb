"""Generations of indices: made beside the ones in force, blocked, switched, dropped."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Final

from elasticsearch import Elasticsearch, NotFoundError

from profilestore.documents import IndexMeta
from profilestore.elastic.bulk import Operation, raise_failed, write_bulk
from profilestore.elastic.index_identity import resolve_index, scan_raw
from profilestore.elastic.indices import KINDS, create_index, delete_index, next_generation, switch_aliases
from profilestore.elastic.model_store import ModelStore
from profilestore.elastic.retry import patient
from profilestore.errors import ServerError, StoreError
from profilestore.settings import Settings

__all__ = ["Generations"]

_LOCK: Final = "build-lock"
_BEAT_S: Final = 10.0
# A build that has not been heard of for so long was killed.
_DEAD_AFTER_S: Final = 60.0
# Documents moved at a time; of models, whose chunks are large, few.
_MOVED_AT_ONCE: Final = {"activity": 5000, "figures": 5000, "campaigns": 5000, "coupons": 5000}
_VERSIONED: Final = re.compile(r"-[0-9]{6}")


class Generations:
    """Makes and switches the indices of one shop."""

    def __init__(self, client: Elasticsearch, settings: Settings, store: ModelStore) -> None:
        self._client = client
        self._settings = settings
        self._store = store
        self._owner: str | None = None

    @contextmanager
    def building(self) -> Iterator[None]:
        """Hold the shop's build lock, so that two builds do not switch over each other.

        The lock is taken over when its holder has not been heard of for a minute; what it left behind
        (half-built indices, a write block) is removed first.

        Raises:
            StoreError: another build is under way.
        """
        owner = uuid.uuid4().hex
        self._take_lock(owner)
        self._owner = owner
        stop = threading.Event()
        beat = threading.Thread(target=self._beat, args=(owner, stop), name="build-lock", daemon=True)
        beat.start()
        try:
            self.clear_leftovers()
            yield
        finally:
            stop.set()
            beat.join()
            self._owner = None
            self._give_back(owner)

    def _take_lock(self, owner: str) -> None:
        if not self._try_lock(owner):
            raise StoreError(
                f"another build of this shop is under way (lock `{_LOCK}` in {self._settings.index('models')}). "
                f"Wait for it; the lock of a killed one is taken over after {_DEAD_AFTER_S:.0f} s."
            )

    def _try_lock(self, owner: str) -> bool:
        record = self._store.get(_LOCK)
        if record is not None:
            seen = datetime.fromisoformat(record[0]["body"]["seen"])
            if (datetime.now(UTC) - seen).total_seconds() <= _DEAD_AFTER_S:
                return False
        # Nobody is at it: a block on the models themselves was left by who was killed moving them.
        models = resolve_index(self._client, self._settings.index("models")).index
        if self._blocked(models):
            self.block([models], blocked=False)
        body = {"owner": owner, "seen": datetime.now(UTC).isoformat()}
        if record is None:
            return self._store.put(_LOCK, "lock", body, new=True).ok
        return self._store.put(_LOCK, "lock", body, expected=record[1]).ok

    def _give_back(self, owner: str) -> None:
        record = self._store.get(_LOCK)
        if record is not None and record[0]["body"]["owner"] == owner:
            self._store.delete(_LOCK, expected=record[1])

    def holds_lock(self) -> bool:
        """Whether this build's lock was not taken over meanwhile, as from a process that was paused."""
        record = self._store.get(_LOCK)
        return record is not None and record[0]["body"]["owner"] == self._owner

    def _beat(self, owner: str, stop: threading.Event) -> None:
        while not stop.wait(_BEAT_S):
            # A beat that fails is made up for by the next one, or the lock is lost and the switch refused.
            with suppress(ServerError):
                record = self._store.get(_LOCK)
                if record is None or record[0]["body"]["owner"] != owner:
                    return
                body = {"owner": owner, "seen": datetime.now(UTC).isoformat()}
                self._store.put(_LOCK, "lock", body, expected=record[1])

    def clear_dead_build(self) -> None:
        """Undo what a killed build left, most of all its write block; a build that is alive is left alone."""
        owner = uuid.uuid4().hex
        if self._try_lock(owner):
            try:
                self.clear_leftovers()
            finally:
                self._give_back(owner)

    def clear_leftovers(self) -> list[str]:
        """Delete versioned indices behind no alias, and lift write blocks off those in force."""
        removed: list[str] = []
        for kind in KINDS:
            alias = self._settings.index(kind)
            answer = patient(
                "listing the indices",
                lambda alias=alias: self._client.indices.get_alias(index=f"{alias}-0*"),  # type: ignore[misc]  # lambda with defaults
            )
            for name, entry in answer.body.items():
                if _VERSIONED.fullmatch(name.removeprefix(alias)) is None:
                    continue  # another shop's, whose prefix begins like this index
                if alias not in entry["aliases"] and len(entry["aliases"]) == 0:
                    delete_index(self._client, name)
                    removed.append(name)
                elif self._blocked(name):
                    self.block([name], blocked=False)
        return removed

    def _blocked(self, index: str) -> bool:
        answer = patient(
            "reading an index's blocks",
            lambda: self._client.indices.get_settings(
                index=index, name="index.blocks.write", flat_settings=True, ignore_unavailable=True
            ),
        )
        return any(str(entry["settings"].get("index.blocks.write")) == "true" for entry in answer.body.values())

    def move(self, kind: str) -> None:
        """Move a small index (models, texts and the like) to one of the mapping of now: writes wait meanwhile.

        To be called within `building`.
        """
        alias = self._settings.index(kind)
        old = resolve_index(self._client, alias)
        new = self.create(kind, old.meta.model_copy(update={"generation": self.next()}))
        self.block([old.index])
        try:
            for page in scan_raw(self._client, old.index, page=_MOVED_AT_ONCE.get(kind, 100)):
                operations = [Operation("create", new, id, source) for id, source in page]
                raise_failed(write_bulk(self._client, operations, action=f"moving {alias}"), action=f"moving {alias}")
            self.switch({kind: (old.index, new)})
        except BaseException:
            self.abandon({kind: (old.index, new)})
            raise
        self.drop([old.index])

    def next(self) -> str:
        """The number of the next generation."""
        return next_generation(self._client, self._settings)

    def create(self, kind: str, meta: IndexMeta) -> str:
        """Create the index of a kind for the generation of `meta`, behind no alias yet. Returns its name."""
        name = f"{self._settings.index(kind)}-{meta.generation}"
        if not create_index(self._client, self._settings, kind, name=name, meta=meta):
            raise StoreError(f"{name} exists already: another build is under way, or its number was taken by hand.")
        return name

    def block(self, indices: Sequence[str], *, blocked: bool = True) -> None:
        """Refuse writes to these indices, or take them again; reads go on. Waits for writes under way."""
        for name in indices:

            def call(name: str = name) -> None:
                try:
                    if blocked:
                        self._client.indices.add_block(index=name, block="write")
                    else:
                        self._client.indices.put_settings(index=name, settings={"index.blocks.write": None})
                except NotFoundError:
                    return

            patient(f"{'blocking' if blocked else 'unblocking'} writes to {name}", call)

    def abandon(self, moves: Mapping[str, tuple[str, str]]) -> bool:
        """Undo a build that failed, kind -> (from index, to index): take writes again, drop what was made.

        Returns False, and leaves all alone, where the switch was made after all (its answer was lost, or the
        process interrupted at that moment), or where another build has taken over.
        """
        if not self.holds_lock():
            return False
        if any(
            resolve_index(self._client, self._settings.index(kind)).index == new for kind, (_, new) in moves.items()
        ):
            return False
        self.block([old for old, _ in moves.values()], blocked=False)
        self.drop([new for _, new in moves.values()])
        return True

    def switch(self, moves: Mapping[str, tuple[str, str]]) -> None:
        """Move the aliases of kinds in one atomic call: kind -> (from index, to index).

        Raises:
            StoreError: another build has taken over, or an alias is no longer where it was.
        """
        if not self.holds_lock():
            raise StoreError("this build was silent for too long and another one took over: run it again.")
        switch_aliases(self._client, {self._settings.index(kind): move for kind, move in moves.items()})

    def drop(self, indices: Sequence[str]) -> None:
        """Delete indices by name."""
        for name in indices:
            delete_index(self._client, name)
