"""What an audience is: legs joined by and, or and not, a channel, and a limit by score.

A leg is a rule over profile fields, a segment, the lookalikes of some users, the likely buyers of a product, or a
file of ids. A node is a table with one key, as in TOML and as it is stored:

    {"and": [{"rule": "recency_days < 180"}, {"not": {"segment": "lost"}}, {"buyers": "p00016", "top": 5000}]}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from profilestore.errors import UsageError

__all__ = ["AllOf", "AnyOf", "Buyers", "Definition", "IdFile", "InSegment", "Leg", "Lookalike", "Node", "Not", "Rule",
           "VectorLeg", "definition_of", "legs_of", "node_of"]  # fmt: skip

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
class Rule:
    """Who fulfils a condition over profile fields (`elastic/conditions`)."""

    condition: str


@dataclass(frozen=True, slots=True)
class InSegment:
    """Who is in a segment, by rule or by behaviour, as it is defined when the audience is used."""

    name: str


@dataclass(frozen=True, slots=True)
class Lookalike:
    """Who is most like the mean of these users, who themselves are left out.

    `top` are the best so many of who may be written to; `min_score` the least (1 + cosine) / 2. Without either the
    leg finds everybody who can be compared, and its score is for the limit of the audience.
    """

    users: tuple[str, ...]
    top: int | None = None
    min_score: float | None = None
    method: str = "auto"


@dataclass(frozen=True, slots=True)
class Buyers:
    """Who would like a product most, without who bought it already unless they are included. As `Lookalike`."""

    product: str
    top: int | None = None
    min_score: float | None = None
    method: str = "auto"
    include_buyers: bool = False


@dataclass(frozen=True, slots=True)
class IdFile:
    """The users of a file, which was read when the audience was built. `column` is whose cells are ids."""

    file: str
    column: str | None = None


@dataclass(frozen=True, slots=True)
class AllOf:
    """Who is in every part."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Who is in at least one part."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Who is not in the part."""

    part: Node


VectorLeg: TypeAlias = Lookalike | Buyers
Leg: TypeAlias = Rule | InSegment | Lookalike | Buyers | IdFile
Node: TypeAlias = AllOf | AnyOf | Not | Leg


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


def plain(node: Node) -> dict[str, Any]:
    """A node as a table with one key and its options."""
    match node:
        case AllOf(parts):
            return {"and": [plain(part) for part in parts]}
        case AnyOf(parts):
            return {"or": [plain(part) for part in parts]}
        case Not(part):
            return {"not": plain(part)}
        case Rule(condition):
            return {"rule": condition}
        case InSegment(name):
            return {"segment": name}
        case IdFile(file, column):
            return {"ids": file} if column is None else {"ids": file, "column": column}
        case Lookalike(users):
            return {"lookalike": list(users), **_options(node)}
        case Buyers(product):
            extra = {"include_buyers": True} if node.include_buyers else {}
            return {"buyers": product, **_options(node), **extra}


def _options(leg: VectorLeg) -> dict[str, Any]:
    held: dict[str, Any] = {"top": leg.top, "min_score": leg.min_score}
    if leg.method != "auto":
        held["method"] = leg.method
    return {name: value for name, value in held.items() if value is not None}


def legs_of(node: Node, *, positive: bool = True) -> Iterator[tuple[Leg, bool]]:
    """The legs of a tree from left to right, each with whether it stands under an even number of nots."""
    match node:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from legs_of(part, positive=positive)
        case Not(part):
            yield from legs_of(part, positive=not positive)
        case _:
            yield node, positive


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
