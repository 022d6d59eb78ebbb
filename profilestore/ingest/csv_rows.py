"""CSV and TSV -> blocks. One bad row never takes its neighbours with it."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from profilestore.errors import ColumnsError, InputError
from profilestore.ingest.blocks import Block
from profilestore.ingest.rejects import Intake
from profilestore.ingest.sources import ByteStream
from profilestore.ingest.text_lines import LineBlock, find_bad_bytes, read_lines

__all__ = ["read_csv"]

_ROW_LIMIT_LINES: Final = 1000  # a row of more lines has a quote that nobody closed
_ROW_LIMIT_CHARS: Final = 16 << 20
_FIELD_LIMIT: Final = 16 << 20
_DELIMITERS: Final = (",", ";", "\t", "|")


def read_csv(
    stream: ByteStream, *, intake: Intake, notes: dict[str, str], delimiter: str | None = None
) -> Iterator[Block]:
    """Read a CSV file with a header; the delimiter is the most frequent of , ; tab and | in it.

    Raises:
        InputError: nothing but blank lines.
        ColumnsError: a header that names a column twice.
    """
    csv.field_size_limit(max(csv.field_size_limit(), _FIELD_LIMIT))  # the default refuses long texts
    parser: _Parser | None = None
    for lines in read_lines(stream, intake=intake, notes=notes):
        if parser is None:
            header = next((line for line in lines.lines if line.strip() != ""), None)
            if header is None:
                continue
            parser = _Parser(label=stream.label, intake=intake, delimiter=delimiter or _sniff_delimiter(header))
        block = parser.feed(lines, done_bytes=stream.done_bytes)
        if block is not None:
            yield block
    if parser is None:
        if intake.report.rejected == 0:
            raise InputError(f"{stream.label}: the file is empty.")
        return
    block = parser.finish(done_bytes=stream.done_bytes)
    if block is not None:
        yield block


def _sniff_delimiter(header: str) -> str:
    outside = "".join(header.split('"')[::2])
    return max(_DELIMITERS, key=outside.count)


class _Parser:
    """Lines -> rows of one file. Holds back a row whose quote is still open at the end of a block."""

    def __init__(self, *, label: str, intake: Intake, delimiter: str) -> None:
        self._label = label
        self._intake = intake
        self._delimiter = delimiter
        self._names: tuple[str, ...] | None = None
        self._open: LineBlock | None = None

    def feed(self, block: LineBlock, *, done_bytes: int) -> Block | None:
        """The rows that end in this block."""
        if self._open is not None:
            held = self._open
            self._open = None
            block = LineBlock(held.first, held.lines + block.lines, quoted=True, odd=held.odd or block.odd)
        if self._names is not None and not block.quoted and not block.odd:
            rows = self._parse_plain(block)
            if rows is not None:
                return self._block(rows, range(block.first, block.first + len(rows)), done_bytes)
        return self._block(*self._parse(block, last=False), done_bytes)

    def finish(self, *, done_bytes: int) -> Block | None:
        """The rows held back, now that no more lines come."""
        if self._open is None:
            return None
        held, self._open = self._open, None
        return self._block(*self._parse(held, last=True), done_bytes)

    def _parse_plain(self, block: LineBlock) -> list[list[str]] | None:
        """The quick way, one row a line; None if some line is not that simple."""
        try:
            rows = list(csv.reader(block.lines, delimiter=self._delimiter))
        except csv.Error:
            return None
        return rows if set(map(len, rows)) == {len(self._names or ())} and len(rows) == len(block.lines) else None

    def _parse(self, block: LineBlock, *, last: bool) -> tuple[list[list[str]], list[int]]:
        """The careful way: a row that cannot be taken is refused, and reading goes on with the line after its first."""
        lines = [line + "\n" for line in block.lines]
        rows: list[list[str]] = []
        numbers: list[int] = []
        start: int | None = 0
        while start is not None:
            start = self._parse_from(start, lines, block, rows, numbers, last=last)
        return rows, numbers

    def _parse_from(
        self, start: int, lines: list[str], block: LineBlock, rows: list[list[str]], numbers: list[int], *, last: bool
    ) -> int | None:
        """Parse until a row that is refused; the index of the line to go on with, or None at the end."""
        reader = csv.reader(map(lines.__getitem__, range(start, len(lines))), delimiter=self._delimiter, strict=True)
        begin = start
        try:
            for cells in reader:
                end = start + reader.line_num
                if len(cells) > 1 or (len(cells) == 1 and cells[0].strip() != ""):
                    reason = self._judge(cells, odd=block.odd)
                    if reason is not None:
                        self._refuse(block.first + begin, reason, lines[begin])
                        if end > begin + 1:
                            return begin + 1
                    elif self._names is None:
                        self._names = _header(cells, label=self._label)
                    else:
                        rows.append(cells)
                        numbers.append(block.first + begin)
                begin = end
        except csv.Error as error:
            unclosed = "unexpected end" in str(error)
            if unclosed and not last and _may_go_on(lines, begin):
                self._open = LineBlock(block.first + begin, block.lines[begin:], quoted=True, odd=block.odd)
                return None
            self._refuse(block.first + begin, "a quote is not closed" if unclosed else "broken quoting", lines[begin])
            return begin + 1
        return None

    def _judge(self, cells: list[str], *, odd: bool) -> str | None:
        if odd:
            reason = find_bad_bytes("".join(cells))
            if reason is not None:
                return reason
        if self._names is not None and len(cells) != len(self._names):
            return f"has {len(cells)} cells where the header has {len(self._names)} columns"
        return None

    def _refuse(self, line: int, reason: str, raw: str) -> None:
        if self._names is None:
            raise InputError(f"{self._label}, line {line}: the header cannot be read: {reason}.")
        self._intake.refuse(
            file=self._label, line=line, column=None, reason=reason, row=raw.rstrip("\r\n"), unread=True
        )

    def _block(self, rows: list[list[str]], numbers: Sequence[int], done_bytes: int) -> Block | None:
        if self._names is None:
            return None
        cells: list[Sequence[str]] = list(zip(*rows, strict=True)) if len(rows) > 0 else [[] for _ in self._names]
        return Block(file=self._label, names=self._names, cells=cells, lines=numbers, done_bytes=done_bytes)


def _may_go_on(lines: list[str], begin: int) -> bool:
    """Whether the rest of the lines can be the beginning of one row."""
    return len(lines) - begin <= _ROW_LIMIT_LINES and sum(map(len, lines[begin:])) <= _ROW_LIMIT_CHARS


def _header(cells: list[str], *, label: str) -> tuple[str, ...]:
    names = tuple(cell.strip() or f"column_{index}" for index, cell in enumerate(cells, start=1))
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if len(twice) > 0:
        raise ColumnsError(f"{label}: the header names a column more than once: {', '.join(twice)[:200]}.")
    return names
