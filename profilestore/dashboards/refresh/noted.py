"""What all was made from when it was right last: a hint that nothing needs to be looked at, and no more than that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from profilestore.dashboards.refresh.shelf import digest
from profilestore.dashboards.refresh.told import Told
from profilestore.elastic.index_identity import resolve_index, seq_nos
from profilestore.indexing.parts import Parts

__all__ = ["Noted"]

_RECORD: Final = "dashboards-refresh"
_DERIVED: Final = ("activity", "figures", "recommendations")


class Noted:
    """The note of one shop, in `{prefix}-models`."""

    def __init__(self, parts: Parts, told: Told) -> None:
        self._parts = parts
        self._told = told

    def basis(self) -> str:
        """Stands for all that is derived from: it changes when anything of it is written."""
        log = self._parts.in_force.log.identity()
        written = [log.uuid, sorted(seq_nos(self._parts.client, log.index, shards=log.shards).items())]
        settings = (self._parts.settings.time_zone, self._parts.settings.currency)
        return digest(
            written, self._state("profiles"), self._state("products"), self._told.scorer(), self._told.signs(), settings
        )

    def held(self) -> dict[str, tuple[str, int]]:
        """By kind of what is derived: the index, and the number of its last write."""
        return {kind: self._state(kind) for kind in _DERIVED}

    def stands(self, basis: str) -> bool:
        """Whether neither what is derived from nor what was derived was written since the note."""
        found = self._parts.store.get(_RECORD)
        return found is not None and found[0]["body"]["made"] == [basis, self._derived()]

    def note(self, basis: str, *, alone: Mapping[str, tuple[str, int]]) -> None:
        """Note that all is right, where nobody else wrote meanwhile: another refresh, begun before this one, may
        have written what was right then.

        Args:
            basis: from before this refresh.
            alone: what `held` says if all writes since then were this refresh's own.
        """
        if self.held() == alone:
            self._parts.store.put(_RECORD, _RECORD, {"made": [basis, self._derived()]})

    def _derived(self) -> str:
        return digest(sorted(self.held().items()))

    def _state(self, kind: str) -> tuple[str, int]:
        found = resolve_index(self._parts.client, self._parts.settings.index(kind))
        return found.uuid, seq_nos(self._parts.client, found.index)[0][1]
