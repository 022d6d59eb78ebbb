"""Recommended products beside users: their lists of the last nightly run, else asked for, a page of users at once.

Who switched personalisation off gets the popular products, as `recommend` answers them: a personal list that a run
made before they did is not handed out. What was taken off sale since is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from profilestore.elastic.member_pages import Member
from profilestore.elastic.search import get_sources
from profilestore.indexing.parts import Parts
from profilestore.recommend.answers import Answer
from profilestore.recommend.phrases import Telling

__all__ = ["POPULAR", "Offer", "OfferList", "Offers", "ask_offers"]

POPULAR: Final = "popular"
_READ_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Offer:
    """A product for a user; `reasons` say why, in words for shoppers."""

    product_id: str
    title: str | None
    price: float | None
    reasons: tuple[str, ...] = ()

    def to_json_dict(self) -> dict[str, Any]:
        """As exported."""
        return {"product_id": self.product_id, "title": self.title, "price": self.price, "reasons": list(self.reasons)}


@dataclass(frozen=True, slots=True)
class OfferList:
    """The products of one user, best first; `as_of` the time of the nightly run, None of what was asked for now."""

    offers: tuple[Offer, ...]
    method: str
    as_of: str | None = None


class Offers:
    """Finds products for users.

    Args:
        parts: of the shop.
        recommend: as `shop.recommend_many`.
        n: how many a user; 0 asks for none.
        explain: reasons too, of what is asked for; a list of a run has those that the run stored.
        fresh: ask for all, whatever a run stored.
    """

    def __init__(
        self, parts: Parts, *, recommend: Callable[..., Iterable[Answer]], n: int, explain: bool | Telling = False,
        fresh: bool = False,
    ) -> None:  # fmt: skip
        self._client = parts.client
        self._settings = parts.settings
        self._recommend = recommend
        self._n = n
        self._explain = explain
        self._fresh = fresh
        self._on_sale: dict[str, bool] = {}

    def of(self, members: Sequence[Member]) -> dict[str, OfferList]:
        """The products of some users, by user; nobody when n is 0."""
        if self._n == 0:
            return {}
        found = {} if self._fresh else self._stored(members)
        missing = [member for member in members if member.user_id not in found]
        return found | ask_offers(missing, recommend=self._recommend, n=self._n, explain=self._explain)

    def _stored(self, members: Sequence[Member]) -> dict[str, OfferList]:
        found: dict[str, OfferList] = {}
        for start in range(0, len(members), _READ_AT_ONCE):
            part = members[start : start + _READ_AT_ONCE]
            sources = get_sources(
                self._client,
                index=self._settings.index("recommendations"),
                ids=[member.user_id for member in part],
                fields=["items.product_id", "items.title", "items.price", "items.reasons.words", "method", "as_of"],
            )
            for member, source in zip(part, sources, strict=True):
                if source is not None and (source["method"] == POPULAR or not member.opted_out):
                    found[member.user_id] = _list_of(source)
        self._look_up({offer.product_id for held in found.values() for offer in held.offers})
        lists = {user_id: self._sold(held) for user_id, held in found.items()}
        # One of which all was taken off sale, or that is too short, is asked for anew.
        return {user_id: held for user_id, held in lists.items() if len(held.offers) == self._n}

    def _sold(self, held: OfferList) -> OfferList:
        offers = [offer for offer in held.offers if self._on_sale[offer.product_id]]
        return OfferList(tuple(offers[: self._n]), held.method, held.as_of)

    def _look_up(self, product_ids: set[str]) -> None:
        unknown = sorted(product_ids - self._on_sale.keys())
        for start in range(0, len(unknown), _READ_AT_ONCE):
            ids = unknown[start : start + _READ_AT_ONCE]
            sources = get_sources(self._client, index=self._settings.index("products"), ids=ids,
                                  fields=["product_id", "deleted"])  # fmt: skip
            for product_id, source in zip(ids, sources, strict=True):
                self._on_sale[product_id] = source is not None and source.get("deleted") is not True


def ask_offers(
    members: Sequence[Member], *, recommend: Callable[..., Iterable[Answer]], n: int, explain: bool | Telling = False,
    **options: Any,
) -> dict[str, OfferList]:  # fmt: skip
    """What `recommend` answers for some users now, by user; for who switched personalisation off, what is popular.

    Args:
        members: whom for.
        recommend: as `shop.recommend_many`.
        n: how many a user.
        explain: reasons too.
        options: further ones of `recommend`, such as filters.
    """
    found: dict[str, OfferList] = {}
    for opted_out in (False, True):
        asked = [member.user_id for member in members if member.opted_out == opted_out]
        if len(asked) == 0:
            continue
        # Who opted out has no vector to be asked with; should one have been left standing, it is not used.
        method = {"method": POPULAR} if opted_out else {}
        answers = recommend(asked, explain=explain, n=n, **options, **method)
        for user_id, answer in zip(asked, answers, strict=True):
            found[user_id] = _asked(answer)
    return found


def _list_of(source: dict[str, Any]) -> OfferList:
    offers = tuple(
        Offer(
            item["product_id"],
            item.get("title"),
            item.get("price"),
            _distinct(reason["words"] for reason in item.get("reasons", ())),
        )
        for item in source.get("items", ())
    )
    return OfferList(offers, source["method"], source["as_of"])


def _asked(answer: Answer) -> OfferList:
    offers = tuple(
        Offer(item.product_id, item.title, item.price, _distinct(reason.words for reason in item.reasons))
        for item in answer.items
    )
    return OfferList(offers, answer.method)


def _distinct(words: Iterable[str]) -> tuple[str, ...]:
    """Two acts may be told alike, such as two purchases of one product."""
    return tuple(dict.fromkeys(words))
