"""Profiles in and out of the fold: read and unpack with a bounded cache, serve, write, rebuild."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from profilestore.documents import Event, Revision
from profilestore.elastic.bulk import raise_failed
from profilestore.elastic.event_log import EventLog, LogIdentity
from profilestore.elastic.index_identity import IndexIdentity
from profilestore.elastic.product_index import ProductIndex
from profilestore.elastic.profile_index import ProfileIndex
from profilestore.elastic.retry import wait
from profilestore.errors import NotInitialised, SettingsChanged, StoreError, UpdateGaveUp
from profilestore.features.fold import needs_words, state_of
from profilestore.features.served import opted_out, served_fields
from profilestore.features.weights import FoldRules
from profilestore.indexing.catalogue import FreshCatalogue
from profilestore.indexing.held_profile import FoldInputs, HeldProfile, IndexMoved
from profilestore.indexing.models import Models, trained_spaces
from profilestore.indexing.words import Words

__all__ = ["ProfileWriter", "chunks_of_users"]

# A profile held is 20 to 200 KB.
_KEPT: Final = 1000
_ATTEMPTS: Final = 40
_EVENTS_AT_ONCE: Final = 50_000
_USERS_AT_ONCE: Final = 500


class ProfileWriter:
    """Reads and writes profiles for the fold and the rebuild."""

    def __init__(
        self,
        *,
        log: EventLog,
        profiles: ProfileIndex,
        products: ProductIndex,
        words: Words,
        models: Models,
        rules: FoldRules,
        fingerprint: str,
        withdraw: Callable[[Sequence[str]], object] = lambda user_ids: None,
    ) -> None:
        """`fingerprint` is that of the settings behind `rules`; `withdraw` is told whose profiles were written with
        personalisation off."""
        self._log = log
        self._fingerprint = fingerprint
        self._profiles = profiles
        self._products = products
        self._catalogue = FreshCatalogue(products)
        self._words = words
        self._models = models
        self._rules = rules
        self._withdraw = withdraw
        self._cache: OrderedDict[str, HeldProfile] = OrderedDict()
        self._cached_index: str | None = None

    def check_rules(self, target: IndexIdentity) -> None:
        """Raise SettingsChanged where the profiles were folded under other rules: they do not add up with these."""
        if target.meta.fold_fingerprint not in (None, self._fingerprint):
            raise SettingsChanged(
                "the profiles were folded under other weights, half-lives, limits or time zone than the settings "
                "say now. Run `profilestore profile rebuild --all`, or take the settings back."
            )

    def inputs(self, events: Sequence[Event], target: IndexIdentity) -> FoldInputs:
        """What folding these events needs, as it is now: call it after the log's checkpoint was read.

        Raises:
            IndexMoved: products and profiles are of two generations.
            SettingsChanged: the profiles were folded under other settings.
        """
        self.check_rules(target)
        products = self._products.identity()
        if products.meta.generation != target.meta.generation:
            raise IndexMoved  # resolved on either side of a switch
        asked = [event.product_id for event in events if event.product_id is not None]
        catalogue = self._catalogue.ensure(asked, identity=products)
        rules = self._rules.under(target.meta)
        texts = {event.text for event in events if event.text is not None and needs_words(event, rules)}
        return FoldInputs(
            catalogue=catalogue,
            words=self._words.in_vectors(texts, target.meta),
            rules=rules,
            trained=trained_spaces(target.meta),
            topic_labels=self._models.topic_labels(target.meta),
        )

    def read(self, target: IndexIdentity, user_ids: Sequence[str]) -> dict[str, HeldProfile]:
        """The users' profiles, from the cache where held; an empty one for who has none.

        A cached profile may be older than the stored one: its revision then loses the race at the
        write, it is forgotten, and read anew.
        """
        if target.uuid != self._cached_index:
            self._cache.clear()
            self._cached_index = target.uuid
        held = {user_id: self._cache[user_id] for user_id in user_ids if user_id in self._cache}
        missing = [user_id for user_id in user_ids if user_id not in held]
        stored = self._profiles.read(target.index, missing)
        for user_id in missing:
            held[user_id] = HeldProfile.of(stored[user_id]) if user_id in stored else HeldProfile()
        return held

    def source(self, user_id: str, profile: HeldProfile, target: IndexIdentity, inputs: FoldInputs) -> dict[str, Any]:
        """The document of a profile: the fold's fields, its position, and what others own."""
        assert profile.position is not None
        return {
            **profile.carried,
            "user_id": user_id,
            "generation": target.meta.generation,
            "folded_upto": profile.position.upto,
            "log_uuid": profile.position.log_uuid,
            "log_shard": profile.position.shard,
            **served_fields(profile.state, trained=inputs.trained, topic_labels=inputs.topic_labels),
        }

    def write(self, target: IndexIdentity, changes: Sequence[tuple[str, HeldProfile]], inputs: FoldInputs) -> list[str]:
        """Write profiles under the revisions they were read at; returns the users who lost a race.

        Raises:
            IndexMoved: a switch of generations blocked or removed the index.
        """
        documents = [
            (user_id, self.source(user_id, profile, target, inputs), profile.revision) for user_id, profile in changes
        ]
        outcomes = self._profiles.write(target.index, documents)
        lost: list[str] = []
        for (user_id, profile), outcome in zip(changes, outcomes, strict=True):
            if outcome.ok:
                self._keep(user_id, HeldProfile(profile.state, profile.position, outcome.revision, profile.carried))
            else:
                self._cache.pop(user_id, None)
                if outcome.conflict:
                    lost.append(user_id)
        if any(outcome.index_moved for outcome in outcomes):
            raise IndexMoved
        raise_failed(outcomes, action="writing profiles")
        off = [
            id for (id, each), outcome in zip(changes, outcomes, strict=True) if outcome.ok and opted_out(each.state)
        ]
        if len(off) > 0:
            self._withdraw(off)
        return lost

    def _keep(self, user_id: str, profile: HeldProfile) -> None:
        self._cache[user_id] = profile
        self._cache.move_to_end(user_id)
        if len(self._cache) > _KEPT:
            self._cache.popitem(last=False)

    def rebuild(self, log: LogIdentity, *, shard: int, user_ids: Sequence[str]) -> int:
        """Fold these users' events again from nothing, and write the profiles whole. Returns how many.

        A profile without any valid event left is deleted: the log is the whole truth.

        Raises:
            UpdateGaveUp: others kept changing some of the profiles.
        """
        for start in range(0, len(user_ids), _USERS_AT_ONCE):
            self._rebuild_chunk(log, shard, list(user_ids[start : start + _USERS_AT_ONCE]))
        return len(user_ids)

    def _rebuild_chunk(self, log: LogIdentity, shard: int, pending: list[str]) -> None:
        patience = self._log.patience()
        for attempt in range(_ATTEMPTS):
            while True:
                # Profiles first: where a switch comes between the two, the old profiles refuse the write.
                target, current = self._profiles.identity(), self._log.identity()
                if current != log:
                    # The log moved to another index, which may have another number of shards.
                    self.rebuild_users(pending)
                    return
                try:
                    pending = self._rebuild_once(log, shard, pending, target)
                    break
                except IndexMoved as error:
                    if not patience.go_on():
                        raise StoreError("the profiles cannot be written: their index is blocked.") from error
                except NotInitialised:
                    # A switch deletes the indices that were read from a moment ago.
                    if self._profiles.identity().uuid == target.uuid and self._log.identity() == log:
                        raise
            if len(pending) == 0:
                return
            wait(attempt)
        raise UpdateGaveUp(
            f"{len(pending)} profiles were changed by others {_ATTEMPTS} times in a row: rebuild them again.",
            ids=pending,
            attempts=_ATTEMPTS,
        )

    def rebuild_users(self, user_ids: Sequence[str]) -> int:
        """As `rebuild`, for users of any shard. Returns how many."""
        if len(user_ids) > 0:
            log = self._log.identity()
            for shard, users in self._log.by_shard(log, user_ids).items():
                self.rebuild(log, shard=shard, user_ids=users)
        return len(user_ids)

    def _rebuild_once(self, log: LogIdentity, shard: int, user_ids: list[str], target: IndexIdentity) -> list[str]:
        """One try; returns the users whose profiles moved on meanwhile."""
        upto = self._log.checkpoints(log)[shard]
        self._log.refresh(log)
        events = self.replay(log, shard=shard, user_ids=user_ids, upto=upto)
        inputs = self.inputs([event for own in events.values() for _, event in own], target)
        for user_id in user_ids:
            self._cache.pop(user_id, None)
        held = self.read(target, user_ids)
        # Folded beyond our reading meanwhile: writing would take newer events back. W above what the
        # log has at all is a restored log, and is overwritten.
        ahead = [user_id for user_id in user_ids if held[user_id].beyond(log, shard, upto)]
        if len(ahead) > 0:
            newest = self._log.checkpoints(log)[shard]
            ahead = [user_id for user_id in ahead if held[user_id].upto <= newest]
        changes: list[tuple[str, HeldProfile]] = []
        gone: list[tuple[str, Revision]] = []
        for user_id in (user_id for user_id in user_ids if user_id not in ahead):
            own = events.get(user_id, [])
            revision = held[user_id].revision
            if len(own) > 0:
                state = state_of(
                    [event for _, event in own], catalogue=inputs.catalogue, words=inputs.words, rules=inputs.rules
                )
                changes.append((user_id, held[user_id].moved(state, log, shard, upto)))
            elif revision is not None:
                gone.append((user_id, revision))
        return ahead + self.write(target, changes, inputs) + self._profiles.delete(target.index, gone)

    def replay_all(self, log: LogIdentity, *, shard: int, upto: int) -> Iterator[dict[str, list[tuple[int, Event]]]]:
        """All users of a shard with their valid events (`_seq_no`, event), some 50,000 events at a time."""
        for chunk in chunks_of_users(self._log.users(log, shard=shard)):
            yield self.replay(log, shard=shard, user_ids=chunk, upto=upto, whole_range=True)

    def replay(
        self, log: LogIdentity, *, shard: int, user_ids: Sequence[str], upto: int, whole_range: bool = False
    ) -> dict[str, list[tuple[int, Event]]]:
        """All valid events (`_seq_no`, event) of these users up to `upto`, by user, in log order.

        With `whole_range` the users are neighbours in id order, and one range stands for them."""
        if len(user_ids) == 0:
            return {}
        if whole_range:
            pages = self._log.read_range(log, user_ids[0], user_ids[-1], shard=shard, upto=upto)
        else:
            pages = self._log.read_users(log, user_ids, shard=shard, upto=upto)
        events: dict[str, list[tuple[int, Event]]] = {}
        for page in pages:
            for logged in page:
                if logged.event is not None:
                    events.setdefault(logged.event.user_id, []).append((logged.seq_no, logged.event))
        return events


def chunks_of_users(pages: Iterable[Sequence[tuple[str, int]]]) -> Iterator[list[str]]:
    """Neighbouring users in chunks of about 50,000 events, from (user id, events) pages in id order."""
    chunk: list[str] = []
    events = 0
    for page in pages:
        for user_id, count in page:
            if len(chunk) > 0 and events + count > _EVENTS_AT_ONCE:
                yield chunk
                chunk, events = [], 0
            chunk.append(user_id)
            events += count
    if len(chunk) > 0:
        yield chunk
