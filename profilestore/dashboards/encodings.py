"""Pieces of Vega-Lite charts: axes, colours, legends, tooltips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import orjson

from profilestore.dashboards.buckets import Buckets, DateHistogram, Terms
from profilestore.dashboards.measures import Measure, Unit

__all__ = [
    "COLOURS",
    "PLAIN",
    "Spec",
    "axis_along",
    "colour_by",
    "number_along",
    "number_format",
    "picked_by",
    "tip_of",
    "unfold",
]

COLOURS: Final = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#B8A800", "#AA4499", "#44AA99", "#8C6239",
)  # fmt: skip
# Numbers up to 10,000 in full, and thousands beyond.
PLAIN: Final = "abs(datum.value) < 10000 ? format(datum.value, ',.4~f') : format(datum.value, '.3~s')"
# Who is in no segment is grey.
_GREY: Final = "#999999"
Spec: TypeAlias = dict[str, Any]


def number_format(unit: Unit) -> str:
    """A unit as a d3 format."""
    return f".{unit.decimals}%" if unit.kind == "share" else f",.{unit.decimals}f"


def axis_along(by: Buckets, column: str, language: str) -> Spec:
    """An upright chart's horizontal axis."""
    if not isinstance(by, DateHistogram):
        return {
            "field": column,
            "type": "nominal",
            "sort": None,
            "title": by.label,
            "axis": {"labelAngle": 0, "labelOverlap": "greedy", "labelLimit": 90},
        }
    shown = {"1d": "%Y-%m-%d", "1w": "%Y-%m-%d", "1M": "%b %Y" if language == "en" else "%Y-%m", "1y": "%Y"}
    return {
        "field": column,
        "type": "temporal",
        "scale": {"type": "utc"},
        "title": by.label,
        "axis": {
            "format": shown[by.interval],
            "labelOverlap": "greedy",
            "tickCount": 8,
            "labelSeparation": 12,
            "labelFlush": True,
        },
    }


def number_along(measure: Measure, column: str) -> Spec:
    """A measure along an axis, with what it is and in which unit."""
    title = f"{measure.label} (%)" if measure.unit.kind == "share" and "%" not in measure.label else measure.label
    return {"field": column, "type": "quantitative", "title": title, "axis": _axis(measure.unit)}


def _axis(unit: Unit) -> Spec:
    """Percentages, plain numbers up to 10,000, and thousands beyond."""
    if unit.kind == "share":
        return {"format": "~%", "tickCount": 5}
    return {"labelExpr": PLAIN, "tickCount": 5}


def colour_by(by: Buckets | None, column: str, series: Sequence[str]) -> Spec:
    """Colour by a column, with its legend below; the same colour for the same name."""
    nothing = by.missing if isinstance(by, Terms) else None
    colours = [_GREY if name == nothing else COLOURS[n % len(COLOURS)] for n, name in enumerate(series)]
    return {
        "field": column,
        "type": "nominal",
        "title": None,
        "sort": None,
        "scale": {"domain": list(series), "range": colours},
        "legend": {"orient": "bottom", "columns": 4, "labelLimit": 160, "symbolType": "square"},
    }


def picked_by(column: str) -> Spec:
    """A click on the legend puts the others into the background."""
    return {
        "params": [{"name": "pick", "select": {"type": "point", "fields": [column]}, "bind": "legend"}],
        "opacity": {"condition": {"param": "pick", "value": 1}, "value": 0.15},
    }


def tip_of(label: str, column: str, unit: Unit | None = None) -> Spec:
    """A line of a tooltip."""
    if unit is None:
        return {"field": column, "title": label}
    return {"field": column, "title": label, "type": "quantitative", "format": number_format(unit)}


def unfold(measures: Sequence[Measure]) -> list[Spec]:
    """A row a measure, with its label as `series`."""
    columns = [f"m{number}" for number in range(len(measures))]
    names = orjson.dumps({column: measure.label for column, measure in zip(columns, measures, strict=True)}).decode()
    return [{"fold": columns, "as": ["column", "value"]}, {"calculate": f"({names})[datum.column]", "as": "series"}]
