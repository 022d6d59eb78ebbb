"""Panels as Vega-Lite charts for the preview. Their data is the table `rows`, as `reading.py` makes it.

Metrics, tables and words are not charts: the page shows them as text. Colours are those of Okabe and Ito (2008),
which people of every kind of colour vision tell apart, and for numbers viridis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import orjson

from profilestore.dashboards.buckets import Buckets, DateHistogram, Terms
from profilestore.dashboards.encodings import (
    COLOURS,
    PLAIN,
    Spec,
    axis_along,
    colour_by,
    number_along,
    number_format,
    picked_by,
    tip_of,
    unfold,
)
from profilestore.dashboards.measures import Unit
from profilestore.dashboards.panels import Area, Bar, Chart, Donut, Heatmap, Line
from profilestore.dashboards.reading import Row

__all__ = ["series_of", "vega_lite"]

_SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v6.json"


def series_of(panel: Chart, rows: Sequence[Row], *, known: Mapping[str, Sequence[str]]) -> list[str]:
    """What the panel tells apart by colour, in the order of its rows: the same colours under every choice.

    Args:
        panel: any.
        rows: all that it may show.
        known: values of fields in an order that holds for all panels, so that a segment has one colour on a page.
    """
    match panel:
        case Donut():
            column = "k0"
        case Bar() | Line() | Area() if panel.split is not None:
            column = "k0" if panel.splits_first else "k1"
        case Bar() | Line() | Area():
            return [measure.label for measure in panel.y] if len(panel.y) > 1 else []
        case _:
            return []
    found = list(dict.fromkeys(str(row[column]) for row in rows if row["m0"]))
    by = panel.by if isinstance(panel, Donut) else panel.split
    if isinstance(by, Terms) and by.field in known:
        first = [name for name in known[by.field] if name in found]
        rest = [name for name in found if name not in first]
        return first + sorted(rest, key=lambda name: name == by.missing)
    return sorted(found) if isinstance(by, Terms) and by.order == "ascending" else found


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
    lying = isinstance(panel, Bar) and panel.lying
    # what depends on the rows and the size is fitted when it is drawn: see `fitting.py` and page.js
    hints = {"lying": lying, "labelled": lying and len(series) == 0, "series": list(series)}
    return {"$schema": _SCHEMA, "description": described, "data": {"name": "rows"}, "usermeta": hints, **drawn}


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


def _upright(panel: Bar | Line | Area, series: Sequence[str], language: str) -> Spec:
    x = _key(panel, "x")
    spec: Spec = {}
    timed = isinstance(panel.x, DateHistogram)
    along = axis_along(panel.x, x, language)
    value, unit = "m0", panel.y[0].unit
    colour_column, colour_label = _key(panel, "split"), "" if panel.split is None else panel.split.label
    if len(panel.y) > 1:
        spec["transform"], value, colour_column = unfold(panel.y), "value", "series"
    if timed:
        spec["data"] = {"name": "rows", "format": {"parse": {x: "utc:'%Y-%m-%d'"}}}
    up = number_along(panel.y[0], value) | ({"title": None} if len(panel.y) > 1 else {})
    encoding: Spec = {"x": along, "y": up}
    date = {"field": x, "title": panel.x.label}
    if timed:
        date |= {"type": "temporal", "timeUnit": "utcyearmonthdate", "format": along["axis"]["format"]}
    tips = [date]
    if len(series) > 0:
        encoding["color"] = colour_by(panel.split, colour_column, series)
        picked = picked_by(colour_column)
        spec["params"], encoding["opacity"] = picked["params"], picked["opacity"]
        tips.append(tip_of(colour_label, colour_column))
    else:
        encoding["color"] = {"value": COLOURS[0]}
    encoding["tooltip"] = [*tips, tip_of(panel.y[0].label if len(panel.y) == 1 else "", value, unit)]
    match panel:
        case Line():
            daily = panel.split is None and isinstance(panel.x, DateHistogram) and panel.x.interval == "1d"
            # a day alone is to be seen, and a year of days is to be read
            spec["mark"] = {"type": "line", "point": {"size": 4 if daily else 18}, "strokeWidth": 1.5}
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
        encoding["tooltip"][0] |= {"type": "ordinal"}
    if grouped:
        encoding["xOffset"] = {"field": "series", "sort": None}
        up["stack"] = None
    elif panel.split is not None:
        up["stack"] = "zero"


def _lying(panel: Bar, series: Sequence[str]) -> Spec:
    y, measure = _key(panel, "x"), panel.y[0]
    across = number_along(measure, "m0")
    across["axis"] |= {"labelFlush": True, "labelBound": 4, "tickCount": 4}
    up = {"field": y, "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 190, "labelPadding": 6}}
    tips = [tip_of(panel.x.label, y)]
    if panel.split is not None:
        tips.append(tip_of(panel.split.label, _key(panel, "split")))
    tips.append(tip_of(measure.label, "m0", measure.unit))
    encoding: Spec = {"y": up, "x": across, "tooltip": tips}
    if panel.split is not None:
        picked = picked_by(_key(panel, "split"))
        encoding |= {"color": colour_by(panel.split, _key(panel, "split"), series), "opacity": picked["opacity"]}
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
    picked = picked_by("k0")
    angle = {"field": "m0", "type": "quantitative", "stack": True}
    # in the order of the legend, else labels would stand at other parts
    order = {"field": "place", "type": "quantitative"}
    place = {"calculate": f"indexof({orjson.dumps(list(series)).decode()}, datum.k0)", "as": "place"}
    tips = [
        tip_of(panel.by.label, "k0"),
        tip_of(panel.value.label, "m0", panel.value.unit),
        {"field": "share", "title": "%", "type": "quantitative", "format": ".1%"},
    ]
    colour = colour_by(panel.by, "k0", series)
    colour["legend"] |= {"columns": 3}
    ring = {
        "mark": {
            "type": "arc",
            "innerRadius": {"expr": "min(width, height) / 4.2"},
            "outerRadius": {"expr": "min(width, height) / 2.4"},
            "padAngle": 0.01,
        },
        "params": picked["params"],
        "encoding": {"color": colour, "opacity": picked["opacity"], "tooltip": tips},
    }
    text = {
        "transform": [{"filter": "datum.share >= 0.06"}],
        "mark": {"type": "text", "radius": {"expr": "min(width, height) / 3.05"}, "fontWeight": "bold", "fill": "#fff"},
        "encoding": {"text": {"field": "share", "type": "quantitative", "format": ".0%"}},
    }
    return {"transform": [whole, share, place], "encoding": {"theta": angle, "order": order}, "layer": [ring, text]}


def _heatmap(panel: Heatmap) -> Spec:
    unit = panel.value.unit
    names = isinstance(panel.x, Terms) and panel.x.order == "measure"
    x = {
        "field": "k1",
        "type": "ordinal",
        "sort": _order(panel.x),
        "title": panel.x.label,
        "axis": {"labelAngle": -30 if names else 0, "labelLimit": 120, "labelOverlap": not names},
    }
    y = {"field": "k0", "type": "ordinal", "sort": _order(panel.y), "title": panel.y.label, "axis": {"labelLimit": 190}}
    tips = [tip_of(panel.y.label, "k0"), tip_of(panel.x.label, "k1"), tip_of(panel.value.label, "m0", unit)]
    legend = {"orient": "right", "title": None, "gradientLength": {"expr": "max(60, height - 10)"}}
    legend |= {"format": "~%"} if unit.kind == "share" else {"labelExpr": PLAIN}
    colour = {"field": "m0", "type": "quantitative", "scale": {"scheme": "viridis"}, "legend": legend}
    spread = {
        "joinaggregate": [
            {"op": "max", "field": "m0", "as": "top"},
            {"op": "min", "field": "m0", "as": "low"},
            {"op": "distinct", "field": "k1", "as": "wide"},
        ]
    }
    dark = {"test": "datum.m0 > datum.low + 0.6 * (datum.top - datum.low)", "value": "#111"}
    text = {
        "transform": [{"filter": "width / datum.wide > 30"}],
        "mark": {"type": "text", "fontSize": 11},
        "encoding": {
            "text": {"field": "m0", "type": "quantitative", "format": _cell_format(unit)},
            "color": {"condition": dark, "value": "#fff"},
        },
    }
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
