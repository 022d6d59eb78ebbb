"""The cells of a small file that a person hands in: a list of ids or of codes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from profilestore.errors import InputError

__all__ = ["read_cells"]

_DELIMITERS: Final = (",", ";", "\t", "|")


def read_cells(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of a CSV file, of blank lines too. UTF-8, with or without a mark, or GB18030.

    Raises:
        InputError: it cannot be read, or is no CSV.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({type(error).__name__}).") from error
    return _rows(_decoded(data, path.name), path.name)


def _decoded(data: bytes, label: str) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text
    raise InputError(f"{label}: this is no text in UTF-8 or GB18030.")


def _rows(text: str, label: str) -> Iterator[tuple[int, list[str]]]:
    # Other signs that Unicode calls the end of a line are a part of a cell.
    lines = list(io.StringIO(text, newline=""))
    header = next((line for line in lines if line.strip() != ""), "")
    reader = csv.reader(lines, delimiter=max(_DELIMITERS, key="".join(header.split('"')[::2]).count), strict=True)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise InputError(f"{label}, line {reader.line_num}: this is no CSV.") from error
