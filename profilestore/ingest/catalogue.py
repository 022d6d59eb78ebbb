"""Files of products or users -> batches of merged `Product` or `User` rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from profilestore.documents import Product, User
from profilestore.documents.base import Document
from profilestore.ingest.cleaning import Cleaning
from profilestore.ingest.converters import NUMERIC_FIELDS
from profilestore.ingest.mapping import ColumnMapping
from profilestore.ingest.merge import Merged, Merger
from profilestore.ingest.rejects import Rejects
from profilestore.ingest.report import InputReport, ProgressCallback
from profilestore.ingest.sources import Source
from profilestore.ingest.stages import Run, refuse_bad, say_problem
from profilestore.ingest.statistics import Filler, Judge, Statistics
from profilestore.settings import Settings

__all__ = ["read_products", "read_users"]

_CHUNK: Final = 1000
D = TypeVar("D", bound=Document)


def read_products(
    paths: Iterable[str | Path | Source],
    *,
    columns: ColumnMapping,
    settings: Settings,
    cleaning: Cleaning | None = None,
    rejects: Rejects | None = None,
    report: InputReport | None = None,
    strict: bool = False,
    progress: ProgressCallback | None = None,
    batch_size: int = 20_000,
    format: str | None = None,
) -> Iterator[list[Product]]:
    """Yield the products of all files, each once, in order of first appearance.

    Rows of one product are merged (see `merge`); all but one of them count as duplicates. Everything is read
    before the first batch comes; memory grows with the products, not with the rows.

    Raises:
        ColumnsError, InputError, RejectedInput: as `read_events`.
    """
    run = Run.build(
        paths, columns=columns, cleaning=cleaning, settings=settings, report=report, rejects=rejects,
        strict=strict, progress=progress, format=format,
    )  # fmt: skip
    return _read(run, Product, batch_size=batch_size)


def read_users(
    paths: Iterable[str | Path | Source],
    *,
    columns: ColumnMapping,
    settings: Settings,
    cleaning: Cleaning | None = None,
    rejects: Rejects | None = None,
    report: InputReport | None = None,
    strict: bool = False,
    progress: ProgressCallback | None = None,
    batch_size: int = 20_000,
    format: str | None = None,
) -> Iterator[list[User]]:
    """Yield the users of all files, each once; `time` is that of their latest row, where rows have one.

    Raises:
        ColumnsError, InputError, RejectedInput: as `read_events`.
    """
    run = Run.build(
        paths, columns=columns, cleaning=cleaning, settings=settings, report=report, rejects=rejects,
        strict=strict, progress=progress, format=format,
    )  # fmt: skip
    return _read(run, User, batch_size=batch_size)


def _read(run: Run, model: type[D], *, batch_size: int) -> Iterator[list[D]]:
    merger = Merger(run.mapping, run.intake)
    for mapped, _ in run.blocks():
        refuse_bad(mapped, run.intake)
        merger.add(mapped)
    filler, judge = _learn(run, merger)
    batch: list[D] = []
    for chunk in _chunks(merger.merged()):
        for document in _documents(chunk, run, model, filler, judge):
            batch.append(document)
            if len(batch) >= batch_size:
                run.intake.report.emitted += len(batch)
                yield batch
                batch = []
    if len(batch) > 0:
        run.intake.report.emitted += len(batch)
        yield batch


def _chunks(rows: Iterator[Merged]) -> Iterator[list[Merged]]:
    chunk: list[Merged] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) >= _CHUNK:
            yield chunk
            chunk = []
    if len(chunk) > 0:
        yield chunk


def _learn(run: Run, merger: Merger) -> tuple[Filler, Judge | None]:
    """Means, modes and outliers are of products or users, not of the rows that tell of them."""
    rules = run.context.cleaning
    counts = run.intake.report.cleaning
    if not rules.needs_statistics():
        return Filler(rules, {}, counts), None
    statistics = Statistics(rules)
    fields = [name for name in merger.fields if name in NUMERIC_FIELDS or rules.missing_action(name) != "keep"]
    for values in merger.columns(fields):
        statistics.add({name: [values.get(name)] for name in fields}, 1, set())
    return Filler(rules, statistics.fill_values(), counts), statistics.judge()


def _documents(chunk: list[Merged], run: Run, model: type[D], filler: Filler, judge: Judge | None) -> Iterator[D]:
    there = dict.fromkeys(name for row in chunk for name in row.values)
    names = list(dict.fromkeys([*there, *(name for name in run.context.cleaning.missing if name != "*")]))
    names = [name for name in names if name in model.model_fields or name.startswith("attributes.")]
    columns = [[row.values.get(name) for row in chunk] for name in names]
    bad: dict[int, tuple[str | None, str]] = {}
    filler.fill(names, columns, bad)
    flags = {} if judge is None else judge(dict(zip(names, columns, strict=True)), len(chunk))
    for index, row in enumerate(chunk):
        if index not in bad:
            given = {name: column[index] for name, column in zip(names, columns, strict=True)}
            values = _nested(given)
            if index in flags:
                run.intake.report.flagged += 1
                values["attributes"] = {**values.get("attributes", {}), "outlier": flags[index]}
            try:
                yield model.model_validate(values)
                continue
            except ValidationError as error:
                bad[index] = say_problem(error, {})
        column, reason = bad[index]
        run.intake.refuse(file=row.file, line=row.line, column=column, reason=reason, row=row.values)


def _nested(values: dict[str, Any]) -> dict[str, Any]:
    """`attributes.x` keys as one object; fields without a value left out."""
    document = {
        name: value for name, value in values.items() if value is not None and not name.startswith("attributes.")
    }
    attributes = {
        name.removeprefix("attributes."): value
        for name, value in values.items()
        if value is not None and name.startswith("attributes.")
    }
    if len(attributes) > 0:
        document["attributes"] = attributes
    return document
