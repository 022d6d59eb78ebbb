"""The mapping of a file's columns to our fields: `--columns FILE.toml|PRESET`.

A file has a section for each kind that it feeds, `[products]`, `[users]`, `[events]`, and `[cleaning]`:

    time_zone = "Europe/London"             # of times without one; default: the setting

    [events]
    auto = true                             # columns with obvious headers need no line (default)
    unmapped = "id"                         # id (default of events), attributes (of the others) or drop
    line_id = "LineNo"                      # a column that tells equal rows apart

    [events.columns]                        # our field = where it comes from
    user_id = "CustomerID"                  # a column
    time = {column = "When", format = "%d/%m/%Y %H:%M"}
    price = {column = "Total", decimal = ",", divide = "Quantity"}
    quantity = {column = "Quantity", absolute = true, units = {kg = 1, g = 0.001}}
    channel = {constant = "web"}
    text = {join = ["Head", "Body"], separator = " "}
    order_id = {column = ["Order", "Invoice"]}          # the first that is not empty
    rating = {column = "Stars", map = {good = 5, bad = 1}, when = {column = "Kind", equals = "rating"}}
    type = {cases = [{column = "Invoice", starts = "C", value = "refund"}], constant = "purchase"}
    "attributes.shop" = {column = "Shop", case = "upper", optional = true}

    [[events.filters]]                      # rows that match are not taken
    name = "no postage"
    column = "StockCode"
    one_of = ["POST", "M"]
    skip = "other-kind"                     # count them as skipped; without this line they are rejects

    [[events.each]]                         # several events (or products) of one row
    split = "purchase_history"              # one event an item of the list in this cell
    columns = {product_id = "purchase_history", type = {constant = "purchase"}}

A condition (`when`, `cases`, `filters`) has a column and one or more of equals, one_of, starts, matches
(regular expression), above, below, missing (true or false); all must hold. For products and users
`merge = "latest"` or `"frequent"` chooses how the rows of one id become one.
"""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from profilestore.errors import ColumnsError
from profilestore.ingest.cleaning import Cleaning
from profilestore.ingest.synonyms import HEADERS

__all__ = ["PRESETS", "Branch", "Case", "ColumnMapping", "Condition", "Filter", "Kind", "Rule", "load_columns"]

Kind = Literal["products", "users", "events"]
PRESETS: Final = ("online-retail", "complete-journey", "profiles-csv", "histories-csv")
REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "products": ("product_id",),
    "users": ("user_id",),
    "events": ("user_id", "type", "time"),
}
Scalar = str | int | float | bool


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Condition(_Part):
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


class Rule(_Part):
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


class Branch(_Part):
    """One of several events that a row makes; with `split`, one for each item of the list in that cell."""

    split: str | None = None
    separator: str | None = Field(default=None, min_length=1)
    when: Condition | None = None
    columns: dict[str, RuleLike]


class _Section(_Part):
    auto: bool = True
    unmapped: Literal["id", "attributes", "drop"] | None = None
    line_id: str | None = None
    columns: dict[str, RuleLike] = Field(default_factory=dict)
    filters: list[Filter] = Field(default_factory=list)
    each: list[Branch] = Field(default_factory=list)


class _File(_Part):
    description: str = ""
    time_zone: str | None = None
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    cleaning: Cleaning = Field(default_factory=Cleaning)
    products: _Section | None = None
    users: _Section | None = None
    events: _Section | None = None

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        try:
            return None if value is None else ZoneInfo(value).key
        except (KeyError, ValueError, OSError):
            raise ValueError("not an IANA time zone such as Europe/London") from None


class ColumnMapping(_Part):
    """The mapping of one kind, ready for `read_products`, `read_users` or `read_events`."""

    kind: Kind
    name: str = "auto"
    time_zone: str | None = None
    delimiter: str | None = None
    cleaning: Cleaning = Field(default_factory=Cleaning)
    auto: bool = True
    unmapped: Literal["id", "attributes", "drop"]
    line_id: str | None = None
    columns: dict[str, Rule] = Field(default_factory=dict)
    filters: tuple[Filter, ...] = ()
    each: tuple[Branch, ...] = ()


def load_columns(name: str | Path | None, *, kind: Kind) -> ColumnMapping:
    """The mapping of a preset, of a TOML file, or (None) of obvious headers alone.

    Raises:
        ColumnsError: no such preset or file, or a mapping with problems: all of them, each with its place.
    """
    if name is None:
        return ColumnMapping(kind=kind, unmapped=_default_unmapped(kind))
    label, text = _read(name)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ColumnsError(f"{label}: is not valid TOML: {error}") from error
    problems: list[str] = []
    try:
        file = _File.model_validate(values)
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors(include_input=False, include_url=False)
        ]
    else:
        problems = _problems(file, kind)
    if len(problems) > 0:
        raise ColumnsError(f"{label}: {len(problems)} problem(s): {'; '.join(problems)}.")
    section: _Section = getattr(file, kind)
    given = section.model_dump(exclude={"unmapped", "columns", "filters", "each"})
    return ColumnMapping(
        kind=kind, name=label, time_zone=file.time_zone, delimiter=file.delimiter, cleaning=file.cleaning,
        unmapped=section.unmapped or _default_unmapped(kind), columns=section.columns,
        filters=tuple(section.filters), each=tuple(section.each), **given,
    )  # fmt: skip


def _default_unmapped(kind: Kind) -> Literal["id", "attributes"]:
    return "id" if kind == "events" else "attributes"


def _read(name: str | Path) -> tuple[str, str]:
    if str(name) in PRESETS:
        return str(name), resources.files("profilestore.ingest").joinpath(f"presets/{name}.toml").read_text("utf-8")
    path = Path(name)
    try:
        return str(path), path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ColumnsError(
            f"{path}: no such preset, and no TOML file that can be read ({type(error).__name__}). "
            f"Presets: {', '.join(PRESETS)}."
        ) from error


def _problems(file: _File, kind: Kind) -> list[str]:
    section: _Section | None = getattr(file, kind)
    if section is None:
        there = [name for name in HEADERS if getattr(file, name) is not None]
        return [f"has no section [{kind}], so it cannot feed {kind}; it has {', '.join(there) or 'none'}"]
    problems = []
    known = HEADERS[kind]
    names = list(section.columns) + [name for branch in section.each for name in branch.columns]
    for name in dict.fromkeys(names):
        if name not in known and not (name.startswith("attributes.") and len(name) > len("attributes.")):
            problems.append(f"{kind}.columns.{name}: no such field; fields are {', '.join(known)}, attributes.*")
    if kind != "events" and section.unmapped == "id":
        problems.append(f"{kind}.unmapped: only events have an id made of their content")
    if not section.auto:
        branches = [set(section.columns) | set(branch.columns) for branch in section.each] or [set(section.columns)]
        for required in REQUIRED[kind]:
            if any(required not in branch for branch in branches):
                problems.append(f"{kind}.columns.{required}: is required")
    for field in file.cleaning.missing:
        if field != "*" and not any(field in fields for fields in HEADERS.values()) and "." not in field:
            problems.append(f"cleaning.missing.{field}: no such field")
    return problems
