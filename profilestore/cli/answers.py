"""`profilestore recommend | similar | search`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from profilestore.cli.answer_output import print_answer, print_request
from profilestore.cli.filters import comma_separated, with_filters
from profilestore.cli.nightly import DEFAULT_N, recommend_all
from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import print_json

if TYPE_CHECKING:
    from profilestore.recommend.answers import Answer
    from profilestore.recommend.phrases import Telling
    from profilestore.settings import Settings

__all__ = ["given_ids", "only_id", "recommend", "search", "similar"]

Filters = dict[str, Any]  # what `with_filters` hands over

_METHODS = (
    "auto, taste, hybrid, text, topics, similar-users, bought-together, popular, trending, new, popular-in-segment, "
    "session or bandit."
)
MethodOption = Annotated[str, typer.Option("--method", help=_METHODS)]
AsQueryOption = Annotated[
    bool, typer.Option("--as-query", help="Print the request that an app can send itself, as one JSON object.")
]
AsCurlOption = Annotated[bool, typer.Option("--as-curl", help="Print that request as a curl command.")]


@with_settings
@with_filters
def recommend(
    settings: Settings,
    filters: Filters,
    context: typer.Context,
    users: Annotated[
        list[str] | None, typer.Argument(metavar="USER", help="User ids; - reads them from standard input.")
    ] = None,
    method: MethodOption = "auto",
    include_seen: Annotated[bool, typer.Option("--include-seen", help="Also what the user has seen.")] = False,
    exclude_bought: Annotated[bool, typer.Option("--exclude-bought", help="Not what the user has bought.")] = False,
    exclude_cart: Annotated[bool, typer.Option("--exclude-cart", help="Not what is in the user's cart.")] = False,
    diversity: Annotated[float, typer.Option("--diversity", metavar="0..1", help="How different they are.")] = 0.0,
    segment_field: Annotated[
        str | None, typer.Option("--segment-field", metavar="FIELD", help="Popular among users of the same FIELD.")
    ] = None,
    session: Annotated[
        list[str] | None,
        typer.Option("--session", metavar="ID[,ID]", help="By these products instead of a profile; repeatable."),
    ] = None,
    everybody: Annotated[
        bool, typer.Option("--all", help="Write the list of every user to the recommendations index; 20 products each.")
    ] = False,
    experiment: Annotated[
        str | None, typer.Option("--experiment", metavar="NAME", help="By the method of each user's arm.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say why, by the past events that count most.")] = False,
    reasons: Annotated[
        str | None, typer.Option("--reasons", metavar="N|all", help="So many reasons a product; 3 with --explain.")
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", metavar="en|zh", help="Of the reasons; else the setting language.")
    ] = None,
    as_query: AsQueryOption = False,
    as_curl: AsCurlOption = False,
    json: JsonOption = False,
) -> None:
    """Recommend products to users, one Elasticsearch request an answer."""
    from profilestore.store import ProfileStore

    telling = _telling(explain, reasons, language, settings)
    options: dict[str, Any] = {**filters, "method": method}
    options |= {"include_seen": include_seen, "exclude_bought": exclude_bought, "exclude_cart": exclude_cart}
    options |= {"diversity": diversity, "segment_field": segment_field}
    if session is not None:
        options["session"] = comma_separated(session)
    if everybody:
        _check_all(users, session, experiment, as_query=as_query or as_curl)
        source = context.get_parameter_source("n")
        if source is not None and source.name == "DEFAULT":
            options["n"] = DEFAULT_N
        recommend_all(settings, options, explain=telling, json=json)
        return
    options["experiment"] = experiment
    with ProfileStore.open(settings) as shop:
        if as_query or as_curl:
            asked = None if session is not None and not users else only_id(users or [])
            print_request(shop.recommend_request(asked, **options), settings, shop.url, curl=as_curl)
            return
        answers = (
            [shop.recommend(None, explain=telling, **options)]
            if session is not None and not users
            else shop.recommend_many(_some(users), explain=telling, **options)
        )
        for answer in answers:
            print_answer(answer, _whose(answer), settings, json=json)


def _telling(explain: bool, reasons: str | None, language: str | None, settings: Settings) -> Telling | bool:
    """How reasons are told; asking how is asking for them."""
    from profilestore.errors import UsageError
    from profilestore.recommend.phrases import Telling

    if not explain and reasons is None and language is None:
        return False
    most: int | None = 3
    if reasons is not None:
        if reasons != "all" and not (reasons.isascii() and reasons.isdecimal()):
            raise UsageError("--reasons is a number of at least 1, or all.")
        most = None if reasons == "all" else int(reasons)
    return Telling(most=most, language=language or settings.language)  # type: ignore[arg-type]  # checked there


def _check_all(users: list[str] | None, session: list[str] | None, experiment: str | None, *, as_query: bool) -> None:
    from profilestore.errors import UsageError

    if users or session is not None or experiment is not None or as_query:
        raise UsageError("--all is for every user: leave USER, --session, --experiment, --as-query and --as-curl out.")


@with_settings
@with_filters
def similar(
    settings: Settings,
    filters: Filters,
    products: Annotated[list[str], typer.Argument(metavar="PRODUCT", help="Product ids; - reads standard input.")],
    method: Annotated[
        str, typer.Option("--method", help="auto, text, topics, taste, hybrid or bought-together.")
    ] = "auto",
    as_query: AsQueryOption = False,
    as_curl: AsCurlOption = False,
    json: JsonOption = False,
) -> None:
    """Find products like these."""
    from profilestore.errors import NotFound
    from profilestore.store import ProfileStore

    options: dict[str, Any] = {**filters, "method": method}
    with ProfileStore.open(settings) as shop:
        if as_query or as_curl:
            print_request(shop.similar_request(only_id(products), **options), settings, shop.url, curl=as_curl)
            return
        missing: list[NotFound] = []
        for answer in shop.similar_many(given_ids(products), **options):
            if isinstance(answer, NotFound):
                missing.append(answer)
                if json:
                    print_json({"product_id": answer.id, "error": "not found", "items": []})
            else:
                print_answer(answer, f"like {answer.product_id}", settings, json=json)
        if len(missing) > 0:
            raise missing[0]


@with_settings
@with_filters
def search(
    settings: Settings,
    filters: Filters,
    words: Annotated[list[str], typer.Argument(metavar="WORDS", help="Each one search; - reads lines.")],
    user: Annotated[str | None, typer.Option("--user", metavar="USER", help="Lean to this user's profile.")] = None,
    as_query: AsQueryOption = False,
    as_curl: AsCurlOption = False,
    json: JsonOption = False,
) -> None:
    """Search products by words and by meaning together."""
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        if as_query or as_curl:
            request = shop.search_request(only_id(words), user=user, **filters)
            print_request(request, settings, shop.url, curl=as_curl)
            return
        for answer in shop.search_many(given_ids(words), user=user, **filters):
            print_answer(answer, f"“{answer.words}”", settings, json=json)


def _whose(answer: Answer) -> str:
    return "this session" if answer.user_id is None else f"user {answer.user_id}"


def given_ids(given: Iterable[str]) -> Iterator[str]:
    """The ids as given; `-` stands for the lines of standard input."""
    for entry in given:
        if entry != "-":
            yield entry
            continue
        for line in sys.stdin:
            if line.strip() != "":
                yield line.strip()


def _some(given: list[str] | None) -> Iterator[str]:
    from profilestore.errors import UsageError

    if not given:
        raise UsageError("whom to recommend to is missing: user ids, - for standard input, or --session IDS.")
    return given_ids(given)


def only_id(given: list[str]) -> str:
    """The one id that was given, `-` read as above.

    Raises:
        UsageError: none or several.
    """
    from profilestore.errors import UsageError

    ids = list(given_ids(given))
    if len(ids) != 1:
        raise UsageError("--as-query and --as-curl take one id.")
    return ids[0]
