"""Audiences as they are stored: a definition each, and the id lists that a definition's query looks up."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from profilestore.documents.base import Document

__all__ = ["AudienceDocument"]


class AudienceDocument(Document):
    """An audience (`kind` audience) or one piece of an id list (`kind` ids) of the audience `name`.

    `definition` is what was asked for, whole. `lists` says by key which ids stand for a leg of it that no query can
    say alone (a file, a nearness beyond what one search lists): `build`, `pieces`, `count`, and the `state` of the
    shop in which it was made. `query` finds the members, as `used` last. `ids` of a piece are at most 65,536, which
    is what a terms lookup takes; `seeds` are the users whom a definition names. Both can be searched, so that who is
    to be forgotten is found.
    """

    kind: Literal["audience", "ids"]
    name: str
    description: str | None = None
    channel: str | None = None
    limit: int | None = None
    by: str | None = None
    definition: dict[str, Any] | None = None
    seeds: list[str] | None = None
    lists: dict[str, Any] | None = None
    query: dict[str, Any] | None = None
    members: int | None = None
    created: datetime | None = None
    created_by: str | None = None
    used: datetime | None = None
    build: str | None = None
    piece: int | None = None
    ids: list[str] | None = None
