"""All users who had acted before a campaign began, in it and not, with what was known of them then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.campaigns.report.campaign_log import LOOKED_BACK_DAYS
from profilestore.campaigns.report.observational import ObservationalComparison, observe
from profilestore.campaigns.report.population import Population
from profilestore.elastic.campaign_index import CampaignIndex
from profilestore.indexing.parts import Parts
from profilestore.insight.history import DAY_S, History
from profilestore.insight.profiles import InsightProfiles
from profilestore.insight.reading import read_history

__all__ = ["Contacted", "KnownUsers", "read_known_users"]

_MONTH_DAYS: Final = 28
# Of the profile of today: what hardly changes with what is bought. Told, and not matched on.
_TRAITS: Final = ("age", "income")
_GROUPS: Final = ("gender", "income_band", "member_tier", "attributes.age_band")

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Contacted:
    """A campaign and whom it went to: rows of users, and when each was contacted, in epoch seconds."""

    name: str
    starts: float
    ends: float
    users: Ints
    times: Floats


@dataclass(frozen=True)
class KnownUsers:
    """The users of a shop with personalisation on, rows as `history.user_ids`; read once for any number of campaigns.

    Attributes:
        history: what they did.
        contacted: the campaigns of the shop.
        traits: name -> a number of each, NaN where unknown.
        groups: name -> the group of each, "" where unknown.
    """

    history: History
    contacted: tuple[Contacted, ...]
    traits: dict[str, Floats]
    groups: dict[str, NDArray[np.object_]]

    def compare(
        self, name: str, user_ids: Sequence[str], *, starts: datetime, ends: datetime, currency: str
    ) -> ObservationalComparison:
        """A campaign against the users who were not in it.

        Args:
            name: of the campaign.
            user_ids: who was in it, whether known or not.
            starts: of it.
            ends: the end of what counts.
            currency: of the shop.
        """
        begin, end = starts.timestamp(), ends.timestamp()
        rows = self._rows(user_ids)
        population, known = self.population(name, rows, begin=begin, end=end)
        window = self.history.window
        reach = begin if window is None else max(begin, window[1].timestamp())
        first = begin if window is None else min(begin, window[0].timestamp())
        return observe(
            population,
            currency=currency,
            days=(end - begin) / DAY_S,
            unknown=len(user_ids) - int(known[rows].sum()),
            # A day or less may be the night before the log was read.
            looked_back=min((begin - first) / DAY_S, float(LOOKED_BACK_DAYS)),
            cut_short=(end - reach) / DAY_S if end - reach > DAY_S else 0.0,
        )

    def _rows(self, user_ids: Iterable[str]) -> Ints:
        place = {user_id: row for row, user_id in enumerate(self.history.user_ids)}
        return np.array([place[user_id] for user_id in user_ids if user_id in place], dtype=np.int64)

    def population(self, name: str, rows: Ints, *, begin: float, end: float) -> tuple[Population, NDArray[np.bool_]]:
        """Who had acted before a time, with what they bought from then on; and (users,) who that is.

        Args:
            name: of the campaign, which is not one of the others.
            rows: who was in it.
            begin: epoch seconds; nothing that is matched on is later.
            end: of what counts.
        """
        count = len(self.history.user_ids)
        earlier = self.history.before(begin)
        known = np.zeros(count, dtype=bool)
        known[earlier.users] = True
        inside = np.zeros(count, dtype=bool)
        inside[rows] = True
        within = self.history.orders.between(begin, end)
        revenue = np.bincount(within.users, weights=within.amounts, minlength=count).astype(np.float64)
        bought = np.bincount(within.users, minlength=count) > 0
        others: dict[str, NDArray[np.bool_]] = {}
        campaigns = np.zeros(count)
        for each in self.contacted:
            if each.name == name:
                continue
            before = (each.times < begin) & (each.times >= begin - LOOKED_BACK_DAYS * DAY_S)
            campaigns[each.users[before]] += 1.0
            if each.starts < end and each.ends > begin:
                members = np.zeros(count, dtype=bool)
                members[each.users] = True
                others[each.name] = members[known]
        figures = self._figures(earlier, begin) | {"campaigns": campaigns}
        return Population(
            inside=inside[known],
            figures={key: values[known] for key, values in figures.items()},
            bought=bought[known],
            revenue=revenue[known],
            traits={key: values[known] for key, values in self.traits.items()},
            groups={key: values[known] for key, values in self.groups.items()},
            others=others,
        ), known

    def _figures(self, earlier: History, begin: float) -> dict[str, Floats]:
        count = len(self.history.user_ids)
        orders = earlier.orders
        year = orders.between(begin - LOOKED_BACK_DAYS * DAY_S, begin)
        month = orders.between(begin - _MONTH_DAYS * DAY_S, begin)
        last = np.full(count, begin - LOOKED_BACK_DAYS * DAY_S)
        np.maximum.at(last, year.users, year.times)
        return {
            "spent_year": np.bincount(year.users, weights=year.amounts, minlength=count).astype(np.float64),
            "spent_month": np.bincount(month.users, weights=month.amounts, minlength=count).astype(np.float64),
            "orders_year": np.bincount(year.users, minlength=count).astype(np.float64),
            "recency_days": (begin - last) / DAY_S,
        }


def read_known_users(parts: Parts, *, now: datetime, progress: Callable[[str], None] = lambda step: None) -> KnownUsers:
    """Read the log, all campaigns, and what profiles say of today.

    Args:
        parts: of the shop.
        now: nothing later is read.
        progress: is told how far it is.
    """
    history = read_history(parts, as_of=now, progress=progress)
    place = {user_id: row for row, user_id in enumerate(history.user_ids)}
    index = CampaignIndex(parts.client, alias=parts.settings.index("campaigns"))
    contacted = []
    treated: dict[str, Any] = {"term": {"arm": "treatment"}}
    for campaign in index.all():
        if campaign.campaign is None or campaign.starts is None or campaign.ends is None:
            continue
        users: list[int] = []
        times: list[float] = []
        for page in index.assignments(campaign.campaign, fields=("user_id", "contact_at"), query=treated):
            for source in page:
                row, at = place.get(source["user_id"]), source.get("contact_at")
                if row is not None:
                    users.append(row)
                    times.append((campaign.starts if at is None else datetime.fromisoformat(at)).timestamp())
        contacted.append(
            Contacted(
                campaign.campaign, campaign.starts.timestamp(), campaign.ends.timestamp(),
                np.array(users, dtype=np.int64), np.array(times, dtype=np.float64),
            )
        )  # fmt: skip
    progress(f"read the users of {len(contacted)} campaigns")
    traits = {name: np.full(len(place), np.nan) for name in _TRAITS}
    groups = {name: np.full(len(place), "", dtype=object) for name in _GROUPS}
    for profiles in InsightProfiles(parts.in_force.profiles).read([*_TRAITS, *_GROUPS]):
        for user_id, fields in profiles:
            if user_id in place:
                _note(place[user_id], fields, traits, groups)
    return KnownUsers(history, tuple(contacted), traits, groups)


def _note(row: int, fields: Any, traits: dict[str, Floats], groups: dict[str, NDArray[np.object_]]) -> None:
    for name, numbers in traits.items():
        value = fields.get(name)
        if isinstance(value, (int, float)):
            numbers[row] = value
    for name, texts in groups.items():
        head, _, rest = name.partition(".")
        value = (fields.get(head) or {}).get(rest) if rest != "" else fields.get(head)
        if isinstance(value, str):
            texts[row] = value
