"""The preview in a real browser: every chart drawn, no error, controls that change numbers, at 1,440 pixels.

Chromium is driven with Playwright's Python package: it brings its own driver, so that the browser of the system
is all that is needed (Selenium would want a chromedriver of the same version beside it), and it waits for
conditions of the page instead of times. Where no browser is found the tests say what is missing;
`REQUIRE_BROWSER=1`, as `.ci/run` sets it, makes that a failure.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from profilestore.dashboards.answers import PanelRows
from profilestore.dashboards.files import write_preview
from profilestore.dashboards.panels import Bar, Heatmap, Metric, Table
from profilestore.dashboards.preview import shown_rows
from profilestore.dashboards.previewing import Preview
from tests.integration.dashboard_shop import DashboardShop, planted_shop

pytestmark = [pytest.mark.real_data, pytest.mark.filterwarnings("ignore::ResourceWarning")]
SHOTS = Path(os.environ["BROWSER_SHOTS"]) if "BROWSER_SHOTS" in os.environ else None
WIDTH = 1440
PAGES = ("customers", "behaviour", "interests", "retention", "recommendations", "customer")
PATIENCE_MS = 60_000
# Texts of charts that can be seen and stand out of their panel.
OUTSIDE = """all => all.flatMap(each => {
  const box = each.getBoundingClientRect();
  const texts = [...each.querySelectorAll('svg text')].filter(text => text.textContent);
  const seen = texts.filter(text => +getComputedStyle(text).opacity > 0);
  const out = text => {
    const at = text.getBoundingClientRect();
    const beside = at.left < box.left || at.right > box.right + 1;
    return at.width > 0 && (beside || at.top < box.top || at.bottom > box.bottom + 1);
  };
  return seen.filter(out).map(text => `${each.id}: ${text.textContent}`);
})"""
FADED = """() => {
  const areas = [...document.querySelectorAll('#events-over-time .mark-area path')];
  return new Set(areas.map(each => each.getAttribute('opacity'))).size > 1;
}"""
BOXES = """all => all.map(each => {
  const box = each.getBoundingClientRect();
  return [each.id, box.left, box.top, box.right, box.bottom];
})"""
MARKS = ", ".join(f".mark-{mark} path" for mark in ("rect", "line", "area", "arc", "symbol"))


@pytest.fixture(scope="module")
def shop(browser: Any, server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardShop]:
    with planted_shop(server_url, tmp_path_factory.mktemp("home")) as made:
        yield made


@pytest.fixture(scope="module")
def preview(shop: DashboardShop) -> Preview:
    return shop.store.dashboards.preview()


@pytest.fixture(scope="module")
def file(preview: Preview, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("preview") / "preview.html"
    write_preview(preview, path)
    return path


@contextmanager
def opened(browser: Any, file: Path, *, theme: str = "light") -> Iterator[Any]:
    """The file in a fresh tab that has no network; fails on anything that the console holds against it."""
    context = browser.new_context(viewport={"width": WIDTH, "height": 900}, color_scheme=theme, offline=True)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda asked: complaints.append(asked.url) if not asked.url.startswith(("file:", "data:", "blob:")) else None,
    )
    page.goto(file.as_uri())
    page.wait_for_selector("body[data-ready]", timeout=PATIENCE_MS)
    yield page
    context.close()
    assert complaints == []


def open_page(page: Any, name: str) -> None:
    page.click(f"#page-{name}")
    page.wait_for_selector(f"body[data-ready^='{name} ']", timeout=PATIENCE_MS)


def choose(page: Any, control: str, key: str) -> None:
    page.select_option(f"#{control}", key)
    page.wait_for_selector(f"body[data-ready*=' {key} ']", timeout=PATIENCE_MS)


def texts(page: Any) -> dict[str, str]:
    """What each panel shows, by its id."""
    found = page.eval_on_selector_all(
        "figure", "all => all.map(each => [each.id, each.querySelector('.chart').textContent])"
    )
    return dict(found)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_panel_of_every_dashboard_is_drawn(theme: str, browser: Any, file: Path, preview: Preview) -> None:
    with opened(browser, file, theme=theme) as page:
        for name in PAGES:
            open_page(page, name)
            wanted = next(each for each in preview.dashboards if each.name == name)
            states = dict(page.eval_on_selector_all("figure", "all => all.map(each => [each.id, each.dataset.state])"))
            assert states == {panel.id: "shown" for panel in wanted.panels}, name
            counted = f"all => all.map(each => each.querySelectorAll('{MARKS}').length)"
            drawn = page.eval_on_selector_all("figure .chart svg", counted)
            assert len(drawn) > 0
            assert min(drawn) > 0, name
            if SHOTS is not None:
                page.screenshot(path=SHOTS / f"{name}-{theme}.png", full_page=True)


def test_charts_and_tables_have_names_that_can_be_read_aloud(browser: Any, file: Path) -> None:
    with opened(browser, file) as page:
        for name in PAGES:
            open_page(page, name)
            for figure in page.query_selector_all("figure"):
                label = page.inner_text(f"#{figure.get_attribute('aria-labelledby')}")
                assert label != ""
                svg = figure.query_selector(".chart svg")
                if svg is not None:
                    assert svg.get_attribute("role") == "img"
                    assert label in svg.get_attribute("aria-label")
                for head in figure.query_selector_all("th"):
                    assert head.get_attribute("scope") == "col"


def test_nothing_is_cut_off_or_laid_over_another(browser: Any, file: Path) -> None:
    """Panels lie beside each other within the page; what a chart draws and writes lies within its panel."""
    with opened(browser, file) as page:
        for name in PAGES:
            open_page(page, name)
            boxes = page.eval_on_selector_all("figure", BOXES)
            for place, (id, left, top, right, bottom) in enumerate(boxes):
                assert left >= 0, id
                assert right <= WIDTH, id
                for other, x0, y0, x1, y1 in boxes[place + 1 :]:
                    assert right <= x0 + 1 or x1 <= left + 1 or bottom <= y0 + 1 or y1 <= top + 1, (id, other)
            assert page.eval_on_selector_all("figure", OUTSIDE) == [], name


def test_a_control_changes_the_numbers_of_all_it_covers(browser: Any, file: Path, preview: Preview) -> None:
    with opened(browser, file) as page:
        for name in PAGES[:-1]:
            open_page(page, name)
            before = texts(page)
            for by in preview.choices[name]:
                key = by.choices[0].key
                choose(page, by.id, key)
                after = texts(page)
                assert after != before, (name, by.id)
                for answer in (each for each in preview.answers if each.dashboard == name):
                    if by.id not in answer.covered:
                        assert after[answer.panel.id] == before[answer.panel.id], (answer.panel.id, by.id)
                        assert "not affected" in page.inner_text(f"#{answer.panel.id} h2")
                    else:
                        assert_shows(page, answer, key)
                others = [other.id for other in preview.choices[name] if other.id != by.id]
                assert [page.input_value(f"#{other}") for other in others] == ["all"] * len(others)
            choose(page, by.id, "all")
            assert texts(page) == before


def assert_shows(page: Any, answer: PanelRows, key: str) -> None:
    """A number, or as many lines or bars as there are."""
    panel, rows = answer.panel, shown_rows(answer.panel, answer.rows[key])
    if len(rows) == 0:
        assert page.get_attribute(f"#{panel.id}", "data-state") == "none"
    elif isinstance(panel, Metric):
        unit, shown = panel.measures[0].unit, page.inner_text(f"#{panel.id} .number").split(" ")[0]
        if rows[0]["m0"] is None:
            assert shown == "–", (panel.id, key)
            return
        value = rows[0]["m0"] * (100.0 if unit.kind == "share" else 1.0)
        # a half may be rounded up or to even
        assert float(shown.replace(",", "").rstrip("%")) == pytest.approx(value, abs=0.51 * 10.0**-unit.decimals)
    elif isinstance(panel, Table):
        assert len(page.query_selector_all(f"#{panel.id} tbody tr")) == len(rows), (panel.id, key)
    elif isinstance(panel, (Bar, Heatmap)) and len(panel.measures) == 1:
        bars = len(page.query_selector_all(f"#{panel.id} .mark-rect.role-mark path"))
        assert bars == len([row for row in rows if row["m0"] is not None]), (panel.id, key)


def test_one_customer_shows_the_one_chosen(browser: Any, file: Path, preview: Preview) -> None:
    (by,) = preview.choices["customer"]
    with opened(browser, file) as page:
        open_page(page, "customer")
        for each in by.choices[:3]:
            choose(page, by.id, each.key)
            assert page.inner_text("#attributes td") == each.label
            answer = next(a for a in preview.answers if a.panel.id == "customer-events")
            shown = page.inner_text("#customer-events .number")
            assert shown == f"{answer.rows[each.key][0]['m0']:,.0f}"


def test_the_page_says_that_one_control_acts_at_a_time(browser: Any, file: Path) -> None:
    with opened(browser, file) as page:
        assert "one control acts at a time" in page.inner_text("#note")
        open_page(page, "customer")
        assert "sample" in page.inner_text("#note")


def test_a_click_on_the_legend_sets_one_series_apart(browser: Any, file: Path) -> None:
    with opened(browser, file) as page:
        open_page(page, "behaviour")
        page.click("#events-over-time .role-legend-symbol path >> nth=0", force=True)
        page.wait_for_function(FADED)


def test_chinese_pages_hold_chinese_and_draw_it(browser: Any, shop: DashboardShop, tmp_path: Path) -> None:
    made = shop.store.dashboards.preview(language="zh")
    write_preview(made, tmp_path / "zh.html")
    with opened(browser, tmp_path / "zh.html") as page:
        for name in PAGES:
            open_page(page, name)
            titles = page.eval_on_selector_all("figure h2", "all => all.map(each => each.textContent)")
            assert [title for title in titles if re.search(r"[一-鿿]", title) is None] == []
            if SHOTS is not None:
                page.screenshot(path=SHOTS / f"{name}-zh.png", full_page=True)
