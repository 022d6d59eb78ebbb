"""Which of our fields an obvious header means, in English and Chinese."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from profilestore.ingest.campaign_words import CAMPAIGN_HEADERS
from profilestore.ingest.synonyms import HEADERS, normalise_header

__all__ = ["find_foreign", "find_obvious"]

_FOREIGN_ID: Final = {"products": "user_id", "users": "product_id", "events": ""}


def find_obvious(names: Sequence[str], *, kind: str, taken: Collection[str]) -> dict[str, str]:
    """Field -> column, for the fields not taken. Of several columns for a field, the order of the synonyms decides."""
    headers: dict[str, str] = {}
    for name in names:
        headers.setdefault(normalise_header(name), name)
    found: dict[str, str] = {}
    for target, synonyms in {**HEADERS, **CAMPAIGN_HEADERS}[kind].items():
        if target in taken:
            continue
        words = (normalise_header(word) for word in synonyms.split())
        word = next((word for word in words if word in headers), None)
        if word is not None:
            found[target] = headers.pop(word)
    return found


def find_foreign(names: Sequence[str], *, kind: str) -> frozenset[str]:
    """Columns that are obviously of another kind, in a file that feeds several: a user's age is no product's."""
    headers = {name: normalise_header(name) for name in names}
    if _words(_FOREIGN_ID[kind]).isdisjoint(headers.values()):
        return frozenset()
    others = frozenset().union(*(_words(field) for other in HEADERS if other != kind for field in HEADERS[other]))
    return frozenset(name for name, header in headers.items() if header in others)


def _words(field: str) -> frozenset[str]:
    return frozenset(
        normalise_header(word) for fields in HEADERS.values() for word in fields.get(field, "").split() if word != "id"
    )
