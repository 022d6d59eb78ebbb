"""What words find: lexical and vector search in one request, leaning to a user's profile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from profilestore.elastic.search import CHUNK
from profilestore.errors import UsageError
from profilestore.features.served import encode_vector
from profilestore.features.tokens import tokenize
from profilestore.recommend.answers import SearchAnswer, read_items
from profilestore.recommend.asking import Hits, Shop
from profilestore.recommend.bodies import build_search_body
from profilestore.recommend.clauses import Body, Filters
from profilestore.recommend.preferences import Preference
from profilestore.recommend.request import Request
from profilestore.recommend.shaping import preferred
from profilestore.recommend.spreading import NO_LIMIT, List, ask_lists
from profilestore.recommend.wish import (
    FilterOptions,
    check_id,
    check_max_per_category,
    check_n,
    make_filters,
    make_preferences,
)

__all__ = ["Embed", "WordSearch"]

# Texts to vectors of the products' text space, shape (texts, dims); a zero row where nothing is known of a text.
Embed = Callable[[Sequence[str]], NDArray[np.float32]]

_LONGEST: Final = 10_000  # characters
_MOST_TOKENS: Final = 200  # Lucene refuses queries of too many clauses


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    filters: Filters
    n: int
    user_id: str | None
    embed: Embed | None
    preferences: tuple[Preference, ...] = ()
    max_per_category: int | None = None


class WordSearch:
    """Answers `search`. Without `embed`, or where no text space is trained, only the words count."""

    def __init__(self, shop: Shop, *, embed: Embed | None) -> None:
        self._shop = shop
        self._embed = embed

    def many(self, queries: Iterable[str], user_id: str | None, options: FilterOptions) -> Iterator[SearchAnswer]:
        """One answer a query, in the order given. A user without a vector leans nowhere."""
        return self._stream(iter(queries), self._wish(user_id, options))

    def request(self, words: str, user_id: str | None, options: FilterOptions) -> Request:
        """The request that the answer comes from; whether it can lean to the user is found out by asking."""
        wish = self._wish(user_id, options)
        if wish.max_per_category is not None:
            raise UsageError(NO_LIMIT)
        (make,) = self._makers([words], wish)
        body = make(wish.n)
        if wish.user_id is not None and self._shop.ask(body) is None:
            body = self._makers([words], replace(wish, user_id=None))[0](wish.n)
        return Request(path=self._shop.path, body=body)

    def _wish(self, user_id: str | None, options: FilterOptions) -> _Wish:
        if user_id is not None:
            check_id(user_id, kind="user")
        text = "text" in self._shop.trained.current().spaces
        return _Wish(
            filters=make_filters(options, known=FilterOptions.__optional_keys__),
            n=check_n(options.get("n", 10)),
            user_id=user_id if text else None,
            embed=self._embed if text else None,
            preferences=make_preferences(options),
            max_per_category=check_max_per_category(options.get("max_per_category")),
        )

    def _stream(self, queries: Iterator[str], wish: _Wish) -> Iterator[SearchAnswer]:
        while len(chunk := list(islice(queries, CHUNK))) > 0:
            started = time.perf_counter()
            found = self._found(chunk, wish)
            unknown = any(hits is None for hits in found)
            if unknown:  # one user for all: if one query cannot lean to them, none can
                wish = replace(wish, user_id=None)
                found = self._found(chunk, wish)
            took_ms = (time.perf_counter() - started) * 1000.0 / len(chunk)
            for words, hits in zip(chunk, found, strict=True):
                items = read_items(hits or [])
                yield SearchAnswer(words=words, user_id=wish.user_id, method="search", took_ms=took_ms, items=items)

    def _found(self, queries: Sequence[str], wish: _Wish) -> list[Hits | None]:
        lists = [List(make=make, wanted=wish.n) for make in self._makers(queries, wish)]
        return [hits for _, hits in ask_lists(self._shop, lists, limit=wish.max_per_category)]

    def _makers(self, queries: Sequence[str], wish: _Wish) -> list[Callable[[int], Body]]:
        """By query, what makes its body for so many products."""
        cleaned = [_cleaned(words) for words in queries]
        return [
            partial(self._body, words, vector, wish)
            for words, vector in zip(cleaned, _vectors(cleaned, wish.embed), strict=True)
        ]

    def _body(self, words: str, vector: str | None, wish: _Wish, size: int) -> Body:
        body = build_search_body(
            prefix=self._shop.settings.prefix,
            tokens=tokenize(words)[:_MOST_TOKENS],
            vector=vector,
            filters=wish.filters,
            n=size,
            num_candidates=self._shop.settings.num_candidates,
            user_id=wish.user_id,
        )
        return preferred(body, wish.preferences)


def _cleaned(words: str) -> str:
    stripped = words.strip()
    if stripped == "":
        raise UsageError("there are no words to search for.")
    # What a shell passes as broken UTF-8 cannot be sent as JSON.
    return stripped[:_LONGEST].encode(errors="replace").decode()


def _vectors(queries: Sequence[str], embed: Embed | None) -> list[str | None]:
    if embed is None:
        return [None] * len(queries)
    # The server refuses a vector without a length, and it says nothing: none of its words is known.
    return [encode_vector(vector) if np.any(vector) else None for vector in embed(queries)]
