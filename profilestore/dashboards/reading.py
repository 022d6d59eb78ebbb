"""Answers of Elasticsearch to a panel's aggregations, as rows: k0, k1 … what it is grouped by, m0, m1 … its numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from profilestore.dashboards.buckets import Buckets, DateHistogram, Filters, Ranges
from profilestore.dashboards.measures import Count, LastValue, Measure, Median, Percentile, Ratio, Sum
from profilestore.dashboards.panels import Chart, Table

__all__ = ["Row", "read_rows"]

Row: TypeAlias = dict[str, Any]
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d[\d:.]*(Z|[+-]\d\d:\d\d)")


def read_rows(panel: Chart, answer: dict[str, Any], *, total: int, time_zone: str) -> list[Row]:
    """The rows of a panel, in the order in which the server gives them.

    Args:
        panel: that was asked for.
        answer: the `aggregations` of the answer, or a bucket of its states.
        total: documents in it.
        time_zone: of the shop; times come as its local dates, `2026-11-23` (or with the minute where `k` is a time).

    Returns:
        No row where nothing was found, nor one without any number; a table keeps those that have documents.
    """
    if total == 0:
        return []
    return list(_descend(panel, answer, total, 0, {}, ZoneInfo(time_zone)))


def _descend(panel: Chart, bucket: dict[str, Any], count: int, depth: int, keys: Row, zone: ZoneInfo) -> Iterator[Row]:
    if depth == len(panel.buckets):
        values = {f"m{n}": _value(measure, f"m{n}", bucket, count) for n, measure in enumerate(panel.measures)}
        if any(value is not None for value in values.values()) or (isinstance(panel, Table) and count > 0):
            yield keys | {name: _local(value, zone) for name, value in values.items()}
        return
    for key, inner in _buckets(panel.buckets[depth], bucket[f"k{depth}"], zone):
        yield from _descend(panel, inner, int(inner["doc_count"]), depth + 1, keys | {f"k{depth}": key}, zone)


def _buckets(by: Buckets, answer: dict[str, Any], zone: ZoneInfo) -> Iterator[tuple[Any, dict[str, Any]]]:
    match by:
        case Filters():
            for each in by.filters:
                yield each.label, answer["buckets"][each.label]
        case Ranges():
            named = {inner["key"]: inner for inner in answer["buckets"]}
            for span in by.spans:
                yield span.label, named[span.label]
        case DateHistogram():
            for inner in answer["buckets"]:
                yield datetime.fromtimestamp(inner["key"] / 1000.0, zone).date().isoformat(), inner
        case _:
            for inner in answer["buckets"]:
                yield _term(inner, zone), inner


def _term(bucket: dict[str, Any], zone: ZoneInfo) -> Any:
    """A value; of a date field the local time, of a boolean its words."""
    key = bucket["key"]
    text = bucket.get("key_as_string")
    if isinstance(text, str) and text.endswith("Z") and isinstance(key, (int, float)):
        return datetime.fromtimestamp(key / 1000.0, zone).isoformat(sep=" ", timespec="minutes")[:16]
    return text if isinstance(text, str) else key


def _value(measure: Measure, name: str, bucket: dict[str, Any], count: int) -> Any:
    if isinstance(measure, Ratio):
        above = _value(measure.above, f"{name}a", bucket, count)
        below = _value(measure.below, f"{name}b", bucket, count)
        if isinstance(measure.above, Sum) and above is None:
            above = 0  # a sum of nothing in a formula
        return None if above is None or below is None or below == 0 else above / below
    if measure.where is not None:
        bucket = bucket[name]
        count, name = int(bucket["doc_count"]), "value"
    if isinstance(measure, Count):
        return count
    answer = bucket[name]
    if isinstance(measure, (Median, Percentile)):
        return next(iter(answer["values"].values()))
    if isinstance(measure, LastValue):
        return _last(measure, answer)
    if isinstance(measure, Sum):
        return answer["sum"] if answer["count"] > 0 else None
    return answer["value"]


def _local(value: Any, zone: ZoneInfo) -> Any:
    """A time that comes as text, as the shop's clock shows it."""
    if not isinstance(value, str) or _TIME.fullmatch(value) is None:
        return value
    return datetime.fromisoformat(value).astimezone(zone).isoformat(sep=" ", timespec="minutes")[:16]


def _last(measure: LastValue, answer: dict[str, Any]) -> Any:
    hits = answer["hits"]["hits"]
    values = [] if len(hits) == 0 else hits[0].get("fields", {}).get(measure.field, [])
    if len(values) == 0:
        return None
    return ", ".join(map(str, values)) if measure.many else values[0]
