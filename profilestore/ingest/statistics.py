"""What must be known of all rows before the first can be cleaned: means, medians, modes, and what stands out."""

from __future__ import annotations

import random
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

from profilestore.ingest.cleaning import Cleaning
from profilestore.ingest.converters import NUMERIC_FIELDS
from profilestore.ingest.outliers import build_joint_judge, build_range_judge

__all__ = ["Filler", "Statistics"]

_SAMPLE_ROWS: Final = 20_000
_MODE_LIMIT: Final = 100_000
_WHOLE: Final = frozenset(("age", "stock", "position"))
Judge = Callable[[dict[str, Sequence[Any]], int], dict[int, list[str]]]


class Statistics:
    """Gathers columns of values; then gives fillers for missing values and a judge of outliers.

    Numbers are kept as float64 (8 bytes a value, only of the fields that a rule needs), so that medians and
    quartiles are exact; joint methods learn from a uniform sample of 20,000 rows, seeded.
    """

    def __init__(self, cleaning: Cleaning) -> None:
        self._cleaning = cleaning
        self._numbers: dict[str, array[float]] = {}
        self._modes: dict[str, Counter[Any]] = {}
        self._sample: list[dict[str, float | None]] = []
        self._seen = 0
        self._random = random.Random(0)

    def add(self, columns: dict[str, Sequence[Any]], count: int, bad: set[int]) -> None:
        """Take in rows, but for the bad ones."""
        joint = self._cleaning.outliers in ("isolation_forest", "dbscan")
        for name, column in columns.items():
            action = self._cleaning.missing_action(name)
            averaged = action in ("mean", "median")
            if name in NUMERIC_FIELDS and (averaged or (self._looked_at(name) and not joint)):
                kept = self._numbers.setdefault(name, array("d"))
                kept.extend(v for i, v in enumerate(column) if v is not None and i not in bad)
            if action == "mode":
                votes = self._modes.setdefault(name, Counter())
                if len(votes) < _MODE_LIMIT:
                    votes.update(_hashable(v) for i, v in enumerate(column) if v is not None and i not in bad)
        if joint:
            self._add_sample({name: column for name, column in columns.items() if self._looked_at(name)}, count, bad)

    def _looked_at(self, name: str) -> bool:
        wanted = self._cleaning.outlier_fields
        return self._cleaning.outliers != "off" and name in (NUMERIC_FIELDS if wanted is None else wanted)

    def _add_sample(self, columns: dict[str, Sequence[Any]], count: int, bad: set[int]) -> None:
        if len(columns) == 0:
            return
        for index in range(count):
            if index in bad:
                continue
            self._seen += 1
            place = self._seen - 1 if self._seen <= _SAMPLE_ROWS else self._random.randrange(self._seen)
            if place < _SAMPLE_ROWS:
                row = {name: column[index] for name, column in columns.items()}
                self._sample[place : place + 1] = [row]

    def fill_values(self) -> dict[str, Any]:
        """Field -> the value that stands in for a missing one, by mean, median or mode."""
        import numpy as np

        values: dict[str, Any] = {}
        for name, numbers in self._numbers.items():
            action = self._cleaning.missing_action(name)
            if action in ("mean", "median") and len(numbers) > 0:
                figures = np.frombuffer(numbers, dtype=np.float64)
                value = float(figures.mean() if action == "mean" else np.median(figures))
                values[name] = round(value) if name in _WHOLE else value
        for name, votes in self._modes.items():
            if len(votes) > 0:
                value = votes.most_common(1)[0][0]
                values[name] = list(value) if isinstance(value, tuple) else value
        return values

    def judge(self) -> Judge | None:
        """A function from columns and row count to the outlying fields of each row that has some."""
        method = self._cleaning.outliers
        if method == "off":
            return None
        if method in ("sigma", "iqr"):
            return build_range_judge({n: v for n, v in self._numbers.items() if self._looked_at(n)}, method=method)
        return build_joint_judge(self._sample, method=method)


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


class Filler:
    """Puts values in where they are missing, by the rule `missing`; remembers the last one for ffill."""

    def __init__(self, cleaning: Cleaning, values: dict[str, Any], counts: Counter[str]) -> None:
        self._cleaning = cleaning
        self._values = values
        self._counts = counts
        self._last: dict[str, Any] = {}

    def fill(
        self, names: Sequence[str], values: list[list[Any]], bad: dict[int, tuple[str | None, str]]
    ) -> dict[int, set[str]]:
        """Change `values` in place and add what must be dropped to `bad`; says which fields of a row were filled."""
        filled: dict[int, set[str]] = {}
        if len(self._cleaning.missing) == 0:
            return filled
        for name, column in zip(names, values, strict=True):
            action = self._cleaning.missing_action(name)
            if action == "keep":
                continue
            for index, value in enumerate(column):
                if index in bad:
                    continue
                if value is not None:
                    self._last[name] = value
                elif action == "drop":
                    bad[index] = (name, f"{name} is missing")
                    self._counts["missing.drop"] += 1
                else:
                    stand_in = self._last.get(name) if action == "ffill" else self._values.get(name)
                    if stand_in is not None:
                        column[index] = stand_in
                        filled.setdefault(index, set()).add(name)
                        self._counts[f"missing.{action}"] += 1
        return filled
