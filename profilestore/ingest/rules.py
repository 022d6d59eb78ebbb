"""The parts of a mapping as models: conditions, filters, rules for one field, branches. See `mapping`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

__all__ = ["Branch", "Case", "Condition", "Filter", "Part", "Rule", "RuleLike"]

Scalar = str | int | float | bool


class Part(BaseModel):
    """Base of all parts: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Condition(Part):
    """A test of one raw cell; all that is given must hold."""

    column: str
    equals: Scalar | None = None
    one_of: list[Scalar] | None = None
    starts: str | None = None
    matches: str | None = None
    above: float | None = None
    below: float | None = None
    missing: bool | None = None

    @field_validator("matches")
    @classmethod
    def _is_pattern(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            raise ValueError(f"not a regular expression: {error.msg}") from None
        return value

    @model_validator(mode="after")
    def _tests_something(self) -> Condition:
        tests = (self.equals, self.one_of, self.starts, self.matches, self.above, self.below, self.missing)
        if all(test is None for test in tests):
            raise ValueError("needs one of equals, one_of, starts, matches, above, below, missing")
        return self


class Case(Condition):
    """A value for the rows that a condition fits."""

    value: Scalar


class Filter(Condition):
    """Rows that are not taken."""

    name: str = Field(min_length=1, max_length=100)
    skip: Literal["other-kind"] | None = None


def _as_rule(value: Any) -> Any:
    return {"column": value} if isinstance(value, (str, list)) else value


class Rule(Part):
    """Where one field of ours comes from: `column`, `join`, `cases` or `constant`, and how it is read."""

    column: str | list[str] | None = None
    join: list[str] | None = None
    separator: str = " "
    cases: list[Case] = Field(default_factory=list)
    constant: Scalar | list[str] | None = None
    when: Condition | None = None
    map: dict[str, Scalar] | None = None
    format: str | list[str] | None = None
    decimal: Literal[".", ","] = "."
    units: dict[str, float] | None = None
    case: Literal["upper", "lower", "title"] | None = None
    absolute: bool = False
    above: float | None = None
    divide: str | None = None
    split: str | None = Field(default=None, min_length=1)
    merge: Literal["latest", "frequent"] | None = None
    optional: bool = False

    @model_validator(mode="after")
    def _has_one_origin(self) -> Rule:
        if self.column is not None and self.join is not None:
            raise ValueError("has both column and join: give one")
        if self.column is None and self.join is None and self.constant is None and len(self.cases) == 0:
            raise ValueError("needs column, join, cases or constant")
        if self.column == [] or self.join == []:
            raise ValueError("needs at least one column")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the value is made of."""
        if self.join is not None:
            return tuple(self.join)
        return () if self.column is None else ((self.column,) if isinstance(self.column, str) else tuple(self.column))

    @property
    def tested(self) -> tuple[str, ...]:
        """The columns that must be there besides."""
        found = [case.column for case in self.cases] + ([] if self.when is None else [self.when.column])
        return tuple(found + ([] if self.divide is None else [self.divide]))

    @property
    def faithful(self) -> bool:
        """Whether the value says all that the cell says, so that the cell need not enter the event id again."""
        return isinstance(self.column, str) and not (
            self.cases or self.when or self.map or self.absolute or self.divide or self.case or self.above is not None
        )


RuleLike = Annotated[Rule, BeforeValidator(_as_rule)]


class Branch(Part):
    """One of several events that a row makes; with `split`, one for each item of the list in that cell."""

    split: str | None = None
    separator: str | None = Field(default=None, min_length=1)
    when: Condition | None = None
    columns: dict[str, RuleLike]
