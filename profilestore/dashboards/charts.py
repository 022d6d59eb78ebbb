"""Panels as Vega-Lite charts for the preview. Their data is the table `rows`, as `reading.py` makes it.

Metrics, tables and words are not charts: the page shows them as text. Colours are those of Okabe and Ito (2008),
which people of every kind of colour vision tell apart, and for numbers viridis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import orjson

from profilestore.dashboards.buckets import Buckets, DateHistogram, Terms
from profilestore.dashboards.measures import Measure, Unit
from profilestore.dashboards.panels import Area, Bar, Chart, Donut, Heatmap, Line
from profilestore.dashboards.reading import Row

__all__ = ["COLOURS", "number_format", "series_of", "vega_lite"]

COLOURS: Final = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#B8A800", "#999999", "#AA4499", "#44AA99",
)  # fmt: skip
# Where a segment is missing it is grey, whatever its place.
_GREY: Final = "#999999"
_SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v6.json"
# A bar of its own label is readable up to so many.
_LABELLED: Final = 30
_CELLS: Final = 13 * 26
Spec: TypeAlias = dict[str, Any]


def number_format(unit: Unit) -> str:
    """A unit as a d3 format."""
    return f".{unit.decimals}%" if unit.kind == "share" else f",.{unit.decimals}f"


def series_of(panel: Chart, rows: Sequence[Row]) -> list[str]:
    """What the panel tells apart by colour, in the order of its rows: the same colours under every choice."""
    match panel:
        case Donut():
            column = "k0"
        case (Bar() | Line() | Area()) if panel.split is not None:
            column = "k0" if panel.splits_first else "k1"
        case Bar() | Line() | Area():
            return [measure.label for measure in panel.y] if len(panel.y) > 1 else []
        case _:
            return []
    found = list(dict.fromkeys(str(row[column]) for row in rows if any(row.get(m) for m in ("m0", "m1"))))
    ordered = panel.split if isinstance(panel, (Bar, Line, Area)) else panel.by if isinstance(panel, Donut) else None
    return sorted(found) if isinstance(ordered, Terms) and ordered.order == "ascending" else found


def vega_lite(panel: Chart, *, series: Sequence[str], language: str) -> Spec | None:
    """The chart of a panel, without data and size; None for what is shown as text.

    Args:
        panel: what to draw.
        series: as `series_of` says of all the data there is.
        language: `en` or `zh`, of dates.
    """
    drawn = _drawn(panel, series, language)
    if drawn is None:
        return None
    described = panel.title if panel.description == "" else f"{panel.title}. {panel.description}"
    return {"$schema": _SCHEMA, "description": described, "data": {"name": "rows"}, **drawn}


def _drawn(panel: Chart, series: Sequence[str], language: str) -> Spec | None:
    match panel:
        case Bar(lying=True):
            return _lying(panel, series)
        case Bar() | Line() | Area():
            return _upright(panel, series, language)
        case Donut():
            return _donut(panel, series)
        case Heatmap():
            return _heatmap(panel)
        case _:
            return None


def _key(panel: Bar | Line | Area, what: str) -> str:
    """The column of the axis (`x`) or of the colour (`split`)."""
    first = "split" if panel.splits_first else "x"
    return "k0" if what == first else "k1"


def _along(by: Buckets, column: str, language: str) -> Spec:
    """An upright chart's horizontal axis."""
    if not isinstance(by, DateHistogram):
        return {"field": column, "type": "nominal", "sort": None, "title": by.label,
                "axis": {"labelAngle": 0, "labelOverlap": "greedy", "labelLimit": 90}}  # fmt: skip
    shown = {"1d": "%Y-%m-%d", "1w": "%Y-%m-%d", "1M": "%b %Y" if language == "en" else "%Y-%m", "1y": "%Y"}
    return {"field": column, "type": "temporal", "scale": {"type": "utc"}, "title": by.label,
            "axis": {"format": shown[by.interval], "labelOverlap": "greedy", "tickCount": 8, "labelSeparation": 12}}  # fmt: skip


def _number(measure: Measure, column: str, **more: Any) -> Spec:
    title = f"{measure.label} (%)" if measure.unit.kind == "share" and "%" not in measure.label else measure.label
    return {"field": column, "type": "quantitative", "title": title, "axis": {"format": _axis_format(measure.unit),
            "tickCount": 5}, **more}  # fmt: skip


def _axis_format(unit: Unit) -> str:
    return "~%" if unit.kind == "share" else "~s" if unit.decimals == 0 else "~r"


def _colour(label: str, column: str, series: Sequence[str]) -> Spec:
    colours = [_GREY if name in ("none", "无分群") else COLOURS[n % len(COLOURS)] for n, name in enumerate(series)]
    return {"field": column, "type": "nominal", "title": None, "sort": None,
            "scale": {"domain": list(series), "range": colours},
            "legend": {"orient": "bottom", "columns": 4, "labelLimit": 160, "symbolType": "square"}}  # fmt: skip


def _picked(column: str) -> Spec:
    """A click on the legend puts the others into the background."""
    return {
        "params": [{"name": "pick", "select": {"type": "point", "fields": [column]}, "bind": "legend"}],
        "opacity": {"condition": {"param": "pick", "value": 1}, "value": 0.15},
    }


def _tip(label: str, column: str, unit: Unit | None = None) -> Spec:
    if unit is None:
        return {"field": column, "title": label}
    return {"field": column, "title": label, "type": "quantitative", "format": number_format(unit)}


def _upright(panel: Bar | Line | Area, series: Sequence[str], language: str) -> Spec:
    x = _key(panel, "x")
    spec: Spec = {}
    timed = isinstance(panel.x, DateHistogram)
    along = _along(panel.x, x, language)
    value, unit = "m0", panel.y[0].unit
    colour_column, colour_label = _key(panel, "split"), "" if panel.split is None else panel.split.label
    if len(panel.y) > 1:
        spec["transform"], value, colour_column = _unfolded(panel.y), "value", "series"
    if timed:
        spec["data"] = {"name": "rows", "format": {"parse": {x: "utc:'%Y-%m-%d'"}}}
    up = _number(panel.y[0], value)
    encoding: Spec = {"x": along, "y": up}
    date = {"field": x, "title": panel.x.label}
    if timed:
        date |= {"type": "temporal", "format": along["axis"]["format"], "scale": {"type": "utc"}}
    tips = [date]
    if len(series) > 0:
        encoding["color"] = _colour(colour_label, colour_column, series)
        picked = _picked(colour_column)
        spec["params"], encoding["opacity"] = picked["params"], picked["opacity"]
        tips.append(_tip(colour_label, colour_column))
    else:
        encoding["color"] = {"value": COLOURS[0]}
    encoding["tooltip"] = [*tips, _tip(panel.y[0].label if len(panel.y) == 1 else "", value, unit)]
    match panel:
        case Line():
            spec["mark"] = {"type": "line", "point": {"size": 18}, "strokeWidth": 1.5}
        case Area(shares=shares):
            spec["mark"] = {"type": "area", "line": False}
            up |= {"stack": "normalize" if shares else "zero", "impute": {"value": 0}}
            if shares:
                up["axis"] = {"format": "~%", "tickCount": 5}
        case _:
            spec["mark"] = {"type": "bar"}
            _grouped(panel, encoding, along, up, timed=timed, grouped=len(panel.y) > 1)
    return spec | {"encoding": encoding}


def _grouped(panel: Bar | Line | Area, encoding: Spec, along: Spec, up: Spec, *, timed: bool, grouped: bool) -> None:
    """Bars over time stand on an ordinal axis, which gives them their width; several measures side by side."""
    if timed:
        along["type"], along["timeUnit"] = "ordinal", "utcyearmonthdate"
        along.pop("scale")
        along["axis"] |= {"labelAngle": 0, "labelOverlap": "greedy"}
        encoding["tooltip"][0] |= {"timeUnit": "utcyearmonthdate", "type": "ordinal"}
    if grouped:
        encoding["xOffset"] = {"field": "series", "sort": None}
        up["stack"] = None
    elif panel.split is not None:
        up["stack"] = "zero"


def _unfolded(measures: Sequence[Measure]) -> list[Spec]:
    """A row a measure, with its label as `series`."""
    columns = [f"m{number}" for number in range(len(measures))]
    names = orjson.dumps({column: measure.label for column, measure in zip(columns, measures, strict=True)}).decode()
    return [{"fold": columns, "as": ["column", "value"]}, {"calculate": f"({names})[datum.column]", "as": "series"}]


def _lying(panel: Bar, series: Sequence[str]) -> Spec:
    y, measure = _key(panel, "x"), panel.y[0]
    across = _number(measure, "m0")
    up = {"field": y, "type": "nominal", "sort": None, "title": None,
          "axis": {"labelLimit": 190, "labelPadding": 6}}  # fmt: skip
    tips = [_tip(panel.x.label, y)]
    if panel.split is not None:
        tips.append(_tip(panel.split.label, _key(panel, "split")))
    tips.append(_tip(measure.label, "m0", measure.unit))
    encoding: Spec = {"y": up, "x": across, "tooltip": tips}
    if panel.split is not None:
        picked = _picked(_key(panel, "split"))
        encoding |= {"color": _colour(panel.split.label, _key(panel, "split"), series), "opacity": picked["opacity"]}
        return {"params": picked["params"], "mark": {"type": "bar"}, "encoding": encoding}
    text = {"type": "text", "align": "left", "dx": 4, "baseline": "middle"}
    shown = {"field": "m0", "type": "quantitative", "format": number_format(measure.unit)}
    return {
        "encoding": encoding,
        "layer": [{"mark": {"type": "bar", "color": COLOURS[0]}}, {"mark": text, "encoding": {"text": shown}}],
    }


def _donut(panel: Donut, series: Sequence[str]) -> Spec:
    whole = {"joinaggregate": [{"op": "sum", "field": "m0", "as": "whole"}]}
    share = {"calculate": "datum.whole > 0 ? datum.m0 / datum.whole : 0", "as": "share"}
    picked = _picked("k0")
    angle = {"field": "m0", "type": "quantitative", "stack": True}
    # in the order of the legend, else labels would stand at other parts
    order = {"field": "place", "type": "quantitative"}
    place = {"calculate": f"indexof({orjson.dumps(list(series)).decode()}, datum.k0)", "as": "place"}
    tips = [_tip(panel.by.label, "k0"), _tip(panel.value.label, "m0", panel.value.unit),
            {"field": "share", "title": "%", "type": "quantitative", "format": ".1%"}]  # fmt: skip
    colour = _colour(panel.by.label, "k0", series)
    colour["legend"] |= {"columns": 3}
    ring = {"mark": {"type": "arc", "innerRadius": {"expr": "min(width, height) / 4.2"},
                     "outerRadius": {"expr": "min(width, height) / 2.4"}, "padAngle": 0.01},
            "params": picked["params"], "encoding": {"color": colour, "opacity": picked["opacity"], "tooltip": tips}}  # fmt: skip
    text = {"transform": [{"filter": "datum.share >= 0.06"}],
            "mark": {"type": "text", "radius": {"expr": "min(width, height) / 3.05"}, "fontWeight": "bold", "fill": "#fff"},
            "encoding": {"text": {"field": "share", "type": "quantitative", "format": ".0%"}}}  # fmt: skip
    return {"transform": [whole, share, place], "encoding": {"theta": angle, "order": order}, "layer": [ring, text]}


def _heatmap(panel: Heatmap) -> Spec:
    unit = panel.value.unit
    x = {"field": "k1", "type": "ordinal", "sort": _order(panel.x), "title": panel.x.label,
         "axis": {"labelAngle": 0, "labelLimit": 90, "labelOverlap": "greedy"}}  # fmt: skip
    y = {"field": "k0", "type": "ordinal", "sort": _order(panel.y), "title": panel.y.label, "axis": {"labelLimit": 190}}
    tips = [_tip(panel.y.label, "k0"), _tip(panel.x.label, "k1"), _tip(panel.value.label, "m0", unit)]
    legend = {"orient": "right", "format": _axis_format(unit), "title": None, "gradientLength": {"expr": "max(60, height - 10)"}}
    colour = {"field": "m0", "type": "quantitative", "scale": {"scheme": "viridis"}, "legend": legend}
    spread = {"joinaggregate": [{"op": "max", "field": "m0", "as": "top"}, {"op": "min", "field": "m0", "as": "low"},
                                {"op": "distinct", "field": "k1", "as": "wide"}]}  # fmt: skip
    dark = {"test": "datum.m0 > datum.low + 0.6 * (datum.top - datum.low)", "value": "#111"}
    text = {"transform": [{"filter": "width / datum.wide > 30"}], "mark": {"type": "text", "fontSize": 11},
            "encoding": {"text": {"field": "m0", "type": "quantitative", "format": _cell_format(unit)},
                         "color": {"condition": dark, "value": "#fff"}}}  # fmt: skip
    return {
        "transform": [spread],
        "encoding": {"x": x, "y": y, "tooltip": tips},
        "layer": [{"mark": {"type": "rect"}, "encoding": {"color": colour}}, text],
    }


def _cell_format(unit: Unit) -> str:
    return f".{unit.decimals}%" if unit.kind == "share" else ".3~s" if unit.decimals == 0 else ".2f"


def _order(by: Buckets) -> str | None:
    """Of values as their own order says; else as the rows come."""
    return by.order if isinstance(by, Terms) and by.order != "measure" else None
