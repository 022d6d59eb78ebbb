"""A condition of a mapping -> a test of a column of cells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from profilestore.ingest.memory import Converter
from profilestore.ingest.rules import Condition
from profilestore.ingest.values import Changed, canonical_cell, is_missing, parse_number

__all__ = ["build_test"]


def build_test(condition: Condition, missing_words: frozenset[str]) -> Callable[[Sequence[Any]], list[bool]]:
    """A function from cells to whether each fits; texts and numbers compare alike in all formats."""
    tests: list[Callable[[Any], bool]] = []
    if condition.missing is not None:
        wanted = condition.missing
        tests.append(lambda cell: is_missing(cell, missing_words) == wanted)
    if condition.equals is not None:
        equal = canonical_cell(condition.equals)
        tests.append(lambda cell: canonical_cell(cell) == equal)
    if condition.one_of is not None:
        some = frozenset(canonical_cell(value) for value in condition.one_of)
        tests.append(lambda cell: canonical_cell(cell) in some)
    if condition.starts is not None:
        start = condition.starts
        tests.append(lambda cell: (canonical_cell(cell) or "").startswith(start))
    if condition.matches is not None:
        pattern = re.compile(condition.matches)
        tests.append(lambda cell: pattern.search(canonical_cell(cell) or "") is not None)
    if condition.above is not None:
        low = condition.above
        tests.append(lambda cell: (number := _number(cell)) is not None and number > low)
    if condition.below is not None:
        high = condition.below
        tests.append(lambda cell: (number := _number(cell)) is not None and number < high)
    # Remembered like all conversions: the cells that tests look at come again and again.
    memory = Converter(lambda cell: all(test(cell) for test in tests))
    counts: Counter[str] = Counter()
    return lambda cells: memory.column(cells, counts)


def _number(cell: Any) -> float | None:
    if cell is None or cell == "":
        return None
    number = parse_number(cell)
    if isinstance(number, Changed):
        number = number.value
    return number if isinstance(number, float) else None
