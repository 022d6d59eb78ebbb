"""The report as one HTML page that needs nothing else: no script, no style sheet, no font, no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from profilestore.evaluate.charts import Mark, plot_intervals, plot_scatter
from profilestore.evaluate.page_parts import document, pairs, said, section, table
from profilestore.evaluate.report import ColdProducts, Difference, Evaluation, MethodFigures
from profilestore.evaluate.significance import Interval

__all__ = ["render_page"]

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
        section("What was asked", pairs(report.asked)),
        section("Sizes", pairs(report.sizes)),
        _notes(report.notes),
        section(f"{metric} by method", plot_intervals([_mark(m, k) for m in report.methods], title=metric) + _legend()),
        section("Accuracy", _accuracy(report.methods, report.asked["k"])),
        section("Beyond accuracy", _beyond(report.methods)),
        section(
            f"{metric} against coverage",
            plot_scatter([_mark(m, k) for m in report.methods], x_title="coverage", y_title=metric) + _legend(),
        ),
        section(
            f"Differences in {metric}",
            "<p>Paired by user. p by 10,000 random exchanges of the two methods within users, corrected by Holm for "
            f"all {len(report.differences)} comparisons.</p>" + _differences(report.differences),
        ),
        section("By group of users", _groups(report)),
        section("Products of which the training saw nothing", _cold(report.cold_products, k)),
        section("What serving loses", _losses(report)),
        section("Settings", pairs(report.settings) + _chosen(report.methods)),
        section("How to read the figures", pairs(_WORDS)),
    ]
    return document(f"Evaluation: {report.asked['source']}", parts)


def _mark(method: MethodFigures, k: int) -> Mark:
    coverage = method.figures.get("coverage")
    return Mark(method.name, method.kind, method.figures[f"ndcg@{k}"], 0.0 if coverage is None else coverage.mean)


def _legend() -> str:
    return '<p><small><span class="shop">●</span> the shop, served · <span class="peer">●</span> peers</small></p>'


def _notes(notes: Sequence[str]) -> str:
    return "" if len(notes) == 0 else f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in notes)}</ul>"


def _accuracy(methods: Sequence[MethodFigures], ks: Sequence[int]) -> str:
    names = [f"{metric}@{k}" for k in ks for metric in ("ndcg", "recall", "precision", "hr", "mrr")]
    return table(("method", *names), [(m.name, *(_cell(m.figures[name]) for name in names)) for m in methods])


def _beyond(methods: Sequence[MethodFigures]) -> str:
    names = ("coverage", "novelty", "diversity", "popularity", "gini")
    rows = [(m.name, *(_cell(m.figures.get(name)) for name in names)) for m in methods]
    return table(("method", *names), rows)


def _differences(differences: Iterable[Difference]) -> str:
    rows = [(f"{d.method} less {d.against}", _cell(d.interval), f"{d.p:.4f}", f"{d.p_holm:.4f}") for d in differences]
    return table(("difference", "mean [95 %]", "p", "p corrected"), rows)


def _groups(report: Evaluation) -> str:
    k, names = report.k, [method.name for method in report.methods]
    parts = []
    for metric in ("ndcg", "recall", "hr"):
        rows = [
            (f"{g.field}: {g.value}", f"{g.users:,}", *(_cell(g.figures[name][f"{metric}@{k}"]) for name in names))
            for g in report.groups
        ]
        if len(rows) > 0:
            parts.append(f"<h3>{metric}@{k}</h3>" + table(("group", "users", *names), rows))
    return "".join(parts)


def _cold(cold: ColdProducts | None, k: int) -> str:
    if cold is None:
        return ""
    names = [f"{metric}@{k}" for metric in ("ndcg", "recall", "hr")]
    rows = [(m.name, *(_cell(m.figures[name]) for name in names)) for m in cold.methods]
    return (
        f"<p>{cold.products:,} products were hidden from a second training, though not from its catalogue. Only these "
        f"are ranked and asked for, for {cold.users:,} users who took one of them up.</p>"
        + table(("method", *names), rows)
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
        + table(("method", "users", "exact", "served", "difference", "loss"), rows)
    )


def _chosen(methods: Sequence[MethodFigures]) -> str:
    rows = [
        (m.name, ", ".join(f"{name} {said(value)}" for name, value in {**m.settings, **m.answered_by}.items()))
        for m in methods
    ]
    told = [row for row in rows if row[1] != ""]
    return table(
        ("method", "settings chosen on the validation cut, or how many users which method answered"), told, wide=True
    )


def _cell(interval: Interval | None) -> str:
    if interval is None:
        return "–"
    digits = 4 if abs(interval.high) < 10 else 1
    return f"{interval.mean:.{digits}f} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"
