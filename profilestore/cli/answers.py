"""`profilestore recommend | similar | search`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from profilestore.recommend.answers import Answer, Item, SearchAnswer, SimilarAnswer
    from profilestore.recommend.request import Request
    from profilestore.settings import Settings

__all__ = ["recommend", "search", "similar"]

NumberOption = Annotated[int, typer.Option("-n", min=1, max=1000, help="How many products.")]
MethodOption = Annotated[str, typer.Option("--method", help="auto, text, topics, taste, hybrid, popular or trending.")]
CategoryOption = Annotated[
    list[str] | None, typer.Option("--category", metavar="NAME", help="Only of this category; repeatable.")
]
MinPriceOption = Annotated[float | None, typer.Option("--min-price", min=0, help="Not cheaper.")]
MaxPriceOption = Annotated[float | None, typer.Option("--max-price", min=0, help="Not dearer.")]
InStockOption = Annotated[bool, typer.Option("--in-stock", help="Only what is in stock.")]
ExcludeOption = Annotated[list[str] | None, typer.Option("--exclude", metavar="ID", help="Not this; repeatable.")]
AsQueryOption = Annotated[
    bool, typer.Option("--as-query", help="Print the request that an app can send itself, as one JSON object.")
]
AsCurlOption = Annotated[bool, typer.Option("--as-curl", help="Print that request as a curl command.")]


@with_settings
def recommend(
    settings: Settings,
    users: Annotated[list[str], typer.Argument(metavar="USER", help="User ids; - reads them from standard input.")],
    n: NumberOption = 10,
    method: MethodOption = "auto",
    category: CategoryOption = None,
    min_price: MinPriceOption = None,
    max_price: MaxPriceOption = None,
    in_stock: InStockOption = False,
    exclude: ExcludeOption = None,
    include_seen: Annotated[bool, typer.Option("--include-seen", help="Also what the user has seen.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="The past events that contributed most.")] = False,
    as_query: AsQueryOption = False,
    as_curl: AsCurlOption = False,
    json: JsonOption = False,
) -> None:
    """Recommend products to users, one Elasticsearch request an answer."""
    from profilestore.store import ProfileStore

    options: dict[str, Any] = {**_filters(n, category, min_price, max_price, in_stock, exclude), "method": method}
    options["include_seen"] = include_seen
    with ProfileStore.open(settings) as shop:
        if as_query or as_curl:
            _print_request(shop.recommend_request(_only(users), **options), settings, shop.url, curl=as_curl)
            return
        for answer in shop.recommend_many(_ids(users), explain=explain, **options):
            _print_answer(answer, f"user {answer.user_id}", settings, json=json)


@with_settings
def similar(
    settings: Settings,
    products: Annotated[list[str], typer.Argument(metavar="PRODUCT", help="Product ids; - reads standard input.")],
    n: NumberOption = 10,
    method: Annotated[str, typer.Option("--method", help="auto, text, topics, taste or hybrid.")] = "auto",
    category: CategoryOption = None,
    min_price: MinPriceOption = None,
    max_price: MaxPriceOption = None,
    in_stock: InStockOption = False,
    exclude: ExcludeOption = None,
    as_query: AsQueryOption = False,
    as_curl: AsCurlOption = False,
    json: JsonOption = False,
) -> None:
    """Find products like these."""
    from profilestore.errors import NotFound
    from profilestore.store import ProfileStore

    options: dict[str, Any] = {**_filters(n, category, min_price, max_price, in_stock, exclude), "method": method}
    with ProfileStore.open(settings) as shop:
        if as_query or as_curl:
            _print_request(shop.similar_request(_only(products), **options), settings, shop.url, curl=as_curl)
            return
        missing: list[NotFound] = []
        for answer in shop.similar_many(_ids(products), **options):
            if isinstance(answer, NotFound):
                missing.append(answer)
                if json:
                    print_json({"product_id": answer.id, "error": "not found", "items": []})
            else:
                _print_answer(answer, f"like {answer.product_id}", settings, json=json)
        if len(missing) > 0:
            raise missing[0]


@with_settings
def search(
    settings: Settings,
    words: Annotated[list[str], typer.Argument(metavar="WORDS", help="Each one search; - reads lines.")],
    user: Annotated[str | None, typer.Option("--user", metavar="USER", help="Lean to this user's profile.")] = None,
    n: NumberOption = 10,
    category: CategoryOption = None,
    min_price: MinPriceOption = None,
    max_price: MaxPriceOption = None,
    in_stock: InStockOption = False,
    exclude: ExcludeOption = None,
    as_query: AsQueryOption = False,
    as_curl: AsCurlOption = False,
    json: JsonOption = False,
) -> None:
    """Search products by words and by meaning together."""
    from profilestore.store import ProfileStore

    options: dict[str, Any] = _filters(n, category, min_price, max_price, in_stock, exclude)
    with ProfileStore.open(settings) as shop:
        if as_query or as_curl:
            request = shop.search_request(_only(words), user=user, **options)
            _print_request(request, settings, shop.url, curl=as_curl)
            return
        for answer in shop.search_many(_ids(words), user=user, **options):
            _print_answer(answer, f"“{answer.words}”", settings, json=json)


def _filters(
    n: int,
    category: list[str] | None,
    min_price: float | None,
    max_price: float | None,
    in_stock: bool,
    exclude: list[str] | None,
) -> dict[str, Any]:
    return {
        "n": n,
        "category": category,
        "min_price": min_price,
        "max_price": max_price,
        "in_stock": in_stock,
        "exclude": exclude or (),
    }


def _ids(given: Iterable[str]) -> Iterator[str]:
    """The ids as given; `-` stands for the lines of standard input."""
    for entry in given:
        if entry != "-":
            yield entry
            continue
        for line in sys.stdin:
            if line.strip() != "":
                yield line.strip()


def _only(given: list[str]) -> str:
    from profilestore.errors import UsageError

    ids = list(_ids(given))
    if len(ids) != 1:
        raise UsageError("--as-query and --as-curl take one id.")
    return ids[0]


def _print_request(request: Request, settings: Settings, url: str, *, curl: bool) -> None:
    if not curl:
        print_json(request.as_dict())
        return
    secured = settings.password is not None or settings.api_key is not None
    typer.echo(
        request.as_curl(url, secured=secured, ca_certs=None if settings.ca_certs is None else str(settings.ca_certs))
    )


def _print_answer(answer: Answer | SimilarAnswer | SearchAnswer, whose: str, settings: Settings, *, json: bool) -> None:
    if json:
        print_json(answer.to_json_dict())
        return
    if answer.fallback is not None:
        say(f"{whose}: {answer.fallback}")
    typer.echo(f"{whose}, by {answer.method}, in {answer.took_ms:.0f} ms")
    if len(answer.items) == 0:
        say(f"{whose}: no product fits")
        return
    explained = any(len(item.reasons) > 0 for item in answer.items)
    columns = ("product", "title", "score", f"price {settings.currency}", *(("because of",) if explained else ()))
    rows = [
        (item.product_id, item.title or "", item.score, item.price, *((_because(item),) if explained else ()))
        for item in answer.items
    ]
    print_table(columns, rows)


def _because(item: Item) -> str:
    """The acts that speak for an item; several acts on one product add up."""
    shares: dict[tuple[str, str], float] = {}
    for reason in item.reasons:
        what = (reason.type, reason.title or reason.product_id or "what the user wrote")
        shares[what] = shares.get(what, 0.0) + reason.share
    return "; ".join(f"{kind} of {title} {share:.1%}" for (kind, title), share in shares.items())
