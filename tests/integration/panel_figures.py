"""Panels worked out with pandas, from tables of what the documents should be: the other side of `bodies.py`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from profilestore.dashboards.buckets import Buckets, DateHistogram, Filters, Ranges, Terms
from profilestore.dashboards.conditions import Condition, Every, Exists, Is, Not, Within
from profilestore.dashboards.measures import (
    Average,
    Count,
    LastValue,
    Maximum,
    Measure,
    Median,
    Percentile,
    Ratio,
    Sum,
    UniqueCount,
)
from profilestore.dashboards.panels import Chart, Table

__all__ = ["expected_rows", "holds"]

Frame = pd.DataFrame


def holds(condition: Condition | None, frame: Frame) -> Any:
    """Which rows meet the condition. A field without a column is in no document."""
    nothing = pd.Series(False, index=frame.index)
    match condition:
        case None:
            return ~nothing
        case Every(conditions=parts):
            met = ~nothing
            for part in parts:
                met &= holds(part, frame)
            return met
        case Not(condition=inner):
            return ~holds(inner, frame)
        case _ if condition.field not in frame:
            return nothing
        case Exists(field=field):
            held = frame[field]
            return held.map(len) > 0 if _has_lists(held) else held.notna()
        case Is(field=field, value=value):
            held = frame[field]
            return held.map(lambda found: value in found) if _has_lists(held) else (held == value).fillna(False)
        case Within(field=field):
            tests = {"gte": np.greater_equal, "gt": np.greater, "lt": np.less, "lte": np.less_equal}
            met = frame[field].notna()
            for name, bound in condition.bounds().items():
                met &= tests[name](frame[field].astype(float), bound)
            return met


def _has_lists(column: Any) -> bool:
    """Such columns hold a list in every row."""
    return column.dtype == object and len(column) > 0 and isinstance(column.iloc[0], list)


def expected_rows(panel: Chart, frame: Frame, *, zone: ZoneInfo) -> list[dict[str, Any]]:
    """The rows of a panel over documents that meet its condition and those of the dashboard already."""
    named = panel.model_dump_json()
    narrow = frame[[name for name in frame if f'"{name}"' in named]]  # what the panel speaks of
    return [] if len(frame) == 0 else list(_descend(panel, narrow, 0, {}, zone))


def _descend(panel: Chart, frame: Frame, depth: int, keys: dict[str, Any], zone: ZoneInfo) -> Iterator[dict[str, Any]]:
    if depth == len(panel.buckets):
        values = {f"m{n}": _value(measure, frame, zone) for n, measure in enumerate(panel.measures)}
        if any(value is not None for value in values.values()) or (isinstance(panel, Table) and len(frame) > 0):
            yield keys | values
        return
    for key, part in _groups(panel.buckets[depth], frame, panel.measures[0], zone):
        yield from _descend(panel, part, depth + 1, keys | {f"k{depth}": key}, zone)


def _groups(by: Buckets, frame: Frame, first: Measure, zone: ZoneInfo) -> list[tuple[Any, Frame]]:
    match by:
        case Filters():
            return [(each.label, frame[holds(each.condition, frame)]) for each in by.filters]
        case Ranges():
            return [(span.label, frame[holds(_within(by.field, span.gte, span.lt), frame)]) for span in by.spans]
        case DateHistogram():
            return _by_date(by, frame, zone)
        case Terms():
            return _by_value(by, frame, first, zone)


def _within(field: str, gte: float | None, lt: float | None) -> Condition:
    return Within(field=field, gte=gte, lt=lt)


def _by_date(by: DateHistogram, frame: Frame, zone: ZoneInfo) -> list[tuple[Any, Frame]]:
    if by.field not in frame or frame[by.field].notna().sum() == 0:
        return []
    known = frame[frame[by.field].notna()]
    local = known[by.field].dt.tz_convert(zone).dt.tz_localize(None)
    rule = {"1d": "D", "1w": "W-SUN", "1M": "M", "1y": "Y"}[by.interval]
    periods = local.dt.to_period(rule)
    every = pd.period_range(periods.min(), periods.max(), freq=rule)
    parts, none = dict(list(known.groupby(periods))), known.iloc[:0]
    return [(period.start_time.date().isoformat(), parts.get(period, none)) for period in every]


def _by_value(by: Terms, frame: Frame, first: Measure, zone: ZoneInfo) -> list[tuple[Any, Frame]]:
    column = frame[by.field] if by.field in frame else pd.Series(None, index=frame.index, dtype=object)
    exploded = column.explode()
    exploded = exploded.fillna(by.missing) if by.missing is not None else exploded.dropna()
    found = [(value, frame.loc[rows.index.unique()]) for value, rows in exploded.groupby(exploded)]
    found.sort(key=lambda group: group[0], reverse=by.order == "descending")
    if by.order == "measure":
        found.sort(key=lambda group: -(_value(first, group[1], zone) or 0))
    return [(_shown(value, zone), part) for value, part in found[: by.limit]]


def _shown(value: Any, zone: ZoneInfo) -> Any:
    if isinstance(value, pd.Timestamp):
        return value.tz_convert(zone).strftime("%Y-%m-%d %H:%M")
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _value(measure: Measure, frame: Frame, zone: ZoneInfo) -> Any:
    if isinstance(measure, Ratio):
        above, below = _value(measure.above, frame, zone), _value(measure.below, frame, zone)
        above = 0 if above is None and isinstance(measure.above, Sum) else above
        return None if above is None or below in (None, 0) else above / below
    frame = frame[holds(measure.where, frame)]
    if isinstance(measure, Count):
        return len(frame)
    if isinstance(measure, LastValue):
        return _last(measure, frame, zone)
    values = frame[measure.field].explode().dropna() if measure.field in frame else pd.Series(dtype=float)
    if isinstance(measure, UniqueCount):
        return int(values.nunique())
    if len(values) == 0:
        return None
    numbers = values.astype(float)
    match measure:
        case Sum():
            return float(numbers.sum())
        case Average():
            return float(numbers.mean())
        case Maximum():
            return float(numbers.max())
        case Median() | Percentile():
            return float(np.percentile(numbers, 50 if isinstance(measure, Median) else measure.percentile))


def _last(measure: LastValue, frame: Frame, zone: ZoneInfo) -> Any:
    if len(frame) == 0 or measure.field not in frame:
        return None
    value = frame.loc[frame[measure.time_field].idxmax(), measure.field]
    if isinstance(value, list):
        return ", ".join(value) if len(value) > 0 else None
    if isinstance(value, pd.Timestamp):
        return _shown(value, zone)
    return None if value is None or value != value else _shown(value, zone)
