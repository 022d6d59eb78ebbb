"""A new generation of products and profiles, built beside the one in force and switched in at once (P4).

    copy products with what changes -> fold profiles from the log -> catch up -> block writes to the old
    -> last catch-up -> switch all aliases in one call -> one more fold -> delete the old

Readers and writers go on all the while. A writer that meets the block resolves the alias anew and retries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from profilestore.documents import IndexMeta
from profilestore.elastic.bulk import Operation, raise_failed
from profilestore.elastic.event_log import EventLog
from profilestore.elastic.generations import Generations
from profilestore.elastic.index_identity import IndexIdentity
from profilestore.elastic.product_index import ProductIndex
from profilestore.elastic.profile_index import ProfileIndex
from profilestore.errors import StoreError
from profilestore.features.fold import state_of
from profilestore.features.served import FOLD_FIELDS, OTHERS_FIELDS, encode_vector
from profilestore.indexing.folding import Folder
from profilestore.indexing.held_profile import HeldProfile
from profilestore.indexing.log_copy import LogCopy
from profilestore.indexing.profile_writer import ProfileWriter
from profilestore.indexing.refold import Refold

__all__ = ["BuildReport", "GenerationBuilder", "Side", "Transform"]

Source = dict[str, Any]
# From stored product sources (vectors as lists of floats) to those of the new generation.
Transform = Callable[[Sequence[Source]], Sequence[Source]]

_VECTORS: Final = ("text_vector", "topic_vector", "taste_vector", "taste_in")
_PAGE: Final = 500
_CATCH_UPS: Final = 5


@dataclass(frozen=True, slots=True)
class Side:
    """The parts that work on one generation: the one in force behind its aliases, or one being built."""

    log: EventLog
    products: ProductIndex
    profiles: ProfileIndex
    writer: ProfileWriter
    folder: Folder
    refold: Refold


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build made."""

    generation: str
    products: int
    profiles: int


class GenerationBuilder:
    """Builds and switches generations of one shop.

    Args:
        side_of: makes the parts for index names (log, products, profiles), aliases or concrete ones.
    """

    def __init__(self, *, generations: Generations, in_force: Side, side_of: Callable[[str, str, str], Side]) -> None:
        self._generations = generations
        self._old = in_force
        self._side_of = side_of

    def build(
        self,
        *,
        change: Callable[[IndexMeta], IndexMeta] = lambda meta: meta,
        transform: Transform = lambda sources: sources,
        new_log: bool = False,
        progress: Callable[[str], None] = lambda step: None,
    ) -> BuildReport:
        """Build a generation with changed meta data and transformed products, and switch to it.

        With `new_log` the event log moves to a new index too. Fails before the switch: all stays as it was.

        Raises:
            StoreError: another build is under way, or moved the aliases meanwhile.
        """
        with self._generations.building():
            products, profiles = self._old.products.identity(), self._old.profiles.identity()
            log = self._old.log.identity()
            meta = change(products.meta).model_copy(update={"generation": self._generations.next()})
            old = {"products": products.index, "profiles": profiles.index} | ({"events": log.index} if new_log else {})
            moves = {kind: (name, self._generations.create(kind, meta)) for kind, name in old.items()}
            made = [new for _, new in moves.values()]
            try:
                side = self._side_of(made[2] if new_log else self._old.log.alias, made[0], made[1])
                report = _Build(self._old, side, products, profiles, transform, progress).run(
                    lambda: self._generations.block(list(old.values())), new_log=new_log
                )
                # A model was put in force meanwhile, by a first load of products.
                if self._old.products.identity().meta != products.meta:
                    raise StoreError("the products were given other models while this was built: run it again.")
                progress("switching the aliases")
                self._generations.switch(moves)
            except BaseException:
                # Also on Ctrl-C: what is in force must take writes again, and nothing half-built stay.
                self._generations.abandon(moves)
                raise
            self._old.folder.fold_pending()
            self._generations.drop(list(old.values()))
            return report


class _Build:
    """One build, from the first copy to the moment before the switch."""

    def __init__(
        self,
        old: Side,
        new: Side,
        products: IndexIdentity,
        profiles: IndexIdentity,
        transform: Transform,
        progress: Callable[[str], None],
    ) -> None:
        self._old = old
        self._new = new
        self._old_products = products
        self._old_profiles = profiles
        self._new_products = new.products.identity()
        self._new_profiles = new.profiles.identity()
        self._transform = transform
        self._progress = progress
        # These two are checkpoints and not the highest numbers seen, below which a write may be under way.
        self._copied_upto = -1
        self._carried_upto = -1
        # Fields of users whose profile was not here yet when they were carried over.
        self._waiting: dict[str, Mapping[str, Any]] = {}

    def run(self, block: Callable[[], None], *, new_log: bool) -> BuildReport:
        """Everything before the switch; `block` refuses writes to the old indices."""
        log_copy = LogCopy(self._old.log, self._new.log) if new_log else None
        if log_copy is not None:
            self._progress("copying the event log")
            log_copy.catch_up()
        self._progress("copying products")
        products = len(self._copy_products())
        self._progress("folding profiles from the log")
        profiles = self._fold_all()
        for _ in range(_CATCH_UPS):
            self._progress("catching up")
            if log_copy is not None:
                log_copy.catch_up()
            if self._catch_up() == 0:
                break
        block()
        self._progress("last catch-up")
        if log_copy is not None:
            log_copy.catch_up()
        self._catch_up()
        self._drop_vanished()
        self._new.products.refresh(self._new_products.index)
        self._new.profiles.refresh(self._new_profiles.index)
        return BuildReport(self._new_products.meta.generation, products, profiles)

    def _copy_products(self) -> list[str]:
        """Copy what was written since the last copy; returns the ids."""
        index = self._old_products.index
        checkpoint = self._old.products.checkpoint(index)
        self._old.products.refresh(index)
        pages = self._old.products.scan(index, after_seq_no=self._copied_upto, page=_PAGE, vectors=True)
        copied: list[str] = []
        generation = self._new_products.meta.generation
        for page in pages:
            sources = self._transform([dict(source) for _, source, _ in page])
            operations = [
                Operation("index", self._new_products.index, product_id, _packed(source) | {"generation": generation})
                for (product_id, _, _), source in zip(page, sources, strict=True)
            ]
            outcomes = self._new.products.write(operations, action="copying products")
            raise_failed(outcomes, action="copying products")
            copied += [product_id for product_id, _, _ in page]
        self._copied_upto = checkpoint
        return copied

    def _fold_all(self) -> int:
        """Fold every user's events from nothing into the new profiles, carrying over what others own."""
        log = self._new.log.identity()
        checkpoints = self._new.log.checkpoints(log)
        self._new.log.refresh(log)
        self._carried_upto = self._old.profiles.checkpoint(self._old_profiles.index)
        folded = 0
        for shard, upto in checkpoints.items():
            for events in self._new.writer.replay_all(log, shard=shard, upto=upto):
                inputs = self._new.writer.inputs(
                    [event for own in events.values() for _, event in own], self._new_profiles
                )
                carried = self._old.profiles.read(self._old_profiles.index, list(events), without=FOLD_FIELDS)
                changes = []
                for user_id, own in events.items():
                    state = state_of(
                        [event for _, event in own], catalogue=inputs.catalogue, words=inputs.words, rules=inputs.rules
                    )
                    source = carried[user_id].source if user_id in carried else {}
                    kept = {name: value for name, value in source.items() if name in OTHERS_FIELDS}
                    changes.append((user_id, HeldProfile(carried=kept).moved(state, log, shard, upto)))
                self._new.writer.write(self._new_profiles, changes, inputs)
                folded += len(changes)
        self._new.folder.start_at(log, checkpoints)
        return folded

    def _catch_up(self) -> int:
        """Take in what came meanwhile: products, other owners' fields, events. Returns how much it was."""
        changed = self._copy_products()
        if len(changed) > 0:
            self._new.refold.rebuild_users_of(changed)
        # The events first: they make the profiles that the fields are for.
        folded = self._new.folder.fold_pending().events
        return len(changed) + folded + self._carry_fields()

    def _carry_fields(self) -> int:
        """Copy what the fold does not own of profiles written since the last look."""
        index = self._old_profiles.index
        checkpoint = self._old.profiles.checkpoint(index)
        self._old.profiles.refresh(index)
        carried = self._carry(dict(self._waiting))
        asked = sorted((*OTHERS_FIELDS, "personalisation"))
        for page in self._old.profiles.scan(index, fields=asked, after_seq_no=self._carried_upto):
            fields = {user_id: _others(stored.source) for user_id, stored in page}
            carried += self._carry({user_id: own for user_id, own in fields.items() if len(own) > 0})
        self._carried_upto = checkpoint
        return carried

    def _carry(self, sources: Mapping[str, Mapping[str, Any]]) -> int:
        operations = [Operation("update", self._new_profiles.index, id, source) for id, source in sources.items()]
        outcomes = self._new.profiles.write_operations(operations)
        raise_failed([o for o in outcomes if o.status != 404], action="carrying fields over")
        for outcome in outcomes:
            if outcome.ok:
                self._waiting.pop(outcome.id, None)
            else:
                self._waiting[outcome.id] = sources[outcome.id]
        return sum(outcome.ok for outcome in outcomes)

    def _drop_vanished(self) -> None:
        """Remove products that were deleted from the old index by hand while it was copied."""
        old, new = self._old_products.index, self._new_products.index
        self._new.products.refresh(new)
        kept = {product_id for page in self._old.products.scan(old, fields=["product_id"]) for product_id, _, _ in page}
        vanished = [
            product_id
            for page in self._new.products.scan(new, fields=["product_id"])
            for product_id, _, _ in page
            if product_id not in kept
        ]
        if len(vanished) > 0:
            operations = [Operation("delete", new, product_id, {}) for product_id in vanished]
            self._new.products.write(operations, action="removing vanished products")


def _others(source: Mapping[str, Any]) -> Source:
    """What is to be carried over of a profile; of a user who has switched personalisation off, that it is gone."""
    if source.get("personalisation") == "off":
        return dict.fromkeys(OTHERS_FIELDS)
    return {name: value for name, value in source.items() if name in OTHERS_FIELDS}


def _packed(source: Mapping[str, Any]) -> Source:
    """A source with its vectors in the form that is written fastest."""
    packed = dict(source)
    for name in _VECTORS:
        vector = packed.get(name)
        if isinstance(vector, list):
            packed[name] = encode_vector(np.asarray(vector, dtype=np.float32))
    return packed
