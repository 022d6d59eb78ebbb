"""The fold, exactly once: from the event log into the profiles, by the protocol of DESIGN.md.

W, kept in each profile, decides what has been folded; C, kept per profiles index, is only a hint of
where to start reading. So a crash, a paused process, two folders at once or a lost C can never count
an event twice or miss one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from profilestore.documents import Event
from profilestore.elastic.event_log import Appended, EventLog, LogIdentity
from profilestore.elastic.index_identity import IndexIdentity
from profilestore.elastic.logged import Logged
from profilestore.elastic.model_store import ModelStore
from profilestore.elastic.profile_index import ProfileIndex
from profilestore.elastic.retry import wait
from profilestore.errors import NotInitialised, StoreError, UpdateGaveUp
from profilestore.features.fold import merge_states, state_of
from profilestore.indexing.held_profile import FoldInputs, HeldProfile, IndexMoved
from profilestore.indexing.profile_writer import ProfileWriter
from profilestore.indexing.refold import note_due

__all__ = ["FoldReport", "Folder"]

_ATTEMPTS: Final = 40
_SAVE_EVERY_S: Final = 1.0
# A profile on its way to the server is 10 to 100 KB, and a batch may hold events of as many users.
_USERS_AT_ONCE: Final = 1000
# How many invalid events are named one by one.
_LISTED: Final = 1000

Numbered = tuple[int, Event]


@dataclass(slots=True)
class FoldReport:
    """What a fold did. `invalid` names (event id, problem) of documents that are no valid events."""

    events: int = 0
    profiles: int = 0
    skipped: int = 0
    rebuilt: int = 0
    invalid: list[tuple[str, str]] = field(default_factory=list)

    def add(self, other: FoldReport) -> None:
        """Take another report's figures into this one."""
        self.events += other.events
        self.profiles += other.profiles
        self.skipped += other.skipped
        self.rebuilt += other.rebuilt
        self.invalid = (self.invalid + other.invalid)[:_LISTED]


class Folder:
    """Folds a log into a profiles index. One a process; several processes may fold at once."""

    def __init__(self, *, log: EventLog, profiles: ProfileIndex, writer: ProfileWriter, store: ModelStore) -> None:
        self._log = log
        self._profiles = profiles
        self._writer = writer
        self._store = store
        self._target: IndexIdentity | None = None
        self._log_uuid: str | None = None
        # C by shard, as far as this process knows
        self._done: dict[int, int] = {}
        self._saved: dict[int, int] = {}
        self._saved_at = 0.0

    # ---------------------------------------------------------------- what callers ask for

    def fold_appended(self, appended: Appended, events: Sequence[Event]) -> FoldReport:
        """Fold what was just appended; from memory where nobody else wrote between, else from the log."""
        before = self._target, self._log_uuid
        target = self._follow(appended.log)
        # All were known already: whoever logged them may have been killed before they were folded. And after
        # a move of profiles or log since the last call, the log that was written to may not be in force.
        if appended.created == 0 or before != (target, appended.log.uuid):
            return self.fold_pending()
        numbered = [(n, event) for n, event in zip(appended.seq_nos, events, strict=True) if n is not None]
        numbered.sort(key=lambda pair: pair[0])
        first, last = numbered[0][0], numbered[-1][0]
        # Our own acknowledged writes fill (C, last] without a gap: every write up to `last` is known here.
        if appended.log.shards == 1 and first == self._done[0] + 1 and last - first + 1 == len(numbered):
            try:
                report = self._fold(appended.log, shard=0, numbered=numbered, upto=last)
            except (IndexMoved, NotInitialised):
                return self.fold_pending()
            self._done[0] = last
            self.save_checkpoint(appended.log)
            return report
        return self.fold_pending()

    def fold_pending(self) -> FoldReport:
        """Fold all that is in the log and not yet in the profiles."""
        report = FoldReport()
        patience = self._log.patience()
        while True:
            log = self._log.identity()
            target = self._follow(log)
            try:
                report.add(self._fold_log(log))
            except IndexMoved as error:
                if not patience.go_on():
                    raise StoreError(
                        "the profiles cannot be written: their index is blocked, or products and profiles are of two "
                        "generations. Run `profilestore profile rebuild --all`."
                    ) from error
            except NotInitialised:
                # A switch deletes the indices that were read from a moment ago.
                if self._profiles.identity().uuid == target.uuid and self._log.identity().uuid == log.uuid:
                    raise
            else:
                self.save_checkpoint(log, force=True)
                return report

    def start_at(self, log: LogIdentity, upto: Mapping[int, int]) -> None:
        """Set C by shard, as after a rebuild of all profiles from the log up to there."""
        self._follow(log)
        self._done = dict(upto)
        self.save_checkpoint(log, force=True)

    def lag(self) -> int:
        """How many writes of the log are above C: at most that many events are not folded yet."""
        log = self._log.identity()
        self._follow(log)
        return sum(max(0, upto - self._done[shard]) for shard, upto in self._log.checkpoints(log).items())

    def oldest_pending(self) -> Event | None:
        """The first event above C, or None when everything is folded."""
        log = self._log.identity()
        self._follow(log)
        for shard, upto in self._log.checkpoints(log).items():
            if upto > self._done[shard]:
                self._log.refresh(log)
                for page in self._log.read(log, shard=shard, after=self._done[shard], upto=upto):
                    for logged in page:
                        if logged.event is not None:
                            return logged.event
        return None

    # ---------------------------------------------------------------- the protocol

    def _follow(self, log: LogIdentity) -> IndexIdentity:
        """Resolve the profiles' alias; on a new index or log, begin from the C that is kept for the pair."""
        target = self._profiles.identity()
        known = self._target
        if known is None or known.uuid != target.uuid or self._log_uuid != log.uuid:
            kept = self.checkpoint(log, target)
            self._done = {shard: kept.get(shard, -1) for shard in range(log.shards)}
            self._saved = dict(self._done)
            self._log_uuid = log.uuid
        self._writer.check_rules(target)
        self._target = target
        return target

    def _fold_log(self, log: LogIdentity) -> FoldReport:
        report = FoldReport()
        for shard, upto in self._log.checkpoints(log).items():
            if upto < self._done[shard]:
                # Fewer writes than were folded: a restored log. W of each profile tells the same.
                self._done[shard] = -1
            if upto == self._done[shard]:
                continue
            self._log.refresh(log)
            for page in self._log.read(log, shard=shard, after=self._done[shard], upto=upto):
                report.add(self._fold_page(log, shard, page))
                self._done[shard] = page[-1].seq_no
                self.save_checkpoint(log)
            self._done[shard] = upto
        return report

    def _fold_page(self, log: LogIdentity, shard: int, page: Sequence[Logged]) -> FoldReport:
        changed = {user_id for logged in page if logged.changed for user_id in logged.concerns}
        numbered = [
            (logged.seq_no, logged.event)
            for logged in page
            if logged.event is not None and logged.event.user_id not in changed
        ]
        report = self._fold(log, shard=shard, numbered=numbered, upto=page[-1].seq_no)
        for logged in page:
            if logged.due is not None and logged.user_id is not None:
                note_due(
                    self._store, log_uuid=log.uuid, event_id=logged.event_id, user_id=logged.user_id, at=logged.due
                )
        report.invalid += [(logged.event_id, logged.problem) for logged in page if logged.problem is not None]
        if len(changed) > 0:
            # A log document that was changed against the rules: nothing folded of it can be taken back.
            report.rebuilt += self._writer.rebuild(log, shard=shard, user_ids=sorted(changed))
        return report

    def _target_now(self) -> IndexIdentity:
        return self._profiles.identity() if self._target is None else self._target

    def _fold(self, log: LogIdentity, *, shard: int, numbered: Sequence[Numbered], upto: int) -> FoldReport:
        """Fold these events, all that the shard has above C and up to `upto`, into their users' profiles."""
        target = self._target_now()
        by_user: dict[str, list[Numbered]] = {}
        for number, event in numbered:
            by_user.setdefault(event.user_id, []).append((number, event))
        inputs = self._writer.inputs([event for _, event in numbered], target)
        report = FoldReport(events=len(numbered))
        users = list(by_user)
        for start in range(0, len(users), _USERS_AT_ONCE):
            part = {user_id: by_user[user_id] for user_id in users[start : start + _USERS_AT_ONCE]}
            report.add(self._fold_users(log, shard, part, upto, target, inputs))
        return report

    def _fold_users(
        self,
        log: LogIdentity,
        shard: int,
        by_user: Mapping[str, Sequence[Numbered]],
        upto: int,
        target: IndexIdentity,
        inputs: FoldInputs,
    ) -> FoldReport:
        """The protocol for some users: read, add what is above W, write under the lock, again for who lost."""
        report = FoldReport()
        pending = list(by_user)
        strange: list[str] = []
        for attempt in range(_ATTEMPTS):
            held = self._writer.read(target, pending)
            changes: list[tuple[str, HeldProfile]] = []
            restored = self._restored(log, shard, held, upto)
            for user_id in pending:
                profile = held[user_id]
                if profile.foreign(log, shard) or user_id in restored:
                    strange.append(user_id)
                    continue
                new = [event for number, event in by_user[user_id] if number > profile.upto]
                report.skipped += len(by_user[user_id]) - len(new)
                if len(new) > 0:
                    added = state_of(new, catalogue=inputs.catalogue, words=inputs.words, rules=inputs.rules)
                    state = merge_states(profile.state, added, inputs.rules)
                    changes.append((user_id, profile.moved(state, log, shard, upto)))
            lost = self._writer.write(target, changes, inputs)
            report.profiles += len(changes) - len(lost)
            pending = lost
            if len(pending) == 0:
                break
            wait(attempt)
        else:
            raise UpdateGaveUp(
                f"{len(pending)} profiles were changed by others {_ATTEMPTS} times in a row; their events are in the "
                "log and `profilestore fold` will fold them.",
                ids=pending,
                attempts=_ATTEMPTS,
            )
        if len(strange) > 0:
            report.rebuilt += self._writer.rebuild(log, shard=shard, user_ids=strange)
        return report

    def _restored(self, log: LogIdentity, shard: int, held: Mapping[str, HeldProfile], upto: int) -> set[str]:
        """Users whose W is above all that the log has: it was restored to an older state."""
        beyond = {user_id for user_id, profile in held.items() if profile.beyond(log, shard, upto)}
        if len(beyond) == 0:
            return beyond
        newest = self._log.checkpoints(log)[shard]
        return {user_id for user_id in beyond if held[user_id].upto > newest}

    # ---------------------------------------------------------------- C, the hint

    def checkpoint(self, log: LogIdentity, target: IndexIdentity) -> dict[int, int]:
        """C by shard as kept for this profiles index and log; {} when nothing is known."""
        record = self._store.get(_checkpoint_id(target))
        if record is None or record[0]["body"].get("log_uuid") != log.uuid:
            return {}
        shards: Mapping[str, int] = record[0]["body"]["shards"]
        return {int(shard): upto for shard, upto in shards.items()}

    def save_checkpoint(self, log: LogIdentity, *, force: bool = False) -> None:
        """Keep C; at most once a second unless forced, since a lost one only costs reading."""
        now = time.monotonic()
        if self._done == self._saved or self._target is None or not (force or now - self._saved_at > _SAVE_EVERY_S):
            return
        body = {"log_uuid": log.uuid, "shards": {str(shard): upto for shard, upto in self._done.items()}}
        self._store.put(_checkpoint_id(self._target), "checkpoint", body)
        self._saved = dict(self._done)
        self._saved_at = now

    def close(self) -> None:
        """Keep C as far as this process came."""
        if self._target is not None and self._log_uuid is not None and self._done != self._saved:
            log = self._log.identity()
            if log.uuid == self._log_uuid:
                self.save_checkpoint(log, force=True)


def _checkpoint_id(target: IndexIdentity) -> str:
    return f"checkpoint-{target.uuid}"
