"""What a caller wants, checked: the options of an answer, and the filters they mean."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypedDict

from profilestore.errors import UsageError
from profilestore.recommend.clauses import Clause, Filters, in_list_of
from profilestore.recommend.preferences import Preference, parse_preferences

__all__ = [
    "MAX_N",
    "FilterOptions",
    "Options",
    "SimilarOptions",
    "Wish",
    "check_id",
    "check_max_per_category",
    "check_n",
    "make_filters",
    "make_preferences",
    "make_wish",
]

MAX_N: Final = 1000
_MAX_TERMS: Final = 65_536  # index.max_terms_count
_LONGEST: Final = 5_000  # characters of a value; the server refuses 32,767 bytes
_OF_SESSIONS: Final = ("session", "bought-together")


class FilterOptions(TypedDict, total=False):
    """How many products, and which. Prices are inclusive, in the shop's currency.

    `boost` and `bury` are conditions with factors, see `preferences.py`. At most `max_per_category` products of
    the answer are of one category; those without a category count as one.

    Defaults: `n` 10, everything else open.
    """

    n: int
    category: str | Iterable[str] | None
    brand: str | Iterable[str] | None
    min_price: float | None
    max_price: float | None
    in_stock: bool
    exclude: str | Iterable[str]
    boost: str | Iterable[str]
    bury: str | Iterable[str]
    max_per_category: int | None


class SimilarOptions(FilterOptions, total=False):
    """And by which method, "auto" by default."""

    method: str


class Options(SimilarOptions, total=False):
    """And what is left out for this user: by default what they have seen.

    `exclude_bought` and `exclude_cart` hold whatever `include_seen` says. `diversity` is from 0, the best list,
    to 1, the most different products. `segment_field` names the profile field that `popular-in-segment` goes
    by. `session` is the products of a session, in any order, to recommend by instead of a profile.
    """

    include_seen: bool
    exclude_bought: bool
    exclude_cart: bool
    diversity: float
    segment_field: str | None
    session: str | Iterable[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The options of one call, checked. `asked` is the method by name, which may be `auto`."""

    asked: str
    filters: Filters
    n: int
    preferences: tuple[Preference, ...] = ()
    max_per_category: int | None = None
    include_seen: bool = False
    exclude_bought: bool = False
    exclude_cart: bool = False
    diversity: float = 0.0
    segment_field: str | None = None
    session: tuple[str, ...] = ()

    def hidden_by(self, profile: Clause | None) -> list[Clause]:
        """The clauses that leave out what stands in lists of a profile. A list that is not there hides nothing."""
        if profile is None:
            return []
        return [in_list_of(profile, path) for path in self._hidden_lists()]

    def _hidden_lists(self) -> list[str]:
        lists = {
            "seen_products": not self.include_seen,
            "purchased_products": self.exclude_bought,
            "cart_products": self.exclude_cart,
        }
        return [name for name, hidden in lists.items() if hidden]


def make_wish(options: Options) -> Wish:
    """What these options mean.

    Raises:
        UsageError: one that there is not, or that cannot be meant.
    """
    filters = make_filters(options, known=Options.__optional_keys__)
    diversity = options.get("diversity", 0.0)
    if not 0.0 <= diversity <= 1.0:
        raise UsageError("diversity is from 0, the best list, to 1, the most different products.")
    return Wish(
        asked=_asked(options),
        filters=filters,
        n=check_n(options.get("n", 10)),
        preferences=make_preferences(options),
        max_per_category=check_max_per_category(options.get("max_per_category")),
        include_seen=options.get("include_seen", False),
        exclude_bought=options.get("exclude_bought", False),
        exclude_cart=options.get("exclude_cart", False),
        diversity=diversity,
        segment_field=options.get("segment_field"),
        session=tuple(dict.fromkeys(check_id(id, kind="product") for id in _several(options.get("session")))),
    )


def _asked(options: Options) -> str:
    """The method: a session is one of its own, and a segment's field names one."""
    method = options.get("method", "auto")
    if options.get("session") is not None:
        if method not in ("auto", *_OF_SESSIONS):
            raise UsageError(f"a session is recommended to by method {' or '.join(_OF_SESSIONS)}, not {method}.")
        if len(_several(options.get("session"))) == 0:
            raise UsageError("the session has no products.")
        return "session" if method == "auto" else method
    if method == "session":
        raise UsageError("method session wants the products of the session: --session P1,P2.")
    if options.get("segment_field") is not None and method not in ("auto", "popular-in-segment"):
        raise UsageError(f"a segment field is for method popular-in-segment, not {method}.")
    return "popular-in-segment" if options.get("segment_field") is not None else method


def make_preferences(options: FilterOptions) -> tuple[Preference, ...]:
    """What is to be moved up and down. Raises UsageError for what is no condition."""
    return parse_preferences(_several(options.get("boost")), _several(options.get("bury")))


def check_max_per_category(limit: int | None) -> int | None:
    """Raise UsageError for a limit below 1."""
    if limit is not None and limit < 1:
        raise UsageError("max_per_category is at least 1.")
    return limit


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
    categories, brands = _several(options.get("category")), _several(options.get("brand"))
    excluded = _several(options.get("exclude"))
    if max(len(excluded), len(categories), len(brands)) > _MAX_TERMS:
        raise UsageError(f"Elasticsearch takes at most {_MAX_TERMS} ids, categories or brands in one request.")
    if any(len(value) > _LONGEST for value in (*categories, *brands, *excluded)):
        raise UsageError(f"a category, a brand or an id to exclude has at most {_LONGEST:,} characters.")
    return Filters(
        category=categories,
        brand=brands,
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
