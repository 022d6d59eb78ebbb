"""A conversion with a memory: in a column most cells come again and again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, Final

from profilestore.ingest.values import Changed

__all__ = ["Converter"]

_MEMORY_LIMIT: Final = 50_000
_MEMORY_LIMIT_CHARS: Final = 4_000_000
_HASHABLE: Final = frozenset((str, int, float, type(None), datetime, date))


class Converter(dict[Any, Any]):
    """Cell -> value, remembered. `counts` holds how often each cleaning rule helped."""

    def __init__(self, convert: Callable[[Any], Any]) -> None:
        super().__init__()
        self._convert = convert
        self._touched: dict[Any, str] = {}
        self._chars = 0

    def __missing__(self, cell: Any) -> Any:
        value = self._convert(cell)
        if type(value) is Changed:
            self._touched[cell] = value.rule
            value = value.value
        if isinstance(cell, str):
            self._chars += len(cell)
        self[cell] = value
        return value

    def column(self, cells: Sequence[Any], counts: Counter[str]) -> list[Any]:
        """The values of a column of cells; `Bad` where a cell cannot be taken."""
        if len(self) > _MEMORY_LIMIT or self._chars > _MEMORY_LIMIT_CHARS:
            self.clear()
            self._touched.clear()
            self._chars = 0
        # True equals 1 as a key, so booleans go without memory, and so does what cannot be a key.
        if not set(map(type, cells)) <= _HASHABLE:
            return [self._single(cell, counts) for cell in cells]
        values = list(map(self.__getitem__, cells))
        if len(self._touched) > 0:
            counts.update(rule for rule in map(self._touched.get, cells) if rule is not None)
        return values

    def _single(self, cell: Any, counts: Counter[str]) -> Any:
        value = self._convert(cell)
        if type(value) is Changed:
            counts[value.rule] += 1
            return value.value
        return value
