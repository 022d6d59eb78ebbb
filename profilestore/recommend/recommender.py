"""`Recommender`: what a user would like, what resembles a product, what words find."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Unpack

from profilestore.elastic.search import CHUNK, Client
from profilestore.errors import NotFound, UsageError
from profilestore.features.weights import FoldRules
from profilestore.recommend.answers import Answer, SearchAnswer, SimilarAnswer
from profilestore.recommend.asking import Shop
from profilestore.recommend.explainer import Explainer
from profilestore.recommend.explaining import Evidence
from profilestore.recommend.filling import completed
from profilestore.recommend.methods import POPULAR
from profilestore.recommend.phrases import Telling
from profilestore.recommend.request import Request
from profilestore.recommend.serving import Served, Serving
from profilestore.recommend.similar import SimilarProducts
from profilestore.recommend.spreading import NO_LIMIT
from profilestore.recommend.trained import Trained, TrainedNow
from profilestore.recommend.wish import FilterOptions, Options, SimilarOptions, Wish, check_id, make_wish
from profilestore.recommend.words import Embed, WordSearch
from profilestore.settings import Settings

__all__ = ["Recommender"]


class Recommender:
    """Answers of one shop. Safe to share between threads.

    Args:
        client: the connection.
        settings: prefix, candidates, half-lives.
        trained: reads what is trained; asked at most once a minute.
        embed: words to vectors of the text space, for `search`; without it only the words count.
        evidence: reads what a profile is made of, for `explain`; without it only what others did is told.
        rules: what the profiles in force are folded by; those of the settings when None.
    """

    def __init__(
        self,
        client: Client,
        settings: Settings,
        *,
        trained: Callable[[], Trained],
        embed: Embed | None = None,
        evidence: Evidence | None = None,
        rules: Callable[[], FoldRules] | None = None,
    ) -> None:
        self._shop = Shop(client, settings, TrainedNow(trained))
        self._serving = Serving(self._shop)
        self._similar = SimilarProducts(self._shop)
        self._words = WordSearch(self._shop, embed=embed)
        self._explainer = partial(
            Explainer,
            self._shop,
            evidence=evidence,
            rules=rules if rules is not None else partial(FoldRules.of, settings),
        )

    def trained(self, *, anew: bool = False) -> Trained:
        """What the shop has trained, as read within the last minute, or now."""
        return self._shop.trained.read_anew() if anew else self._shop.trained.current()

    def recommend(
        self,
        user_id: str | None,
        *,
        explain: bool | Telling = False,
        **options: Unpack[Options],
    ) -> Answer:
        """The n products that this user would like, best first; see `wish.Options` for the options.

        A user nobody knows, or with personalisation off, gets the popular ones: `method` is then "popular" and
        `fallback` says why. No list is shorter than n while there are n products that the options leave in:
        popular ones fill it up, and `filled` says how many. With `explain`, each item has its reasons, at most three
        in the shop's language, or as a `Telling` says. Without a user (None), by the products of a `session`.

        Raises:
            UsageError: n, method, a price or an id that cannot be meant.
            ModelError: the method's space is not trained.
            NotInitialised, ServerError, ServerUnavailable, AccessDenied
        """
        (answer,) = self.recommend_many([user_id], explain=explain, **options)
        return answer

    def recommend_many(
        self,
        user_ids: Iterable[str | None],
        *,
        explain: bool | Telling = False,
        **options: Unpack[Options],
    ) -> Iterator[Answer]:
        """As `recommend` for many users, in the order given, 100 a request.

        Options are checked at once; ids are read, and answers made, as they are taken. `took_ms` is
        each answer's share of its request.
        """
        wish = make_wish(options)
        self._serving.check(wish)
        telling = Telling(language=self._shop.settings.language) if explain is True else explain
        return self._stream(iter(user_ids), wish, telling=telling if isinstance(telling, Telling) else None)

    def request_for(self, user_id: str | None, **options: Unpack[Options]) -> Request:
        """The request that `recommend` answers from: sent by hand, it gives the same list.

        For a user without a profile or vectors it is the one for the popular products, which is
        found out by asking. What a method must read first stands in it as it is now.

        Raises:
            UsageError: one request cannot say it; and as `recommend`.
        """
        wish = make_wish(options)
        self._serving.check(wish)
        if wish.max_per_category is not None:
            raise UsageError(NO_LIMIT)
        (served,) = self._serving.serve([_checked(user_id, wish)], wish)
        if served.method.no_query is not None:
            raise UsageError(served.method.no_query)
        return Request(path=self._shop.path, body=completed(self._shop, served))

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

    def _stream(self, user_ids: Iterator[str | None], wish: Wish, *, telling: Telling | None) -> Iterator[Answer]:
        renew = True
        while len(chunk := [_checked(id, wish) for id in islice(user_ids, CHUNK)]) > 0:
            started = time.perf_counter()
            served = self._serving.serve(chunk, wish, renew=renew)
            renew = renew and all(each.fallback is None for each in served)
            took_ms = (time.perf_counter() - started) * 1000.0 / len(chunk)
            answered = [hit["_source"]["product_id"] for each in served for hit in each.hits or ()]
            explainer = None if telling is None else self._explainer(chunk, answered=answered)
            for each in served:
                answer = each.answer(took_ms=took_ms)
                yield answer if explainer is None or telling is None else _explained(answer, each, explainer, telling)


def _explained(answer: Answer, served: Served, explainer: Explainer, telling: Telling) -> Answer:
    if len(answer.items) == 0 or served.body is None:
        return answer
    started = time.perf_counter()
    first = len(answer.items) - answer.filled
    explain = partial(explainer.explain, question=served.question, telling=telling)
    reasons = explain(answer.items[:first], method=served.method, body=served.body)
    if answer.filled > 0:
        reasons |= explain(answer.items[first:], method=POPULAR, body={})
    return answer.with_reasons(reasons).timed(answer.took_ms + (time.perf_counter() - started) * 1000.0)


def _checked(user_id: str | None, wish: Wish) -> str | None:
    if user_id is not None:
        return check_id(user_id, kind="user")
    if len(wish.session) == 0:
        raise UsageError("whom to recommend to is missing: a user id, or the products of a session.")
    return None
