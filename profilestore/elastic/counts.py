"""How many documents a shop has, by kind of index."""

from __future__ import annotations

from typing import Final

from elasticsearch import Elasticsearch

from profilestore.elastic.client import connect, translated
from profilestore.settings import Settings

__all__ = ["COUNTED", "count_documents", "document_counts"]

COUNTED: Final = ("products", "profiles", "events")


def document_counts(client: Elasticsearch, settings: Settings) -> dict[str, int]:
    """Documents behind each alias of the shop; 0 for one that is not there (yet)."""
    counts: dict[str, int] = {}
    with translated("counting the documents"):
        for kind in COUNTED:
            answer = client.count(index=settings.index(kind), ignore_unavailable=True, allow_no_indices=True)
            counts[kind] = int(answer["count"])
    return counts


def count_documents(settings: Settings, *, url: str) -> dict[str, int]:
    """The same for a caller without a client."""
    with connect(settings, url=url) as client:
        return document_counts(client, settings)
