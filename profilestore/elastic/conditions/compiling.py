"""A condition -> an Elasticsearch query, with its types checked.

Elapsed time is counted in calendar days of the shop's time zone, today being 0: `recency_days < 30` is a
last purchase today or on one of the 29 days before, and becomes `gte now-29d/d`. The server reads the clock
when it is asked, so that who was in on day 29 is out on day 30 though nothing was written. Dates without a
time of day, such as `signup_date`, are compared with the day in UTC, in which they are stored.

Who has no value in a field fits no test of it but `!=`, `not in` and what stands behind `not`; an act that
never happened has the count 0.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from profilestore.elastic.conditions.fields import Field, Fields
from profilestore.elastic.conditions.parsing import parse_condition
from profilestore.elastic.conditions.tree import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    IsKnown,
    Negation,
    Operator,
    Value,
)
from profilestore.errors import ConditionError

__all__ = ["Compiler", "at_moment"]

Query = dict[str, Any]

_FARTHEST_DAYS: Final = 36_500
_KINDS: Final = {"text": "text", "number": "a number", "date": "a date", "truth": "true or false", "days": "days"}
_RANGES: Final = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}


@dataclass(frozen=True, slots=True)
class Compiler:
    """Makes queries of conditions.

    Args:
        fields: what conditions may name.
        time_zone: of the shop; where days begin.
    """

    fields: Fields
    time_zone: str = "UTC"

    def query(self, condition: str) -> Query:
        """The query that finds the documents of which the condition holds.

        Raises:
            ConditionError: it cannot be read, names a field that there is not, or compares what cannot be compared.
        """
        return _Writer(self, condition).write(parse_condition(condition))


def at_moment(query: Query, now: datetime) -> Query:
    """The same query as it answers at that moment: `now` in its ranges is replaced."""

    def replaced(part: Any, *, in_range: bool) -> Any:
        if isinstance(part, dict):
            return {name: replaced(value, in_range=in_range or name == "range") for name, value in part.items()}
        if isinstance(part, list):
            return [replaced(each, in_range=in_range) for each in part]
        if in_range and isinstance(part, str) and part.startswith("now"):
            return f"{_written(now)}||{part.removeprefix('now')}"
        return part

    result: Query = replaced(query, in_range=False)
    return result


class _Writer:
    def __init__(self, compiler: Compiler, text: str) -> None:
        self._compiler = compiler
        self._text = text

    def write(self, condition: Condition) -> Query:
        match condition:
            case AllOf(parts):
                return {"bool": {"filter": [self.write(part) for part in parts]}}
            case AnyOf(parts):
                return _any([self.write(part) for part in parts])
            case Negation(part):
                return _none(self.write(part))
            case IsKnown(name):
                return {"exists": {"field": self._compiler.fields.find(name, condition=self._text).path}}
            case Comparison():
                return self._compare(condition)

    def _compare(self, test: Comparison) -> Query:
        field = self._compiler.fields.find(test.field, condition=self._text)
        if test.member and field.kind not in ("text", "number"):
            kind = _KINDS[field.kind]
            raise self._error(
                f"`in` needs a field of texts or numbers; `{test.field.name}` holds {kind}.", test.field.at
            )
        if test.operator == "!=":
            return _none(self._compare(Comparison(test.field, "==", test.values)))
        if field.kind == "days":
            return self._elapsed(field, test.operator, self._whole(test.values[0]))
        if field.kind == "date":
            return self._dated(field, test.operator, test.values[0])
        values = [self._value(field, test, value) for value in test.values]
        if test.operator == "==":
            query: Query = {"terms": {field.path: values}} if len(values) > 1 else {"term": {field.path: values[0]}}
        else:
            query = {"range": {field.path: {_RANGES[test.operator]: values[0]}}}
        zero_fits = field.missing_is_zero and any(_holds(0.0, test.operator, float(value)) for value in values)
        return _any([query, _none({"exists": {"field": field.path}})]) if zero_fits else query

    def _value(self, field: Field, test: Comparison, value: Value) -> str | float | bool:
        if field.kind == "text":
            if test.operator != "==":
                raise self._error(
                    f"`{test.field.name}` holds text, which is neither more nor less: use ==, != or in.", test.field.at
                )
            # The shop's own attributes are stored as their text, whatever they were.
            if value.kind == "text" or "." in field.path:
                return value.text
            raise self._error(
                f'`{test.field.name}` holds text, and {value.text} is {_KINDS[value.kind]}: write "{value.text}".',
                value.at,
            )
        if field.kind != value.kind:
            raise self._error(
                f"`{test.field.name}` holds {_KINDS[field.kind]}, and `{value.text}` is {_KINDS[value.kind]}.", value.at
            )
        if field.kind == "truth":
            return value.text == "true"
        return self._number(field, value)

    def _number(self, field: Field, value: Value) -> float:
        number = float(value.text)
        if abs(number) > field.largest:
            raise self._error(f"{value.text} is beyond what the field can hold.", value.at)
        return int(number) if number.is_integer() else number

    def _whole(self, value: Value) -> int:
        number = float(value.text) if value.kind == "number" else 0.5
        if not number.is_integer() or abs(number) > _FARTHEST_DAYS:
            raise self._error(f"elapsed days are a whole number, and `{value.text}` is none.", value.at)
        return int(number)

    def _elapsed(self, field: Field, operator: Operator, days: int) -> Query:
        """Days since the date compared with a number: day n begins at the midnight n days before that of today."""
        within, without = self._ago(days), self._ago(days - 1)
        limits: dict[str, str] = {
            "<": {"gte": without},
            "<=": {"gte": within},
            ">": {"lt": within},
            ">=": {"lt": without},
            "==": {"gte": within, "lt": without},
        }[operator]
        return {"range": {field.path: {**limits, "time_zone": self._zone(field)}}}

    def _ago(self, days: int) -> str:
        shift = "" if days == 0 else f"{-days:+d}d"
        # Only gte and lt are used: gt and lte would round up.
        return f"now{shift}/d"

    def _zone(self, field: Field) -> str:
        return "UTC" if field.whole_days else self._compiler.time_zone

    def _dated(self, field: Field, operator: Operator, value: Value) -> Query:
        moment = self._moment(field, value)
        if isinstance(moment, datetime):
            limits = (
                {_RANGES[operator]: _written(moment)}
                if operator != "=="
                else dict.fromkeys(("gte", "lte"), _written(moment))
            )
            return {"range": {field.path: limits | ({} if moment.tzinfo else {"time_zone": self._zone(field)})}}
        first, after = f"{moment.isoformat()}||/d", f"{moment.isoformat()}||+1d/d"
        limits = {
            "<": {"lt": first},
            "<=": {"lt": after},
            ">": {"gte": after},
            ">=": {"gte": first},
            "==": {"gte": first, "lt": after},
        }[operator]
        return {"range": {field.path: {**limits, "time_zone": self._zone(field)}}}

    def _moment(self, field: Field, value: Value) -> date | datetime:
        if value.kind in ("date", "text"):
            with contextlib.suppress(ValueError):
                return date.fromisoformat(value.text) if len(value.text) == 10 else datetime.fromisoformat(value.text)
        raise self._error(f"`{field.path}` is compared with a date such as 2026-11-11, and `{value.text}` is none.",
                          value.at)  # fmt: skip

    def _error(self, problem: str, at: int) -> ConditionError:
        return ConditionError(problem, condition=self._text, at=at)


def _written(moment: datetime) -> str:
    if moment.tzinfo is None:
        return moment.isoformat(timespec="milliseconds")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _holds(left: float, operator: Operator, right: float) -> bool:
    return {"==": left == right, "!=": left != right, "<": left < right, "<=": left <= right,
            ">": left > right, ">=": left >= right}[operator]  # fmt: skip


def _any(queries: list[Query]) -> Query:
    return {"bool": {"should": queries, "minimum_should_match": 1}}


def _none(query: Query) -> Query:
    return {"bool": {"must_not": [query]}}
