#!/usr/bin/env python3
"""How long the preview of all dashboards takes, how large it is, and what each panel's request needs.

    scripts/measure_dashboards.py [--rounds 5] [--panels]

For the shop of the settings, whose indices of dashboards are brought to the day before the clock starts: the
preview is made once with an empty cache of scripts (which Vega is bundled into, once a machine) and `rounds` times
after it; each panel's own request is sent `rounds` times, alone, never the same twice, since the server keeps
answers. Printed are medians of whole round trips. As a measure of the machine of the day, the time of a count of
all acts stands beside.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from profilestore import ProfileStore
from profilestore.dashboards.bodies import panel_body
from profilestore.dashboards.catalogue import all_dashboards
from profilestore.elastic.panel_search import PanelSearch, search_panels


def seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--panels", action="store_true", help="a line a panel")
    chosen = parser.parse_args()
    with ProfileStore.open() as shop:
        print(f"refresh: {seconds(shop.dashboards.refresh):.1f} s, again: {seconds(shop.dashboards.refresh):.1f} s")
        shutil.rmtree(shop.settings.home / "dashboards", ignore_errors=True)
        first = seconds(shop.dashboards.preview)
        made = shop.dashboards.preview()
        later = [seconds(shop.dashboards.preview) for _ in range(chosen.rounds)]
        size = len(made.html.encode()) / 1e6
        print(f"preview: first {first:.1f} s, then {median(later):.1f} s (median of {chosen.rounds}), {size:.2f} MB")
        print(f"{len(made.answers)} panels, {len(made.without_data())} without data")
        every = PanelSearch("all", shop.settings.index("activity"), {"size": 0, "track_total_hits": True})
        bare = median(seconds(lambda: search_panels(shop._client, [every])) for _ in range(chosen.rounds))
        print(f"a count of all acts: {bare * 1000:.0f} ms")
        measure_panels(shop, rounds=chosen.rounds, lines=chosen.panels)


def ask(shop: ProfileStore, search: PanelSearch) -> float:
    return seconds(lambda: search_panels(shop._client, [search]))


def fresh(name: str, index: str, body: dict[str, Any], *, rounds: int) -> list[PanelSearch]:
    """The request in forms that mean the same: the server keeps answers, and a second look is not what is measured."""
    return [
        PanelSearch(
            name,
            index,
            {
                **body,
                "query": {"bool": {"filter": [body["query"]], "must_not": [{"term": {"user_id": f"no such {n}"}}]}},
            },
        )
        for n in range(rounds)
    ]


def measure_panels(shop: ProfileStore, *, rounds: int, lines: bool) -> None:
    found: list[tuple[float, str]] = []
    for dashboard in all_dashboards(shop.settings):
        for panel in dashboard.charts:
            body = panel_body(panel, dashboard=dashboard, time_zone=shop.settings.time_zone)
            wall = median(ask(shop, asked) for asked in fresh(panel.id, panel.source.index, body, rounds=rounds))
            found.append((wall * 1000.0, f"{dashboard.name}/{panel.id}"))
    times = [each for each, _ in found]
    slowest = max(found)
    print(
        f"panels: median {median(times):.0f} ms, slowest {slowest[0]:.0f} ms ({slowest[1]}), "
        f"{sum(each > 300 for each in times)} of {len(times)} above 300 ms"
    )
    if lines:
        for each, name in sorted(found, reverse=True):
            print(f"{each:8.0f} ms  {name}")


if __name__ == "__main__":
    main()
