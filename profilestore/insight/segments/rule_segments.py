"""Segments by rule: a saved query each, so that membership is current as events arrive and as time passes.

A snapshot writes the names into the profiles (`rule_segments`, for Kibana and for apps that filter on it) and
the counts into the history. Users with personalisation off are in no segment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from profilestore.documents import ProfileDocument
from profilestore.elastic.conditions import Compiler, at_moment, profile_fields
from profilestore.elastic.segment_history import SegmentCount, SegmentHistory
from profilestore.errors import NotFound, UsageError
from profilestore.indexing.parts import Parts
from profilestore.insight.profiles import InsightProfiles
from profilestore.insight.segments.file import Definition, compile_definitions, read_definitions
from profilestore.insight.segments.snapshots import Snapshot, take_snapshot

__all__ = ["RuleSegment", "RuleSegments", "read_members"]

_KIND: Final = "segment-rule"
# What is exported is read in pages, so that a segment of any size fits.
_PAGE: Final = 5000
_NOT_EXPORTED: Final = frozenset(("state", "taste_items", "text_vector", "topic_vector", "taste_vector"))


@dataclass(frozen=True, slots=True)
class RuleSegment:
    """A segment and its saved query, which any app can send to `{prefix}-profiles` itself.

    One by behaviour (`kind`) is the rule that the profiles say so: `segment == "its name"`.
    """

    name: str
    condition: str
    description: str
    query: dict[str, Any]
    defined: datetime
    kind: Literal["rule", "behaviour"] = "rule"


class RuleSegments:
    """The rule segments of one shop."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._store = parts.store
        self._history = SegmentHistory(parts.client, alias=parts.settings.index("segments"))

    @property
    def _profiles(self) -> InsightProfiles:
        return InsightProfiles(self._parts.in_force.profiles)

    @property
    def compiler(self) -> Compiler:
        """Reads conditions over profiles, with days of the shop's time zone."""
        settings = self._parts.settings
        return Compiler(profile_fields(settings), time_zone=settings.time_zone)

    def define_file(self, path: Path) -> list[RuleSegment]:
        """Define the segments of a TOML file, all or none; one of the same name is replaced.

        Raises:
            InputError, UsageError: see `read_definitions`.
        """
        return self._save(read_definitions(path, self.compiler))

    def define(self, conditions: Mapping[str, str]) -> list[RuleSegment]:
        """Define segments of name -> condition, all or none; one of the same name is replaced.

        Raises:
            UsageError: a condition that cannot be read.
        """
        wanted = {name: (condition, "") for name, condition in conditions.items()}
        return self._save(compile_definitions(wanted, self.compiler, source="segments"))

    def _save(self, definitions: Sequence[Definition]) -> list[RuleSegment]:
        known = {segment.name: segment for segment in self.all()}
        for definition in definitions:
            held = known.get(definition.name)
            query = _saved(definition.query)
            if held is not None and (held.condition, held.description, held.query) == (
                definition.condition,
                definition.description,
                query,
            ):
                continue
            body = {
                "name": definition.name,
                "condition": definition.condition,
                "description": definition.description,
                "query": query,
            }
            self._store.put(_record_id(definition.name), _KIND, body)
        return [self.get(definition.name) for definition in definitions]

    def all(self) -> list[RuleSegment]:
        """All rule segments, by name."""
        return sorted((_segment(source) for _, source in self._store.list(_KIND)), key=lambda segment: segment.name)

    def find(self, name: str) -> RuleSegment | None:
        """The rule segment of a name, or None."""
        record = self._store.get(_record_id(name))
        return None if record is None else _segment(record[0])

    def by_behaviour(self) -> list[RuleSegment]:
        """The segments that `insight run segments` found last, by name."""
        counts = [count for count in self._history.latest(kind="behaviour").values() if count.members > 0]
        segments: list[RuleSegment] = []
        for count in sorted(counts, key=lambda count: count.segment):
            quoted = count.segment.replace("\\", "\\\\").replace('"', '\\"')
            condition = f'segment == "{quoted}"'
            query = _saved(self.compiler.query(condition))
            segments.append(RuleSegment(count.segment, condition, "", query, count.time, "behaviour"))
        return segments

    def get(self, name: str) -> RuleSegment:
        """The rule segment of a name, or else the one by behaviour.

        Raises:
            NotFound: there is none.
        """
        behaviour = (one for one in self.by_behaviour() if one.name == name)
        segment = self.find(name) or next(behaviour, None)
        if segment is None:
            raise NotFound(
                "there is no segment of this name: `profilestore insight segments list` shows them.",
                kind="segment",
                id=name,
            )
        return segment

    def remove(self, name: str) -> None:
        """Forget a rule segment. Its history stays; the next snapshot takes it out of the profiles.

        Raises:
            NotFound: there is none.
        """
        if self.find(name) is None:
            raise NotFound("there is no rule segment of this name to forget.", kind="segment", id=name)
        self._store.delete(_record_id(name))

    def count(self, name: str, *, now: datetime | None = None) -> int:
        """How many users are in it at this moment, or with the profiles of today at another one."""
        profiles = self._parts.in_force.profiles
        profiles.refresh(self._parts.settings.index("profiles"))
        return profiles.count(_at(self.get(name).query, now))

    def members(
        self, name: str, *, fields: Sequence[str] = (), now: datetime | None = None
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The users in it with those fields of their profiles, in pages of one moment.

        Raises:
            NotFound: there is no such segment.
            UsageError: a field that profiles do not have, or that is not handed out.
        """
        return read_members(self._profiles, _at(self.get(name).query, now), fields)

    def history(self, name: str) -> list[SegmentCount]:
        """Its counts, the oldest first: of the snapshots, or of the runs that found it."""
        return self._history.of(name, kind=self.get(name).kind)

    def snapshot(self, *, now: datetime | None = None) -> Snapshot:
        """Write who is in which segment into the profiles, and counts, entries and exits into the history.

        Args:
            now: the moment that conditions on elapsed time count from; the clock's when None.

        Raises:
            NotFound: no segments are defined, and none ever was.
            UsageError: a later snapshot was taken already.
            NotInitialised: the shop is of an earlier version: run `profilestore init`.
        """
        queries = {segment.name: segment.query for segment in self.all()}
        time = datetime.now(UTC) if now is None else now
        return take_snapshot(self._parts.in_force.profiles, self._history, queries, now=time)


def read_members(
    profiles: InsightProfiles, query: dict[str, Any], fields: Sequence[str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Users that a query finds, with fields of their profiles."""
    unknown = [field for field in fields if field not in ProfileDocument.model_fields or field in _NOT_EXPORTED]
    if len(unknown) > 0:
        known = ", ".join(sorted(set(ProfileDocument.model_fields) - _NOT_EXPORTED))
        raise UsageError(f"profiles have no field {unknown[0]} to hand out. Fields: {known}.")
    return (hit for page in profiles.read([*fields] or ["user_id"], query=query, page=_PAGE) for hit in page)


def _saved(query: dict[str, Any]) -> dict[str, Any]:
    """Whoever sends the saved query finds nobody who switched personalisation off."""
    return {"bool": {"filter": [query], "must_not": [{"term": {"personalisation": "off"}}]}}


def _at(query: dict[str, Any], now: datetime | None) -> dict[str, Any]:
    return query if now is None else at_moment(query, now)


def _record_id(name: str) -> str:
    return f"{_KIND}-{name}"


def _segment(source: Mapping[str, Any]) -> RuleSegment:
    return RuleSegment(defined=datetime.fromisoformat(source["created"]), **source["body"])
