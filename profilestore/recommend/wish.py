"""What a caller wants, checked: the options of an answer, and the filters they mean."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypedDict

from profilestore.errors import UsageError
from profilestore.recommend.clauses import Clause, Filters, in_list_of

__all__ = [
    "MAX_N",
    "FilterOptions",
    "Options",
    "SimilarOptions",
    "Wish",
    "check_id",
    "check_n",
    "make_filters",
    "make_wish",
]

MAX_N: Final = 1000
_MAX_TERMS: Final = 65_536  # index.max_terms_count


class FilterOptions(TypedDict, total=False):
    """How many products, and which. Prices are inclusive, in the shop's currency.

    Defaults: `n` 10, everything else open.
    """

    n: int
    category: str | Iterable[str] | None
    min_price: float | None
    max_price: float | None
    in_stock: bool
    exclude: Iterable[str]


class SimilarOptions(FilterOptions, total=False):
    """And by which method, "auto" by default."""

    method: str


class Options(SimilarOptions, total=False):
    """And whether products stay in that the user has seen; by default they do not."""

    include_seen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The options of one call, checked. `asked` is the method by name, which may be `auto`."""

    asked: str
    filters: Filters
    include_seen: bool
    n: int

    def hidden_by(self, profile: Clause | None) -> list[Clause]:
        """The clauses that leave out what stands in lists of a profile. A list that is not there hides nothing."""
        if profile is None:
            return []
        return [in_list_of(profile, path) for path in self._hidden_lists()]

    def _hidden_lists(self) -> list[str]:
        return [] if self.include_seen else ["seen_products"]


def make_wish(options: Options) -> Wish:
    """What these options mean.

    Raises:
        UsageError: one that there is not, or that cannot be meant.
    """
    return Wish(
        asked=options.get("method", "auto"),
        filters=make_filters(options, known=Options.__optional_keys__),
        include_seen=options.get("include_seen", False),
        n=check_n(options.get("n", 10)),
    )


def check_options(options: FilterOptions, *, known: frozenset[str]) -> None:
    """Raise UsageError for an option that there is not: a filter misspelt would be a filter ignored."""
    unknown = sorted(options.keys() - known)
    if len(unknown) > 0:
        raise UsageError(f"there is no option {', '.join(unknown)}; there are {', '.join(sorted(known))}.")


def check_n(n: int) -> int:
    """Raise UsageError unless 1 <= n <= 1000."""
    if not 1 <= n <= MAX_N:
        raise UsageError(f"n is from 1 to {MAX_N}.")
    return n


def check_id(id: str, *, kind: str) -> str:
    """Raise UsageError for an id that no document can have."""
    if id.strip() == "":
        raise UsageError(f"a {kind} id is missing: it is empty.")
    try:
        size = len(id.encode())
    except UnicodeEncodeError as error:
        raise UsageError(f"a {kind} id is not valid UTF-8.") from error
    if size > 512:
        raise UsageError(f"a {kind} id is longer than 512 bytes.")
    return id


def make_filters(options: FilterOptions, *, known: frozenset[str]) -> Filters:
    """The filters that these options mean.

    Raises:
        UsageError: an option outside `known`, a price that is not a number of at least 0, an empty range,
            too many ids.
    """
    check_options(options, known=known)
    min_price, max_price = options.get("min_price"), options.get("max_price")
    for name, price in (("min_price", min_price), ("max_price", max_price)):
        if price is not None and not (math.isfinite(price) and price >= 0):
            raise UsageError(f"{name} must be a number of at least 0.")
    if min_price is not None and max_price is not None and min_price > max_price:
        raise UsageError("min_price is above max_price: no product can match.")
    categories = _several(options.get("category"))
    excluded = _several(options.get("exclude"))
    if max(len(excluded), len(categories)) > _MAX_TERMS:
        raise UsageError(f"Elasticsearch takes at most {_MAX_TERMS} ids or categories in one request.")
    return Filters(
        category=categories,
        min_price=min_price,
        max_price=max_price,
        in_stock=options.get("in_stock", False),
        exclude=excluded,
    )


def _several(value: str | Iterable[str] | None) -> tuple[str, ...]:
    """One text is one value, not its letters."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
