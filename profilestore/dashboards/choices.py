"""What can be chosen in the preview: the values of each control that the shop has, and periods up to its last event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from profilestore.dashboards.boards.one_customer import PERSONAL
from profilestore.dashboards.catalogue import ONE_CUSTOMER
from profilestore.dashboards.conditions import query_of
from profilestore.dashboards.panels import Chart, Control, Dashboard
from profilestore.dashboards.sources import ShopWords
from profilestore.elastic.panel_search import PanelSearch, search_panels
from profilestore.elastic.search import Client
from profilestore.errors import NotInitialised

__all__ = ["PERIOD", "Choice", "ChoiceList", "find_choices", "is_covered"]

PERIOD: Final = "period"
SAMPLE: Final = 50
_VALUES: Final = 12
_SEED: Final = 7
_PERIODS: Final = (
    (365, "last 12 months", "最近 12 个月"),
    (90, "last 90 days", "最近 90 天"),
    (30, "last 30 days", "最近 30 天"),
    (7, "last 7 days", "最近 7 天"),
)
Query = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a list: its name in the file, its words, and the value or the time from which it counts."""

    key: str
    label: str
    value: Any


@dataclass(frozen=True, slots=True)
class ChoiceList:
    """What a control offers. `field` is None for the period; `always`: one of them is always chosen."""

    id: str
    title: str
    field: str | None
    choices: tuple[Choice, ...]
    always: bool = False

    def queries(self, panel: Chart) -> dict[str, Query]:
        """The choices as queries on the panel's documents, by key."""
        field = panel.source.time_field if self.field is None else self.field
        if field is None:
            return {}
        if self.field is None:
            return {each.key: {"range": {field: {"gte": each.value}}} for each in self.choices}
        return {each.key: {"term": {field: each.value}} for each in self.choices}


def is_covered(panel: Chart, by: ChoiceList) -> bool:
    """Whether a control acts on a panel: the period where there is a time, the others where their fields are."""
    return panel.source.time_field is not None if by.field is None else panel.source.controlled


def find_choices(
    client: Client, dashboards: Sequence[Dashboard], words: ShopWords, *, users: Sequence[str] = ()
) -> dict[str, tuple[ChoiceList, ...]]:
    """The choices of each dashboard, by its name.

    Args:
        client: the connection.
        dashboards: whose controls.
        words: of the shop.
        users: to choose among on *One customer*; a sample of 50 when empty, by a hash of their ids.

    Raises:
        NotInitialised: the shop has no profiles index.
    """
    shared = dashboards[0].controls
    searches = [_values(control) for control in shared] + [_last(words), _sample(words)]
    *valued, last, sample = (answer.aggregations for answer in search_panels(client, searches))
    lists = [
        ChoiceList(
            control.id,
            control.title,
            control.field,
            tuple(
                Choice(f"{control.field}-{place}", str(bucket["key"]), bucket["key"])
                for place, bucket in enumerate(answer.get("values", {}).get("buckets", []))
            ),
        )
        for control, answer in zip(shared, valued, strict=True)
    ]
    lists.append(_periods(words, last.get("last", {}).get("value")))
    if len(sample) == 0:
        raise NotInitialised("dashboards: this shop has no indices yet. Run `profilestore init`.")
    hits = sample.get("some", {}).get("top", {}).get("hits", {}).get("hits", [])
    chosen = list(users) if len(users) > 0 else [str(hit["_source"]["user_id"]) for hit in hits]
    found = {dashboard.name: tuple(lists) for dashboard in dashboards}
    found[ONE_CUSTOMER] = (_customers(dashboards, chosen),)
    return found


def _values(control: Control) -> PanelSearch:
    terms = {"terms": {"field": control.field, "size": _VALUES, "order": [{"_count": "desc"}, {"_key": "asc"}]}}
    return PanelSearch(control.id, control.source.index, {"size": 0, "aggs": {"values": terms}})


def _last(words: ShopWords) -> PanelSearch:
    return PanelSearch("period", words.activity.index, {"size": 0, "aggs": {"last": {"max": {"field": "time"}}}})


def _sample(words: ShopWords) -> PanelSearch:
    """A random score on the hash of an id needs no script, and is the same each time."""
    known = {"bool": {"filter": [query_of(PERSONAL), {"range": {"events_total": {"gt": 0}}}]}}
    score = {"random_score": {"seed": _SEED, "field": "user_id"}, "boost_mode": "replace", "query": known}
    top = {"top_hits": {"size": SAMPLE, "_source": ["user_id"]}}
    body = {"size": 0, "query": {"function_score": score}, "aggs": {"some": {"filter": known, "aggs": {"top": top}}}}
    return PanelSearch("sample", words.profiles.index, body)


def _periods(words: ShopWords, last_ms: float | None) -> ChoiceList:
    title = words.t("Period", "时间范围")
    if last_ms is None:
        return ChoiceList("control-period", title, None, ())
    zone = ZoneInfo(words.time_zone)
    end = datetime.fromtimestamp(last_ms / 1000.0, UTC).astimezone(zone)
    choices: list[Choice] = []
    for days, english, chinese in _PERIODS:
        start = (end - timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)
        label = words.t(f"{english}, from {start:%Y-%m-%d}", f"{chinese},自 {start:%Y-%m-%d}")
        choices.append(Choice(f"{PERIOD}-{days}", label, start.astimezone(UTC).isoformat()))
    return ChoiceList("control-period", title, None, tuple(choices))


def _customers(dashboards: Sequence[Dashboard], users: Sequence[str]) -> ChoiceList:
    page = next(each for each in dashboards if each.name == ONE_CUSTOMER)
    control = next(each for each in page.controls if each.field == "user_id")
    choices = tuple(Choice(f"user-{place}", user, user) for place, user in enumerate(users))
    return ChoiceList(control.id, control.title, control.field, choices, always=True)
