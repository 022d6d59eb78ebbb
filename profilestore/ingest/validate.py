"""`--strict`: read everything once and write nothing, so that the first reject comes before any write."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from profilestore.ingest.catalogue import read_products, read_users
from profilestore.ingest.cleaning import Cleaning
from profilestore.ingest.events import read_events
from profilestore.ingest.mapping import ColumnMapping
from profilestore.ingest.report import InputReport, ProgressCallback
from profilestore.ingest.sources import Source
from profilestore.settings import Settings

__all__ = ["validate"]

_READERS: Final[dict[str, Callable[..., Any]]] = {
    "products": read_products,
    "users": read_users,
    "events": read_events,
}


def validate(
    paths: Iterable[str | Path | Source],
    *,
    columns: ColumnMapping,
    settings: Settings,
    cleaning: Cleaning | None = None,
    progress: ProgressCallback | None = None,
    format: str | None = None,
) -> InputReport:
    """Read all sources strictly and give the counts. Standard input is used up: see `spooled_stdin`.

    Raises:
        RejectedInput: at the first row that cannot be taken.
        ColumnsError, InputError, UsageError: as the readers.
    """
    report = InputReport()
    for _ in _READERS[columns.kind](
        paths, columns=columns, settings=settings, cleaning=cleaning, report=report, strict=True, progress=progress,
        format=format,
    ):  # fmt: skip
        pass
    return report
