"""Files of past campaigns, of who was in them and of their coupons -> rows, each taken, seen before or refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from profilestore.errors import InputError
from profilestore.ingest.mapping import ColumnMapping
from profilestore.ingest.rejects import Rejects
from profilestore.ingest.report import InputReport, ProgressCallback
from profilestore.ingest.sources import Source
from profilestore.ingest.stages import Run, refuse_bad
from profilestore.settings import Settings

__all__ = ["Refused", "Row", "Taker", "ToldRejects", "Verdict", "read_rows"]

_TOLD_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Row:
    """The fields of one row that have a value, and where it stands."""

    values: Mapping[str, Any]
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a row cannot be taken; never with a value of it."""

    reason: str
    column: str | None = None


# What a taker says of a row besides `Refused`; again: it says what an earlier row said.
Verdict = Literal["taken", "again"]
Taker = Callable[[Row], Verdict | Refused]


class ToldRejects(Rejects):
    """Refused rows of a file of which every row must be right: kept as sentences, no file is written."""

    def __init__(self) -> None:
        super().__init__(Path(), "none")
        self._told: list[str] = []

    def add(self, *, file: str, line: int, column: str | None, reason: str, row: Any) -> None:
        """Keep one."""
        self.count += 1
        if len(self._told) < _TOLD_MOST:
            named = reason if column is None or reason.startswith(column) else f"{column} {reason}"
            self._told.append(f"{file}, line {line}: {named}")

    def check(self) -> None:
        """Raise where a row was refused.

        Raises:
            InputError: with all of them (the first 20).
        """
        if self.count > 0:
            more = f"; and {self.count - len(self._told)} more" if self.count > len(self._told) else ""
            raise InputError(
                f"{self.count} row(s) cannot be taken: {'; '.join(self._told)}{more}. Nothing was written."
            )


def read_rows(
    paths: Iterable[str | Path | Source],
    take: Taker,
    *,
    columns: ColumnMapping,
    settings: Settings,
    report: InputReport,
    rejects: Rejects | None = None,
    strict: bool = False,
    progress: ProgressCallback | None = None,
    format: str | None = None,
) -> None:
    """Read files of one kind (`campaigns`, `members`, `coupons`) and offer each row to `take`, in their order.

    Afterwards `report.read` = `emitted` (taken) + `duplicate` (again) + `rejected`.

    Raises:
        ColumnsError: the mapping does not fit a file.
        InputError: a file that cannot be read at all.
        RejectedInput: with `strict`, at the first reject.
    """
    run = Run.build(
        paths, columns=columns, cleaning=None, settings=settings, report=report, rejects=rejects, strict=strict,
        progress=progress, format=format,
    )  # fmt: skip
    for mapped, _ in run.blocks():
        refuse_bad(mapped, run.intake)
        block = mapped.block
        for index, cells in enumerate(zip(*mapped.values, strict=True)):
            if index in mapped.bad:
                continue
            values = {name: value for name, value in zip(mapped.names, cells, strict=True) if value is not None}
            verdict = take(Row(values, block.file, block.lines[index]))
            if isinstance(verdict, Refused):
                column = None if verdict.column is None else mapped.labels.get(verdict.column, verdict.column)
                run.intake.refuse(
                    file=block.file, line=block.lines[index], column=column, reason=verdict.reason,
                    row=block.row(index),
                )  # fmt: skip
            elif verdict == "again":
                report.duplicate += 1
            else:
                report.emitted += 1
