"""Which product to whom: one product for all, or the user's own best within a category or other filters.

A campaign's users are filled in a page at a time, in one pass: `recommend` answers a hundred of them a request. What a
user has seen or bought is left out as `recommend` leaves it out. Who switched personalisation off gets a popular
product of the same filters, never one that vectors chose.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, cast

from profilestore.campaigns.offers import POPULAR, ask_offers
from profilestore.elastic.member_pages import Member
from profilestore.elastic.search import SearchFailure, get_source, multi_search
from profilestore.errors import ServerError, UsageError
from profilestore.indexing.parts import Parts
from profilestore.recommend.answers import Answer
from profilestore.recommend.clauses import Body, all_of
from profilestore.recommend.wish import Options, check_id, make_wish

__all__ = ["NO_PRODUCT", "PRODUCT_KEYS", "Filled", "OfferFilling", "ProductOffer"]

# Why nothing is sent to a user for whom the filters leave no product.
NO_PRODUCT: Final = "no product"
_NAMES_LOOKED_AT: Final = 10_000
_OFF_SALE: Final = [{"term": {"deleted": True}}]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductOffer:
    """The product of an offer: `product` is the same for all; otherwise the user's own best in what the filters leave.

    The filters are those of `recommend`, see `wish.Options`; without any, it is the user's own best of all products.
    `explain`: with reasons, for which the acts of all these users are read: three times as long.
    """

    product: str | None = None
    category: tuple[str, ...] = ()
    brand: tuple[str, ...] = ()
    min_price: float | None = None
    max_price: float | None = None
    in_stock: bool = False
    exclude: tuple[str, ...] = ()
    boost: tuple[str, ...] = ()
    bury: tuple[str, ...] = ()
    include_seen: bool = False
    exclude_bought: bool = False
    exclude_cart: bool = False
    explain: bool = False

    @classmethod
    def of(cls, given: Mapping[str, Any], *, source: str = "offer") -> ProductOffer:
        """The offer in a table such as TOML has; one text stands for a list of one.

        Raises:
            UsageError: a key that there is not, a value of a wrong type, a product together with filters, or filters
                that cannot be meant. All problems are told at once.
        """
        problems = [f"there is no {name}" for name in given if name not in PRODUCT_KEYS]
        held: dict[str, Any] = {}
        for name, kind in _KINDS.items():
            if name in given:
                value = _read(given[name], kind)
                if value is None:
                    problems.append(f"{name} is {kind}")
                else:
                    held[name] = value
        if "product" in given and len(given) > 1:
            problems.append("a product for all has neither filters nor reasons beside it")
        if len(problems) > 0:
            raise UsageError(f"{source}: {'; '.join(problems)}. Keys: {', '.join(sorted(PRODUCT_KEYS))}.")
        offer = cls(**held)
        if offer.product is None:
            make_wish(cast(Options, offer.options()))
        else:
            check_id(offer.product, kind="product")
        return offer

    def options(self) -> dict[str, Any]:
        """The filters, as `recommend` takes them."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name not in ("product", "explain")}

    def to_json_dict(self) -> dict[str, Any]:
        """The keys that say something, as they were given."""
        held = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in held.items()
                if value not in (None, (), False)}  # fmt: skip


_KINDS: Final[Mapping[str, str]] = {
    "product": "a text", "category": "a text or a list of texts", "brand": "a text or a list of texts",
    "min_price": "a number", "max_price": "a number", "in_stock": "true or false",
    "exclude": "a text or a list of texts", "boost": "a text or a list of texts", "bury": "a text or a list of texts",
    "include_seen": "true or false", "exclude_bought": "true or false", "exclude_cart": "true or false",
    "explain": "true or false",
}  # fmt: skip
PRODUCT_KEYS: Final = frozenset(_KINDS)


@dataclass(frozen=True, slots=True)
class Filled:
    """A user's product. `reasons` are in words for shoppers; `chosen`: by the user's own acts or vectors, so that it
    must not be sent once personalisation is off."""

    product_id: str
    title: str | None
    reasons: tuple[str, ...]
    chosen: bool


class OfferFilling:
    """Fills offers in.

    Args:
        parts: of the shop.
        recommend: as `shop.recommend_many`.
    """

    def __init__(self, parts: Parts, *, recommend: Callable[..., Iterable[Answer]]) -> None:
        self._client = parts.client
        self._index = parts.settings.index("products")
        self._recommend = recommend

    def check(self, offer: ProductOffer) -> None:
        """Look whether there is what the offer names, before anything is written.

        Raises:
            UsageError: the product is not there or off sale, no product is of a category or brand, or none fulfils
                all filters together.
        """
        if offer.product is not None:
            self._title(offer.product)
            return
        filters = make_wish(cast(Options, offer.options())).filters
        named = [(what, name) for what, names in (("category", offer.category), ("brand", offer.brand))
                 for name in names]  # fmt: skip
        queries = [all_of([{"term": {what: name}}], _OFF_SALE) for what, name in named]
        *held, any_at_all = self._are_there([*queries, all_of(filters.required(), filters.forbidden())])
        missing = [each for each, there in zip(named, held, strict=True) if not there]
        if len(missing) > 0:
            raise UsageError(" ".join(f"no product on sale is of {what} {name}.{self._near(what, name)}"
                                      for what, name in missing))  # fmt: skip
        if not any_at_all:
            raise UsageError("no product on sale fulfils all that the offer asks for: nobody could get one.")

    def fill(self, members: Sequence[Member], offer: ProductOffer) -> dict[str, Filled | None]:
        """The product of each of these users; None where what they have seen leaves none.

        The same users, profiles and products give the same answer.

        Raises:
            UsageError: the product is not there, or off sale by now.
        """
        if len(members) == 0:
            return {}
        if offer.product is not None:
            same = Filled(offer.product, self._title(offer.product), (), chosen=False)
            return {member.user_id: same for member in members}
        found = ask_offers(members, recommend=self._recommend, n=1, explain=offer.explain, **offer.options())
        filled: dict[str, Filled | None] = {}
        for member in members:
            held = found[member.user_id]
            best = held.offers[0] if len(held.offers) > 0 else None
            filled[member.user_id] = (
                None if best is None else Filled(best.product_id, best.title, best.reasons, held.method != POPULAR)
            )
        return filled

    def _title(self, product_id: str) -> str | None:
        source = get_source(self._client, index=self._index, id=product_id, fields=["title", "deleted"])
        if source is None or source.get("deleted") is True:
            raise UsageError(f"there is no product {product_id} on sale.")
        return source.get("title")

    def _are_there(self, queries: Sequence[Body]) -> list[bool]:
        bodies = [{"size": 1, "_source": False, "track_total_hits": False, "query": query} for query in queries]
        return [len(self._found(answer)["hits"]["hits"]) > 0
                for answer in multi_search(self._client, index=self._index, bodies=bodies)]  # fmt: skip

    def _near(self, what: str, name: str) -> str:
        """The names most like one that there is not."""
        names = {"names": {"terms": {"field": what, "size": _NAMES_LOOKED_AT}}}
        (answer,) = multi_search(
            self._client, index=self._index, bodies=[{"size": 0, "query": all_of([], _OFF_SALE), "aggs": names}]
        )
        known = [str(bucket["key"]) for bucket in self._found(answer)["aggregations"]["names"]["buckets"]]
        folded = {each.casefold(): each for each in reversed(known)}
        near = [folded[each] for each in difflib.get_close_matches(name.casefold(), folded, n=3)]
        return "" if len(near) == 0 else f" Is it {' or '.join(near)}?"

    @staticmethod
    def _found(answer: dict[str, Any] | SearchFailure) -> dict[str, Any]:
        if isinstance(answer, SearchFailure):
            raise ServerError(f"looking products up: Elasticsearch answers {answer.status} {answer.type}.")
        return {"hits": {"hits": []}, **answer}


def _read(value: Any, kind: str) -> Any:
    """A value of a kind, None where it is of another."""
    if kind == "a text":
        return value if isinstance(value, str) else None
    if kind == "a number":
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    if kind == "true or false":
        return value if isinstance(value, bool) else None
    if isinstance(value, str):
        return (value,)
    is_list = isinstance(value, list | tuple) and len(value) > 0 and all(isinstance(each, str) for each in value)
    return tuple(value) if is_list else None
