"""Events in: append a batch to the log while the one before it is folded."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from profilestore.documents import Event
from profilestore.elastic.event_log import Appended, EventLog
from profilestore.indexing.counts import LoadCounts
from profilestore.indexing.folding import Folder, FoldReport

__all__ = ["admissible", "load_events", "record"]


def record(events: Sequence[Event], *, log: EventLog, folder: Folder) -> tuple[Appended, FoldReport]:
    """Append a few events and fold them: durable in log and profile when this returns."""
    appended = log.append(events)
    return appended, folder.fold_appended(appended, events)


def admissible(events: Sequence[Event], *, log: EventLog, counts: LoadCounts) -> list[Event]:
    """The events that are not dated too far ahead; the others are counted as rejected."""
    latest = log.latest_time()
    kept = [event for event in events if event.time <= latest]
    if len(kept) < len(events):
        counts.rejected += len(events) - len(kept)
        first = next(event.event_id for event in events if event.time > latest)
        counts.notes.append(
            f"{len(events) - len(kept)} rejected: dated further ahead than future_limit_hours, "
            f"the first with id {first}"
        )
    return kept


def load_events(batches: Iterable[Sequence[Event]], *, log: EventLog, folder: Folder) -> tuple[LoadCounts, FoldReport]:
    """Append and fold batches of events. Safe to kill at any moment and to run again: the log knows each
    event by its id, and each profile how far it was folded."""
    counts = LoadCounts()
    report = FoldReport()
    before: tuple[Future[Appended], Sequence[Event]] | None = None
    with _rare_collections(), ThreadPoolExecutor(max_workers=1, thread_name_prefix="append") as pool:
        for given in batches:
            batch = admissible(given, log=log, counts=counts)
            ahead = (pool.submit(log.append, batch), batch)
            if before is not None:
                _finish(before, counts, report, folder)
            before = ahead
        if before is not None:
            _finish(before, counts, report, folder)
    # What an earlier run logged and did not fold before it was killed.
    report.add(folder.fold_pending())
    return counts, report


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Let the garbage collector run seldom: a batch is hundreds of thousands of objects that all stay alive,
    and looking through them again and again costs a third of the load (scripts/measure_loading.py)."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _finish(
    step: tuple[Future[Appended], Sequence[Event]], counts: LoadCounts, report: FoldReport, folder: Folder
) -> None:
    future, batch = step
    appended = future.result()
    created = appended.created
    counts.indexed += created
    counts.duplicate += len(batch) - created
    report.add(folder.fold_appended(appended, batch))
