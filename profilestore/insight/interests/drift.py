"""What a user leans to now against before: on which days they turned to a category, brand or topic.

A day counts once for a category, however many acts it has, since acts of a day come together. Where a user's interest
has not changed, their days are exchangeable: so a category's days fall among the recent ones as in a draw without
replacement, and the hypergeometric distribution (Fisher 1935) says how likely so many, or so few, of them are by
chance. How unlikely it must be to be told is found from shuffled stories, in which each user's days are in random
order: at most a fifth as many claims may be made of them as of the true one (Tusher, Tibshirani and Chu 2001).
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
_FALSE_MOST: Final = 0.2
_CHANCE_MOST: Final = 0.05
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
        before, now, all: (p,) share of the days before, of the recent days, and of all of them.
        sign: (p,) 1 rising, -1 falling, 0 neither by more than chance.
        chance: (p,) how likely such a change is where nothing changed.
        known: users of whom enough is known to tell.
        false: how many claims shuffled stories give on average.
    """

    users: Ints
    groups: Ints
    before: Floats
    now: Floats
    all: Floats
    sign: NDArray[np.int8]
    chance: Floats
    known: Ints
    false: float


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


def drift_of(days: Days, *, seed: int) -> Drift:
    """What rose and what fell by more than chance; the shuffles are drawn by the seed."""
    found = _Counts(days)
    rng = np.random.default_rng(seed)
    shuffled = [np.sort(_Counts(days.shuffled(rng)).chance) for _ in range(_SHUFFLES)]
    limits = np.unique(found.chance[found.chance <= _CHANCE_MOST])
    claims = np.searchsorted(np.sort(found.chance), limits, side="right")
    false = np.mean([np.searchsorted(chances, limits, side="right") for chances in shuffled], axis=0)
    held = np.flatnonzero(false <= _FALSE_MOST * claims) if limits.size > 0 else np.empty(0, np.int64)
    # One claim a user beyond all others is told only where shuffles say so too: no limit, no claims.
    limit = limits[held[-1]] if held.size > 0 else -1.0
    sign = np.where(found.chance <= limit, np.where(found.rose, 1, -1), 0).astype(np.int8)
    return Drift(
        found.users, found.groups, found.before, found.now, found.all, sign, found.chance, found.known,
        float(false[held[-1]]) if held.size > 0 else 0.0,
    )  # fmt: skip


class _Counts:
    """By user and group: on how many of the user's days, and of the recent ones, and how likely that is."""

    def __init__(self, days: Days) -> None:
        from scipy.stats import hypergeom

        width = int(days.users.max(initial=0)) + 1
        now_days = np.bincount(days.users[days.recent], minlength=width)
        all_days = np.bincount(days.users, minlength=width)
        self.known = np.flatnonzero((now_days >= LEAST_DAYS) & (all_days - now_days >= LEAST_DAYS))
        names = max(1, len(days.names))
        owner = days.users[days.day]
        inside = np.isin(owner, self.known)
        pairs, place = np.unique((owner * names + days.group)[inside], return_inverse=True)
        total = np.bincount(place, minlength=pairs.size)
        now = np.bincount(place[days.recent[days.day[inside]]], minlength=pairs.size)
        self.users, self.groups = pairs // names, pairs % names
        of_all, of_now = all_days[self.users], now_days[self.users]
        self.before = (total - now) / np.maximum(of_all - of_now, 1)
        self.now, self.all = now / np.maximum(of_now, 1), total / np.maximum(of_all, 1)
        self.rose = self.now > self.before
        # Counts repeat: the distribution is asked once for each combination.
        asked, back = np.unique(np.column_stack([now, of_all, total, of_now]), axis=0, return_inverse=True)
        up = hypergeom.sf(asked[:, 0] - 1, asked[:, 1], asked[:, 2], asked[:, 3])
        down = hypergeom.cdf(asked[:, 0], asked[:, 1], asked[:, 2], asked[:, 3])
        both = np.where(self.rose, up[back.ravel()], down[back.ravel()])
        self.chance: Floats = np.clip(both, 0.0, 1.0)


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
