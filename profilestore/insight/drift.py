"""What a user leans to now against before: on which days they turned to a category, brand or topic.

A day counts once for a category, however many acts it has, since acts of a day come together. Where a user's interest
has not changed, their days are exchangeable: so a category's days fall among the recent ones as in a draw without
replacement, and the hypergeometric distribution (Fisher 1935) says how likely so many, or so few, of them are by
chance. False claims are held to a tenth of all claims (Benjamini and Hochberg 1995), over all users and categories
for which the days could have told anything (Tarone 1990).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from profilestore.insight.history import DAY_S, History
from profilestore.insight.sales import local_days

__all__ = ["LEAST_DAYS", "Days", "Drift", "days_of", "drift_of", "drift_strength"]

LEAST_DAYS: Final = 3
_LEVEL: Final = 0.1
_TELLING: Final = 0.05
_SHUFFLES: Final = 20

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Days:
    """Days on which users acted, and what they turned to on them.

    Attributes:
        names: of the groups: categories, brands or topics.
        users: (d,) of each day, in order; `recent` (d,) whether it is in the recent window.
        day: (t,) rows of `users`, `group` (t,) what was turned to on that day: each pair once.
    """

    names: tuple[str, ...]
    users: Ints
    recent: NDArray[np.bool_]
    day: Ints
    group: Ints

    def shuffled(self, rng: np.random.Generator) -> Days:
        """Each user's recent days drawn anew from all days of that user: a story in which nothing changed."""
        order = np.lexsort((rng.random(self.users.size), self.users))
        # Within each user the recent marks keep their number and go to days drawn at random.
        by_user = np.lexsort((~self.recent, self.users))
        recent = np.empty_like(self.recent)
        recent[order] = self.recent[by_user]
        return Days(self.names, self.users, recent, self.day, self.group)


@dataclass(frozen=True)
class Drift:
    """Of users with three recent days and three before, by user and group turned to.

    Attributes:
        users, groups: (p,) the pairs.
        before, now: (p,) share of the days before, and of the recent days.
        sign: (p,) 1 rising, -1 falling, 0 neither by more than chance.
        chance: (p,) how likely such a change is where nothing changed.
        known: users of whom enough is known to tell.
    """

    users: Ints
    groups: Ints
    before: Floats
    now: Floats
    sign: NDArray[np.int8]
    chance: Floats
    known: Ints


def days_of(
    history: History,
    groups_of: Mapping[str, Sequence[str]],
    *,
    types: Sequence[str],
    since: float,
    zone: ZoneInfo,
) -> Days:
    """The days of a history.

    Args:
        history: acts before some time.
        groups_of: product id -> its categories, brands or topics.
        types: of acts that speak for a product.
        since: epoch seconds from which days are recent.
        zone: of the shop.
    """
    acts = history.of_type(*types)
    acts = acts.picked(acts.products >= 0)
    names = tuple(sorted({name for values in groups_of.values() for name in values}))
    number = {name: place for place, name in enumerate(names)}
    pairs = [(row, number[name]) for row, product_id in enumerate(history.shelf.product_ids)
             for name in groups_of.get(product_id, ())]  # fmt: skip
    days = local_days(acts.times, zone)
    first_recent = int(local_days(np.array([since]), zone)[0])
    span = int(days.max() - days.min()) + 1 if days.size > 0 else 1
    keys = acts.users.astype(np.int64) * span + (days - (days.min() if days.size > 0 else 0))
    unique, day_of_act = np.unique(keys, return_inverse=True)
    users = unique // span
    recent = unique % span + (days.min() if days.size > 0 else 0) >= first_recent
    # Products times their groups, then acts times their product's groups.
    product_rows = np.array([row for row, _ in pairs], dtype=np.int64)
    product_groups = np.array([group for _, group in pairs], dtype=np.int64)
    starts = np.searchsorted(product_rows, np.arange(len(history.shelf.product_ids) + 1))
    counts = (starts[1:] - starts[:-1])[acts.products]
    repeated = np.repeat(day_of_act, counts)
    offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    groups = product_groups[np.repeat(starts[:-1][acts.products], counts) + offsets]
    both = np.unique(repeated * max(1, len(names)) + groups)
    return Days(names, users, recent, both // max(1, len(names)), both % max(1, len(names)))


def drift_of(days: Days) -> Drift:
    """What rose and what fell by more than chance."""
    from scipy.stats import false_discovery_control, hypergeom

    width = int(days.users.max(initial=0)) + 1
    now_days = np.bincount(days.users[days.recent], minlength=width)
    all_days = np.bincount(days.users, minlength=width)
    known = np.flatnonzero((now_days >= LEAST_DAYS) & (all_days - now_days >= LEAST_DAYS))
    names = max(1, len(days.names))
    keys = days.users[days.day] * names + days.group
    inside = np.isin(days.users[days.day], known)
    pairs, place = np.unique(keys[inside], return_inverse=True)
    total = np.bincount(place, minlength=pairs.size)
    now = np.bincount(place, weights=days.recent[days.day[inside]], minlength=pairs.size).astype(np.int64)
    users, groups = pairs // names, pairs % names
    of_all, of_now = all_days[users], now_days[users]
    up, down = hypergeom.sf(now - 1, of_all, total, of_now), hypergeom.cdf(now, of_all, total, of_now)
    highest, lowest = np.minimum(total, of_now), np.maximum(0, total - (of_all - of_now))
    telling_up = hypergeom.sf(highest - 1, of_all, total, of_now) <= _TELLING
    telling_down = hypergeom.cdf(lowest, of_all, total, of_now) <= _TELLING
    tested = np.concatenate([up[telling_up], down[telling_down]])
    sign = np.zeros(pairs.size, dtype=np.int8)
    if tested.size > 0:
        held = false_discovery_control(np.minimum(1.0, tested)) <= _LEVEL
        sign[np.flatnonzero(telling_up)[held[: telling_up.sum()]]] = 1
        sign[np.flatnonzero(telling_down)[held[telling_up.sum() :]]] = -1
    before = (total - now) / np.maximum(of_all - of_now, 1)
    return Drift(users, groups, before, now / np.maximum(of_now, 1), sign, np.minimum(up, down), known)


def drift_strength(days: Days, known: Ints, *, seed: int) -> Floats:
    """(known,) how far what each user turns to now is from what they turned to before, 0 to 1: the total variation
    distance of the two mixtures, less what as many days drawn at random from all of the user's would show."""
    rng = np.random.default_rng(seed)
    here = _distance(days, known)
    chance = np.mean([_distance(days.shuffled(rng), known) for _ in range(_SHUFFLES)], axis=0)
    found: Floats = np.clip((here - chance) / np.maximum(1.0 - chance, 1e-9), 0.0, 1.0)
    return found


def _distance(days: Days, known: Ints) -> Floats:
    names = max(1, len(days.names))
    users = days.users[days.day]
    pairs, place = np.unique(users * names + days.group, return_inverse=True)
    recent = days.recent[days.day]
    now = np.bincount(place[recent], minlength=pairs.size).astype(np.float64)
    before = np.bincount(place[~recent], minlength=pairs.size).astype(np.float64)
    owner = pairs // names
    width = int(days.users.max(initial=0)) + 1
    now_sum, before_sum = (np.bincount(owner, weights=part, minlength=width) for part in (now, before))
    gap = np.abs(now / np.maximum(now_sum[owner], 1.0) - before / np.maximum(before_sum[owner], 1.0))
    both = (now_sum > 0) & (before_sum > 0)
    found: Floats = np.where(both, 0.5 * np.bincount(owner, weights=gap, minlength=width), 0.0)[known]
    return found


def window_start(history: History) -> float | None:
    """From when on days are recent: the last 90 days, in a short history the last quarter; None under 56 days."""
    if len(history) == 0:
        return None
    span = history.as_of - float(history.times.min())
    return None if span < 56 * DAY_S else history.as_of - min(90 * DAY_S, span / 4.0)
