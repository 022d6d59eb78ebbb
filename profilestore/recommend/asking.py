"""How bodies are sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from profilestore.elastic.search import Client, SearchFailure, get_sources, multi_search, search
from profilestore.recommend.bodies import SPACE_FIELDS
from profilestore.recommend.clauses import Body
from profilestore.recommend.trained import TrainedNow
from profilestore.settings import Settings

__all__ = ["Hits", "Shop"]

Hits = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Shop:
    """Where answers come from: the connection, the settings, and what is trained."""

    client: Client
    settings: Settings
    trained: TrainedNow

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
        if len(bodies) <= 1:
            return [self.ask(body) for body in bodies]
        results = self._multi(bodies)
        empty = [position for position, hits in enumerate(results) if hits is not None and len(hits) == 0]
        if len(empty) > 0:
            again = self._multi([bodies[position] for position in empty])
            for position, hits in zip(empty, again, strict=True):
                results[position] = hits
        return results

    def read_profiles(self, user_ids: Sequence[str], fields: Sequence[str]) -> list[dict[str, Any] | None]:
        """These fields of profiles, vectors too, in the order of the ids; None where there is no profile."""
        index, vectors = self.settings.index("profiles"), any(field in SPACE_FIELDS.values() for field in fields)
        return get_sources(self.client, index=index, ids=user_ids, fields=fields, vectors=vectors)

    def read_products(self, product_ids: Sequence[str], fields: Sequence[str]) -> dict[str, dict[str, Any]]:
        """These fields, vectors too, of those products that there are."""
        sources = get_sources(self.client, index=self.products, ids=product_ids, fields=fields, vectors=True)
        return {id: source for id, source in zip(product_ids, sources, strict=True) if source is not None}

    def ask_profiles(self, bodies: Sequence[Body]) -> list[dict[str, Any] | None]:
        """The whole answers, aggregations included, of searches of the profiles; None where a vector is missing.

        As in `ask`, one without hits is sent once more.
        """
        found = self._answers(bodies)
        empty = [place for place, answer in enumerate(found) if answer is not None and len(_hits(answer)) == 0]
        if len(empty) > 0:
            for place, answer in zip(empty, self._answers([bodies[place] for place in empty]), strict=True):
                found[place] = answer
        return found

    def _answers(self, bodies: Sequence[Body]) -> list[dict[str, Any] | None]:
        answers = multi_search(self.client, index=self.settings.index("profiles"), bodies=bodies)
        return [None if isinstance(answer, SearchFailure) else answer for answer in answers]

    def _multi(self, bodies: Sequence[Body]) -> list[Hits | None]:
        answers = multi_search(self.client, index=self.products, bodies=bodies)
        return [None if isinstance(answer, SearchFailure) else _hits(answer) for answer in answers]


def _hits(answer: dict[str, Any]) -> Hits:
    hits: Hits = answer.get("hits", {}).get("hits", [])
    return hits
