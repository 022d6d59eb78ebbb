"""Options that all answers share: how many products, which, and what is moved up or down."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Final

import typer

__all__ = ["comma_separated", "with_filters"]

_N = Annotated[int, typer.Option("-n", min=1, max=1000, help="How many products.")]
_CATEGORY = Annotated[
    list[str] | None, typer.Option("--category", metavar="NAME", help="Only of this category; repeatable.")
]
_BRAND = Annotated[list[str] | None, typer.Option("--brand", metavar="NAME", help="Only of this brand; repeatable.")]
_MIN_PRICE = Annotated[float | None, typer.Option("--min-price", min=0, help="Not cheaper.")]
_MAX_PRICE = Annotated[float | None, typer.Option("--max-price", min=0, help="Not dearer.")]
_IN_STOCK = Annotated[bool, typer.Option("--in-stock", help="Only what is in stock.")]
_EXCLUDE = Annotated[list[str] | None, typer.Option("--exclude", metavar="ID[,ID]", help="Not these; repeatable.")]
_BOOST = Annotated[
    list[str] | None,
    typer.Option(
        "--boost",
        metavar="CONDITION[:FACTOR]",
        help="Move up what fulfils brand=Acme, price<20 or a JSON query; its score times 2, or :1.5. Repeatable.",
    ),
]
_BURY = Annotated[
    list[str] | None,
    typer.Option("--bury", metavar="CONDITION[:FACTOR]", help="Move down likewise; repeatable."),
]
_PER_CATEGORY = Annotated[
    int | None, typer.Option("--max-per-category", metavar="M", help="At most so many of one category.")
]
_OPTIONS: Final = (
    ("n", _N, 10),
    ("category", _CATEGORY, None),
    ("brand", _BRAND, None),
    ("min_price", _MIN_PRICE, None),
    ("max_price", _MAX_PRICE, None),
    ("in_stock", _IN_STOCK, False),
    ("exclude", _EXCLUDE, None),
    ("boost", _BOOST, None),
    ("bury", _BURY, None),
    ("max_per_category", _PER_CATEGORY, None),
)
_LISTS: Final = ("category", "brand", "exclude", "boost", "bury")


def comma_separated(given: Iterable[str] | None) -> list[str]:
    """The ids of options that may be repeated and may hold several, with commas between them."""
    return [id.strip() for entry in given or () for id in entry.split(",") if id.strip() != ""]


def with_filters(command: Callable[..., None]) -> Callable[..., None]:
    """Hand a command its `filters`, the options of `wish.FilterOptions`, and give it their flags.

    Stands below `with_settings`; annotate the argument as `filters: Filters`.
    """
    known = {"Settings": object, "Filters": object}
    own = [
        each
        for each in inspect.signature(command, eval_str=True, locals=known).parameters.values()
        if each.name != "filters"
    ]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, annotation, default in _OPTIONS
    ]

    @functools.wraps(command)
    def run(settings: Any, **options: Any) -> None:
        filters = {name: options.pop(name) for name, _, _ in _OPTIONS}
        filters |= {name: filters[name] or () for name in _LISTS}
        filters["exclude"] = comma_separated(filters["exclude"])
        command(settings, filters=filters, **options)

    first, *others = own
    parameters = [first, *(each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in others), *shared]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # how inspect is told
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    del run.__wrapped__
    return run
