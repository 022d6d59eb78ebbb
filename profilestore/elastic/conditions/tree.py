"""What a condition says, as a tree. Names are as written, places (`at`) count characters from 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["AllOf", "AnyOf", "Comparison", "Condition", "FieldName", "IsKnown", "Negation", "Operator", "Value"]

Operator = Literal["==", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class FieldName:
    """A field as it was named; `key` is the part in brackets; `since` for `days_since(name)`."""

    name: str
    at: int
    key: str | None = None
    since: bool = False


@dataclass(frozen=True, slots=True)
class Value:
    """A value as written: of kind text, number, date or truth."""

    kind: Literal["text", "number", "date", "truth"]
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field compared with one value, or with several of which one must fit; `member`: written with `in`."""

    field: FieldName
    operator: Operator
    values: tuple[Value, ...]
    member: bool = False


@dataclass(frozen=True, slots=True)
class IsKnown:
    """Whether the field has a value."""

    field: FieldName


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """The part does not hold; so it is for those too of whom the field is not known."""

    part: Condition


Condition: TypeAlias = AllOf | AnyOf | Negation | Comparison | IsKnown
