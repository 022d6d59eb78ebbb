"""`Recommender`: what a user would like, what resembles a product, what words find.

One search an answer. A second one is sent only where the first says that there is no vector (404: an
unknown user, nothing known of them, or personalisation off), or that there is nothing at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final, Unpack

from profilestore.elastic.search import CHUNK, Client
from profilestore.errors import NotFound
from profilestore.features.weights import FoldRules
from profilestore.recommend.answers import Answer, Item, SearchAnswer, SimilarAnswer, read_items
from profilestore.recommend.asking import Shop, SpacesInForce
from profilestore.recommend.bodies import build_knn_body, build_popular_body
from profilestore.recommend.clauses import Body, Filters
from profilestore.recommend.explaining import Evidence, reasons_of
from profilestore.recommend.methods import boosts_of, choose_method
from profilestore.recommend.request import Request
from profilestore.recommend.similar import SimilarProducts
from profilestore.recommend.wish import FilterOptions, Options, SimilarOptions, check_id, check_n, make_filters
from profilestore.recommend.words import Embed, WordSearch
from profilestore.settings import Settings

__all__ = ["NO_PROFILE", "Recommender"]

NO_PROFILE: Final = "nothing is known of this user, or personalisation is off: the popular products instead"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """One call's options, checked. `method` is resolved, never `auto`."""

    asked: str
    method: str
    boosts: Mapping[str, float]
    filters: Filters
    include_seen: bool
    n: int


class Recommender:
    """Answers of one shop. Safe to share between threads.

    Args:
        client: the connection.
        settings: prefix, candidates, half-lives.
        spaces: reads the spaces in which the products have vectors; asked at most once a minute.
        embed: words to vectors of the text space, for `search`; without it only the words count.
        evidence: reads what a profile is made of, for `explain`; without it there are no reasons.
        rules: what the profiles in force are folded by; those of the settings when None.
    """

    def __init__(
        self,
        client: Client,
        settings: Settings,
        *,
        spaces: Callable[[], frozenset[str]],
        embed: Embed | None = None,
        evidence: Evidence | None = None,
        rules: Callable[[], FoldRules] | None = None,
    ) -> None:
        self._shop = Shop(client, settings, SpacesInForce(spaces))
        self._similar = SimilarProducts(self._shop)
        self._words = WordSearch(self._shop, embed=embed)
        self._evidence = evidence
        self._rules = rules

    def recommend(self, user_id: str, *, explain: bool = False, **options: Unpack[Options]) -> Answer:
        """The n products that this user would like, best first; see `wish.Options` for the options.

        A user nobody knows, or with personalisation off, gets the popular ones: `method` is then
        "popular" and `fallback` says why. With `explain`, each item has its reasons.

        Raises:
            UsageError: n, method, a price or an id that cannot be meant.
            ModelError: the method's space is not trained.
            NotInitialised, ServerError, ServerUnavailable, AccessDenied
        """
        started = time.perf_counter()
        check_id(user_id, kind="user")
        wish = self._wish(options)
        hits = self._shop.ask(self._body(user_id, wish))
        if hits is None and (renewed := self._renewed(wish)) != wish:
            wish, hits = renewed, self._shop.ask(self._body(user_id, renewed))
        items = self._popular_items([user_id], wish)[0] if hits is None else read_items(hits)
        answer = _answer(user_id, wish, items, known=hits is not None)
        answer = self._explained(answer, wish) if explain else answer
        return answer.timed((time.perf_counter() - started) * 1000.0)

    def recommend_many(
        self, user_ids: Iterable[str], *, explain: bool = False, **options: Unpack[Options]
    ) -> Iterator[Answer]:
        """As `recommend` for many users, in the order given, 100 a request.

        Options are checked at once; ids are read, and answers made, as they are taken. `took_ms` is
        each answer's share of its request.
        """
        return self._stream(iter(user_ids), self._wish(options), explain=explain)

    def request_for(self, user_id: str, **options: Unpack[Options]) -> Request:
        """The request that `recommend` answers from: sent by hand, it gives the same list.

        For a user without a profile or vectors it is the one for the popular products, which is
        found out by asking.
        """
        check_id(user_id, kind="user")
        wish = self._wish(options)
        known = self._shop.ask(self._body(user_id, wish)) is not None
        if not known and (renewed := self._renewed(wish)) != wish:
            wish, known = renewed, self._shop.ask(self._body(user_id, renewed)) is not None
        body = self._body(user_id, wish) if known else self._popular_body(user_id, wish)
        return Request(path=self._shop.path, body=body)

    def similar(self, product_id: str, **options: Unpack[SimilarOptions]) -> SimilarAnswer:
        """The n products most like this one, itself left out.

        One without vectors (it has no text) gets the popular ones of its category; `fallback` says so.

        Raises:
            NotFound: there is no such product.
            UsageError, ModelError, ServerError: as `recommend`.
        """
        (answer,) = self._similar.many([product_id], options)
        if isinstance(answer, NotFound):
            raise answer
        return answer

    def similar_many(
        self, product_ids: Iterable[str], **options: Unpack[SimilarOptions]
    ) -> Iterator[SimilarAnswer | NotFound]:
        """As `similar` for many, in the order given; in the place of an unknown one stands its error, not raised."""
        return self._similar.many(product_ids, options)

    def similar_request(self, product_id: str, **options: Unpack[SimilarOptions]) -> Request:
        """The request that `similar` answers from. Raises as `similar` does."""
        return self._similar.request(product_id, options)

    def search(self, words: str, *, user: str | None = None, **options: Unpack[FilterOptions]) -> SearchAnswer:
        """The n products that these words find, by the words and by their meaning.

        With `user`, what the words find leans to their profile; where nothing is known of them it
        leans nowhere, and `user_id` of the answer is None.

        Raises:
            UsageError: no words, or options that cannot be meant.
            ServerError: as `recommend`.
        """
        (answer,) = self._words.many([words], user, options)
        return answer

    def search_many(
        self, queries: Iterable[str], *, user: str | None = None, **options: Unpack[FilterOptions]
    ) -> Iterator[SearchAnswer]:
        """As `search` for many, in the order given."""
        return self._words.many(queries, user, options)

    def search_request(self, words: str, *, user: str | None = None, **options: Unpack[FilterOptions]) -> Request:
        """The request that `search` answers from."""
        return self._words.request(words, user, options)

    def _wish(self, options: Options) -> _Wish:
        asked = options.get("method", "auto")
        method = choose_method(asked, spaces=self._shop.spaces.current())
        return _Wish(
            asked=asked,
            method=method,
            boosts=boosts_of(method),
            filters=make_filters(options, known=Options.__optional_keys__),
            include_seen=options.get("include_seen", False),
            n=check_n(options.get("n", 10)),
        )

    def _renewed(self, wish: _Wish) -> _Wish:
        """The wish under the spaces of now: a model may have been switched in, or taken back, meanwhile."""
        method = choose_method(wish.asked, spaces=self._shop.spaces.read_anew())
        return replace(wish, method=method, boosts=boosts_of(method))

    def _stream(self, user_ids: Iterator[str], wish: _Wish, *, explain: bool) -> Iterator[Answer]:
        renewed_once = False
        while len(chunk := [check_id(id, kind="user") for id in islice(user_ids, CHUNK)]) > 0:
            started = time.perf_counter()
            found = self._shop.ask_many([self._body(id, wish) for id in chunk])
            if not renewed_once and any(hits is None for hits in found):
                renewed, renewed_once = self._renewed(wish), True
                if renewed != wish:
                    wish = renewed
                    found = self._shop.ask_many([self._body(id, wish) for id in chunk])
            unknown = [id for id, hits in zip(chunk, found, strict=True) if hits is None]
            popular = dict(zip(unknown, self._popular_items(unknown, wish), strict=True))
            took_ms = (time.perf_counter() - started) * 1000.0 / len(chunk)
            for user_id, hits in zip(chunk, found, strict=True):
                items = read_items(hits) if hits is not None else popular[user_id]
                answer = _answer(user_id, wish, items, known=hits is not None, took_ms=took_ms)
                yield self._explained(answer, wish) if explain else answer

    def _body(self, user_id: str, wish: _Wish) -> Body:
        if len(wish.boosts) == 0:
            return build_popular_body(
                prefix=self._shop.settings.prefix,
                filters=wish.filters,
                n=wish.n,
                user_id=None if wish.include_seen else user_id,
                by="trending" if wish.method == "trending" else "popularity",
            )
        return build_knn_body(
            user_id,
            prefix=self._shop.settings.prefix,
            spaces=wish.boosts,
            filters=wish.filters,
            include_seen=wish.include_seen,
            n=wish.n,
            num_candidates=self._shop.settings.num_candidates,
        )

    def _popular_body(self, user_id: str, wish: _Wish) -> Body:
        """Popular products, less what the user has seen. A stranger and whoever opted out have no list of it,
        and Elasticsearch then leaves nothing out."""
        return build_popular_body(
            prefix=self._shop.settings.prefix,
            filters=wish.filters,
            n=wish.n,
            user_id=None if wish.include_seen else user_id,
        )

    def _popular_items(self, user_ids: Sequence[str], wish: _Wish) -> list[tuple[Item, ...]]:
        if len(user_ids) == 0:
            return []
        found = self._shop.ask_many([self._popular_body(user_id, wish) for user_id in user_ids])
        return [read_items(hits or []) for hits in found]

    def _explained(self, answer: Answer, wish: _Wish) -> Answer:
        if self._evidence is None or answer.fallback is not None or len(wish.boosts) == 0 or len(answer.items) == 0:
            return answer
        events, words = self._evidence(answer.user_id)
        rules = FoldRules.of(self._shop.settings) if self._rules is None else self._rules()
        return answer.with_reasons(
            reasons_of(
                self._shop, events=events, words=words, items=answer.product_ids, boosts=wish.boosts, rules=rules
            )
        )


def _answer(user_id: str, wish: _Wish, items: tuple[Item, ...], *, known: bool, took_ms: float = 0.0) -> Answer:
    return Answer(
        user_id=user_id,
        method=wish.method if known else "popular",
        took_ms=took_ms,
        items=items,
        fallback=None if known else NO_PROFILE,
    )
