"""The tree of an audience: legs joined by and, or and not, and a node as the table that files and records hold.

{"and": [{"rule": "recency_days < 180"}, {"not": {"segment": "lost"}}, {"buyers": "p00016", "top": 5000}]}
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = [
    "AllOf",
    "AnyOf",
    "Buyers",
    "IdFile",
    "InSegment",
    "Leg",
    "Lookalike",
    "Node",
    "Not",
    "Rule",
    "VectorLeg",
    "legs_of",
    "plain",
]


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
