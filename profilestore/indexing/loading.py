"""Files in: read, clean, index, and account for every row (P2)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from profilestore.documents import Event, Product, User
from profilestore.indexing.counts import LoadCounts
from profilestore.indexing.events import load_events
from profilestore.indexing.parts import Parts
from profilestore.indexing.popularity import refresh_popularity, refresh_popularity_if_old
from profilestore.indexing.text_models import ensure_text_model
from profilestore.indexing.users import load_users
from profilestore.ingest import (
    Cleaning,
    ColumnMapping,
    InputReport,
    ProgressCallback,
    Rejects,
    Source,
    load_columns,
    read_events,
    read_products,
    read_users,
    spooled_stdin,
    validate,
)

__all__ = ["Kind", "LoadOptions", "add_events", "add_products", "add_users", "load_files"]

Kind = Literal["products", "users", "events"]


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How files are read. `columns` is a preset or a TOML file; `rejects_folder` takes what cannot be used."""

    columns: str | Path | None = None
    cleaning: Cleaning | None = None
    strict: bool = False
    format: str | None = None
    rejects_folder: Path = Path()
    progress: ProgressCallback | None = None


def add_products(parts: Parts, rows: Iterable[Product]) -> LoadCounts:
    """Index products, choosing a text model where the shop has none yet. `read` stays 0: callers know it."""
    side = parts.in_force
    note = None
    if side.products.identity().meta.text_model is None:
        rows = list(rows)
        note = ensure_text_model(
            [row.full_text() for row in rows],
            settings=parts.settings,
            models=parts.models,
            store=parts.store,
            products=side.products,
            profiles=side.profiles,
            refold=side.refold,
        )
    counts = parts.product_loader.load(rows)
    if note is not None:
        counts.notes.append(note)
    side.products.refresh(parts.settings.index("products"))
    return counts


def add_users(parts: Parts, rows: Iterable[User]) -> LoadCounts:
    """Write what is new about users as `attributes` events and fold them."""
    side = parts.in_force
    counts, report = load_users(rows, log=side.log, folder=side.folder, profiles=side.profiles)
    side.folder.close()
    side.profiles.refresh(parts.settings.index("profiles"))
    _note_invalid(counts, report.invalid)
    return counts


def add_events(parts: Parts, batches: Iterable[Sequence[Event]]) -> LoadCounts:
    """Append events to the log, fold them, and derive popularity anew."""
    side = parts.in_force
    # Refuse before anything is written, not after the first batch.
    earlier = side.folder.fold_pending()
    counts, report = load_events(batches, log=side.log, folder=side.folder)
    report.add(earlier)
    side.refold.work_off()
    side.folder.close()
    if report.events > 0:
        refresh_popularity(parts.client, parts.settings)
    else:
        refresh_popularity_if_old(parts.client, parts.settings)
    side.profiles.refresh(parts.settings.index("profiles"))
    _note_invalid(counts, report.invalid)
    return counts


def _note_invalid(counts: LoadCounts, invalid: Sequence[tuple[str, str]]) -> None:
    if len(invalid) > 0:
        first, problem = invalid[0]
        counts.notes.append(
            f"{len(invalid)} documents in the event log are no valid events and were skipped, "
            f"the first with id {first} ({problem})"
        )


def load_files(parts: Parts, kind: Kind, paths: Sequence[str | Path | Source], options: LoadOptions) -> LoadCounts:
    """Load files of one kind. Good rows go in, bad rows to a rejects file, and all are counted.

    Raises:
        RejectedInput: with `strict`, at the first bad row, before anything is written.
        InputError, ColumnsError, UsageError: the input or its mapping cannot be read.
        StoreError: a row was lost sight of (a fault of ours), or the store is not in order.
    """
    started = time.monotonic()
    columns = load_columns(options.columns, kind=kind)
    report = InputReport()
    name = f"{kind}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    with Rejects(options.rejects_folder, name) as rejects:
        if options.strict:
            with spooled_stdin(paths) as sources:
                validate(
                    sources,
                    columns=columns,
                    settings=parts.settings,
                    cleaning=options.cleaning,
                    format=options.format,
                )
                counts = _load(parts, kind, sources, columns, options, rejects, report)
        else:
            counts = _load(parts, kind, paths, columns, options, rejects, report)
        counts.rejects_file = None if rejects.written is None else str(rejects.written)
    counts.read = report.read
    counts.duplicate += report.duplicate
    counts.rejected += report.rejected
    counts.cleaning = dict(report.cleaning)
    counts.notes += [f"{count:,} rejected: {reason}" for reason, count in report.reasons.most_common(5)]
    if report.skipped > 0:
        counts.notes.append(f"{report.skipped:,} rows say nothing of {kind}")
    if report.flagged > 0:
        counts.notes.append(f"{report.flagged:,} flagged as outliers")
    counts.seconds = round(time.monotonic() - started, 3)
    counts.check()
    return counts


def _load(
    parts: Parts,
    kind: Kind,
    paths: Sequence[str | Path | Source],
    columns: ColumnMapping,
    options: LoadOptions,
    rejects: Rejects,
    report: InputReport,
) -> LoadCounts:
    shared: dict[str, Any] = {
        "columns": columns,
        "settings": parts.settings,
        "cleaning": options.cleaning,
        "rejects": rejects,
        "report": report,
        "progress": options.progress,
        "format": options.format,
    }
    if kind == "products":
        return add_products(parts, chain.from_iterable(read_products(paths, **shared)))
    if kind == "users":
        return add_users(parts, chain.from_iterable(read_users(paths, **shared)))
    return add_events(parts, read_events(paths, batch_size=parts.settings.batch_size, **shared))
