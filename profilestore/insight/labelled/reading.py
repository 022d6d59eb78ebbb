"""A file of any format that is loaded elsewhere -> a labelled table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import ColumnsError, InputError, UsageError
from profilestore.ingest.rejects import Intake
from profilestore.ingest.report import InputReport
from profilestore.ingest.rows import read_blocks
from profilestore.ingest.sources import find_sources
from profilestore.ingest.synonyms import MISSING_WORDS
from profilestore.ingest.values import Changed, is_missing, parse_number
from profilestore.insight.labelled.table import LabelledTable, labelled_table

__all__ = ["read_table"]

_MISSING: Final = frozenset(word.casefold() for word in MISSING_WORDS) | {"", "?"}
_YES: Final = frozenset(("1", "1.0", "true", "t", "yes", "y", "是", "有"))
_NO: Final = frozenset(("0", "0.0", "false", "f", "no", "n", "-1", "-1.0", "否", "无", "没有"))
# Words of which nearly every row has its own are names or texts, not features.
_OWN_WORD_SHARE: Final = 0.5

Columns = dict[str, list[Any]]


def read_table(
    path: str | Path,
    *,
    label: str,
    positive: str | None = None,
    group: str | None = None,
    without: Sequence[str] = (),
    as_words: Sequence[str] = (),
    sensitive: Sequence[str] = (),
    delimiter: str | None = None,
) -> LabelledTable:
    """Read a table with a label from CSV, TSV, JSONL or Parquet, packed or not.

    A column whose cells are all numbers is one of numbers, any other one of words; a missing cell stays unknown. A
    row without a label, or that cannot be read, is left out and counted in `facts`.

    Args:
        path: of the file.
        label: its column: yes and no, true and false, 1 and 0, or any two values with `positive`.
        positive: the value that means yes.
        group: column whose equal values belong together, such as a user or a session; it is no feature.
        without: columns that are no features either.
        as_words: columns whose numbers are codes, such as a region's, and not more or less.
        sensitive: columns that no model may use, where there are such.
        delimiter: of a CSV; found out where None.

    Raises:
        InputError: the file cannot be read.
        ColumnsError: it lacks a column that was named.
        UsageError: the label has not two values.
        TooLittleData: too few rows, one class, or no feature that differs.
    """
    columns, facts = _read(path, delimiter)
    named = [label, *([] if group is None else [group]), *without, *as_words]
    absent = sorted({name for name in named if name not in columns})
    if len(absent) > 0:
        raise ColumnsError(f"{path}: no column {', '.join(absent)}. There are {', '.join(columns)}.")
    happened, known = _label_of(columns.pop(label), label, positive)
    facts["rows_without_label"] = int(known.size - known.sum())
    rows = np.flatnonzero(known)
    groups = None if group is None else _groups_of([columns[group][row] for row in rows.tolist()])
    left_out = dict.fromkeys(without, "left out as asked")
    left_out |= {name: "sensitive, by the setting insight_without" for name in sensitive if name in columns}
    left_out |= {} if group is None else {group: "says which rows belong together"}
    features: dict[str, Any] = {}
    for name, cells in columns.items():
        if name in left_out:
            continue
        kept = [cells[row] for row in rows.tolist()]
        column = _words_of(kept) if name in as_words else _column_of(kept)
        if isinstance(column, list) and _own_words(column):
            left_out[name] = "nearly every row has a word of its own"
            continue
        features[name] = column
    return labelled_table(features, happened[rows], groups=groups, left_out=left_out, facts=facts)


def _read(path: str | Path, delimiter: str | None) -> tuple[Columns, dict[str, Any]]:
    intake = Intake(report=InputReport(), rejects=None, strict=False)
    columns: Columns = {}
    count = 0
    for block in read_blocks(find_sources([path]), format=None, delimiter=delimiter, intake=intake):
        for name, cells in zip(block.names, block.cells, strict=True):
            # A row of JSONL may have a column that those before it had not.
            columns.setdefault(name, [None] * count).extend(cells)
        count += len(block)
        for cells in columns.values():
            cells.extend([None] * (count - len(cells)))
    if count == 0:
        raise InputError(f"{path}: holds no row.")
    return columns, {"rows_read": count, "rows_unreadable": intake.report.rejected}


def _label_of(cells: Sequence[Any], name: str, positive: str | None) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether each row says yes, and whether it says anything. No cell is quoted: it may be a personal value."""
    words = [None if is_missing(cell, _MISSING) else _word(cell) for cell in cells]
    known = np.array([word is not None for word in words], dtype=bool)
    values = {word for word in words if word is not None}
    if positive is not None:
        wanted = _word(positive)
        if wanted not in values:
            raise UsageError(f"no row has the value of --positive in column {name}, which has {len(values)} values.")
        return np.array([word == wanted for word in words], dtype=bool), known
    if not values <= _YES | _NO:
        raise UsageError(
            f"column {name} has {len(values)} different values: a label says yes or no (true, false, 1, 0, 是, 否); "
            "--positive VALUE names the value that means yes."
        )
    return np.array([word in _YES for word in words], dtype=bool), known


def _word(cell: Any) -> str:
    return str(cell).strip().casefold()


def _groups_of(cells: Sequence[Any]) -> NDArray[np.int64]:
    """A number a value; a row without one stands alone."""
    numbers: dict[str, int] = {}
    return np.array(
        [
            numbers.setdefault(f"row {row}" if is_missing(cell, _MISSING) else f"value {_word(cell)}", len(numbers))
            for row, cell in enumerate(cells)
        ],
        dtype=np.int64,
    )


def _column_of(cells: Sequence[Any]) -> NDArray[np.float64] | list[str | None]:
    numbers = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        if is_missing(cell, _MISSING):
            continue
        number = float(cell) if isinstance(cell, bool) else parse_number(cell)
        number = number.value if isinstance(number, Changed) else number
        if not isinstance(number, float):
            return _words_of(cells)
        numbers[row] = number
    return numbers


def _words_of(cells: Sequence[Any]) -> list[str | None]:
    return [None if is_missing(cell, _MISSING) else str(cell).strip() for cell in cells]


def _own_words(column: Sequence[str | None]) -> bool:
    words = {word for word in column if word is not None}
    return len(words) > _OWN_WORD_SHARE * len(column)
