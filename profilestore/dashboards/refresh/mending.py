"""Brings activity to what the log says, user by user.

Nothing remembers how far a refresh came. What is held of a user is right where the acts are as many as in the log
and reach as far, and all were made from the user and the products as they are now; else the user is derived anew.
Of a user's changes those to acts that are there come first and new acts last, so that what a kill cuts short is
seen by the next refresh. An act is deleted only where a fresh look at the log does not find it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from profilestore.dashboards.refresh.acts import PERSON_FIELDS, Person, describe_acts
from profilestore.dashboards.refresh.looked_at import LookedAt, bounded, joined, paged
from profilestore.dashboards.refresh.shelf import Shelf
from profilestore.dashboards.refresh.told import Told
from profilestore.documents import Event, Revision
from profilestore.elastic.activity_index import ActivityIndex
from profilestore.elastic.bulk import Operation
from profilestore.elastic.event_log import LogIdentity
from profilestore.indexing.generation import Side

__all__ = ["Mended", "Mender", "Moved"]

# Users and acts that are held in memory at a time; a user with more acts is taken alone.
_USERS: Final = 1000
_ACTS: Final = 20_000
_FACTS: Final = (*PERSON_FIELDS, "personalisation", "event_counts.review", "event_counts.rate", "event_counts.comment")

Source = dict[str, Any]
Stored = Mapping[str, tuple[Source, Revision]]


class Moved(Exception):
    """A switch took the index away while it was written."""


@dataclass(frozen=True, slots=True)
class Mended:
    """What a pass did: users looked at and derived anew, acts written and removed."""

    users: int = 0
    derived: int = 0
    written: int = 0
    removed: int = 0

    def plus(self, other: Mended) -> Mended:
        """The sum of two."""
        return Mended(
            self.users + other.users,
            self.derived + other.derived,
            self.written + other.written,
            self.removed + other.removed,
        )


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be written for some users, in this order."""

    users: int
    changed: Sequence[tuple[str, Source]]
    gone: Sequence[tuple[str, Revision]]
    new: Sequence[tuple[str, Source]]


class Mender:
    """Mends one concrete index of acts.

    Args:
        side: log and profiles of the shop.
        log: the log's index that was refreshed; `checkpoints` are those from before that.
        target: where acts are held, and `index` there.
        shelf: the products.
        zone: of the shop.
        told: what other stages tell.
        empty: nothing is held yet, so nothing is looked up.
    """

    def __init__(
        self,
        side: Side,
        *,
        log: LogIdentity,
        checkpoints: Mapping[int, int],
        target: ActivityIndex,
        index: str,
        shelf: Shelf,
        zone: ZoneInfo,
        told: Told,
        empty: bool = False,
    ) -> None:
        self._side = side
        self._log = log
        self._checkpoints = dict(checkpoints)
        self._target = target
        self._index = index
        self._shelf = shelf
        self._zone = zone
        self._told = told
        self._empty = empty
        self._scorer = told.scorer()
        self._place = f"{log.uuid} {zone.key}"

    def run(self, in_log: Iterable[tuple[str, int, int]]) -> Iterator[Mended]:
        """Mend all users, telling after each step what it did.

        Args:
            in_log: users with the number of their acts and the highest `_seq_no`, in order of their ids.

        Raises:
            Moved: a switch came in between; begin again.
        """
        stale = set() if self._empty else self._stale_users()
        held = iter(()) if self._empty else self._target.held(self._index)
        with ThreadPoolExecutor(1, thread_name_prefix="refresh") as writer:
            under_way: Future[Mended] | None = None
            for page in paged(joined(in_log, held), size=_USERS):
                people = self._people([user.id for user in page])
                wrong = [user for user in page if user.id in stale or not _right(user, people[user.id])]
                yield Mended(users=len(page))
                for some in bounded(wrong, acts=_ACTS):
                    # While these are written, the next are read and derived.
                    plan = self._plan(some, people)
                    if under_way is not None:
                        yield under_way.result()
                    under_way = writer.submit(self._apply, plan)
            if under_way is not None:
                yield under_way.result()

    def _stale_users(self) -> set[str]:
        """Users with acts on products that are not what they were."""
        states = self._target.product_states(self._index)
        changed = [id for id, found in states if found != {self._shelf.get(id).state}]
        return set(self._target.users_of(self._index, changed))

    def _people(self, user_ids: Sequence[str]) -> dict[str, Person]:
        profiles = self._side.profiles
        query = {"terms": {"user_id": list(user_ids)}}
        pages = profiles.scan(profiles.identity().index, fields=_FACTS, query=query, page=_USERS)
        known = {user_id: stored.source for page in pages for user_id, stored in page}
        return {
            user_id: Person.of(known.get(user_id, {}), scorer=self._scorer, place=self._place) for user_id in user_ids
        }

    def _plan(self, users: Sequence[LookedAt], people: Mapping[str, Person]) -> _Plan:
        stored = self._stored([user.id for user in users if user.held.acts > 0])
        derived = self._derived([user.id for user in users], people)
        if not stored.keys() <= derived.keys():
            # Another refresh may have seen events that came after this one began.
            self._side.log.refresh(self._log)
            self._checkpoints = dict(self._side.log.checkpoints(self._log))
            derived = self._derived([user.id for user in users], people)
        changed, new = _changes(stored, derived)
        gone = [(id, revision) for id, (_, revision) in stored.items() if id not in derived]
        return _Plan(len(users), changed, gone, new)

    def _apply(self, plan: _Plan) -> Mended:
        self._write([Operation("index", self._index, id, source) for id, source in plan.changed])
        gone = [Operation("delete", self._index, id, {}, expected=revision) for id, revision in plan.gone]
        removed = self._write(gone)
        self._write([Operation("index", self._index, id, source) for id, source in plan.new])
        return Mended(derived=plan.users, written=len(plan.changed) + len(plan.new), removed=removed)

    def _stored(self, user_ids: Sequence[str]) -> dict[str, tuple[Source, Revision]]:
        if len(user_ids) == 0:
            return {}
        pages = self._target.read(self._index, {"terms": {"user_id": list(user_ids)}})
        return {id: (source, revision) for page in pages for id, source, revision in page}

    def _derived(self, user_ids: Sequence[str], people: Mapping[str, Person]) -> dict[str, Source]:
        acts: dict[str, list[tuple[int, Event]]] = {}
        for shard, upto in self._checkpoints.items():
            for page in self._side.log.read_users(self._log, user_ids, shard=shard, upto=upto):
                for logged in page:
                    if logged.event is not None:
                        acts.setdefault(logged.event.user_id, []).append((logged.seq_no, logged.event))
        found: dict[str, Source] = {}
        for user_id, events in acts.items():
            found |= describe_acts(events, person=people[user_id], shelf=self._shelf, zone=self._zone, told=self._told)
        return found

    def _write(self, operations: Sequence[Operation]) -> int:
        outcomes = self._target.write(operations)
        if any(outcome.index_moved for outcome in outcomes):
            raise Moved
        return sum(outcome.ok for outcome in outcomes)


def _right(user: LookedAt, person: Person) -> bool:
    """Whether what is held is what the log says; who only has attributes has no acts."""
    held = user.held
    if user.acts == 0:
        return held.acts == 0
    return held.acts == user.acts and held.last == user.last and held.states == {person.state}


def _changes(
    stored: Stored, derived: Mapping[str, Source]
) -> tuple[list[tuple[str, Source]], list[tuple[str, Source]]]:
    """Acts to write over, and new ones in order of the log, the highest `_seq_no` last.

    The words of a search stay as they are held: whether they are shown depends on others' searches.
    """
    changed: list[tuple[str, Source]] = []
    new: list[tuple[str, Source]] = []
    for id, source in derived.items():
        if id not in stored:
            new.append((id, source))
            continue
        held = {name: value for name, value in stored[id][0].items() if value is not None}
        if "query" in held and held.get("query_key") == source.get("query_key"):
            source = {**source, "query": held["query"]}
        if held != source:
            changed.append((id, source))
    return changed, sorted(new, key=lambda each: int(each[1]["seq_no"]))
