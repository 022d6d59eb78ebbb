"""Rows of one product or user -> one, by a fixed rule that does not depend on anything but the rows.

With a time in the rows, each field has the latest value given for it; without one, the most frequent.
Ties go to the value that came first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from profilestore.ingest.mapping import ColumnMapping
from profilestore.ingest.plan import Mapped
from profilestore.ingest.rejects import Intake

__all__ = ["Merged", "Merger"]

_VOTES_LIMIT: Final = 1000  # different values of one field of one id that compete: the first ones
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_HEAD: Final = 3  # an entry begins with file and line of its first row, and a dict for the slots beyond the limit
_SLOTS_LIMIT: Final = 256  # fields that have a place in every entry; attributes beyond it are rare ones


class Merged(NamedTuple):
    """One product or user, and where its first row stood."""

    file: str
    line: int
    values: dict[str, Any]


class _Votes(dict[Any, int]):
    """Value -> how often, in order of first appearance."""


class Merger:
    """Keeps one compact entry for each id: a slot for each field, not the rows."""

    def __init__(self, mapping: ColumnMapping, intake: Intake) -> None:
        self._id = "product_id" if mapping.kind == "products" else "user_id"
        self._rules = mapping.columns
        self._refuse_duplicates = mapping.cleaning.duplicates == "reject"
        self._intake = intake
        self._slots: dict[str, int] = {}
        self._frequent: list[bool] = []
        self._entries: dict[str, list[Any]] = {}
        self._has_time: bool | None = None

    def add(self, mapped: Mapped) -> None:
        """Take in the good rows of a block."""
        columns = {**dict(zip(mapped.names, mapped.values, strict=True)), **_extra(mapped)}
        if self._has_time is None:
            self._has_time = "time" in columns
        ids = columns.pop(self._id, None)
        if ids is None:
            return
        whole = columns.pop("attributes", None)
        times = columns.get("time") if self._has_time else None
        slots = [self._slot(name) for name in columns]
        block = mapped.block
        rows: Any = zip(*columns.values(), strict=True) if len(columns) > 0 else iter([()] * len(block))
        for index, row in enumerate(rows):
            if index in mapped.bad:
                continue
            entry = self._entry(ids[index], mapped, index)
            if entry is None:
                continue
            time = _NEVER if times is None or times[index] is None else times[index]
            for slot, value in zip(slots, row, strict=True):
                if value is not None:
                    self._put(entry, slot, value, time)
            if whole is not None and whole[index] is not None:
                for name, value in whole[index].items():
                    self._put(entry, self._slot(f"attributes.{name}"), value, time)

    def _entry(self, id_: str, mapped: Mapped, index: int) -> list[Any] | None:
        """The entry of an id, a new one, or None if the row was refused as a duplicate."""
        entry = self._entries.get(id_)
        block = mapped.block
        if entry is None:
            entry = self._entries[id_] = [block.file, block.lines[index], None]
        elif self._refuse_duplicates:
            self._intake.refuse(
                file=block.file, line=block.lines[index], column=mapped.labels.get(self._id), row=block.row(index),
                reason=f"the same {self._id} stands in an earlier row",
            )  # fmt: skip
            return None
        else:
            self._intake.report.duplicate += 1
        return entry

    def _slot(self, name: str) -> int:
        slot = self._slots.get(name)
        if slot is None:
            slot = self._slots[name] = len(self._slots) + _HEAD
            wish = self._rules[name].merge if name in self._rules else None
            frequent = wish == "frequent" or (wish is None and not self._has_time)
            self._frequent.append(frequent and name != "time")
        return slot

    def _put(self, entry: list[Any], slot: int, value: Any, time: datetime) -> None:
        if isinstance(value, list):
            value = tuple(value)
        if slot >= _SLOTS_LIMIT:
            if entry[_HEAD - 1] is None:
                entry[_HEAD - 1] = {}
            entry = entry[_HEAD - 1]
            held = entry.get(slot)  # type: ignore[attr-defined]  # a dict by slot number
        else:
            if slot >= len(entry):
                entry.extend([None] * (slot + 1 - len(entry)))
            held = entry[slot]
        if self._frequent[slot - _HEAD]:
            # Nearly all fields have one value only: (value, count) until a second one turns up.
            if held is None:
                entry[slot] = (value, 1)
            elif type(held) is _Votes:
                if value in held or len(held) < _VOTES_LIMIT:
                    held[value] = held.get(value, 0) + 1
            elif _same(held[0], value):
                entry[slot] = (value, held[1] + 1)
            else:
                entry[slot] = _Votes({held[0]: held[1], value: 1})
        elif held is None or time > held[0]:
            entry[slot] = (time, value)

    def merged(self) -> Iterator[Merged]:
        """All ids in order of first appearance. Entries are given up on the way."""
        names = list(self._slots)
        for id_ in list(self._entries):
            entry = self._entries.pop(id_)
            values: dict[str, Any] = {self._id: id_}
            for slot, held in (*enumerate(entry[_HEAD:], start=_HEAD), *(entry[_HEAD - 1] or {}).items()):
                if held is not None:
                    value = _winner(held, frequent=self._frequent[slot - _HEAD])
                    values[names[slot - _HEAD]] = list(value) if isinstance(value, tuple) else value
            yield Merged(entry[0], entry[1], values)

    def columns(self, fields: Sequence[str]) -> Iterator[dict[str, Any]]:
        """The winners of these fields of each entry, without giving up anything: for statistics."""
        slots = [(name, self._slots[name]) for name in fields if name in self._slots]
        for entry in self._entries.values():
            yield {
                name: _winner(entry[slot], frequent=self._frequent[slot - _HEAD])
                for name, slot in slots
                if slot < len(entry) and entry[slot] is not None
            }

    @property
    def fields(self) -> list[str]:
        """The fields met so far, without the id."""
        return list(self._slots)


def _same(left: Any, right: Any) -> bool:
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


def _winner(held: Any, *, frequent: bool) -> Any:
    if not frequent:
        return held[1]
    return max(held, key=held.__getitem__) if type(held) is _Votes else held[0]


def _extra(mapped: Mapped) -> dict[str, list[Any]]:
    return {f"attributes.{name}": column for name, column in zip(mapped.extra_names, mapped.extra, strict=True)}
