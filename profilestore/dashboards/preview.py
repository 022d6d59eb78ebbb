"""The preview: one HTML file with all dashboards, their numbers and what draws them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from importlib.resources import files
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from profilestore.dashboards.answers import ALL, PanelRows
from profilestore.dashboards.buckets import Filters
from profilestore.dashboards.charts import series_of, vega_lite
from profilestore.dashboards.choices import ChoiceList
from profilestore.dashboards.measures import Unit
from profilestore.dashboards.panels import Chart, Dashboard, Markdown, Panel
from profilestore.dashboards.reading import Row
from profilestore.dashboards.sources import ShopWords

__all__ = ["page_html", "shown_rows"]

# Digits of a number that no chart shows make the file large.
_DIGITS: Final = 6


def page_html(
    dashboards: Sequence[Dashboard],
    answers: Sequence[PanelRows],
    choices: Mapping[str, Sequence[ChoiceList]],
    *,
    words: ShopWords,
    vega: str,
    made: datetime,
) -> str:
    """The file.

    Args:
        dashboards: in their order.
        answers: of all their charts.
        choices: by name of dashboard.
        words: of the shop, in the file's language.
        vega: the script that draws charts.
        made: when the numbers were read.
    """
    found = {(answer.dashboard, answer.panel.id): answer for answer in answers}
    t = words.t
    time = made.astimezone(ZoneInfo(words.time_zone))
    content = {
        "title": words.prefix,
        "made": t(
            f"Numbers of {time:%Y-%m-%d %H:%M}, {words.time_zone}; money in {words.currency}. Made by profilestore.",
            f"数据时间 {time:%Y-%m-%d %H:%M},{words.time_zone};金额单位 {words.currency}。由 profilestore 生成。",
        ),
        "words": {
            "all": t("all", "全部"),
            "nothing": t("Nothing under this choice.", "此筛选下没有数据。"),
            "outside": t("not affected by the choice", "不受此筛选影响"),
            "dark": t("dark", "深色"),
            "light": t("light", "浅色"),
        },
        "owners": {each.key: by.id for lists in choices.values() for by in lists for each in by.choices},
        "pages": [_page(each, found, choices.get(each.name, ()), words) for each in dashboards],
    }
    folder = files("profilestore.dashboards") / "page"
    parts = {
        "language": "zh-CN" if words.language == "zh" else "en",
        "title": escape(f"{words.prefix}: {t('dashboards', '仪表板')}"),
        "style": (folder / "page.css").read_text(encoding="utf-8"),
        "script": (folder / "page.js").read_text(encoding="utf-8"),
        # a value that says </script> must not end the element
        "data": orjson.dumps(content).decode().replace("<", "\\u003c"),
        "vega": vega,
    }
    page = (folder / "page.html").read_text(encoding="utf-8")
    pieces = page.split("{{")
    return pieces[0] + "".join(parts[name] + rest for name, _, rest in (piece.partition("}}") for piece in pieces[1:]))


def shown_rows(panel: Chart, rows: Sequence[Row]) -> list[Row]:
    """The rows worth showing: known values that nobody has are left out, unless they are steps in an order."""
    if not any(isinstance(by, Filters) and not by.keep_empty for by in panel.buckets):
        return list(rows)
    return [row for row in rows if any(row[f"m{n}"] not in (None, 0) for n in range(len(panel.measures)))]


def _page(
    dashboard: Dashboard,
    answers: Mapping[tuple[str, str], PanelRows],
    choices: Sequence[ChoiceList],
    words: ShopWords,
) -> dict[str, Any]:
    first = next((by.choices[0].key for by in choices if by.always and len(by.choices) > 0), ALL)
    always = any(by.always for by in choices)
    known = {by.field: [each.label for each in by.choices] for by in choices if by.field is not None}
    t = words.t
    sample = t(
        "A sample of customers: `--user ID` shows others. In Kibana any customer can be chosen.",
        "此处为客户样本:用 `--user ID` 可指定客户;在 Kibana 中可选择任意客户。",
    )
    single = t(
        "This file works without a server: one control acts at a time, from numbers worked out beforehand.",
        "此文件无需服务器:每次只有一个筛选生效,数字已预先算好。",
    )
    return {
        "name": dashboard.name,
        "title": dashboard.title.removeprefix(f"{words.prefix}: "),
        "description": dashboard.description,
        "note": f"{single} {sample}" if always else single,
        "first": first,
        "controls": [
            {
                "id": by.id,
                "title": by.title,
                "always": by.always,
                "choices": [{"key": each.key, "label": each.label} for each in by.choices],
            }
            for by in choices
        ],
        "panels": [_panel(panel, answers.get((dashboard.name, panel.id)), known, words) for panel in dashboard.panels],
    }


def _panel(
    panel: Panel, answer: PanelRows | None, known: Mapping[str, Sequence[str]], words: ShopWords
) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": panel.id,
        "kind": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "place": panel.place.model_dump(),
        "covered": [],
        "rows": {},
    }
    if isinstance(panel, Markdown):
        return shown | {"content": panel.content}
    if answer is None:
        return shown | {"missing": panel.missing}
    rows = {key: shown_rows(panel, found) for key, found in answer.rows.items()}
    every = rows[ALL] if ALL in rows else [row for found in rows.values() for row in found]
    spec = vega_lite(panel, series=series_of(panel, every, known=known), language=words.language)
    return shown | {
        "missing": panel.missing,
        "covered": list(answer.covered),
        "keys": [by.label for by in panel.buckets],
        "measures": [{"label": each.label, "unit": _unit(each.unit)} for each in panel.measures],
        "rows": {key: _columns(found) for key, found in rows.items() if len(found) > 0},
        "spec": spec,
    }


def _unit(unit: Unit) -> dict[str, Any]:
    return unit.model_dump()


def _columns(rows: Sequence[Row]) -> dict[str, list[Any]]:
    """Columns take less than rows that repeat their names."""
    return {name: [_short(row[name]) for row in rows] for name in rows[0]}


def _short(value: Any) -> Any:
    if not isinstance(value, float) or value == 0.0 or not math.isfinite(value):
        return value
    digits = _DIGITS - 1 - math.floor(math.log10(abs(value)))
    short = round(value, max(2, digits))
    return int(short) if short.is_integer() else short
