"""Every panel's numbers, with and without each control, against the same worked out with pandas from real orders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from profilestore.dashboards.answers import ALL, PanelRows, ask_panels
from profilestore.dashboards.catalogue import ONE_CUSTOMER, all_dashboards
from profilestore.dashboards.choices import Choice, ChoiceList, find_choices
from profilestore.dashboards.conditions import Is
from profilestore.dashboards.measures import Median, Percentile
from profilestore.dashboards.panels import Chart, Dashboard
from profilestore.dashboards.sources import ShopWords
from tests.integration.dashboard_shop import ZONE, DashboardShop, planted_shop
from tests.integration.panel_figures import expected_rows, holds

pytestmark = pytest.mark.real_data
# What Elasticsearch estimates: distinct values within 1 %, percentiles between their neighbours.
COUNTED = 0.01
BETWEEN = 7.0


@pytest.fixture(scope="module")
def shop(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardShop]:
    with planted_shop(server_url, tmp_path_factory.mktemp("home")) as made:
        yield made


@pytest.fixture(scope="module")
def dashboards(shop: DashboardShop) -> tuple[Dashboard, ...]:
    return all_dashboards(shop.settings)


@pytest.fixture(scope="module")
def choices(shop: DashboardShop, dashboards: tuple[Dashboard, ...]) -> dict[str, tuple[ChoiceList, ...]]:
    """Two entries of each control: more would say no more."""
    by_orders = shop.frames["profiles"].sort_values(["order_count", "user_id"]).user_id
    users = [str(by_orders.iloc[0]), str(by_orders.iloc[-1])]
    found = find_choices(shop.store._client, dashboards, ShopWords(shop.settings, "en"), users=users)
    return {name: tuple(replace(by, choices=by.choices[:2]) for by in lists) for name, lists in found.items()}


@pytest.fixture(scope="module")
def answers(
    shop: DashboardShop, dashboards: tuple[Dashboard, ...], choices: dict[str, tuple[ChoiceList, ...]]
) -> list[PanelRows]:
    return ask_panels(shop.store._client, dashboards, choices, time_zone=ZONE.key)


def documents(shop: DashboardShop, dashboard: Dashboard, panel: Chart) -> pd.DataFrame:
    """What a panel counts among, of the tables made from the source."""
    frame = shop.frames[panel.source.index.removeprefix(f"{shop.settings.prefix}-")]
    frame = frame[holds(panel.where, frame)]
    return frame[holds(dashboard.where, frame)] if panel.source.controlled else frame


def chosen(frame: pd.DataFrame, panel: Chart, by: ChoiceList, choice: Choice) -> pd.DataFrame:
    if by.field is None:
        assert panel.source.time_field is not None
        return frame[frame[panel.source.time_field] >= pd.Timestamp(choice.value)]
    return frame[holds(Is(field=by.field, value=choice.value), frame)]


def same(panel: Chart, found: list[dict[str, Any]], wanted: list[dict[str, Any]], frame: pd.DataFrame) -> str | None:
    """What differs, or None."""
    keys = [f"k{n}" for n in range(len(panel.buckets))]
    groups, right = ([[row[key] for key in keys] for row in rows] for rows in (found, wanted))
    if groups != right:
        return f"groups {groups[:8]}, wanted {right[:8]}"
    for row, other in zip(found, wanted, strict=True):
        for number, measure in enumerate(panel.measures):
            value, right = row[f"m{number}"], other[f"m{number}"]
            if isinstance(measure, (Median, Percentile)) and value is not None and right is not None:
                near = abs(value - right) <= 0.15 * abs(right) + 1
            elif isinstance(value, (int, float)) and isinstance(right, (int, float)):
                near = value == pytest.approx(right, rel=1e-6, abs=1e-6)
            else:
                near = value == right
            if not near:
                return f"{measure.label} of {[row[key] for key in keys]}: {value}, wanted {right}"
    return None


def test_every_panel_says_what_the_source_says(
    shop: DashboardShop,
    dashboards: tuple[Dashboard, ...],
    choices: dict[str, tuple[ChoiceList, ...]],
    answers: list[PanelRows],
) -> None:
    pages = {each.name: each for each in dashboards}
    assert len(answers) == sum(len(each.charts) for each in dashboards)
    wrong: list[str] = []
    for answer in answers:
        frame = documents(shop, pages[answer.dashboard], answer.panel)
        states = {ALL: frame} if answer.dashboard != ONE_CUSTOMER else {}
        for by in choices[answer.dashboard]:
            if by.id in answer.covered:
                states |= {each.key: chosen(frame, answer.panel, by, each) for each in by.choices}
        assert states.keys() == answer.rows.keys(), answer.panel.id
        for key, part in states.items():
            wanted = expected_rows(answer.panel, part, zone=ZONE)
            if (problem := same(answer.panel, answer.rows[key], wanted, part)) is not None:
                wrong.append(f"{answer.dashboard}/{answer.panel.id} under {key}: {problem}")
    assert wrong == []


def test_no_panel_of_this_shop_is_empty(answers: list[PanelRows]) -> None:
    """So that the comparison compares something."""
    empty = [
        f"{each.dashboard}/{each.panel.id}" for each in answers if all(len(rows) == 0 for rows in each.rows.values())
    ]
    assert empty == []


def test_every_control_changes_every_panel_it_covers(
    answers: list[PanelRows], choices: dict[str, tuple[ChoiceList, ...]]
) -> None:
    idle: list[str] = []
    for answer in answers:
        for by in choices[answer.dashboard]:
            if by.id in answer.covered:
                rows = [answer.rows[each.key] for each in by.choices]
                if all(found == answer.rows.get(ALL, rows[0]) for found in rows):
                    idle.append(f"{answer.dashboard}/{answer.panel.id} under {by.id}")
    assert idle == []


def test_what_a_control_does_not_cover_has_no_field_of_it(dashboards: tuple[Dashboard, ...]) -> None:
    """All panels of controlled sources are covered, the others ignore the controls in Kibana too."""
    from profilestore.dashboards.kibana import kibana_document

    for dashboard in dashboards:
        drawn = [each for each in kibana_document(dashboard)["panels"] if each["type"] == "vis"]
        for panel, document in zip(dashboard.charts, drawn, strict=True):
            for part in document["config"].get("layers", [document["config"]]):
                assert part["ignore_global_filters"] is not panel.source.controlled
