"""How bodies are sent, and what is remembered of the shop between two answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from profilestore.elastic.search import Client, SearchFailure, multi_search, search
from profilestore.recommend.clauses import Body
from profilestore.settings import Settings

__all__ = ["Hits", "Shop", "SpacesInForce"]

Hits = list[dict[str, Any]]


class SpacesInForce:
    """The trained spaces, read from the index at most once a minute, and anew when a vector is missing.

    Safe to share between threads.
    """

    def __init__(self, read: Callable[[], frozenset[str]], *, max_age_s: float = 60.0) -> None:
        self._read = read
        self._max_age_s = max_age_s
        self._lock = threading.Lock()
        self._known: tuple[float, frozenset[str]] | None = None

    def current(self) -> frozenset[str]:
        """The spaces as last read."""
        known = self._known
        if known is not None and time.monotonic() - known[0] < self._max_age_s:
            return known[1]
        return self.read_anew()

    def read_anew(self) -> frozenset[str]:
        """The spaces as they are now."""
        with self._lock:
            spaces = self._read()
            self._known = (time.monotonic(), spaces)
            return spaces


@dataclass(frozen=True, slots=True)
class Shop:
    """Where answers come from: the connection, the settings, the trained spaces."""

    client: Client
    settings: Settings
    spaces: SpacesInForce

    @property
    def products(self) -> str:
        """The alias of the products."""
        return self.settings.index("products")

    @property
    def path(self) -> str:
        """Where every body of this package is sent."""
        return f"/{self.products}/_search"

    def ask(self, body: Body) -> Hits | None:
        """The hits of one search; None when the vector that it looks up is not there.

        An empty answer is sent once more: it may have been caught between two generations, and the
        second one resolves the aliases anew (promise P4).
        """
        for _ in range(2):
            answer = search(self.client, path=self.path, body=body)
            if isinstance(answer, SearchFailure):
                return None
            hits = _hits(answer)
            if len(hits) > 0:
                return hits
        return []

    def ask_many(self, bodies: Sequence[Body]) -> list[Hits | None]:
        """As `ask` for many bodies at once, in their order."""
        results = self._multi(bodies)
        empty = [position for position, hits in enumerate(results) if hits is not None and len(hits) == 0]
        if len(empty) > 0:
            again = self._multi([bodies[position] for position in empty])
            for position, hits in zip(empty, again, strict=True):
                results[position] = hits
        return results

    def _multi(self, bodies: Sequence[Body]) -> list[Hits | None]:
        answers = multi_search(self.client, index=self.products, bodies=bodies)
        return [None if isinstance(answer, SearchFailure) else _hits(answer) for answer in answers]


def _hits(answer: dict[str, Any]) -> Hits:
    hits: Hits = answer.get("hits", {}).get("hits", [])
    return hits
