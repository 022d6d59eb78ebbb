"""A file of user ids: one a line, or a column of a CSV file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from profilestore.campaigns.cells import read_cells
from profilestore.errors import InputError
from profilestore.ingest.headers import find_obvious

__all__ = ["read_ids"]

_LONGEST_BYTES: Final = 512


def read_ids(path: Path, *, column: str | None = None) -> list[str]:
    """The ids of a file in its order, each once. UTF-8, with or without a mark, or GB18030.

    Args:
        path: of the file.
        column: whose cells are ids; else the one whose header says so, or the only one there is.

    Raises:
        InputError: it cannot be read, has no such column or no ids, or a line has none.
    """
    rows = (row for row in read_cells(path) if any(cell.strip() != "" for cell in row[1]))
    first = next(rows, None)
    if first is None:
        raise InputError(f"{path.name}: the file is empty.")
    place, headed = _place(first[1], column, path.name)
    ids: dict[str, None] = {}
    if not headed:
        ids[_id(first, place, path.name)] = None
    for row in rows:
        ids[_id(row, place, path.name)] = None
    if len(ids) == 0:
        raise InputError(f"{path.name}: there are no ids below the header.")
    return list(ids)


def _place(header: Sequence[str], column: str | None, label: str) -> tuple[int, bool]:
    """Which cell is the id, and whether the first line is a header."""
    names = [cell.strip() for cell in header]
    if column is not None:
        if column not in names:
            raise InputError(f"{label}: the first line names no column {column}.")
        return names.index(column), True
    found = find_obvious(names, kind="users", taken=()).get("user_id")
    if found is not None:
        return names.index(found), True
    if len(names) == 1:
        return 0, False
    raise InputError(f"{label}: none of its {len(names)} columns is called user_id: say which one holds the ids.")


def _id(row: tuple[int, list[str]], place: int, label: str) -> str:
    line, cells = row
    text = cells[place].strip() if place < len(cells) else ""
    if text == "":
        raise InputError(f"{label}, line {line}: there is no id.")
    if len(text.encode("utf-8", errors="surrogatepass")) > _LONGEST_BYTES:
        raise InputError(f"{label}, line {line}: an id has at most {_LONGEST_BYTES} bytes.")
    return text
