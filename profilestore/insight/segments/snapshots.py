"""A snapshot of the rule segments: who is in which, written into the profiles, and the counts into the history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from profilestore.elastic.conditions import at_moment
from profilestore.elastic.profile_index import ProfileIndex
from profilestore.elastic.segment_history import SegmentCount, SegmentHistory
from profilestore.errors import NotFound, UsageError
from profilestore.insight.profiles import InsightProfiles, Written

__all__ = ["Snapshot", "balanced", "count_segments", "take_snapshot"]

_PAGE: Final = 5000


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a snapshot found: a count a segment, and what was written into the profiles."""

    time: datetime
    counts: tuple[SegmentCount, ...]
    written: Written


def take_snapshot(
    index: ProfileIndex, history: SegmentHistory, queries: Mapping[str, dict[str, Any]], *, now: datetime
) -> Snapshot:
    """Take one of these segments (name -> query) as of `now`. A number a user is held in memory.

    One of the same time as the last takes its place.

    Raises:
        NotFound: there are no segments, and never were any.
        UsageError: a later snapshot was taken already.
        NotInitialised: the history has no index yet.
    """
    history.check()
    latest = max((count.time for count in history.latest(kind="rule").values()), default=now)
    if latest > now:
        raise UsageError(
            f"a snapshot as of {latest:%Y-%m-%d %H:%M} UTC was taken already, and the history only goes forward."
        )
    before = history.latest(kind="rule", before=now)
    if len(queries) == 0 and len(before) == 0:
        raise NotFound(
            "no rule segments are defined: `profilestore insight segments define FILE`.", kind="segment", id="any"
        )
    names = sorted(queries)
    profiles = InsightProfiles(index)
    members = _memberships(profiles, [queries[name] for name in names], now)
    entries, exits = _changes(profiles, members, names)
    named = {mask: [name for bit, name in enumerate(names) if mask >> bit & 1] for mask in set(members.values())}

    def describe(user_id: str, source: Mapping[str, Any]) -> Mapping[str, Any] | None:
        mask = members.get(user_id)
        return None if mask is None else {"rule_segments": named[mask]}

    written = profiles.write("rules", describe, as_of=now)
    users = index.count({"bool": {"must_not": [{"term": {"personalisation": "off"}}]}})
    sizes = dict.fromkeys(names, 0)
    for mask in members.values():
        for name in named[mask]:
            sizes[name] += 1
    # One that was removed has its last exits counted, and is not heard of again.
    told = {*names, *(name for name, count in before.items() if count.members > 0)}
    counts = tuple(
        balanced(
            before.get(name),
            SegmentCount(name, "rule", now, sizes.get(name, 0), entries.get(name, 0), exits.get(name, 0), users),
        )
        for name in sorted(told)
    )
    history.add(counts)
    return Snapshot(now, counts, written)


def count_segments(
    history: SegmentHistory, before: Mapping[str, str], after: Mapping[str, str], *, users: int, now: datetime
) -> tuple[SegmentCount, ...]:
    """Write the counts of segments by behaviour (user -> segment, until now and from now on) into the history.

    Nothing is written where a later count is there already: the history only goes forward.
    """
    history.check()
    latest = history.latest(kind="behaviour")
    if any(count.time > now for count in latest.values()):
        return ()
    previous = history.latest(kind="behaviour", before=now)
    # Done again as of the same time, it may find other segments: those it found before are empty now.
    names = {*after.values(), *(name for name, count in {**previous, **latest}.items() if count.members > 0)}
    members, entries, exits = Counter(after.values()), Counter[str](), Counter[str]()
    for user_id in {*before, *after}:
        old, new = before.get(user_id), after.get(user_id)
        if old != new:
            entries.update([] if new is None else [new])
            exits.update([] if old is None else [old])
    counts = tuple(
        balanced(
            previous.get(name),
            SegmentCount(name, "behaviour", now, members[name], entries[name], exits[name], users),
        )
        for name in sorted(names)
    )
    history.add(counts)
    return counts


def _memberships(profiles: InsightProfiles, queries: Sequence[dict[str, Any]], now: datetime) -> dict[str, int]:
    """User -> the set of their segments, as bits."""
    members: dict[str, int] = {}
    for bit, query in enumerate(queries):
        for page in profiles.read(["user_id"], query=at_moment(query, now), page=_PAGE):
            for user_id, _ in page:
                members[user_id] = members.get(user_id, 0) | 1 << bit
    return members


def _changes(
    profiles: InsightProfiles, members: Mapping[str, int], names: Sequence[str]
) -> tuple[dict[str, int], dict[str, int]]:
    """Entries and exits by segment, against what the profiles say until now."""
    bits = {name: 1 << bit for bit, name in enumerate(names)}
    entries, exits = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for mask in members.values():
        for name, bit in bits.items():
            entries[name] += mask & bit > 0
    for page in profiles.read(["rule_segments"], query={"exists": {"field": "rule_segments"}}, page=_PAGE):
        for user_id, source in page:
            mask = members.get(user_id, 0)
            for name in source["rule_segments"]:
                if mask & bits.get(name, 0) > 0:
                    entries[name] -= 1  # was in it before
                else:
                    exits[name] = exits.get(name, 0) + 1
    return entries, exits


def balanced(before: SegmentCount | None, count: SegmentCount) -> SegmentCount:
    """The count whose entries and exits lead from the members before to those of now.

    Who left unseen (personalisation switched off, profile deleted) is an exit; who came in during a snapshot
    that was interrupted before it was counted is an entry.
    """
    gap = (0 if before is None else before.members) + count.entries - count.exits - count.members
    return replace(count, entries=count.entries + max(0, -gap), exits=count.exits + max(0, gap))
