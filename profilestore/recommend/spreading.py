"""At most m products of a category: fetch more than asked for, cut, and fetch more still until the list is full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from profilestore.recommend.asking import Hits, Shop
from profilestore.recommend.clauses import MAX_CANDIDATES, Body, Clause

__all__ = ["NO_LIMIT", "List", "ask_lists", "categories_of", "full_categories"]

NO_LIMIT: Final = (
    "at most m of a category cannot be said in one request: profilestore fetches more and cuts. "
    "Leave --as-query out, or --max-per-category."
)
_MORE: Final = 4  # times as many a round

Categories = Mapping[str | None, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class List:
    """A list to be asked for: how many products are wanted, and what of each category stands in it already."""

    make: Callable[[int], Body | None]  # the body that fetches so many
    wanted: int
    held: Categories = field(default_factory=dict)


def ask_lists(shop: Shop, lists: Sequence[List], *, limit: int | None) -> list[tuple[Body | None, Hits | None]]:
    """The body that was sent last for each list, and its hits; no hits where there is no body or no vector.

    Args:
        shop: where to ask.
        lists: any number, asked for together.
        limit: the most products of a category, None for any.
    """
    answers: list[tuple[Body | None, Hits | None]] = [(None, None)] * len(lists)
    sizes = [each.wanted if limit is None else _next(each.wanted) for each in lists]
    open_lists = list(range(len(lists)))
    while len(open_lists) > 0:
        bodies = {position: lists[position].make(sizes[position]) for position in open_lists}
        sent = [position for position in open_lists if bodies[position] is not None]
        found = shop.ask_many([body for body in bodies.values() if body is not None])
        open_lists = []
        for position, hits in zip(sent, found, strict=True):
            each, size = lists[position], sizes[position]
            kept = hits if hits is None or limit is None else _cut(hits, each, limit)
            answers[position] = (bodies[position], kept)
            if kept is not None and len(kept) < each.wanted and len(hits or []) >= size and size < MAX_CANDIDATES:
                sizes[position] = _next(size)
                open_lists.append(position)
    return answers


def categories_of(hits: Hits) -> Counter[str | None]:
    """How many hits are of each category; those without one count as one."""
    return Counter(_category(hit) for hit in hits)


def full_categories(held: Categories, *, limit: int | None) -> list[Clause]:
    """Clauses that rule out the categories of which no product fits any more."""
    full = [] if limit is None else [category for category, count in held.items() if count >= limit]
    clauses: list[Clause] = []
    if None in full:
        clauses.append({"bool": {"must_not": [{"exists": {"field": "category"}}]}})
    named = [category for category in full if category is not None]
    return clauses if len(named) == 0 else [*clauses, {"terms": {"category": named}}]


def _next(size: int) -> int:
    return min(MAX_CANDIDATES, _MORE * size)


def _cut(hits: Hits, each: List, limit: int) -> Hits:
    held = Counter(each.held)
    kept: list[dict[str, Any]] = []
    for hit in hits:
        category = _category(hit)
        if held[category] < limit and len(kept) < each.wanted:
            held[category] += 1
            kept.append(hit)
    return kept


def _category(hit: Mapping[str, Any]) -> str | None:
    category: str | None = hit["_source"].get("category")
    return category
