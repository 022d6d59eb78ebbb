"""`--boost` and `--bury`: products that fulfil a condition move up or down by a factor of their score.

A condition is `FIELD=VALUE`, `FIELD!=VALUE`, `FIELD<VALUE` (and `<=`, `>`, `>=`), or an Elasticsearch query
as JSON, of the queries and product fields below. A factor may follow it, as in `category=Gifts:1.5`; it is 2
without. Bury divides by the factor. Nothing else is sent to the server: no script, no other index.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import orjson

from profilestore.errors import UsageError
from profilestore.recommend.clauses import Clause

__all__ = ["Preference", "parse_preferences"]

_KEYWORDS: Final = frozenset(("product_id", "category", "brand", "tags", "main_topics"))
_NUMBERS: Final = frozenset(("price", "stock", "popularity", "trending"))
_DATES: Final = frozenset(("released",))
_FIELDS: Final = (*sorted(_KEYWORDS | _NUMBERS | _DATES), "attributes.NAME")
_COMPARED: Final = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_CONDITION: Final = re.compile(
    r"(?P<field>[A-Za-z_]\w*(?:\.[^\s=!<>]+)?)\s*(?P<sign>!=|<=|>=|=|<|>)\s*(?P<rest>.+)", re.S
)
_FACTOR: Final = re.compile(r"(?P<value>.*):(?P<factor>[0-9]+(?:\.[0-9]+)?)", re.S)
_BOOLEAN: Final = frozenset(("must", "filter", "should", "must_not"))
_LEAVES: Final = ("term", "terms", "range", "prefix", "exists")
_DEFAULT: Final = 2.0
_LARGEST: Final = 1000.0
_DEEPEST: Final = 5
_MOST_CLAUSES: Final = 100
_MOST_STOCK: Final = 2**31 - 1  # a number beyond is compared as this one, which the server takes
_LONGEST: Final = 5_000  # characters; the server refuses 32,767 bytes


@dataclass(frozen=True, slots=True)
class Preference:
    """Products that fulfil `clause` have their score multiplied by `factor`, which is above 0."""

    clause: Clause
    factor: float


def parse_preferences(boost: Iterable[str], bury: Iterable[str]) -> tuple[Preference, ...]:
    """What these texts mean.

    Raises:
        UsageError: a text that is no condition, with what it may be.
    """
    up = [_parse(text, "boost") for text in boost]
    down = [_parse(text, "bury") for text in bury]
    if len(up) + len(down) > _MOST_CLAUSES:
        raise UsageError(f"there are more than {_MOST_CLAUSES} conditions to boost and bury.")
    return (*up, *(Preference(each.clause, 1.0 / each.factor) for each in down))


def _parse(text: str, option: str) -> Preference:
    stripped = text.strip()
    if stripped.startswith("{"):
        end = stripped.rfind("}") + 1
        clause = _query(_loaded(stripped[:end], option), option, depth=0)
        return Preference(clause, _factor(stripped[end:].removeprefix(":").strip(), option))
    match = _CONDITION.fullmatch(stripped)
    if match is None:
        raise UsageError(
            f"--{option} wants FIELD=VALUE, FIELD<VALUE or the like, perhaps with a factor (brand=Acme:1.5), or an "
            f"Elasticsearch query as JSON. Fields: {', '.join(_FIELDS)}."
        )
    found = _FACTOR.fullmatch(match["rest"])
    value, factor = (match["rest"], "") if found is None else (found["value"], found["factor"])
    return Preference(_condition(match["field"], match["sign"], value.strip(), option), _factor(factor, option))


def _factor(text: str, option: str) -> float:
    try:
        factor = float(text) if text != "" else _DEFAULT
    except ValueError as error:
        raise UsageError(f"--{option}: what follows the condition is its factor, such as :1.5.") from error
    if not 0.0 < factor <= _LARGEST:
        raise UsageError(f"--{option}: a factor is above 0 and at most {_LARGEST:g}; to leave products out, filter.")
    return factor


def _condition(field: str, sign: str, value: str, option: str) -> Clause:
    if value == "":
        raise UsageError(f"--{option}: {field}{sign} has no value.")
    typed = _typed(_known(field, option), value, option)
    if sign in _COMPARED:
        if field not in _NUMBERS | _DATES:
            raise UsageError(f"--{option}: {field} has no order; compare it by = or !=.")
        return {"range": {field: {_COMPARED[sign]: typed}}}
    clause: Clause = {"term": {field: typed}}
    return clause if sign == "=" else {"bool": {"must_not": [clause]}}


def _known(field: str, option: str) -> str:
    if field not in _KEYWORDS | _NUMBERS | _DATES and not re.fullmatch(r"attributes\..+", field):
        raise UsageError(f"--{option}: products have no field {field}; there are {', '.join(_FIELDS)}.")
    return field


def _typed(field: str, value: Any, option: str) -> Any:
    """The value as the field has it, so that the server never has to refuse it."""
    if field in _NUMBERS:
        try:
            number = float(value)
        except (TypeError, ValueError) as error:
            raise UsageError(f"--{option}: {field} is compared with a number.") from error
        if not math.isfinite(number) or isinstance(value, bool):
            raise UsageError(f"--{option}: {field} is compared with a number.")
        if field == "stock" and number.is_integer():
            return int(max(-_MOST_STOCK, min(_MOST_STOCK, number)))
        return number
    if not isinstance(value, str):
        raise UsageError(f"--{option}: {field} is compared with a text.")
    if field in _DATES:
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError as error:
            raise UsageError(f"--{option}: {field} is compared with a date such as 2026-11-23.") from error
    if len(value) > _LONGEST:
        raise UsageError(f"--{option}: a value has at most {_LONGEST:,} characters.")
    return value


def _loaded(text: str, option: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UsageError(
            f"--{option}: what begins with {{ must be one query as JSON; this is not valid JSON."
        ) from error


def _query(query: Any, option: str, *, depth: int) -> Clause:
    """The same query, when it is made of what is allowed."""
    if not isinstance(query, dict) or len(query) != 1 or depth > _DEEPEST:
        raise UsageError(f"--{option}: a query is one object with one key: bool, {', '.join(_LEAVES)}.")
    (kind, inside), *_ = query.items()
    if kind == "bool" and isinstance(inside, dict):
        unknown = sorted(inside.keys() - _BOOLEAN)
        if len(unknown) > 0 or len(inside) == 0:
            raise UsageError(f"--{option}: bool takes {', '.join(sorted(_BOOLEAN))}.")
        return {"bool": {part: _several(queries, option, depth=depth + 1) for part, queries in inside.items()}}
    if kind not in _LEAVES or not isinstance(inside, dict) or len(inside) != 1:
        raise UsageError(f"--{option}: of the queries, only bool, {', '.join(_LEAVES)} on one field are taken.")
    (field, value), *_ = inside.items()
    if kind == "exists":
        if field != "field" or not isinstance(value, str):
            raise UsageError(f'--{option}: exists is written {{"exists": {{"field": NAME}}}}.')
        return {"exists": {"field": _known(value, option)}}
    return {kind: {field: _value(kind, _known(field, option), value, option)}}


def _several(queries: Any, option: str, *, depth: int) -> list[Clause]:
    given = queries if isinstance(queries, list) else [queries]
    if len(given) > _MOST_CLAUSES:
        raise UsageError(f"--{option}: more than {_MOST_CLAUSES} clauses.")
    return [_query(query, option, depth=depth) for query in given]


def _value(kind: str, field: str, value: Any, option: str) -> Any:
    if kind == "terms":
        if not isinstance(value, list) or not 0 < len(value) <= 1000:
            raise UsageError(f"--{option}: terms takes a list of 1 to 1000 values.")
        return [_typed(field, each, option) for each in value]
    if kind == "range":
        if not isinstance(value, Mapping) or len(value) == 0 or not value.keys() <= set(_COMPARED.values()):
            raise UsageError(f"--{option}: range takes {', '.join(_COMPARED.values())}.")
        return {bound: _typed(field, each, option) for bound, each in value.items()}
    if kind == "prefix" and field in _NUMBERS | _DATES:
        raise UsageError(f"--{option}: prefix is for texts, and {field} is none.")
    return _typed(field, value, option)
