"""`profilestore lookalike | buyers`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from profilestore.cli.answer_output import print_head, print_request
from profilestore.cli.answers import AsCurlOption, AsQueryOption, given_ids, only_id
from profilestore.cli.options import JsonOption, with_settings
from profilestore.cli.output import format_count, print_json, print_table, say

if TYPE_CHECKING:
    from profilestore.recommend.people_answers import PeopleAnswer
    from profilestore.settings import Settings

__all__ = ["buyers", "lookalike"]

NumberOption = Annotated[int, typer.Option("-n", min=1, max=10_000, help="How many users.")]
WhereOption = Annotated[
    str | None, typer.Option("--where", metavar="CONDITION", help='Only users like: country == "France".')
]
MethodOption = Annotated[str, typer.Option("--method", metavar="auto|taste|text", help="By which vectors.")]


@with_settings
def lookalike(
    settings: Settings,
    users: Annotated[
        list[str] | None, typer.Argument(metavar="[USER]...", help="User ids; - reads them from standard input.")
    ] = None,
    segment: Annotated[
        str | None,
        typer.Option("--segment", metavar="FIELD=VALUE", help="Instead of users; a segment's name alone will do."),
    ] = None,
    n: NumberOption = 10,
    where: WhereOption = None,
    method: MethodOption = "auto",
    as_query: AsQueryOption = False,
    as_curl: AsCurlOption = False,
    json: JsonOption = False,
) -> None:
    """Find the users most like these users or this segment."""
    from profilestore.store import ProfileStore

    ids = list(given_ids(users or ()))
    with ProfileStore.open(settings) as shop:
        if as_query or as_curl:
            request = shop.people.lookalike_request(ids, segment=segment, n=n, where=where, method=method)
            print_request(request, settings, shop.url, curl=as_curl)
            return
        answer = shop.people.lookalike(ids, segment=segment, n=n, where=where, method=method)
    whose = "like this segment" if segment is not None else f"like {', '.join(ids[:5])}{' …' if len(ids) > 5 else ''}"
    _print_people(answer, f"{whose} ({format_count(answer.seeds)} compared with)", json=json)


@with_settings
def buyers(
    settings: Settings,
    products: Annotated[list[str], typer.Argument(metavar="PRODUCT...", help="Product ids; - reads standard input.")],
    n: NumberOption = 10,
    where: WhereOption = None,
    method: MethodOption = "auto",
    include_buyers: Annotated[bool, typer.Option("--include-buyers", help="Also who bought it already.")] = False,
    as_query: AsQueryOption = False,
    as_curl: AsCurlOption = False,
    json: JsonOption = False,
) -> None:
    """Find the users who would like a product most, a new one too."""
    from profilestore.errors import NotFound
    from profilestore.store import ProfileStore

    with ProfileStore.open(settings) as shop:
        if as_query or as_curl:
            request = shop.people.buyers_request(
                only_id(products), n=n, where=where, method=method, include_buyers=include_buyers
            )
            print_request(request, settings, shop.url, curl=as_curl)
            return
        missing: list[NotFound] = []
        for answer in shop.people.buyers_many(
            given_ids(products), n=n, where=where, method=method, include_buyers=include_buyers
        ):
            if isinstance(answer, NotFound):
                missing.append(answer)
                if json:
                    print_json({"product_id": answer.id, "error": "not found", "users": []})
            else:
                _print_people(answer, f"buyers of {answer.asked['product_id']}", json=json)
        if len(missing) > 0:
            raise missing[0]


def _print_people(answer: PeopleAnswer, whose: str, *, json: bool) -> None:
    if json:
        print_json(answer.to_json_dict())
        return
    print_head(whose, method=answer.method, took_ms=answer.took_ms, fallback=answer.fallback)
    if len(answer.users) == 0:
        say(f"{whose}: nobody fits")
        return
    print_table(("user", "score"), [(person.user_id, person.score) for person in answer.users])
