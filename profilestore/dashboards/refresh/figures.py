"""Figures that no aggregation can work out: who came back after how many months, topics, experiments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from profilestore.dashboards.refresh.acts import iso, months_between
from profilestore.dashboards.refresh.shelf import digest

__all__ = ["GROUPS", "Buyer", "experiment_figures", "retention_figures", "topic_figures"]

GROUPS: Final = ("segment", "value_tier", "category")
# Cohorts are followed for two years.
_LONGEST: Final = 24

Source = dict[str, Any]
# The month of the first purchase, the months later in which the user bought, and their groups.
Buyer = tuple[str, Iterable[int], tuple[str | None, ...]]


def retention_figures(buyers: Iterable[Buyer], *, until: datetime, zone: ZoneInfo) -> dict[str, Source]:
    """By id: of the buyers of a month, in each group, how many bought in each month after.

    Args:
        buyers: each user who ever bought, with segment, value tier and main category of now, None where unknown.
        until: the last act of all; later months have not come yet.
        zone: of the shop.
    """
    users: Counter[tuple[str, tuple[str | None, ...]]] = Counter()
    active: Counter[tuple[str, tuple[str | None, ...], int]] = Counter()
    for cohort, ages, groups in buyers:
        users[cohort, groups] += 1
        active.update((cohort, groups, age) for age in set(ages))
    found: dict[str, Source] = {}
    local = until.astimezone(zone)
    for (cohort, groups), size in users.items():
        first = datetime(int(cohort[:4]), int(cohort[5:]), 1, tzinfo=zone)
        for age in range(min(_LONGEST, months_between(first, local)) + 1):
            source: Source = {
                "figure": "retention",
                "as_of": iso(until),
                "time": iso(_later(first, age)),
                "cohort_month": cohort,
                "cohort_age": age,
                "users": size,
                "active": active[cohort, groups, age],
            }
            source |= {name: value for name, value in zip(GROUPS, groups, strict=True) if value is not None}
            found[f"retention-{digest(cohort, age, groups)}"] = source
    return found


def topic_figures(topics: Sequence[Mapping[str, Any]], *, on_sale: int, until: datetime | None) -> dict[str, Source]:
    """By id: each topic in force with its words."""
    found: dict[str, Source] = {}
    for topic in topics:
        source = {
            "figure": "topic",
            "topic": topic["label"],
            "words": ", ".join(topic["words"]),
            "products": topic["products"],
            "share": round(topic["products"] / on_sale, 6) if on_sale > 0 else 0.0,
        }
        found[f"topic-{digest(topic['topic'], topic['label'])}"] = source | (
            {} if until is None else {"as_of": iso(until)}
        )
    return found


def experiment_figures(rows: Sequence[Mapping[str, Any]], *, until: datetime | None) -> dict[str, Source]:
    """By id: each method of each experiment, by either metric."""
    found: dict[str, Source] = {}
    for row in rows:
        source = {"figure": "experiment", **{name: value for name, value in row.items() if value is not None}}
        id = f"experiment-{digest(row['experiment'], row['method'], row['metric'])}"
        found[id] = source | ({} if until is None else {"as_of": iso(until)})
    return found


def _later(first: datetime, months: int) -> datetime:
    place = first.year * 12 + first.month - 1 + months
    return first.replace(year=place // 12, month=place % 12 + 1)
