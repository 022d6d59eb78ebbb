"""The record of `feedback apply`: what the boosts of spaces are multiplied by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from profilestore.elastic.model_store import ModelStore

__all__ = ["Factors"]

RECORD: Final = "feedback-weights"
_KIND: Final = "feedback"


class Factors:
    """Read with what is trained, and so by every process within a minute of a change."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store

    def read(self) -> dict[str, float]:
        """By space; {} where nothing was applied."""
        record = self._store.get(RECORD)
        factors: dict[str, float] = {} if record is None else record[0]["body"]["factors"]
        return factors

    def write(self, factors: Mapping[str, float], evidence: Mapping[str, tuple[float, float]]) -> None:
        """Put these in force, with what they were derived from."""
        body = {"factors": dict(factors), "evidence": {name: list(each) for name, each in evidence.items()}}
        self._store.put(RECORD, _KIND, body)

    def remove(self) -> None:
        """Back to the boosts of the model."""
        self._store.delete(RECORD)
