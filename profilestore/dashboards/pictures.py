"""A dashboard as a PNG, for a mail or a page: the same layout, drawn by vl-convert without any browser."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from profilestore.dashboards.answers import PanelRows
from profilestore.dashboards.charts import series_of, vega_lite
from profilestore.dashboards.encodings import number_format
from profilestore.dashboards.fitting import fitted, text_width
from profilestore.dashboards.measures import Measure
from profilestore.dashboards.panels import COLUMNS, Chart, Dashboard, Markdown, Metric, Panel, Table
from profilestore.dashboards.preview import shown_rows
from profilestore.dashboards.reading import Row

__all__ = ["dashboard_png", "dashboard_svg"]

_WIDTH: Final = 1440
_SIDE: Final = 20
_HEAD: Final = 48
_ROW: Final = 20
_GAP: Final = 8
_PAD: Final = 12
_LINE: Final = 22
_NARROW: Final = 130.0
_FONT: Final = "'Noto Sans', 'Noto Sans CJK SC', 'DejaVu Sans', Arial, sans-serif"
_INK: Final = "#1a1c21"
_SOFT: Final = "#4f5865"
# resvg resolves ids in one document; each chart's clip paths get names of their own
_IDS: Final = re.compile(r'(id="|url\(#|href="#)')


def dashboard_png(
    dashboard: Dashboard, answers: Sequence[PanelRows], *, language: str, known: Mapping[str, Sequence[str]]
) -> bytes:
    """The dashboard as it is without any choice, 1,440 pixels wide; arguments as of `dashboard_svg`."""
    import vl_convert

    return vl_convert.svg_to_png(dashboard_svg(dashboard, answers, language=language, known=known), scale=1.0)


def dashboard_svg(
    dashboard: Dashboard, answers: Sequence[PanelRows], *, language: str, known: Mapping[str, Sequence[str]]
) -> str:
    """A dashboard as SVG.

    Args:
        dashboard: to draw.
        answers: of its panels, among others; where a control always has a choice, the first is drawn.
        language: `en` or `zh`, of dates.
        known: values of fields in the order of their colours, see `charts.series_of`.
    """
    found = {each.panel.id: each for each in answers if each.dashboard == dashboard.name}
    bottom = max(panel.place.y + panel.place.h for panel in dashboard.panels)
    height = _HEAD + bottom * (_ROW + _GAP) + _SIDE
    parts = [
        f'<rect width="{_WIDTH}" height="{height}" fill="#f4f6f9"/>',
        _text(_SIDE, 31, dashboard.title, size=18, bold=True),
    ]
    parts += [_panel(panel, found.get(panel.id), language, known) for panel in dashboard.panels]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'font-family="{_FONT}">{"".join(parts)}</svg>'
    )


def _panel(panel: Panel, answer: PanelRows | None, language: str, known: Mapping[str, Sequence[str]]) -> str:
    column = (_WIDTH - 2 * _SIDE + _GAP) / COLUMNS
    place = panel.place
    x, y = _SIDE + place.x * column, _HEAD + place.y * (_ROW + _GAP)
    width, height = place.w * column - _GAP, place.h * (_ROW + _GAP) - _GAP
    inside = [
        f'<rect width="{width:.1f}" height="{height}" rx="8" fill="#fff" stroke="#dde3ea"/>',
        _text(_PAD, 22, _cut(panel.title, width - 2 * _PAD), size=14, bold=True),
    ]
    if isinstance(panel, Markdown):
        inside.append(_text(_PAD, 46, _cut(panel.content, width - 2 * _PAD), size=13))
    else:
        rows = [] if answer is None or len(answer.rows) == 0 else shown_rows(panel, next(iter(answer.rows.values())))
        inside.append(_chart(panel, rows, (width - 2 * _PAD, height), language, known))
    return f'<g transform="translate({x:.1f} {y})">{"".join(inside)}</g>'


def _chart(
    panel: Chart, rows: Sequence[Row], size: tuple[float, float], language: str, known: Mapping[str, Sequence[str]]
) -> str:
    width, height = size
    if len(rows) == 0:
        lines = _wrapped(panel.missing, width)
        return "".join(_text(_PAD, 46 + 15 * place, line, size=12, colour=_SOFT) for place, line in enumerate(lines))
    if isinstance(panel, Metric):
        return _metric(panel, rows[0])
    if isinstance(panel, Table):
        return _table(panel, rows, width, height)
    spec = vega_lite(panel, series=series_of(panel, rows, known=known), language=language)
    if spec is None:
        return ""
    import vl_convert

    labels = [_number(row["m0"], panel.measures[0]) for row in rows]
    made = fitted(spec, rows, width=width, height=height - 40, labels=labels)
    made["config"] = {"background": None, "font": _FONT.replace("'", ""), "view": {"stroke": None}}
    svg = vl_convert.vegalite_to_svg(made)
    body = _IDS.sub(rf"\g<1>{panel.id}-", svg[svg.index("<svg") :])
    return f'<g transform="translate({_PAD} 32)">{body}</g>'


def _metric(panel: Metric, row: Row) -> str:
    first = panel.values[0]
    parts = [
        _text(_PAD, 58, _with_suffix(row["m0"], first), size=26, bold=True),
        _text(_PAD, 80, first.label, size=12, colour=_SOFT),
    ]
    if len(panel.values) > 1:
        second = f"{_with_suffix(row['m1'], panel.values[1])} {panel.values[1].label}"
        parts.append(_text(_PAD, 98, second, size=12, colour=_SOFT))
    return "".join(parts)


def _table(panel: Table, rows: Sequence[Row], width: float, height: float) -> str:
    """As many rows as fit, the columns as wide as their longest text, within the panel."""
    heads = [by.label for by in panel.buckets] + [_heading(measure) for measure in panel.measures]
    lines = [
        [str(row[f"k{n}"]) for n in range(len(panel.buckets))]
        + [_number(row[f"m{n}"], measure) for n, measure in enumerate(panel.measures)]
        for row in rows[: max(1, int((height - 62) // _LINE))]
    ]
    wanted = [1.1 * max(text_width(line[n]) for line in [heads, *lines]) + 14 for n in range(len(heads))]
    # what is too much is taken from the wide columns
    wide = sum(max(0.0, each - _NARROW) for each in wanted)
    scale = max(0.0, min(1.0, 1.0 - (sum(wanted) - width) / wide)) if wide > 0 else 1.0
    taken = [min(each, _NARROW) + max(0.0, each - _NARROW) * scale for each in wanted]
    parts: list[str] = []
    for number, line in enumerate([heads, *lines]):
        x = float(_PAD)
        for cell, column in zip(line, taken, strict=True):
            text = _cut(cell, column - 6)
            parts.append(
                _text(x, 46 + number * _LINE, text, size=12, bold=number == 0, colour=_SOFT if number == 0 else _INK)
            )
            x += column
    return "".join(parts)


def _heading(measure: Measure) -> str:
    return f"{measure.label} ({measure.unit.suffix})" if measure.unit.suffix != "" else measure.label


def _number(value: Any, measure: Measure) -> str:
    if value is None:
        return "–"
    if measure.unit.kind == "text" or not isinstance(value, (int, float)):
        return str(value)
    return format(value, number_format(measure.unit))


def _with_suffix(value: Any, measure: Measure) -> str:
    text = _number(value, measure)
    return f"{text} {measure.unit.suffix}" if measure.unit.suffix != "" and text != "–" else text


def _cut(text: str, width: float) -> str:
    """The text, ended by … where it is wider than that."""
    if text_width(text) * 1.1 <= width:
        return text
    while len(text) > 1 and text_width(text + "…") * 1.1 > width:
        text = text[:-1]
    return text + "…"


def _wrapped(text: str, width: float) -> list[str]:
    """The text in lines of that width, broken at spaces."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if text_width(longer) * 1.1 <= width:
            lines[-1] = longer
        else:
            lines.append(_cut(word, width))
    return [line for line in lines if line != ""]


def _text(x: float, y: float, text: str, *, size: int, bold: bool = False, colour: str = _INK) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}"{weight}>{escape(text)}</text>'
