"""Rows that could not be taken: to a file that only its owner reads, and into the counts."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

import orjson

from profilestore.errors import InputError, RejectedInput
from profilestore.ingest.report import InputReport

__all__ = ["REASON_LIMIT", "Intake", "Rejects"]

REASON_LIMIT: Final = 300
_NAME_LIMIT: Final = 100
_RAW_LIMIT: Final = 100_000  # characters of a raw line: an unterminated megabyte helps nobody
_REASONS_KEPT: Final = 200  # different reasons in a report


class Rejects:
    """The rejects of one run: `rejects-<name>.jsonl` in `folder`, made with mode 0600 at the first reject.

    Each line is `{"file", "line", "column", "reason", "row"}`. The row is raw, so it may hold personal
    values; `reason` never does. Use as a context manager.
    """

    def __init__(self, folder: Path | str, name: str) -> None:
        self.path = Path(folder) / f"rejects-{name}.jsonl"
        self.count = 0
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def written(self) -> Path | None:
        """The file, or None while nothing was rejected."""
        return self.path if self.count > 0 else None

    def add(self, *, file: str, line: int, column: str | None, reason: str, row: Any) -> None:
        """Append one reject."""
        if self._file is None:
            self._file = self._open()
        record = {"file": file, "line": line, "column": column, "reason": reason[:REASON_LIMIT], "row": _printable(row)}
        self._file.write(orjson.dumps(record, default=str, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS))
        self.count += 1

    def close(self) -> None:
        """Flush and close; adding again after this appends no more."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> BinaryIO:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # A file of an earlier run may stand there with other rights, or a link that leads elsewhere.
            flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if self.count == 0 else os.O_APPEND)
            descriptor = os.open(self.path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)
            os.fchmod(descriptor, 0o600)
        except OSError as error:
            raise InputError(f"cannot write the rejects file {self.path}: {error.strerror}") from error
        return os.fdopen(descriptor, "wb")


def _printable(row: Any) -> Any:
    """The raw row as JSON takes it: no lone surrogates (they stand for undecodable bytes), not endless."""
    if isinstance(row, bytes):
        return row[:_RAW_LIMIT].decode("utf-8", "backslashreplace")
    if isinstance(row, str):
        return row[:_RAW_LIMIT].encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(row, dict):
        return {str(_printable(str(key))): _printable(value) for key, value in row.items() if value is not None}
    if isinstance(row, (list, tuple)):
        return [_printable(value) for value in row]
    return row


class Intake:
    """Where the stages of one run report to: counts, rejects, and strictness."""

    def __init__(self, *, report: InputReport, rejects: Rejects | None, strict: bool) -> None:
        self.report = report
        self._rejects = rejects
        self._strict = strict

    def refuse(self, *, file: str, line: int, column: str | None, reason: str, row: Any, unread: bool = False) -> None:
        """Count and keep one reject. `unread` says that it did not get into `report.read` before.

        Raises:
            RejectedInput: with `strict`, at once.
        """
        reason = reason[:REASON_LIMIT]
        if unread:
            self.report.read += 1
        self.report.rejected += 1
        told = reason if column is None or reason.startswith(column) else f"{reason} (column {column[:_NAME_LIMIT]})"
        if told in self.report.reasons or len(self.report.reasons) < _REASONS_KEPT:
            self.report.reasons[told] += 1
        if self._rejects is not None:
            self._rejects.add(file=file, line=line, column=column, reason=reason, row=row)
        if self._strict:
            where = f"{file}, line {line}" + ("" if column is None else f", column {column}")
            raise RejectedInput(f"{where}: {reason}. Nothing was written (--strict).", file=file, line=line)
