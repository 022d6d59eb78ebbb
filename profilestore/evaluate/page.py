"""The report as one HTML page that needs nothing else: no script, no style sheet, no font, no network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

from profilestore.evaluate.charts import Mark, plot_intervals, plot_scatter
from profilestore.evaluate.report import ColdProducts, Difference, Evaluation, MethodFigures
from profilestore.evaluate.significance import Interval

__all__ = ["render_page"]

_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2733; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin: .8rem 0; font-size: .85rem; display: block; overflow-x: auto; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid #dde3ea; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } td.wide { white-space: normal; text-align: left; }
small { color: #5d6b7a; } svg { width: 100%; height: auto; font: 12px system-ui, sans-serif; }
svg .grid { stroke: #e4e9ef; } svg .tick { fill: #5d6b7a; } .shop { color: #1b6ca8; } .peer { color: #c2571a; }
"""
_WORDS: Final = {
    "ndcg": "hits count the more the higher they stand; 1 is the best list there could be",
    "recall": "share of what the user took up that is in the list",
    "precision": "share of the list that the user took up",
    "hr": "share of users with any hit",
    "mrr": "one over the place of the first hit",
    "coverage": "share of the ranked catalogue that is in any list",
    "novelty": "bits of information of a product: rarely bought ones have more",
    "diversity": "1 minus the mean likeness of the products of a list, by their texts or categories",
    "popularity": "how many users bought a listed product in the training, on average",
    "gini": "0: all products are listed alike often; 1: always the same ones",
}


def render_page(report: Evaluation) -> str:
    """The whole page. Every name and value is escaped."""
    k = report.k
    metric = f"NDCG@{k}"
    parts = [
        f"<h1>Evaluation of {escape(str(report.asked['source']))}</h1>",
        f"<p>Who would have been shown what they then took up? Models were trained on the first part of the events "
        f"alone; then every method was asked, through Elasticsearch and as the shop serves it, for lists of {k} "
        f"products out of the full catalogue, for {report.sizes['users_asked_about']:,} users. Right is what the user "
        f"took up in the part held out ({escape(str(report.asked['products']))}). Peers were computed in memory on "
        f"the same events. Brackets are 95 % intervals, a bootstrap over users.</p>",
        _section("What was asked", _pairs(report.asked)),
        _section("Sizes", _pairs(report.sizes)),
        _notes(report.notes),
        _section(
            f"{metric} by method", plot_intervals([_mark(m, k) for m in report.methods], title=metric) + _legend()
        ),
        _section("Accuracy", _accuracy(report.methods, report.asked["k"])),
        _section("Beyond accuracy", _beyond(report.methods)),
        _section(
            f"{metric} against coverage",
            plot_scatter([_mark(m, k) for m in report.methods], x_title="coverage", y_title=metric) + _legend(),
        ),
        _section(
            f"Differences in {metric}",
            "<p>Paired by user. p by 10,000 random exchanges of the two methods within users, corrected by Holm for "
            f"all {len(report.differences)} comparisons.</p>" + _differences(report.differences),
        ),
        _section("By group of users", _groups(report)),
        _section("Products of which the training saw nothing", _cold(report.cold_products, k)),
        _section("What serving loses", _losses(report)),
        _section("Settings", _pairs(report.settings) + _chosen(report.methods)),
        _section("How to read the figures", _pairs(_WORDS)),
    ]
    body = "\n".join(part for part in parts if part != "")
    title = escape(f"Evaluation: {report.asked['source']}")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body>\n{body}\n</body></html>\n"
    )


def _section(title: str, content: str) -> str:
    return "" if content == "" else f"<h2>{escape(title)}</h2>\n{content}"


def _mark(method: MethodFigures, k: int) -> Mark:
    coverage = method.figures.get("coverage")
    return Mark(method.name, method.kind, method.figures[f"ndcg@{k}"], 0.0 if coverage is None else coverage.mean)


def _legend() -> str:
    return '<p><small><span class="shop">●</span> the shop, served · <span class="peer">●</span> peers</small></p>'


def _pairs(values: Mapping[str, Any]) -> str:
    rows = [(name.replace("_", " "), _said(value)) for name, value in values.items() if value is not None]
    return "" if len(rows) == 0 else _table((), rows, wide=True)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(str(each) for each in value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _notes(notes: Sequence[str]) -> str:
    return "" if len(notes) == 0 else f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in notes)}</ul>"


def _accuracy(methods: Sequence[MethodFigures], ks: Sequence[int]) -> str:
    names = [f"{metric}@{k}" for k in ks for metric in ("ndcg", "recall", "precision", "hr", "mrr")]
    return _table(("method", *names), [(m.name, *(_cell(m.figures[name]) for name in names)) for m in methods])


def _beyond(methods: Sequence[MethodFigures]) -> str:
    names = ("coverage", "novelty", "diversity", "popularity", "gini")
    rows = [(m.name, *(_cell(m.figures.get(name)) for name in names)) for m in methods]
    return _table(("method", *names), rows)


def _differences(differences: Iterable[Difference]) -> str:
    rows = [(f"{d.method} less {d.against}", _cell(d.interval), f"{d.p:.4f}", f"{d.p_holm:.4f}") for d in differences]
    return _table(("difference", "mean [95 %]", "p", "p corrected"), rows)


def _groups(report: Evaluation) -> str:
    k, names = report.k, [method.name for method in report.methods]
    parts = []
    for metric in ("ndcg", "recall", "hr"):
        rows = [
            (f"{g.field}: {g.value}", f"{g.users:,}", *(_cell(g.figures[name][f"{metric}@{k}"]) for name in names))
            for g in report.groups
        ]
        if len(rows) > 0:
            parts.append(f"<h3>{metric}@{k}</h3>" + _table(("group", "users", *names), rows))
    return "".join(parts)


def _cold(cold: ColdProducts | None, k: int) -> str:
    if cold is None:
        return ""
    names = [f"{metric}@{k}" for metric in ("ndcg", "recall", "hr")]
    rows = [(m.name, *(_cell(m.figures[name]) for name in names)) for m in cold.methods]
    return (
        f"<p>{cold.products:,} products were hidden from a second training, though not from its catalogue. Only these "
        f"are ranked and asked for, for {cold.users:,} users who took one of them up.</p>"
        + _table(("method", *names), rows)
        + _differences(cold.differences)
    )


def _losses(report: Evaluation) -> str:
    rows = [
        (each.method, f"{each.users:,}", _cell(each.exact), _cell(each.served), _cell(each.difference),
         f"{100 * each.loss:.2f} %")
        for each in report.served
    ]  # fmt: skip
    if len(rows) == 0:
        return ""
    return (
        f"<p>NDCG@{report.k} of the lists that Elasticsearch's approximate search gave, and of the same lists by "
        "brute force from the stored vectors.</p>"
        + _table(("method", "users", "exact", "served", "difference", "loss"), rows)
    )


def _chosen(methods: Sequence[MethodFigures]) -> str:
    rows = [
        (m.name, ", ".join(f"{name} {_said(value)}" for name, value in {**m.settings, **m.answered_by}.items()))
        for m in methods
    ]
    told = [row for row in rows if row[1] != ""]
    return _table(
        ("method", "settings chosen on the validation cut, or how many users which method answered"), told, wide=True
    )


def _cell(interval: Interval | None) -> str:
    if interval is None:
        return "–"
    digits = 4 if abs(interval.high) < 10 else 1
    return f"{interval.mean:.{digits}f} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, wide: bool = False) -> str:
    kind = ' class="wide"' if wide else ""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join(f"<tr>{''.join(f'<td{kind}>{escape(cell)}</td>' for cell in row)}</tr>\n" for row in rows)
    return f"<table>{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"
