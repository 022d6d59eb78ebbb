"""Profiles as insight reads and writes them: in pages of one moment, partial updates under their revisions.

Users who switched personalisation off are in no page, and what was believed of them is emptied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from profilestore.documents import Revision
from profilestore.elastic.bulk import Operation, raise_failed
from profilestore.elastic.profile_index import ProfileIndex
from profilestore.elastic.retry import BlockWait, wait
from profilestore.errors import NotInitialised, StoreError, UpdateGaveUp
from profilestore.insight.groups import GROUPS

__all__ = ["InsightProfiles", "Written", "iso_time"]

_ATTEMPTS: Final = 40
_OFF: Final = {"term": {"personalisation": "off"}}

# The group's fields for a user, from the user's id and profile; None where nothing is to be said.
Describe = Callable[[str, Mapping[str, Any]], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did. `described` users have the group's fields now; of these `written` were changed.
    `emptied` had fields and are in the result no longer."""

    described: int = 0
    written: int = 0
    emptied: int = 0

    def plus(self, other: Written) -> Written:
        """The sum of two."""
        return Written(self.described + other.described, self.written + other.written, self.emptied + other.emptied)


class _Moved(Exception):
    """A switch of generations took the index away while it was written."""


def iso_time(time: datetime) -> str:
    """A time as documents hold it: UTC, with milliseconds."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class InsightProfiles:
    """The profiles of one shop, behind their alias."""

    def __init__(self, profiles: ProfileIndex) -> None:
        self._profiles = profiles

    def read(
        self, fields: Sequence[str], *, query: dict[str, Any] | None = None, page: int = 1000
    ) -> Iterator[list[tuple[str, Mapping[str, Any]]]]:
        """Users with personalisation on and those fields of their profiles, a page at a time, as of one moment."""
        index = self._profiles.identity().index
        self._profiles.refresh(index)
        wanted: dict[str, Any] = {"bool": {"must_not": [_OFF]}}
        if query is not None:
            wanted["bool"]["filter"] = [query]
        for hits in self._profiles.snapshot(index, fields=fields, query=wanted, page=page):
            yield [(user_id, stored.source) for user_id, stored in hits]

    def opted_out(self) -> int:
        """How many users have personalisation off: all that may be said of them."""
        self._profiles.refresh(self._profiles.identity().index)
        return self._profiles.count(_OFF)

    def holding(self, group: str) -> int:
        """How many profiles hold a group's fields."""
        self._profiles.refresh(self._profiles.identity().index)
        return self._profiles.count({"exists": {"field": f"insight_as_of.{group}"}})

    def write(
        self, group: str, describe: Describe, *, as_of: datetime, reading: Sequence[str] = (), page: int = 1000
    ) -> Written:
        """Write a group's fields into all profiles, in one pass; what is not described is emptied.

        A profile whose fields and date are as they should be is not written. One that was changed meanwhile
        (a fold may write at any time) is read and described again. When a switch of generations comes in
        between, the pass begins again behind the alias, which changes nothing that is written already.

        Args:
            group: of `GROUPS`.
            describe: is given the user's id and the fields `reading` of the profile, may be asked twice of
                one user, and gives all fields of the group that have a value, or None.
            as_of: the time the result speaks of.
            reading: fields of the profile that `describe` needs.
            page: profiles a request.

        Raises:
            UpdateGaveUp: others kept changing some of the profiles.
        """
        patience = BlockWait()
        while True:
            target = self._profiles.identity()
            try:
                return _Pass(self._profiles, target.index, group, describe, as_of, reading).run(page)
            except (_Moved, NotInitialised) as error:
                if not patience.go_on():
                    raise StoreError("the profiles cannot be written: their index is blocked.") from error


class _Pass:
    """One pass over the profiles of one concrete index."""

    def __init__(
        self,
        profiles: ProfileIndex,
        index: str,
        group: str,
        describe: Describe,
        as_of: datetime,
        reading: Sequence[str],
    ) -> None:
        self._profiles = profiles
        self._index = index
        self._group = group
        self._fields = GROUPS[group]
        self._describe = describe
        self._as_of = iso_time(as_of)
        self._asked = sorted({*self._fields, "insight_as_of", "personalisation", *reading})

    def run(self, page: int) -> Written:
        self._profiles.refresh(self._index)
        done = Written()
        for hits in self._profiles.snapshot(self._index, fields=self._asked, page=page):
            done = done.plus(self._write([(user_id, stored.source, stored.revision) for user_id, stored in hits]))
        self._profiles.refresh(self._index)
        return done

    def _write(self, pending: list[tuple[str, Mapping[str, Any], Revision]]) -> Written:
        described = written = emptied = 0
        for attempt in range(_ATTEMPTS):
            operations: list[Operation] = []
            told: set[str] = set()
            for user_id, source, revision in pending:
                fields = None if source.get("personalisation") == "off" else self._describe(user_id, source)
                change = self._change(source, fields)
                if fields is not None:
                    told.add(user_id)
                if change is not None:
                    operations.append(Operation("update", self._index, user_id, change, expected=revision))
            outcomes = self._profiles.write_operations(operations)
            if any(outcome.index_moved for outcome in outcomes):
                raise _Moved
            raise_failed([outcome for outcome in outcomes if outcome.status != 404], action="writing insight")
            ok = {outcome.id for outcome in outcomes if outcome.ok}
            # 404: the profile was deleted meanwhile.
            again = [outcome.id for outcome in outcomes if outcome.conflict]
            described += len(told - set(again) - {outcome.id for outcome in outcomes if outcome.status == 404})
            written += len(ok & told)
            emptied += len(ok - told)
            if len(again) == 0:
                return Written(described, written, emptied)
            wait(attempt)
            stored = self._profiles.read(self._index, again)
            pending = [
                (user_id, stored[user_id].source, stored[user_id].revision) for user_id in again if user_id in stored
            ]
        raise UpdateGaveUp(
            f"{len(pending)} profiles were changed by others {_ATTEMPTS} times in a row: run it again.",
            ids=[user_id for user_id, _, _ in pending],
            attempts=_ATTEMPTS,
        )

    def _change(self, source: Mapping[str, Any], fields: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """The partial update that makes the profile say this and no more; None where it does already.

        What is to go is set to null, since a partial update cannot remove: `exists` is false for it, and the
        next fold leaves it out.
        """
        wanted: dict[str, Any] = {} if fields is None else dict(fields)
        held = source.get("insight_as_of") or {}
        as_of = None if fields is None else self._as_of
        change = {name: wanted.get(name) for name in self._fields if source.get(name) != wanted.get(name)}
        if held.get(self._group) != as_of:
            change["insight_as_of"] = {self._group: as_of}
        return change if len(change) > 0 else None
