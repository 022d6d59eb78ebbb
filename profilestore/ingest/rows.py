"""Sources of any format -> blocks of rows; then filters, and rows that make several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from profilestore.errors import ColumnsError, InputError
from profilestore.ingest.blocks import Block
from profilestore.ingest.conditions import build_test
from profilestore.ingest.csv_rows import read_csv
from profilestore.ingest.jsonl_rows import read_jsonl
from profilestore.ingest.mapping import ColumnMapping
from profilestore.ingest.parquet_rows import read_parquet
from profilestore.ingest.rejects import Intake
from profilestore.ingest.report import Progress, ProgressCallback
from profilestore.ingest.rules import Branch
from profilestore.ingest.sources import ByteStream, Source, open_stream, sniff_format, spooled
from profilestore.ingest.values import split_list

__all__ = ["Part", "Splitter", "read_blocks"]


def read_blocks(
    sources: Sequence[Source],
    *,
    format: str | None,
    delimiter: str | None,
    intake: Intake,
    progress: ProgressCallback | None = None,
) -> Iterator[Block]:
    """The rows of all sources, in order. `progress` is called when a block has been dealt with."""
    sizes = [source.size for source in sources]
    total = None if any(size is None for size in sizes) else sum(size or 0 for size in sizes)
    done = 0
    for source, size in zip(sources, sizes, strict=True):
        with open_stream(source) as stream:
            for block in _read_source(source, stream, format=format, delimiter=delimiter, intake=intake):
                yield block
                if progress is not None:
                    progress(Progress(intake.report.read, done + block.done_bytes, total))
        done += stream.done_bytes if size is None else size
    if progress is not None:
        progress(Progress(intake.report.read, done, total))


def _read_source(
    source: Source, stream: ByteStream, *, format: str | None, delimiter: str | None, intake: Intake
) -> Iterator[Block]:
    found = sniff_format(source, stream, wanted=format)
    notes = {"file": source.label, "format": found}
    intake.report.files.append(notes)
    if found == "jsonl":
        yield from read_jsonl(stream, intake=intake, notes=notes)
    elif found != "parquet":
        tab = "\t" if found == "tsv" else None
        yield from read_csv(stream, intake=intake, notes=notes, delimiter=delimiter or tab)
    elif source.path is not None and not stream.packed:
        yield from read_parquet(source.path, label=source.label)
    else:  # Parquet is read from its end, so a stream of it goes to a file first
        with spooled(stream) as path:
            if stream.broken is not None:
                raise InputError(f"{source.label}: {stream.broken.replace(' after this line', '')}.")
            yield from read_parquet(path, label=source.label)


class Part(NamedTuple):
    """Rows that one branch of the mapping takes; `turns[r]` counts equal items before row r's in its list."""

    branch: int
    block: Block
    turns: list[int] | None


class Splitter:
    """Applies filters and branches of a mapping. Every row is counted: as read, or as skipped."""

    def __init__(self, mapping: ColumnMapping, intake: Intake) -> None:
        self._intake = intake
        self._branches = mapping.each
        words = frozenset(word.casefold() for word in mapping.cleaning.missing_words) | {""}
        self._filters = [(item, build_test(item, words)) for item in mapping.filters]
        self._tests = [None if branch.when is None else build_test(branch.when, words) for branch in mapping.each]

    def split(self, block: Block) -> list[Part]:
        """The parts that a block makes."""
        block = self._filter(block)
        report = self._intake.report
        if len(self._branches) == 0:
            report.read += len(block)
            return [Part(0, block, None)]
        lists = [branch.split for branch in self._branches if branch.split is not None]
        if len(lists) == len(self._branches) and not block.open_columns and not set(lists) & set(block.names):
            raise ColumnsError(f"{block.file}: has none of the columns {', '.join(lists)} that hold its lists.")
        parts = []
        used: set[int] = set()
        for number, branch in enumerate(self._branches):
            rows, items = self._items(number, branch, block)
            used.update(rows)
            part = block.take(rows)
            turns = None
            if branch.split is not None:
                place = block.names.index(branch.split) if branch.split in block.names else None
                if place is not None:
                    part.cells[place] = items
                turns = _turns(rows, items)
            report.read += len(rows)
            parts.append(Part(number, part, turns))
        report.skipped += len(block) - len(used)
        return parts

    def _filter(self, block: Block) -> Block:
        for item, test in self._filters:
            cells = _column(block, item.column)
            fits = test(cells)
            if not any(fits):
                continue
            for index, fit in enumerate(fits):
                if fit and item.skip is not None:
                    self._intake.report.skipped += 1
                elif fit:
                    self._intake.refuse(
                        file=block.file, line=block.lines[index], column=item.column,
                        reason=f"filtered: {item.name}", row=block.row(index), unread=True,
                    )  # fmt: skip
            block = block.take([index for index, fit in enumerate(fits) if not fit])
        return block

    def _items(self, number: int, branch: Branch, block: Block) -> tuple[list[int], list[str]]:
        """Row indexes and list items of a branch, one for each document to be."""
        test = self._tests[number]
        rows = list(range(len(block)))
        if test is not None and branch.when is not None:
            fits = test(_column(block, branch.when.column))
            rows = [index for index in rows if fits[index]]
        if branch.split is None:
            return rows, []
        cells = _column(block, branch.split)
        repeated, items = [], []
        for index in rows:
            for item in split_list(cells[index], branch.separator) if cells[index] is not None else []:
                repeated.append(index)
                items.append(item)
        return repeated, items


def _column(block: Block, name: str) -> Sequence[Any]:
    return block.cells[block.names.index(name)] if name in block.names else [None] * len(block)


def _turns(rows: list[int], items: list[str]) -> list[int]:
    seen: Counter[tuple[int, str]] = Counter()
    turns = []
    for key in zip(rows, items, strict=True):
        turns.append(seen[key])
        seen[key] += 1
    return turns
