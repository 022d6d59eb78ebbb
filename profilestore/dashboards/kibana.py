"""Dashboards as documents of Kibana's Dashboards API (`PUT /api/dashboards/{id}`, Kibana 9.4 and later).

Only what the API describes in its published form is used: data views, no ES|QL, no scripts. A panel's own condition
is its query, what the controls do not act on ignores them, and a ratio is a formula.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from profilestore.dashboards.buckets import Buckets, DateHistogram, Filters, Ranges, Terms
from profilestore.dashboards.conditions import kql_of
from profilestore.dashboards.measures import (
    Count,
    LastValue,
    Measure,
    Percentile,
    Plain,
    Ratio,
    Sum,
    Unit,
)
from profilestore.dashboards.panels import (
    Area,
    Bar,
    Chart,
    Control,
    Dashboard,
    Donut,
    Heatmap,
    Line,
    Markdown,
    Metric,
    Panel,
    Table,
)

__all__ = ["kibana_bytes", "kibana_document"]

_REFRESH_MS: Final = 60_000
_PAGES: Final = (10, 20, 30, 50, 100)
_LINES: Final = {"placement": "outside", "position": "bottom", "visibility": "visible", "layout": {"type": "list"}}
_FORMULA_NAMES: Final = {"count": "count", "unique_count": "unique_count", "sum": "sum", "average": "average"}


def kibana_document(dashboard: Dashboard) -> dict[str, Any]:
    """The body of `PUT /api/dashboards/{dashboard.id}`."""
    start, end = dashboard.period
    document: dict[str, Any] = {
        "title": dashboard.title,
        "description": dashboard.description,
        "time_range": {"from": start, "to": end},
        "refresh_interval": {"pause": True, "value": _REFRESH_MS},
        "query": {"expression": kql_of(dashboard.where), "language": "kql"},
        "options": {"sync_colors": True, "sync_cursor": True, "use_margins": True},
        "pinned_panels": [_control(control) for control in dashboard.controls],
        "panels": [_panel(panel) for panel in dashboard.panels],
    }
    return document


def kibana_bytes(dashboard: Dashboard) -> bytes:
    """The document as a file: the same bytes for the same dashboard, with a line a key."""
    return orjson.dumps(kibana_document(dashboard), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _control(control: Control) -> dict[str, Any]:
    config = {
        "data_view_id": control.source.view,
        "field_name": control.field,
        "title": control.title,
        "single_select": control.single,
        "sort": {"by": "_count", "direction": "desc"},
    }
    return {"id": control.id, "type": "options_list_control", "width": "medium", "grow": True, "config": config}


def _panel(panel: Panel) -> dict[str, Any]:
    grid = panel.place.model_dump()
    if isinstance(panel, Markdown):
        config: dict[str, Any] = {"content": panel.content, "title": panel.title, "settings": {}}
        return {"id": panel.id, "type": "markdown", "grid": grid, "config": config}
    config = {
        "type": _TYPES[panel.kind],
        "title": panel.title,
        "description": panel.description,
        "query": {"expression": kql_of(panel.where), "language": "kql"},
    }
    if not isinstance(panel, (Bar, Line, Area)):
        config |= _fetch(panel)
    return {"id": panel.id, "type": "vis", "grid": grid, "config": config | _shape(panel)}


_TYPES: Final = {
    "metric": "metric",
    "bar": "xy",
    "line": "xy",
    "area": "xy",
    "donut": "pie",
    "heatmap": "heatmap",
    "table": "data_table",
}


def _fetch(panel: Chart) -> dict[str, Any]:
    reference = {"type": "data_view_reference", "ref_id": panel.source.view}
    return {"data_source": reference, "ignore_global_filters": not panel.source.controlled}


def _shape(panel: Chart) -> dict[str, Any]:
    match panel:
        case Metric():
            kinds = ("primary", "secondary")
            return {"metrics": [{"type": kind, **_measure(m)} for kind, m in zip(kinds, panel.values, strict=False)]}
        case Bar() | Line() | Area():
            return _axes(panel)
        case Donut():
            shown = {"mode": "percentage", "visible": True, "percent_decimals": 0}
            return {
                "metrics": [_measure(panel.value)],
                "group_by": [_bucket(panel.by)],
                "legend": {"visibility": "visible"},
                "styling": {"donut_hole": "m", "values": shown},
            }
        case Heatmap():
            return {
                "x": _bucket(panel.x),
                "y": _bucket(panel.y),
                "metric": _measure(panel.value),
                "axis": {
                    "x": {"scale": "ordinal", "title": {"text": panel.x.label, "visible": True}},
                    "y": {"title": {"text": panel.y.label, "visible": True}},
                },
                "legend": {"visibility": "visible"},
                "styling": {"cells": {"labels": {"visible": True}}},
            }
        case Table():
            return _table(panel)


def _table(panel: Table) -> dict[str, Any]:
    shape: dict[str, Any] = {"metrics": [_measure(measure) for measure in panel.values], "styling": {"paging": 20}}
    if len(panel.rows) > 0:
        shape["rows"] = [_bucket(bucket) for bucket in panel.rows]
    return shape


def _axes(panel: Bar | Line | Area) -> dict[str, Any]:
    layer: dict[str, Any] = {
        "type": _layer_type(panel),
        **_fetch(panel),
        "x": _bucket(panel.x),
        "y": [_measure(measure) for measure in panel.y],
    }
    if panel.split is not None:
        layer["breakdown_by"] = _bucket(panel.split) | {"aggregate_first": panel.splits_first}
    colours = panel.split is not None or len(panel.y) > 1
    axis = {
        "x": {"title": {"text": panel.x.label, "visible": True}},
        "y": {"domain": {"type": "full"}, "title": {"text": panel.y[0].label, "visible": True}},
    }
    return {"layers": [layer], "axis": axis, "legend": _LINES if colours else {"visibility": "hidden"}}


def _layer_type(panel: Bar | Line | Area) -> str:
    match panel:
        case Bar(lying=lying):
            stacked = "_stacked" if panel.split is not None and panel.stacked else ""
            return ("bar_horizontal" if lying else "bar") + stacked
        case Area(shares=shares):
            return "area_percentage" if shares else "area_stacked"
        case Line():
            return "line"


def _measure(measure: Measure) -> dict[str, Any]:
    operation: dict[str, Any] = {"label": measure.label}
    if (shown := _format(measure.unit)) is not None:
        operation["format"] = shown
    if isinstance(measure, Ratio):
        formula = f"{_formula(measure.above)} / {_formula(measure.below)}"
        return {"operation": "formula", "formula": formula, **operation}
    operation = {"operation": measure.operation, **operation}
    if not isinstance(measure, Count):
        operation["field"] = measure.field
    if isinstance(measure, Sum):
        operation["empty_as_null"] = True
    if isinstance(measure, Percentile):
        operation["percentile"] = measure.percentile
    if isinstance(measure, LastValue):
        operation |= {"time_field": measure.time_field, "multi_value": measure.many}
    wanted = kql_of(measure.where) or (f"{measure.field}: *" if isinstance(measure, LastValue) else "")
    if wanted != "":
        operation["filter"] = {"expression": wanted, "language": "kql"}
    return operation


def _formula(measure: Plain) -> str:
    """A function of Kibana's formulas; its KQL stands in single quotes."""
    arguments = [] if isinstance(measure, Count) else [measure.field]
    if measure.where is not None:
        kql = kql_of(measure.where)
        if "'" in kql:
            raise ValueError(f"{measure.label}: a formula's condition cannot hold a single quote")
        arguments.append(f"kql='{kql}'")
    return f"{_FORMULA_NAMES[measure.operation]}({', '.join(arguments)})"


def _format(unit: Unit) -> dict[str, Any] | None:
    if unit.kind == "text":
        return None
    kind = "percent" if unit.kind == "share" else "number"
    shown: dict[str, Any] = {"type": kind, "decimals": unit.decimals}
    if unit.suffix != "":
        shown["suffix"] = f" {unit.suffix}"
    return shown


def _bucket(bucket: Buckets) -> dict[str, Any]:
    match bucket:
        case Terms():
            return _terms(bucket)
        case DateHistogram():
            return {
                "operation": "date_histogram",
                "label": bucket.label,
                "field": bucket.field,
                "suggested_interval": bucket.interval,
                "include_empty_rows": True,
            }
        case Ranges():
            spans = [{"gt": span.gte, "lte": span.lt, "label": span.label} for span in bucket.spans]
            present = [{name: value for name, value in span.items() if value is not None} for span in spans]
            return {"operation": "range", "label": bucket.label, "field": bucket.field, "ranges": present}
        case Filters():
            parts = [
                {"filter": {"expression": kql_of(each.condition), "language": "kql"}, "label": each.label}
                for each in bucket.filters
            ]
            return {"operation": "filters", "label": bucket.label, "filters": parts}


def _terms(bucket: Terms) -> dict[str, Any]:
    rank: dict[str, Any] = {"type": "metric", "metric_index": 0, "direction": "desc"}
    if bucket.order != "measure":
        rank = {"type": "alphabetical", "direction": "asc" if bucket.order == "ascending" else "desc"}
    terms: dict[str, Any] = {
        "operation": "terms",
        "label": bucket.label,
        "fields": [bucket.field],
        "limit": bucket.limit,
        "rank_by": rank,
        "increase_accuracy": bucket.order == "measure",
    }
    if bucket.missing is not None:
        terms["other_bucket"] = {"include_documents_without_field": True}
    return terms
