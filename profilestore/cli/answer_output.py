"""How answers and requests are printed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from profilestore.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from profilestore.recommend.answers import Answer, Item, SearchAnswer, SimilarAnswer
    from profilestore.recommend.request import Request
    from profilestore.settings import Settings

__all__ = ["print_answer", "print_head", "print_request"]


def print_request(request: Request, settings: Settings, url: str, *, curl: bool) -> None:
    """A request for an app to send itself, as JSON or as a curl command."""
    if not curl:
        print_json(request.as_dict())
        return
    secured = settings.password is not None or settings.api_key is not None
    typer.echo(
        request.as_curl(url, secured=secured, ca_certs=None if settings.ca_certs is None else str(settings.ca_certs))
    )


def print_head(whose: str, *, method: str, took_ms: float, fallback: str | None) -> None:
    """Whose answer it is, by which method, and why by another one than was asked for."""
    if fallback is not None:
        say(f"{whose}: {fallback}")
    typer.echo(f"{whose}, by {method}, in {took_ms:.0f} ms")


def print_answer(answer: Answer | SimilarAnswer | SearchAnswer, whose: str, settings: Settings, *, json: bool) -> None:
    """One answer: as one JSON object, or as a table with what there is to say about it."""
    if json:
        print_json(answer.to_json_dict())
        return
    print_head(whose, method=answer.method, took_ms=answer.took_ms, fallback=answer.fallback)
    if len(answer.items) == 0:
        say(f"{whose}: no product fits")
        return
    if answer.filled > 0:
        say(f"{whose}: the last {answer.filled} are popular products, since {answer.method} finds no more")
    explained = any(len(item.reasons) > 0 for item in answer.items)
    columns = ("product", "title", "score", f"price {settings.currency}", *(("because of",) if explained else ()))
    rows = [
        (
            item.product_id,
            item.title or "",
            _score(item, answer.method),
            item.price,
            *((_because(item),) if explained else ()),
        )
        for item in answer.items
    ]
    print_table(columns, rows)


def _score(item: Item, method: str) -> float | str:
    """The score, and of new products the day since when they are listed, which is what they are ordered by."""
    if method != "new" or item.score <= 0.0:
        return item.score
    return datetime.fromtimestamp(item.score / 1000.0, UTC).date().isoformat()


def _because(item: Item) -> str:
    """What speaks for an item, in words; several acts on one product add up."""
    shares: dict[str, float] = {}
    for reason in item.reasons:
        shares[reason.words] = shares.get(reason.words, 0.0) + reason.share
    if all(reason.points is None for reason in item.reasons):  # what others did is the whole reason
        return "; ".join(shares)
    return "; ".join(f"{words} {share:.1%}" for words, share in shares.items())
