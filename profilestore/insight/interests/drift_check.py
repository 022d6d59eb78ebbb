"""Does a drift of interests go on? Told as of an earlier day, it is looked for in what users did after that day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from profilestore.insight.history import History
from profilestore.insight.interests.drift import Days, Drift, days_of, drift_of
from profilestore.insight.intervals import clustered_mean, settled

__all__ = ["DriftCheck", "check_drift"]

_CLAIMS_LEAST: Final = 10
_CUTS: Final = 3

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DriftCheck:
    """Claims made at an earlier day against the days after it.

    Attributes:
        figures: `claims`, `users`; `goes_on`: how much larger the share of days was afterwards than over all days
            known at the time, for what fell how much smaller (0 on average if nothing had changed: the baseline;
            against the days before alone, which were picked for being so few, chance would go on too); `beyond_shop`,
            the same against what the shop's own change would have made of it; `claimed`, the change from before to
            now that was claimed; `false_claims_of_shuffled`, the claims a story gives in which nothing changed.
        beats: whether `goes_on` and `beyond_shop` are above zero with their whole intervals.
    """

    figures: dict[str, Any]
    beats: bool


def check_drift(
    history: History, groups_of: Mapping[str, Sequence[str]], *, types: Sequence[str], window_s: float,
    zone: ZoneInfo, seed: int,
) -> DriftCheck | None:  # fmt: skip
    """Claim as of three days, one window before the end and half a window earlier each, from what was known then, and
    follow up for one window; None with fewer than ten claims to follow up."""
    parts: list[_Followed] = []
    claims, false = 0, 0.0
    for number in range(_CUTS):
        cut = history.as_of - (1.0 + number / 2.0) * window_s
        known = history.before(cut)
        early = days_of(known, groups_of, types=types, since=cut - window_s, zone=zone)
        drift = drift_of(early, seed=seed)
        after = days_of(history.before(cut + window_s), groups_of, types=types, since=cut, zone=zone)
        parts.append(_followed(drift, after, early.names))
        claims += int((drift.sign != 0).sum())
        false += drift.false
    users, sign, claimed, went, beyond = (
        np.concatenate(columns)
        for columns in zip(*((p.users, p.sign, p.claimed, p.went, p.beyond) for p in parts), strict=True)
    )
    if users.size < _CLAIMS_LEAST:
        return None
    goes_on, past_shop = clustered_mean(users, went, seed=seed), clustered_mean(users, beyond, seed=seed)
    figures: dict[str, Any] = {
        "window_days": settled(window_s / 86_400.0),
        "claims": claims,
        "followed_up": int(users.size),
        "users": int(np.unique(users).size),
        "claimed": settled(float(claimed.mean())),
        "goes_on": goes_on,
        "beyond_shop": past_shop,
        "false_claims_of_shuffled": settled(false),
    }
    for name, way in (("rising", 1.0), ("falling", -1.0)):
        if (sign == way).sum() >= _CLAIMS_LEAST:
            figures[f"{name}_goes_on"] = clustered_mean(users[sign == way], went[sign == way], seed=seed)
    return DriftCheck(figures, goes_on["low"] > 0.0 and past_shop["low"] > 0.0)


@dataclass(frozen=True, slots=True)
class _Followed:
    """Claims that could be followed up, (c,) each: whose, which way, the change claimed, and how far the later share
    is on that way from that over all days known then, and from what the shop's own change would make of it."""

    users: NDArray[np.int64]
    sign: Floats
    claimed: Floats
    went: Floats
    beyond: Floats


def _followed(drift: Drift, after: Days, names: Sequence[str]) -> _Followed:
    days, hits = _after(after, drift, names)
    chosen = np.flatnonzero((drift.sign != 0) & (days > 0))
    sign, usual = drift.sign[chosen].astype(np.float64), drift.all[chosen]
    later = hits[chosen] / days[chosen]
    trend = _trend(drift, hits, days, len(names))[drift.groups[chosen]]
    claimed = sign * (drift.now - drift.before)[chosen]
    return _Followed(
        drift.users[chosen], sign, claimed, sign * (later - usual), sign * (later - np.clip(usual * trend, 0.0, 1.0))
    )


def _after(after: Days, drift: Drift, names: Sequence[str]) -> tuple[Floats, Floats]:
    """Of each pair of a drift: the user's days in the later window, and on how many they turned to it."""
    width = int(max(after.users.max(initial=0), drift.users.max(initial=0))) + 1
    days = np.bincount(after.users[after.recent], minlength=width)
    recent = after.recent[after.day]
    keys = after.users[after.day][recent] * len(names) + after.group[recent]
    pairs, counts = np.unique(keys, return_counts=True)
    wanted = drift.users * len(names) + drift.groups
    place = np.searchsorted(pairs, wanted)
    inside = np.minimum(place, max(0, pairs.size - 1))
    there = (place < pairs.size) & (pairs[inside] == wanted) if pairs.size > 0 else np.zeros(wanted.size, dtype=bool)
    hits = np.where(there, counts[inside] if pairs.size > 0 else 0, 0)
    return days[drift.users].astype(np.float64), hits.astype(np.float64)


def _trend(drift: Drift, hits: Floats, days: Floats, names: int) -> Floats:
    """By group: how the share of days of users of whom nothing is claimed changed afterwards."""
    plain = np.flatnonzero((drift.sign == 0) & (days > 0))
    group = drift.groups[plain]
    before = np.bincount(group, weights=drift.all[plain], minlength=names)
    later = np.bincount(group, weights=hits[plain] / days[plain], minlength=names)
    return np.divide(later, before, out=np.ones(names), where=before > 0)
