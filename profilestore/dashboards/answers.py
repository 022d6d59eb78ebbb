"""The numbers of all panels, as they are and under each choice of each control, asked in few requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from profilestore.dashboards.bodies import panel_body
from profilestore.dashboards.choices import ChoiceList, is_covered
from profilestore.dashboards.panels import Chart, Dashboard
from profilestore.dashboards.reading import Row, read_rows
from profilestore.elastic.panel_search import PanelSearch, search_panels
from profilestore.elastic.search import Client

__all__ = ["ALL", "PanelRows", "ask_panels"]

# The name of "nothing chosen".
ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class PanelRows:
    """A panel's rows by choice; `took_ms` is the server's time for the panel as it is, without any choice."""

    dashboard: str
    panel: Chart
    rows: Mapping[str, list[Row]]
    covered: tuple[str, ...]
    took_ms: int


def ask_panels(
    client: Client,
    dashboards: Sequence[Dashboard],
    choices: Mapping[str, Sequence[ChoiceList]],
    *,
    time_zone: str,
) -> list[PanelRows]:
    """Ask for every panel of the dashboards. Under each choice the other controls are open: one control at a time.

    Raises:
        ServerError: a panel's search failed.
    """
    plans = [plan for dashboard in dashboards for plan in _plans(dashboard, choices.get(dashboard.name, ()), time_zone)]
    answers = iter(search_panels(client, [search for plan in plans for search in plan.searches]))
    found: list[PanelRows] = []
    for plan in plans:
        rows: dict[str, list[Row]] = {}
        taken = [next(answers) for _ in plan.searches]
        for answer in taken:
            for key, bucket in answer.aggregations.get("states", {}).get("buckets", {}).items():
                rows[key] = read_rows(plan.panel, bucket, total=int(bucket["doc_count"]), time_zone=time_zone)
        found.append(PanelRows(plan.dashboard, plan.panel, rows, plan.covered, taken[0].took_ms if taken else 0))
    return found


@dataclass(frozen=True, slots=True)
class _Plan:
    dashboard: str
    panel: Chart
    searches: tuple[PanelSearch, ...]
    covered: tuple[str, ...]


def _plans(dashboard: Dashboard, choices: Sequence[ChoiceList], time_zone: str) -> Iterator[_Plan]:
    always = any(by.always for by in choices)
    for panel in dashboard.charts:
        covering = [by for by in choices if is_covered(panel, by)]
        states: list[dict[str, Any]] = [by.queries(panel) for by in covering if len(by.choices) > 0]
        if not always:
            states.insert(0, {ALL: {"match_all": {}}})
        searches = tuple(
            PanelSearch(
                f"panel {panel.id} of {dashboard.id}",
                panel.source.index,
                panel_body(panel, dashboard=dashboard, time_zone=time_zone, states=each),
            )
            for each in states
        )
        yield _Plan(dashboard.name, panel, searches, tuple(by.id for by in covering))
