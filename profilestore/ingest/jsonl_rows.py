"""JSON lines -> blocks. Objects may have different keys; a block has the union of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson

from profilestore.ingest.blocks import Block
from profilestore.ingest.rejects import Intake
from profilestore.ingest.sources import ByteStream
from profilestore.ingest.text_lines import find_bad_bytes, read_lines

__all__ = ["read_jsonl"]

_COLUMNS_LIMIT: Final = 512  # of a block: rows of ever new keys must not make a square table
_ROWS_LIMIT: Final = 4096


def read_jsonl(stream: ByteStream, *, intake: Intake, notes: dict[str, str]) -> Iterator[Block]:
    """Read one JSON object a line; blank lines are nothing, a line that is no object is a reject."""
    for block in read_lines(stream, intake=intake, notes=notes):
        rows: list[dict[str, Any]] = []
        numbers: list[int] = []
        names: dict[str, None] = {}
        for number, line in enumerate(block.lines, start=block.first):
            if line == "" or line.isspace():
                continue
            row = _parse(line)
            if isinstance(row, str):
                intake.refuse(file=stream.label, line=number, column=None, reason=row, row=line, unread=True)
                continue
            if len(rows) > 0 and (
                len(rows) >= _ROWS_LIMIT or (len(row) + len(names) > _COLUMNS_LIMIT and row.keys() - names)
            ):
                yield _block(stream, rows, numbers, names)
                rows, numbers, names = [], [], {}
            rows.append(row)
            numbers.append(number)
            names.update(dict.fromkeys(row))
        if len(rows) > 0:
            yield _block(stream, rows, numbers, names)


def _parse(line: str) -> dict[str, Any] | str:
    """The object, or why there is none."""
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        # The parser's own words quote the line, so they are not passed on.
        return find_bad_bytes(line) or "is not valid JSON"
    if not isinstance(row, dict):
        return "is not a JSON object"
    if any("\x00" in key for key in row):
        return "has a key with a NUL character"
    return row


def _block(stream: ByteStream, rows: list[dict[str, Any]], numbers: list[int], names: dict[str, None]) -> Block:
    return Block(
        file=stream.label,
        names=tuple(names),
        cells=[[row.get(name) for row in rows] for name in names],
        lines=numbers,
        open_columns=True,
        done_bytes=stream.done_bytes,
    )
