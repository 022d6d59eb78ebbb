"""What resembles a product: kNN by the product's own vectors, which the server looks up itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Final

from profilestore.elastic.search import CHUNK, get_source
from profilestore.errors import NotFound, UsageError
from profilestore.recommend.answers import SimilarAnswer, read_items
from profilestore.recommend.asking import Hits, Shop
from profilestore.recommend.bodies import build_similar_body, build_sorted_body
from profilestore.recommend.clauses import Body, Filters
from profilestore.recommend.methods import choose_similar_method
from profilestore.recommend.preferences import Preference
from profilestore.recommend.request import Request
from profilestore.recommend.shaping import preferred
from profilestore.recommend.spreading import NO_LIMIT, List, ask_lists
from profilestore.recommend.together import TOGETHER, build_together_body
from profilestore.recommend.trained import Trained
from profilestore.recommend.wish import (
    SimilarOptions,
    check_id,
    check_max_per_category,
    check_n,
    make_filters,
    make_preferences,
)

__all__ = ["NO_RULES", "NO_VECTOR", "SimilarProducts"]

NO_RULES: Final = "no rule leads from this product to one that fits: the popular ones of its category instead"
NO_VECTOR: Final = "this product has no vector, such as one without a text: the popular ones of its category instead"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    method: str
    boosts: Mapping[str, float]
    filters: Filters
    n: int
    preferences: tuple[Preference, ...] = ()
    max_per_category: int | None = None


class SimilarProducts:
    """Answers `similar`. A product that was deleted may still be asked for; it is in no answer."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def many(self, product_ids: Iterable[str], options: SimilarOptions) -> Iterator[SimilarAnswer | NotFound]:
        """One answer a product, in the order given; an unknown one's error stands in its place, not raised."""
        return self._stream(iter(product_ids), self._wish(options))

    def request(self, product_id: str, options: SimilarOptions) -> Request:
        """The request that the answer comes from; for a product without vectors, the popular one of its category.

        Raises:
            NotFound: there is no such product.
        """
        check_id(product_id, kind="product")
        wish = self._wish(options)
        if wish.max_per_category is not None:
            raise UsageError(NO_LIMIT)
        body = self._body(product_id, wish, wish.n)
        if _known(self._shop.ask(body), wish) is None:
            body = self._popular(product_id, wish)(wish.n)
        return Request(path=self._shop.path, body=body)

    def _wish(self, options: SimilarOptions) -> _Wish:
        trained = self._shop.trained.current()
        method = choose_similar_method(options.get("method", "auto"), trained=trained)
        return _Wish(
            method=method.name,
            # A product that nobody bought has no place in taste, and its text must do.
            boosts=method.boosts(_without_taste(trained) if method.name == "hybrid" else trained),
            filters=make_filters(options, known=SimilarOptions.__optional_keys__),
            n=check_n(options.get("n", 10)),
            preferences=make_preferences(options),
            max_per_category=check_max_per_category(options.get("max_per_category")),
        )

    def _stream(self, product_ids: Iterator[str], wish: _Wish) -> Iterator[SimilarAnswer | NotFound]:
        while len(chunk := [check_id(id, kind="product") for id in islice(product_ids, CHUNK)]) > 0:
            started = time.perf_counter()
            lists = [List(make=partial(self._body, id, wish), wanted=wish.n) for id in chunk]
            found = [hits for _, hits in ask_lists(self._shop, lists, limit=wish.max_per_category)]
            took_ms = (time.perf_counter() - started) * 1000.0 / len(chunk)
            for product_id, hits in zip(chunk, found, strict=True):
                yield self._answer(product_id, wish, _known(hits, wish), took_ms=took_ms)

    def _answer(self, product_id: str, wish: _Wish, hits: Hits | None, *, took_ms: float) -> SimilarAnswer | NotFound:
        if hits is not None:
            return SimilarAnswer(product_id=product_id, method=wish.method, took_ms=took_ms, items=read_items(hits))
        try:
            fallback = List(make=self._popular(product_id, wish), wanted=wish.n)
            ((_, popular),) = ask_lists(self._shop, [fallback], limit=wish.max_per_category)
        except NotFound as error:
            return error
        told = NO_RULES if wish.method == TOGETHER.name else NO_VECTOR
        return SimilarAnswer(
            product_id=product_id, method="popular", took_ms=took_ms, items=read_items(popular or []), fallback=told
        )

    def _body(self, product_id: str, wish: _Wish, size: int) -> Body:
        return preferred(self._plain_body(product_id, wish, size), wish.preferences)

    def _plain_body(self, product_id: str, wish: _Wish, size: int) -> Body:
        if wish.method == TOGETHER.name:
            return build_together_body(product_id, filters=wish.filters, n=size)
        return build_similar_body(
            product_id,
            prefix=self._shop.settings.prefix,
            spaces=wish.boosts,
            filters=wish.filters,
            n=size,
            num_candidates=self._shop.settings.num_candidates,
        )

    def _popular(self, product_id: str, wish: _Wish) -> Callable[[int], Body]:
        """Makes the body of the popular products of its category."""
        product = get_source(self._shop.client, index=self._shop.products, id=product_id, fields=["category"])
        if product is None:
            raise NotFound(f"there is no product {product_id}.", kind="product", id=product_id)
        filters = replace(wish.filters, exclude=(*wish.filters.exclude, product_id))
        if len(filters.category) == 0 and product.get("category") is not None:
            filters = replace(filters, category=(product["category"],))
        required, forbidden = filters.required(), filters.forbidden()
        return lambda size: preferred(
            build_sorted_body(required=required, forbidden=forbidden, n=size, by=("popularity",)), wish.preferences
        )


def _without_taste(trained: Trained) -> Trained:
    return replace(trained, spaces=trained.spaces - {"taste"}, hybrid_boosts=())


def _known(hits: Hits | None, wish: _Wish) -> Hits | None:
    """The hits; None where nothing is known: rules look nothing up that could be missing, and are just not there."""
    return None if wish.method == TOGETHER.name and hits is not None and len(hits) == 0 else hits
