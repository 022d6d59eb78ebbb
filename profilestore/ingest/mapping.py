"""The mapping of a file's columns to our fields: `--columns FILE.toml|PRESET`.

A file has a section for each kind that it feeds, `[products]`, `[users]`, `[events]`, of past campaigns `[campaigns]`,
`[members]`, `[coupons]`, and `[cleaning]`:

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

import tomllib
from importlib import resources
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, field_validator

from profilestore.errors import ColumnsError
from profilestore.ingest.campaign_words import CAMPAIGN_HEADERS
from profilestore.ingest.cleaning import Cleaning
from profilestore.ingest.rules import Branch, Filter, Part, Rule, RuleLike
from profilestore.ingest.synonyms import HEADERS

__all__ = ["PRESETS", "REQUIRED", "ColumnMapping", "Kind", "load_columns"]

Kind = Literal["products", "users", "events", "campaigns", "members", "coupons"]
PRESETS: Final = (
    "online-retail", "complete-journey", "complete-journey-redemptions", "profiles-csv", "histories-csv",
)  # fmt: skip
_ALL_HEADERS: Final = {**HEADERS, **CAMPAIGN_HEADERS}
REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "products": ("product_id",),
    "users": ("user_id",),
    "events": ("user_id", "type", "time"),
    "campaigns": ("campaign", "starts", "ends"),
    "members": ("campaign", "user_id"),
    "coupons": ("campaign", "code"),
}


class _Section(Part):
    auto: bool = True
    unmapped: Literal["id", "attributes", "drop"] | None = None
    line_id: str | None = None
    columns: dict[str, RuleLike] = Field(default_factory=dict)
    filters: list[Filter] = Field(default_factory=list)
    each: list[Branch] = Field(default_factory=list)


class _File(Part):
    description: str = ""
    time_zone: str | None = None
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    cleaning: Cleaning = Field(default_factory=Cleaning)
    products: _Section | None = None
    users: _Section | None = None
    events: _Section | None = None
    campaigns: _Section | None = None
    members: _Section | None = None
    coupons: _Section | None = None

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        try:
            return None if value is None else ZoneInfo(value).key
        except (KeyError, ValueError, OSError):
            raise ValueError("not an IANA time zone such as Europe/London") from None


class ColumnMapping(Part):
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
            f"{'.'.join(str(part) for part in problem['loc'])}: "
            + ("there is no such key" if problem["type"] == "extra_forbidden" else problem["msg"])
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


def _default_unmapped(kind: Kind) -> Literal["id", "attributes", "drop"]:
    if kind == "events":
        return "id"
    return "drop" if kind in CAMPAIGN_HEADERS else "attributes"


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
        there = [name for name in _ALL_HEADERS if getattr(file, name) is not None]
        return [f"has no section [{kind}], so it cannot feed {kind}; it has {', '.join(there) or 'none'}"]
    problems = []
    known = _ALL_HEADERS[kind]
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
