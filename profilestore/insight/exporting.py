"""Users and fields of their profiles -> a CSV or JSONL file."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import orjson

from profilestore.errors import InputError, UsageError
from profilestore.insight.spreadsheets import csv_cell

__all__ = ["csv_lines", "jsonl_lines", "write_private", "write_users"]

Rows = Iterable[tuple[str, Mapping[str, Any]]]

_SUFFIXES: Final = (".csv", ".jsonl")


def write_users(rows: Rows, path: Path, *, fields: Sequence[str] = ()) -> int:
    """Write a file of users, which only its owner may read; returns how many.

    Raises:
        UsageError: a suffix other than .csv and .jsonl.
        InputError: the file cannot be written.
    """
    if path.suffix not in _SUFFIXES:
        raise UsageError(f"--output wants a file that ends in {' or '.join(_SUFFIXES)}.")
    lines = csv_lines(rows, fields) if path.suffix == ".csv" else jsonl_lines(rows, fields)
    written = write_private(path, lines)
    return written - 1 if path.suffix == ".csv" else written


def write_private(path: Path, parts: Iterable[str]) -> int:
    """Write a file that only its owner may read, since it is of persons; returns of how many parts.

    The file appears when it is whole: one that breaks off leaves an earlier file of the name as it was.

    Raises:
        InputError: the file cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    written = 0
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            for part in parts:
                file.write(part)
                written += 1
        partial.replace(path)
    except OSError as error:
        raise InputError(f"{path.name} cannot be written ({type(error).__name__}).") from error
    finally:
        # In a folder that is none, or not ours, there is nothing to take away.
        with suppress(OSError):
            partial.unlink()
    return written


def csv_lines(rows: Rows, fields: Sequence[str]) -> Iterator[str]:
    """A header and a line a user; lists and objects as JSON, and no text that a spreadsheet would run."""

    def line(cells: Sequence[Any]) -> str:
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerow([csv_cell(cell) for cell in cells])
        return buffer.getvalue()

    yield line(["user_id", *fields])
    for user_id, source in rows:
        yield line([user_id, *(source.get(field) for field in fields)])


def jsonl_lines(rows: Rows, fields: Sequence[str]) -> Iterator[str]:
    """A JSON object a user; fields without a value are left out."""
    for user_id, source in rows:
        held = {field: source[field] for field in fields if source.get(field) is not None}
        yield orjson.dumps({"user_id": user_id, **held}, option=orjson.OPT_APPEND_NEWLINE).decode()
