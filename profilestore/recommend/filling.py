"""A question on its way to an answer, asked by its method, and filled up to n by the popular products.

No list is shorter than n while there are n products that its rules leave in: a kNN graph may miss some under a
strict filter, a product may lack a vector, rules may say little, and a user may have seen almost everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from profilestore.errors import UsageError
from profilestore.recommend.answers import Answer, read_items
from profilestore.recommend.asking import Hits, Shop
from profilestore.recommend.clauses import Body, Clause, page
from profilestore.recommend.diversity import diversified
from profilestore.recommend.method import Method, Question
from profilestore.recommend.popular import POPULAR
from profilestore.recommend.shaping import preferred
from profilestore.recommend.spreading import List, ask_lists, categories_of, full_categories

__all__ = ["NOTHING_FITS", "NO_EVENTS", "Served", "asked", "completed", "filled_up"]

NO_EVENTS: Final = "no act of this user is known: what is popular among users like this one instead"
NOTHING_FITS: Final = "this method finds nothing that fits: the popular products instead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A question with the method that answered it, the body that was sent and its hits.

    `hits` is None where nothing is known. `fallback` says why another method than the one asked answered, and
    `filled` how many of the hits, at the end, are popular products that fill the list up.
    """

    question: Question
    method: Method
    body: Body | None = None
    hits: Hits | None = None
    fallback: str | None = None
    filled: int = 0

    def answer(self, *, took_ms: float) -> Answer:
        """What the user gets."""
        return Answer(
            user_id=self.question.user_id,
            method=self.method.name,
            took_ms=took_ms,
            items=read_items(self.hits or [], filled=self.filled),
            fallback=self.fallback,
            filled=self.filled,
        )

    def body_of(self, size: int) -> Body | None:
        """The method's search for so many products, as the options shape it."""
        question = replace(self.question, size=size)
        body = self.method.build(question)
        if body is None:
            return None
        body = preferred(body, question.wish.preferences)
        return diversified(body, question=question, method=self.method)


def asked(shop: Shop, served: Sequence[Served]) -> list[Served]:
    """With the hits of each; None where there is no body, or a vector that it looks up is missing."""
    lists = [List(make=each.body_of, wanted=each.question.wish.n) for each in served]
    return [
        replace(each, body=body, hits=hits)
        for each, (body, hits) in zip(served, _ask(shop, served, lists), strict=True)
    ]


def filled_up(shop: Shop, served: Sequence[Served]) -> list[Served]:
    """Lists shorter than n with popular products in the same rules at their end, while there are any."""
    result = list(served)
    short = [place for place, each in enumerate(served) if _is_short(each)]
    fillings = [_filling(served[place]) for place in short]
    lists = [
        List(
            make=filling.body_of,
            wanted=served[place].question.wish.n - len(served[place].hits or []),
            held=categories_of(served[place].hits or []),
        )
        for place, filling in zip(short, fillings, strict=True)
    ]
    for place, (body, more) in zip(short, _ask(shop, fillings, lists), strict=True):
        each, hits = served[place], served[place].hits or []
        if more is None or len(more) == 0:
            continue
        if len(hits) == 0:
            result[place] = replace(each, method=POPULAR, body=body, hits=more, fallback=NOTHING_FITS)
        else:
            result[place] = replace(each, hits=[*hits, *more], filled=len(more))
    return result


def completed(shop: Shop, served: Served) -> Body:
    """One request for a list that was filled up: all that the rules leave in, first what the method scores, then by
    popularity. It looks at the whole catalogue, which `filled_up` does not.

    Raises:
        UsageError: one request gives another list, by preferences, diversity or equal scores.
    """
    wish, body, hits = served.question.wish, served.body or {}, served.hits or []
    if served.filled == 0:
        return body
    if len(wish.preferences) == 0 and wish.diversity == 0.0:
        scored = {"knn": body["knn"]} if "knn" in body else body["query"]
        eligible = _filling(replace(served, hits=[])).body_of(wish.n) or {}
        query = {"bool": {"filter": [eligible["query"]], "should": [scored]}}
        whole = {**page(wish.n), "query": query, "sort": [*body["sort"][:1], *eligible["sort"]]}
        if _ids(shop.ask(whole) or []) == _ids(hits):
            return whole
    raise UsageError(
        f"{served.method.name} finds {len(hits) - served.filled} products here, and one request cannot say which "
        f"popular ones follow them. Take -n {len(hits) - served.filled}, or ask `recommend --json` instead."
    )


def _ids(hits: Hits) -> list[str]:
    return [hit["_source"]["product_id"] for hit in hits]


def _is_short(served: Served) -> bool:
    wish = served.question.wish
    everything = served.method.lists_all and wish.diversity == 0.0
    return not everything and served.hits is not None and len(served.hits) < wish.n


def _filling(served: Served) -> Served:
    """The question for the rest: neither what is in the list already, nor a category that is full."""
    wish, hits = served.question.wish, served.hits or []
    besides: list[Clause] = full_categories(categories_of(hits), limit=wish.max_per_category)
    if len(hits) > 0:
        besides.append({"terms": {"product_id": _ids(hits)}})
    question = replace(served.question, wish=replace(wish, diversity=0.0), besides=tuple(besides))
    return replace(served, method=POPULAR, question=question)


def _ask(shop: Shop, served: Sequence[Served], lists: Sequence[List]) -> list[tuple[Body | None, Hits | None]]:
    limit = None if len(served) == 0 else served[0].question.wish.max_per_category
    return ask_lists(shop, lists, limit=limit)
