"""Do the profiles say what the log says? Fully by folding again, or cheaply by counts and W."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.documents import Event
from profilestore.elastic.event_log import EventLog, LogIdentity
from profilestore.elastic.index_identity import IndexIdentity
from profilestore.elastic.profile_index import ProfileIndex, StoredProfile
from profilestore.elastic.retry import wait
from profilestore.errors import ModelError, NotInitialised, StoreError
from profilestore.features.compare import differing_fields
from profilestore.features.fold import state_of
from profilestore.features.packing import unpack
from profilestore.features.served import FOLD_FIELDS, VECTOR_FIELDS, decode_vector, served_fields
from profilestore.indexing.folding import Folder
from profilestore.indexing.held_profile import FoldInputs, IndexMoved
from profilestore.indexing.profile_writer import ProfileWriter, chunks_of_users

__all__ = ["Verifier", "VerifyReport"]

# How often a difference is looked at again before it is told.
_LOOKS: Final = 3
_READ_AT_ONCE: Final = 500
# Of a component of a vector of unit length, in float32.
_UNIT_TOLERANCE: Final = 1e-6
_POSITION_FIELDS = frozenset(("user_id", "generation", "folded_upto", "log_uuid", "log_shard"))


@dataclass(slots=True)
class VerifyReport:
    """`users` maps who differs to the fields concerned; `behind` counts profiles whose latest events are in
    the log and not folded yet, which is no difference: `profilestore fold` folds them."""

    checked: int = 0
    behind: int = 0
    users: dict[str, list[str]] = field(default_factory=dict)

    @property
    def different(self) -> int:
        """How many profiles differ."""
        return len(self.users)


class Verifier:
    """Compares profiles with the log. Reads only."""

    def __init__(self, *, log: EventLog, profiles: ProfileIndex, writer: ProfileWriter, folder: Folder) -> None:
        self._log = log
        self._profiles = profiles
        self._writer = writer
        self._folder = folder

    def verify(self, user_ids: Sequence[str]) -> VerifyReport:
        """Fold these users' events again and compare.

        Raises:
            SettingsChanged: the profiles were folded under other settings, so all would differ.
        """
        return self._settled(lambda: self._verify(user_ids))

    def verify_all(self, *, quick: bool = False) -> VerifyReport:
        """Every user of the log and every profile. `quick` compares counts of events and W by aggregations,
        and folds again only where these differ; in full, all states are folded again.

        Raises:
            SettingsChanged: as `verify`.
        """
        return self._settled(lambda: self._verify_all(quick=quick))

    def _settled(self, compare: Callable[[], VerifyReport]) -> VerifyReport:
        """A comparison whose differences stood a second look: a product that is written or a profile that is
        folded between two readings is no difference."""
        report = self._whole(compare)
        for attempt in range(_LOOKS):
            if len(report.users) == 0:
                break
            wait(attempt + 4)
            suspects = sorted(report.users)
            again = self._whole(lambda suspects=suspects: self._verify(suspects))  # type: ignore[misc]  # lambda with defaults
            report.users = again.users
            report.behind += again.behind
        return report

    def _whole(self, compare: Callable[[], VerifyReport]) -> VerifyReport:
        """Begin again when a switch of generations came in between."""
        patience = self._log.patience()
        while True:
            before = self._profiles.identity().uuid
            try:
                return compare()
            except IndexMoved as error:
                if not patience.go_on():
                    raise StoreError(
                        "products and profiles are of two generations. Run `profilestore profile rebuild --all`."
                    ) from error
            except NotInitialised:
                # A switch deletes the indices that were read from a moment ago.
                if self._profiles.identity().uuid == before:
                    raise

    def _verify(self, user_ids: Sequence[str]) -> VerifyReport:
        report = VerifyReport()
        log, target, done = self._begin()
        for shard, users in self._log.by_shard(log, user_ids).items():
            self._check(log, shard, users, target, done.get(shard, -1), report, whole_range=False)
        return report

    def _verify_all(self, *, quick: bool) -> VerifyReport:
        report = VerifyReport()
        log, target, done = self._begin()
        known: set[str] = set()
        for shard in range(log.shards):
            for chunk in chunks_of_users(self._log.users(log, shard=shard)):
                known.update(chunk)
                if quick:
                    self._count(log, shard, chunk, target, done.get(shard, -1), report)
                else:
                    self._check(log, shard, chunk, target, done.get(shard, -1), report, whole_range=True)
        for page in self._profiles.scan(target.index, fields=["user_id"]):
            for user_id, _ in page:
                if user_id not in known:
                    report.checked += 1
                    report.users[user_id] = ["no events in the log"]
        return report

    def _begin(self) -> tuple[LogIdentity, IndexIdentity, dict[int, int]]:
        log = self._log.identity()
        target = self._profiles.identity()
        done = self._folder.checkpoint(log, target)
        self._log.refresh(log)
        self._profiles.refresh(target.index)
        return log, target, done

    def _check(
        self,
        log: LogIdentity,
        shard: int,
        users: Sequence[str],
        target: IndexIdentity,
        done: int,
        report: VerifyReport,
        *,
        whole_range: bool,
    ) -> None:
        # Profiles first: an event that is logged between the two readings is above their W.
        stored = self._stored(target, users)
        upto = self._log.checkpoints(log)[shard]
        self._log.refresh(log)
        events = self._writer.replay(log, shard=shard, user_ids=users, upto=upto, whole_range=whole_range)
        inputs = self._writer.inputs([event for own in events.values() for _, event in own], target)
        for user_id in users:
            own = events.get(user_id, [])
            if len(own) == 0 and user_id not in stored:
                continue
            report.checked += 1
            profile = stored.get(user_id)
            if profile is not None and profile.position.log_uuid == log.uuid and profile.position.upto > upto:
                report.users[user_id] = ["folded further than the log goes"]
                continue
            differing = self._differences(profile, own, log, shard, done, inputs, report)
            if len(differing) > 0:
                report.users[user_id] = differing

    def _stored(self, target: IndexIdentity, users: Sequence[str]) -> dict[str, StoredProfile]:
        """Profiles with their vectors, as arrays at once: as lists of floats they are twenty times the size."""
        stored: dict[str, StoredProfile] = {}
        for start in range(0, len(users), _READ_AT_ONCE):
            page = self._profiles.read(target.index, users[start : start + _READ_AT_ONCE], vectors=True)
            for user_id, profile in page.items():
                held = {name: profile.source.get(name) for name in VECTOR_FIELDS.values()}
                vectors = {name: decode_vector(vector) for name, vector in held.items() if vector is not None}
                stored[user_id] = StoredProfile({**profile.source, **vectors}, profile.revision)
        return stored

    def _differences(
        self,
        profile: StoredProfile | None,
        own: Sequence[tuple[int, Event]],
        log: LogIdentity,
        shard: int,
        done: int,
        inputs: FoldInputs,
        report: VerifyReport,
    ) -> list[str]:
        folded_upto = -1 if profile is None else profile.position.upto
        if profile is not None and (profile.position.log_uuid != log.uuid or profile.position.shard != shard):
            return ["folded from another log"]
        later = [number for number, _ in own if number > folded_upto]
        if len(later) > 0 and min(later) <= done:
            return ["events that the fold passed by"]
        report.behind += len(later) > 0
        if profile is None:
            return []
        if len(own) == 0:
            return ["no events in the log"]
        state = state_of(
            [event for number, event in own if number <= folded_upto],
            catalogue=inputs.catalogue,
            words=inputs.words,
            rules=inputs.rules,
        )
        try:
            held = unpack(profile.source.get("state", ""))
        except ModelError:
            return ["state"]
        served = served_fields(held, trained=inputs.trained, topic_labels=inputs.topic_labels)
        return differing_fields(held, state) + _served_differences(profile.source, served)

    def _count(
        self, log: LogIdentity, shard: int, users: Sequence[str], target: IndexIdentity, done: int, report: VerifyReport
    ) -> None:
        stored = self._profiles.read(target.index, users, without=FOLD_FIELDS - {*_POSITION_FIELDS, "events_total"})
        counted = self._counts(log, shard, users)
        for user_id in users:
            report.checked += 1
            profile = stored.get(user_id)
            total, first, last = counted[user_id]
            folded_upto = -1 if profile is None else profile.position.upto
            if profile is not None and profile.position.log_uuid != log.uuid:
                report.users[user_id] = ["folded from another log"]
            elif last > folded_upto:
                if first > folded_upto and first <= done:
                    report.users[user_id] = ["events that the fold passed by"]
                else:
                    report.behind += 1
            elif profile is not None and profile.source["events_total"] != total:
                report.users[user_id] = ["events_total"]

    def _counts(self, log: LogIdentity, shard: int, users: Sequence[str]) -> dict[str, tuple[int, int, int]]:
        found: dict[str, tuple[int, int, int]] = {}
        for page in self._log.user_figures(log, users[0], users[-1], shard=shard):
            found |= page
        return found


def _served_differences(source: Any, served: dict[str, Any]) -> list[str]:
    """Fields of the document that do not say what its own state says."""
    ignored = _POSITION_FIELDS | {"state", *VECTOR_FIELDS.values()}
    names = (FOLD_FIELDS - ignored) & (source.keys() | served.keys())
    wrong = [name for name in names if source.get(name) != served.get(name)]
    wrong += [name for name in VECTOR_FIELDS.values() if not _same_vector(source.get(name), served.get(name))]
    return sorted(wrong)


def _same_vector(stored: NDArray[np.float32] | None, served: str | None) -> bool:
    if stored is None or served is None:
        return stored is None and served is None
    expected = decode_vector(served)
    return stored.shape == expected.shape and bool(np.allclose(stored, expected, rtol=0.0, atol=_UNIT_TOLERANCE))
