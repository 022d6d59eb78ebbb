"""A labelled table: rows with features and a yes or no, and which rows belong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import TooLittleData

__all__ = ["LabelledTable", "labelled_table", "rows_together"]

ROWS_LEAST: Final = 50
CLASS_LEAST: Final = 10
_SAME_SHARE: Final = 1e-9

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LabelledTable:
    """Features and label of n rows.

    Attributes:
        names: of the p features.
        values: (n, p) numbers, or places in `levels` for a feature of words; NaN where nothing is known.
        levels: feature -> its words, in order; features of numbers are not in it.
        label: (n,) whether it happened.
        groups: (n,) rows of one group stay on one side of every split.
        left_out: column -> why it is no feature.
        facts: what else is to be told of the table, such as how many rows were repeated.
    """

    names: tuple[str, ...]
    values: Floats
    levels: Mapping[str, tuple[str, ...]]
    label: NDArray[np.bool_]
    groups: NDArray[np.int64]
    left_out: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.label.size)

    @property
    def of_words(self) -> NDArray[np.bool_]:
        """(p,) which features are words."""
        return np.array([name in self.levels for name in self.names], dtype=bool)

    def part(self, rows: NDArray[Any]) -> LabelledTable:
        """Some of the rows."""
        return replace(self, values=self.values[rows], label=self.label[rows], groups=self.groups[rows])

    def only(self, names: Sequence[str]) -> LabelledTable:
        """Some of the features, in the order of the table."""
        kept = [place for place, name in enumerate(self.names) if name in set(names)]
        return replace(
            self,
            names=tuple(self.names[place] for place in kept),
            values=self.values[:, kept],
            levels={name: self.levels[name] for name in names if name in self.levels},
        )

    def sampled(self, most: int, *, seed: int) -> LabelledTable:
        """At most so many rows, drawn by lot with the share of the label kept; in the order of the table."""
        if len(self) <= most:
            return self
        rng = np.random.default_rng(seed)
        taken = [
            rng.choice(rows, max(1, round(most * rows.size / len(self))), replace=False)
            for rows in (np.flatnonzero(self.label), np.flatnonzero(~self.label))
            if rows.size > 0
        ]
        return self.part(np.sort(np.concatenate(taken)))


def labelled_table(
    columns: Mapping[str, NDArray[Any] | Sequence[str | None]],
    label: NDArray[np.bool_],
    *,
    groups: NDArray[Any] | None = None,
    equal_together: bool = True,
    left_out: Mapping[str, str] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> LabelledTable:
    """Make a table of columns.

    Args:
        columns: feature -> (n,) numbers (NaN: unknown), or words (None: unknown).
        label: (n,) whether it happened.
        groups: (n,) which rows belong together.
        equal_together: rows with the same features belong together too, so that no model is asked about a row it has
            seen. False where rows are known to be of different users.
        left_out: column -> why it is no feature; constant columns are added to it.
        facts: what else is to be told.

    Raises:
        TooLittleData: too few rows, one class, or no feature that differs.
    """
    names, values, levels, dropped = [], [], {}, dict(left_out or {})
    for name, column in columns.items():
        if isinstance(column, np.ndarray) and column.dtype.kind in "fiub":
            numbers = column.astype(np.float64)
        else:
            words = tuple(sorted({str(word) for word in column if word is not None}))
            place = {word: float(number) for number, word in enumerate(words)}
            numbers = np.array([np.nan if word is None else place[str(word)] for word in column], dtype=np.float64)
            levels[name] = words
        reason = _says_nothing(numbers)
        if reason is not None:
            dropped[name] = reason
            levels.pop(name, None)
            continue
        names.append(name)
        values.append(numbers)
    _check(label, names, dropped)
    matrix = np.column_stack(values)
    if groups is None or equal_together:
        together, repeated = rows_together(matrix, groups)
    else:
        together, repeated = np.unique(groups, return_inverse=True)[1].astype(np.int64), 0
    table = LabelledTable(
        names=tuple(names),
        values=matrix,
        levels=levels,
        label=label.astype(bool),
        groups=together,
        left_out=dropped,
        facts={**(facts or {}), "repeated_rows": repeated, "groups": int(together.max()) + 1},
    )
    _check_groups(table)
    return table


def rows_together(values: Floats, groups: NDArray[Any] | None) -> tuple[NDArray[np.int64], int]:
    """Which rows belong together: of one group, or equal in all features, or both through other rows.

    Returns:
        (n,) numbers from 0, and how many rows repeat an earlier one.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    # NaN is not equal to itself; no feature has an infinite value.
    _, same = np.unique(np.where(np.isnan(values), np.inf, values), axis=0, return_inverse=True)
    same = same.ravel()
    repeated = int(same.size - np.unique(same).size)
    if groups is None:
        return same.astype(np.int64), repeated
    _, given = np.unique(groups, return_inverse=True)
    size, offset = int(same.max()) + 1, int(same.max()) + 1
    edges = coo_matrix((np.ones(same.size), (same, given + offset)), shape=(size + int(given.max()) + 1,) * 2)
    _, parts = connected_components(edges, directed=False)
    _, together = np.unique(parts[same], return_inverse=True)
    return together.astype(np.int64), repeated


def _says_nothing(numbers: Floats) -> str | None:
    known = numbers[~np.isnan(numbers)]
    if known.size == 0:
        return "empty in all rows"
    # That it is missing may say something.
    if known.size == numbers.size and np.ptp(known) <= _SAME_SHARE * max(1.0, abs(float(known[0]))):
        return "the same in all rows"
    return None


def _check(label: NDArray[np.bool_], names: Sequence[str], dropped: Mapping[str, str]) -> None:
    count, happened = label.size, int(label.sum())
    if count < ROWS_LEAST:
        raise TooLittleData(f"comparing models needs {ROWS_LEAST} rows with a label; there are {count}.")
    if min(happened, count - happened) < CLASS_LEAST:
        raise TooLittleData(
            f"the label says yes in {happened} of {count} rows: models need {CLASS_LEAST} rows of either kind."
        )
    if len(names) == 0:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in list(dropped.items())[:5])
        raise TooLittleData(f"no column tells the rows apart ({reasons or 'there is none beside the label'}).")


def _check_groups(table: LabelledTable) -> None:
    for kind in (True, False):
        different = np.unique(table.groups[table.label == kind]).size
        if different < CLASS_LEAST:
            raise TooLittleData(
                f"the rows that say {'yes' if kind else 'no'} are of {different} different groups (equal rows are "
                f"one): models need {CLASS_LEAST}, so that no group stands on both sides of a split."
            )
