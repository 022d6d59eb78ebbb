"""The best of a stream of scores, in memory that the limit bounds and not the stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["Best"]

_SPARE: Final = 20_000


class Best:
    """Keeps the n highest scores, equal ones by id; all where n is None."""

    def __init__(self, n: int | None) -> None:
        self._n = n
        self._held: list[tuple[float, str]] = []

    def add(self, scores: Mapping[str, float]) -> None:
        """Take scores by user in; each user once over all calls."""
        self._held += [(-score, user_id) for user_id, score in scores.items()]
        if self._n is not None and len(self._held) > self._n + _SPARE:
            self._cut()

    def ids(self) -> list[str]:
        """The users kept, the best first."""
        self._cut()
        return [user_id for _, user_id in self._held]

    def _cut(self) -> None:
        self._held.sort()
        if self._n is not None:
            del self._held[self._n :]
