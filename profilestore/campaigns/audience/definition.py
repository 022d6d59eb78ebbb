"""What an audience is: a tree of legs, a channel, and a limit by score; and how it is read from tables.

A leg is a rule over profile fields, a segment, the lookalikes of some users, the likely buyers of a product, or a
file of ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from profilestore.campaigns.audience.tree import (
    AllOf,
    AnyOf,
    Buyers,
    IdFile,
    InSegment,
    Leg,
    Lookalike,
    Node,
    Not,
    Rule,
    legs_of,
    plain,
)
from profilestore.errors import UsageError

__all__ = ["Definition", "definition_of", "node_of"]

# Of nested tables: what a person writes, and less than the server takes of nested queries.
_DEEPEST: Final = 15
_KEYS: Final[dict[str, frozenset[str]]] = {
    "and": frozenset(),
    "or": frozenset(),
    "not": frozenset(),
    "rule": frozenset(),
    "segment": frozenset(),
    "lookalike": frozenset(("top", "min_score", "method")),
    "buyers": frozenset(("top", "min_score", "method", "include_buyers")),
    "ids": frozenset(("column",)),
}
_FIELDS: Final = frozenset(("members", "channel", "description", "limit", "by"))


@dataclass(frozen=True, slots=True)
class Definition:
    """An audience as it was asked for.

    Attributes:
        members: who is in it.
        channel: by which they are to be reached; who gave no consent to it is not in the audience.
        description: for people.
        limit: at most so many, the best by `by`.
        by: `score` (of the vectors) or a number of the profiles, the highest first, or `FIELD asc`.
    """

    members: Node
    channel: str
    description: str = ""
    limit: int | None = None
    by: str | None = None

    def to_json_dict(self) -> dict[str, Any]:
        """As it is stored and read again by `definition_of`."""
        held = {"members": plain(self.members), "channel": self.channel, "description": self.description,
                "limit": self.limit, "by": self.by}  # fmt: skip
        return {name: value for name, value in held.items() if value not in (None, "")}


def definition_of(given: Mapping[str, Any], *, source: str) -> Definition:
    """A definition from its tables.

    Args:
        given: keys members, channel, description, limit and by.
        source: what to call it in errors.

    Raises:
        UsageError: a key or value that is not meant; tells where.
    """
    unknown = sorted(set(given) - _FIELDS)
    if len(unknown) > 0:
        raise UsageError(f"{source}: there is no key {unknown[0]}; it takes {', '.join(sorted(_FIELDS))}.")
    if "members" not in given:
        raise UsageError(f"{source}: `members` is missing: who is in the audience.")
    channel = given.get("channel")
    if not isinstance(channel, str) or channel.strip() == "":
        raise UsageError(
            f"{source}: `channel` is missing, such as mail or sms: nobody is chosen without consent to it."
        )
    limit, by = given.get("limit"), given.get("by")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise UsageError(f"{source}: `limit` is a whole number from 1 on.")
    if by is not None and not isinstance(by, str):
        raise UsageError(f"{source}: `by` is `score` or the name of a number in the profiles.")
    description = given.get("description", "")
    if not isinstance(description, str) or len(description) > 1000:
        raise UsageError(f"{source}: `description` is a text of at most 1,000 characters.")
    definition = Definition(node_of(given["members"], at=f"{source}: members"), channel.strip(), description, limit, by)
    _check_limit(definition, source)
    return definition


def _check_limit(definition: Definition, source: str) -> None:
    legs = list(legs_of(definition.members))
    scored = [leg for leg, positive in legs if isinstance(leg, Lookalike | Buyers) and positive]
    by_score = definition.by == "score" or (definition.by is None and len(scored) > 0)
    if definition.limit is None and definition.by is not None:
        raise UsageError(f"{source}: `by` says whom a `limit` keeps, and there is none.")
    if definition.limit is not None and definition.by is None and len(scored) == 0:
        raise UsageError(f"{source}: a `limit` wants `by`, such as clv_90d: whom it keeps.")
    if definition.by == "score" and len(scored) == 0:
        raise UsageError(
            f"{source}: only `lookalike` and `buyers` give a score: take a number of the profiles for `by`."
        )
    for leg, positive in legs:
        if isinstance(leg, Lookalike | Buyers) and leg.top is None and leg.min_score is None:
            if not positive:
                raise UsageError(f"{source}: a lookalike or buyers behind `not` wants `top` or `min_score`.")
            if definition.limit is None or not by_score:
                raise UsageError(
                    f"{source}: lookalike and buyers want `top`, `min_score`, or a `limit` by score of the audience: "
                    "without, everybody is alike."
                )


def node_of(given: Any, *, at: str, depth: int = 0) -> Node:
    """A node from its table.

    Raises:
        UsageError: it is none; `at` says where.
    """
    if not isinstance(given, Mapping):
        raise UsageError(f"{at}: wants a table such as {{ rule = 'order_count >= 2' }}.")
    if depth > _DEEPEST:
        raise UsageError(f"{at}: is nested deeper than {_DEEPEST} tables.")
    kinds = [key for key in given if key in _KEYS]
    if len(kinds) != 1:
        raise UsageError(f"{at}: wants exactly one of {', '.join(_KEYS)}.")
    (kind,) = kinds
    for key in given:
        if key != kind and key not in _KEYS[kind]:
            raise UsageError(f"{at}: `{kind}` takes no `{key}`.")
    value = given[kind]
    if kind in ("and", "or"):
        if not isinstance(value, list | tuple) or len(value) == 0:
            raise UsageError(f"{at}: `{kind}` wants a list of at least one table.")
        parts = tuple(node_of(part, at=f"{at}.{kind}[{n}]", depth=depth + 1) for n, part in enumerate(value))
        return AllOf(parts) if kind == "and" else AnyOf(parts)
    if kind == "not":
        return Not(node_of(value, at=f"{at}.not", depth=depth + 1))
    return _leg(kind, value, given, at)


def _leg(kind: str, value: Any, given: Mapping[str, Any], at: str) -> Leg:
    if kind == "lookalike":
        users = [value] if isinstance(value, str) else value
        if not isinstance(users, list | tuple) or len(users) == 0:
            raise UsageError(f"{at}: `lookalike` wants a list of user ids.")
        ids = tuple(dict.fromkeys(_text(user, at, kind) for user in users))
        if len(ids) > 10_000:
            raise UsageError(f"{at}: `lookalike` takes at most 10,000 users.")
        return Lookalike(ids, **_vector_options(given, at))
    text = _text(value, at, kind)
    if kind == "buyers":
        include = given.get("include_buyers", False)
        if not isinstance(include, bool):
            raise UsageError(f"{at}: `include_buyers` is true or false.")
        return Buyers(text, **_vector_options(given, at), include_buyers=include)
    if kind == "ids":
        column = given.get("column")
        return IdFile(text, None if column is None else _text(column, at, "column"))
    return Rule(text) if kind == "rule" else InSegment(text)


def _vector_options(given: Mapping[str, Any], at: str) -> dict[str, Any]:
    top, least, method = given.get("top"), given.get("min_score"), given.get("method", "auto")
    if top is not None and (not isinstance(top, int) or isinstance(top, bool) or top < 1):
        raise UsageError(f"{at}: `top` is a whole number from 1 on.")
    if least is not None and (not isinstance(least, int | float) or isinstance(least, bool) or not 0.0 <= least <= 1.0):
        raise UsageError(f"{at}: `min_score` is from 0 to 1: half of 1 and the cosine.")
    if method not in ("auto", "taste", "text"):
        raise UsageError(f"{at}: `method` is auto, taste or text.")
    return {"top": top, "min_score": None if least is None else float(least), "method": method}


def _text(value: Any, at: str, key: str) -> str:
    if not isinstance(value, str) or value.strip() == "" or "\x00" in value:
        raise UsageError(f"{at}: `{key}` wants a text.")
    return value.strip()
