"""`Keeping`: all that a `ProfileStore` takes in, and the profiles that it keeps of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from profilestore.documents import Event, Product, User
from profilestore.elastic.bulk import Operation
from profilestore.errors import NotFound
from profilestore.indexing import loading
from profilestore.indexing.counts import LoadCounts
from profilestore.indexing.events import admissible, record
from profilestore.indexing.folding import FoldReport
from profilestore.indexing.generation import BuildReport
from profilestore.indexing.loading import Kind, LoadOptions
from profilestore.indexing.migrate import rebuild_all
from profilestore.indexing.popularity import refresh_popularity, refresh_popularity_if_old
from profilestore.indexing.verify import VerifyReport
from profilestore.recommend.interface import Answering
from profilestore.store.progress import Progress, silent

__all__ = ["Keeping"]


class Keeping(Answering):
    """Products, users and events in; the fold, its verification and rebuilding.

    An answer of the same store knows what was recorded before it, so this stands on `Answering`.
    """

    def load(self, kind: Kind, paths: Sequence[str | Path], options: LoadOptions | None = None) -> LoadCounts:
        """Load files of products, users or events; see `profilestore.indexing.loading.load_files`."""
        return loading.load_files(self._parts, kind, paths, options or LoadOptions())

    def index_products(self, products: Iterable[Product]) -> LoadCounts:
        """Index products. Unchanged ones are not written, unchanged texts not embedded again (P3)."""

        def write(rows: Iterable[Product]) -> LoadCounts:
            given = list(rows)
            last = list({row.product_id: row for row in given}.values())
            counts = loading.add_products(self._parts, last)
            counts.duplicate += len(given) - len(last)
            return counts

        return _counted(products, write)

    def index_users(self, users: Iterable[User]) -> LoadCounts:
        """Take in user attributes, consent and opt-out."""
        return _counted(users, lambda rows: loading.add_users(self._parts, rows))

    def index_events(self, events: Iterable[Event]) -> LoadCounts:
        """Append many events to the log and fold them, in batches of `batch_size`."""
        return _counted(events, lambda rows: loading.add_events(self._parts, _batches(rows, self.settings.batch_size)))

    def record(self, events: Event | Sequence[Event]) -> LoadCounts:
        """Record one or a few events as they happen: in the log and in the profile when this returns.

        An event that is known already counts as `duplicate` and changes nothing; one dated too far ahead is
        `rejected`.
        """
        batch = [events] if isinstance(events, Event) else list(events)
        side = self._parts.in_force
        counts = LoadCounts(read=len(batch))
        kept = admissible(batch, log=side.log, counts=counts)
        if len(kept) > 0:
            appended, _ = record(kept, log=side.log, folder=side.folder)
            counts.indexed, counts.duplicate = appended.created, len(kept) - appended.created
            # Lookups see what is refreshed; done at the next answer, so that a record costs no refresh.
            self._unseen = self._unseen or appended.created > 0
        return counts

    def delete_products(self, product_ids: Sequence[str]) -> int:
        """Take products off sale for good: a tombstone keeps what profiles were made of, and no answer has it.

        Raises:
            NotFound: some of the products are not there; the others were deleted.
        """
        wanted = list(dict.fromkeys(product_ids))
        products = self._parts.in_force.products
        found = products.read(products.identity().index, wanted, fields=["product_id"])
        alias = self.settings.index("products")
        operations = [Operation("update", alias, product_id, {"deleted": True}) for product_id in found]
        while len(operations) > 0:
            outcomes = products.write(operations, action="deleting products")
            # Others derive fields of the same products.
            operations = [o for o, outcome in zip(operations, outcomes, strict=True) if outcome.conflict]
        products.refresh(alias)
        missing = [product_id for product_id in wanted if product_id not in found]
        if len(missing) > 0:
            raise NotFound(
                f"{len(missing)} of {len(wanted)} products are not in {alias}, the first is {missing[0]}; "
                f"{len(found)} were deleted.",
                kind="product",
                id=missing[0],
            )
        return len(found)

    def fold(self) -> FoldReport:
        """Fold what is in the log and not yet in the profiles, whoever wrote it."""
        side = self._parts.in_force
        report = side.folder.fold_pending()
        side.refold.work_off()
        refresh_popularity_if_old(self._parts.client, self.settings)
        if report.profiles + report.rebuilt > 0:
            side.profiles.refresh(self.settings.index("profiles"))
        return report

    def follow(self, *, every_s: float = 1.0) -> Iterator[FoldReport]:
        """Fold again and again, with a pause of `every_s` seconds; yields the report of each round."""
        while True:
            yield self.fold()
            time.sleep(every_s)

    def verify(self, user_ids: Sequence[str]) -> VerifyReport:
        """Fold these users' events again and compare with their profiles."""
        return self._parts.verifier.verify(user_ids)

    def verify_all(self, *, quick: bool = False) -> VerifyReport:
        """The same for all; `quick` compares counts and positions only."""
        return self._parts.verifier.verify_all(quick=quick)

    def rebuild(self, user_ids: Sequence[str]) -> int:
        """Fold these users' events again from nothing and write their profiles whole."""
        side = self._parts.in_force
        rebuilt = side.writer.rebuild_users(sorted(set(user_ids)))
        side.profiles.refresh(self.settings.index("profiles"))
        return rebuilt

    def rebuild_all(self, *, progress: Progress = silent) -> BuildReport:
        """Fold all profiles again under the settings of now, beside those in force, and switch."""
        return rebuild_all(self._parts, progress=progress)

    def refresh_popularity(self) -> int:
        """Derive popularity and trending of all products from the log; returns how many were written."""
        return refresh_popularity(self._parts.client, self.settings)


def _batches(rows: Iterable[Event], size: int) -> Iterator[list[Event]]:
    iterator = iter(rows)
    while len(batch := list(islice(iterator, size))) > 0:
        yield batch


def _counted(rows: Iterable[Any], write: Callable[[Iterable[Any]], LoadCounts]) -> LoadCounts:
    read = 0

    def counting() -> Iterator[Any]:
        nonlocal read
        for row in rows:
            read += 1
            yield row

    started = time.monotonic()
    counts = write(counting())
    counts.read = read
    counts.seconds = round(time.monotonic() - started, 3)
    counts.check()
    return counts
