"""A CSV or JSONL file of users that leaves the shop, with a line in the audit.

The audit's line is there before the first user is read; the file appears when it is whole and the audit knows how
many are in it.
"""

from __future__ import annotations

import csv
import io
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from profilestore.campaigns.pseudonyms import Pseudonyms
from profilestore.elastic.audit_log import AuditEntry, AuditLog
from profilestore.errors import InputError, UsageError
from profilestore.insight.spreadsheets import csv_cell
from profilestore.settings import Settings

__all__ = ["PLAIN_COLUMN", "ExportFile", "csv_line", "json_line"]

PLAIN_COLUMN: Final = "user_id"
_HASHED_COLUMN: Final = "user_hmac_sha256"
_SUFFIXES: Final = (".csv", ".jsonl")


class ExportFile:
    """A file to be written, checked before anything is done.

    Args:
        settings: of the shop.
        path: of the file.
        plain_ids: the users' ids as they are, not their pseudonyms.

    Raises:
        UsageError: a suffix other than .csv and .jsonl.
        InputError: there is no such folder.
        SettingsError: pseudonyms are wanted, and the shop has no key.
    """

    def __init__(self, settings: Settings, path: Path, *, plain_ids: bool) -> None:
        if path.suffix not in _SUFFIXES:
            raise UsageError(f"--output wants a file that ends in {' or '.join(_SUFFIXES)}.")
        if not path.parent.is_dir():
            raise InputError(f"{path.name} cannot be written: there is no such folder.")
        self.path = path
        self.is_csv = path.suffix == ".csv"
        self.id_column = PLAIN_COLUMN if plain_ids else _HASHED_COLUMN
        self.ids = "plain" if plain_ids else "hmac-sha256"
        self.id_of: Callable[[str], str] = str if plain_ids else Pseudonyms.of(settings).hash

    def write(
        self,
        pages: Callable[[], Iterator[Sequence[bytes]]],
        *,
        audit: AuditLog,
        subject: str,
        details: Mapping[str, Any],
        header: Sequence[str],
    ) -> tuple[int, AuditEntry]:
        """Write the file and the audit; how many users, and the audit's line.

        Args:
            pages: makes the lines, a page at a time.
            audit: of the shop.
            subject: what is exported.
            details: for the audit; the file and the form of the ids are added.
            header: of a CSV file.

        Raises:
            InputError: the file cannot be written.
        """
        entry = audit.begin("export", subject=subject, details={**details, "ids": self.ids, "file": self.path.name})
        # Of a name that nobody can guess, and made anew: a file that waits there would keep its mode, or be elsewhere.
        partial = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}.partial")
        written = 0
        try:
            # Users are personal, under a pseudonym too.
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                if self.is_csv:
                    file.write(csv_line(header))
                for lines in pages():
                    file.writelines(lines)
                    written += len(lines)
            audit.finish(entry, count=written)
            partial.replace(self.path)
        except BaseException as error:
            partial.unlink(missing_ok=True)
            audit.fail(entry, error=type(error).__name__)
            if isinstance(error, OSError):
                raise InputError(f"{self.path.name} cannot be written ({type(error).__name__}).") from error
            raise
        return written, entry


def csv_line(cells: Sequence[Any]) -> bytes:
    """A line of CSV; lists and tables as JSON, and no text that a spreadsheet would run."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow([csv_cell(cell) for cell in cells])
    return buffer.getvalue().encode()


def json_line(held: Mapping[str, Any]) -> bytes:
    """A line of JSONL."""
    return orjson.dumps(held, option=orjson.OPT_APPEND_NEWLINE)
