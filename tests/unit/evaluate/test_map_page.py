"""The page of the map: whole in itself, escaped, and readable without telling colours apart."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from profilestore.evaluate.dots import MOST_GROUPS, Dot, key_of, plot_dots
from profilestore.evaluate.map_page import MOST_DOTS, render_map
from profilestore.insight.map.points import MapPoint
from profilestore.insight.records import InsightRecord

TRUST = {name: {"mean": 0.9, "low": 0.8, "high": 0.95} for name in ("tsne", "pca", "gain", "tsne_fitted")}
FIGURES = {
    "count": 9, "tsne_fitted_on": 4, "tsne_placed_by_neighbours": 5, "pca_explained_first_axis": 0.31,
    "pca_explained_second_axis": 0.2, "trustworthiness": TRUST,
}  # fmt: skip
RECORD = InsightRecord(
    "map",
    {"as_of": "2026-03-01T00:00:00+00:00"},
    figures={"profiles": FIGURES, "products": FIGURES},
    card={"en": "Near is alike.\nFar is not.", "zh": "相近即相似。"},
)


def points(count: int, groups: int, *, tsne: bool = True) -> list[MapPoint]:
    return [
        MapPoint(f"u{n:05d}", f"group {n % groups:02d}" if n % (groups + 1) else "", "", (float(n % 7), float(n % 5)),
                 (float(n % 11), float(n % 13)) if tsne else None)
        for n in range(count)
    ]  # fmt: skip


def test_the_page_needs_nothing_else_and_tells_nothing_unescaped() -> None:
    hostile = MapPoint("<script>1</script>", "a & <b>", '"><img src=x>', (0.0, 0.0), (1.0, 1.0))
    page = render_map(RECORD, {"profiles": points(60, 4), "products": [hostile, *points(30, 2)]})
    for forbidden in ("<script", "<img", "url(", "@import", "<link"):
        assert forbidden not in page
    assert set(re.findall(r"https?://[^\"' ]+", page)) <= {"http://www.w3.org/2000/svg"}
    assert "&lt;script&gt;1&lt;/script&gt;" in page
    assert "a &amp; &lt;b&gt;" in page
    HTMLParser().feed(page)
    assert page.count("<svg") - page.count('aria-hidden="true"') == 4  # t-SNE and PCA of both kinds
    assert "相近即相似" in render_map(RECORD, {"profiles": points(60, 4)}, language="zh")


def test_every_group_looks_unlike_every_other_in_shape_or_colour() -> None:
    assert len({key_of(group) for group in (-1, *range(MOST_GROUPS))}) == MOST_GROUPS + 1
    colours = {re.search(r'(?:fill|stroke)="(#\w+)"', key_of(group)).group(1) for group in range(MOST_GROUPS)}  # type: ignore[union-attr]  # each has one
    assert colours <= {"#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000"}  # Okabe and Ito


def test_what_is_shown_and_what_is_not_is_said() -> None:
    page = render_map(RECORD, {"profiles": points(MOST_DOTS + 500, 30), "products": points(40, 3, tsne=False)})
    assert f"A random sample of {MOST_DOTS:,} of {MOST_DOTS + 500:,} is drawn." in page
    assert "10 others" in page
    assert "in no segment" in page
    assert "Fitted on a sample of 4; 5 lie amid their nearest of it." in page
    assert "Trustworthiness 0.900 [0.800, 0.950]." in page
    assert "The axes hold 31.0% and 20.0% of the variance." in page
    assert "Profiles, t-SNE" in page
    assert "Products, t-SNE" not in page
    assert "Products, PCA" in page
    assert page == render_map(RECORD, {"profiles": points(MOST_DOTS + 500, 30), "products": points(40, 3, tsne=False)})


def test_dots_lie_where_they_are_on_equal_scales() -> None:
    drawn = plot_dots([Dot(0.0, 0.0, 0, "a"), Dot(10.0, 0.0, 0, "b"), Dot(0.0, 10.0, 1, "c")], title="t")
    places = [(float(x), float(y)) for x, y in re.findall(r'x="([\d.]+)" y="([\d.]+)"', drawn)]
    first, right, above = places
    assert right[0] - first[0] == first[1] - above[1] > 0
    assert plot_dots([], title="t") == ""
    assert "<use" in plot_dots([Dot(1.0, 1.0, -1, "alone")], title="t")
