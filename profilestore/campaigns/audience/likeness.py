"""Legs by vector: who is like some users, who would like a product; scored by the server, in batches without end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from profilestore.campaigns.audience.best import Best
from profilestore.campaigns.audience.tree import Buyers, Lookalike, VectorLeg
from profilestore.campaigns.consent import has_consent, is_personalised
from profilestore.elastic.scored_batches import BATCH, Nearness, nearest, scored_batches
from profilestore.elastic.search import get_sources
from profilestore.errors import ModelError, NotFound
from profilestore.features.served import decode_vector, encode_vector
from profilestore.indexing.parts import Parts
from profilestore.recommend.answering import read_trained
from profilestore.recommend.bodies import SPACE_FIELDS
from profilestore.recommend.mean_profile import read_mean
from profilestore.recommend.neighbours import PEOPLE_SPACES

__all__ = ["Compared", "Likeness"]

Query = dict[str, Any]
_NOBODY: Final = "nothing is known of these users, or personalisation is off: there is nobody to be compared with."


@dataclass(frozen=True, slots=True)
class Compared:
    """What profiles are compared with: a vector of a field, of one generation; `left_out` are never found."""

    field: str
    vector: str
    generation: str
    left_out: Query | None

    def everybody(self) -> Query:
        """Who can be compared at all."""
        filters = [{"exists": {"field": self.field}}, {"term": {"generation": self.generation}}, is_personalised()]
        return {"bool": {"filter": filters, "must_not": [] if self.left_out is None else [self.left_out]}}

    def among(self, query: Query, *, min_score: float | None = None) -> Nearness:
        """How near those are whom a query finds."""
        chosen = {"bool": {"filter": [self.everybody(), query]}}
        return Nearness(self.field, self.vector, chosen, min_score)


class Likeness:
    """Compares the profiles of one shop."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._client = parts.client
        self._profiles = parts.settings.index("profiles")
        self._products = parts.settings.index("products")

    def compared(self, leg: VectorLeg) -> Compared:
        """The vector of a leg, in the best space that has one.

        Raises:
            NotFound: nothing is known of the users, or there is no such product.
            ModelError: no space is trained, or the product has no vector.
        """
        spaces = self._spaces(leg.method)
        return self._users(leg, spaces) if isinstance(leg, Lookalike) else self._product(leg, spaces)

    def _users(self, leg: Lookalike, spaces: list[str]) -> Compared:
        seeds = {"terms": {"user_id": list(leg.users)}}
        for space in spaces:
            mean = read_mean(self._client, self._profiles, space=space, query=seeds)
            if mean is not None:
                return Compared(SPACE_FIELDS[space], encode_vector(mean.vector), mean.generation, seeds)
        raise NotFound(_NOBODY, kind="user", id="")

    def _product(self, leg: Buyers, spaces: list[str]) -> Compared:
        fields = ["generation", *(SPACE_FIELDS[space] for space in spaces)]
        (source,) = get_sources(self._client, index=self._products, ids=[leg.product], fields=fields, vectors=True)
        if source is None:
            raise NotFound(f"there is no product {leg.product}.", kind="product", id=leg.product)
        field = next((name for name in fields[1:] if source.get(name) is not None), None)
        if field is None:
            raise ModelError(
                f"product {leg.product} has no vector, such as one without a text: nobody can be compared."
            )
        bought = None if leg.include_buyers else {"term": {"purchased_products": leg.product}}
        return Compared(field, encode_vector(decode_vector(source[field])), source["generation"], bought)

    def _spaces(self, method: str) -> list[str]:
        trained = read_trained(self._parts).spaces
        spaces: list[str] = [space for space in PEOPLE_SPACES if space in trained and method in ("auto", space)]
        if len(spaces) == 0:
            raise ModelError(
                "users are compared by taste or by text, and this shop has not trained that: run `profilestore train`, "
                "or `profilestore index products FILE` with a text model."
            )
        return spaces

    def ids(self, leg: VectorLeg, *, channel: str) -> list[str]:
        """The users of a leg with `top` or `min_score`, of those who gave consent to a channel; the best first."""
        nearness = self.compared(leg).among(has_consent(channel), min_score=leg.min_score)
        if leg.top is None or leg.top <= BATCH:
            found = nearest(self._client, self._profiles, nearness, n=leg.top or BATCH)
            if leg.top is not None or len(found) < BATCH:
                return [user_id for user_id, _ in found]
        return self._best([nearness], n=leg.top)

    def best(self, legs: Mapping[int, VectorLeg], *, among: Query, n: int) -> list[str]:
        """The n best-scored of those whom a query finds, each by the best of its scores over the legs."""
        return self._best((self.compared(leg).among(among, min_score=leg.min_score) for leg in legs.values()), n=n)

    def _best(self, legs: Iterable[Nearness], *, n: int | None) -> list[str]:
        best = Best(n)
        for batch in scored_batches(self._client, self._profiles, list(legs)):
            best.add(batch)
        return best.ids()
