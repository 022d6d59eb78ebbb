"""A document of an audience, written without one user: of an id list, or of a definition that names who to be like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from profilestore.documents import Revision
from profilestore.elastic.bulk import Operation

__all__ = ["without_user"]


def without_user(hit: Mapping[str, Any], user_id: str, index: str) -> Operation:
    """The write after which a document names a user no more."""
    source = dict(hit["_source"])
    revision = Revision(hit["_seq_no"], hit["_primary_term"])
    if source["kind"] == "ids":
        source["ids"] = [id for id in source["ids"] if id != user_id]
    else:
        source["seeds"] = [id for id in source["seeds"] if id != user_id]
        source["definition"] = _unlike(source["definition"], user_id)
        if _is_like_nobody(source["definition"]):
            return Operation("delete", index, hit["_id"], {}, expected=revision)
    return Operation("index", index, hit["_id"], source, expected=revision)


def _unlike(part: Any, user_id: str) -> Any:
    if isinstance(part, dict):
        return {
            key: [id for id in value if id != user_id] if key == "lookalike" else _unlike(value, user_id)
            for key, value in part.items()
        }
    return [_unlike(each, user_id) for each in part] if isinstance(part, list) else part


def _is_like_nobody(part: Any) -> bool:
    if isinstance(part, dict):
        return part.get("lookalike") == [] or any(_is_like_nobody(value) for value in part.values())
    return isinstance(part, list) and any(_is_like_nobody(each) for each in part)
