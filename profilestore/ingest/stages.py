"""What the readers of all kinds share: sources -> mapped blocks, and the numbers of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from profilestore.ingest.cleaning import Cleaning
from profilestore.ingest.converters import Context
from profilestore.ingest.mapping import REQUIRED, ColumnMapping
from profilestore.ingest.plan import Mapped, Mapper
from profilestore.ingest.rejects import Intake, Rejects
from profilestore.ingest.report import InputReport, ProgressCallback
from profilestore.ingest.rows import Splitter, read_blocks
from profilestore.ingest.rules import Branch
from profilestore.ingest.sources import Source, find_sources
from profilestore.settings import Settings

__all__ = ["Run", "refuse_bad", "say_problem"]


@dataclass(frozen=True)
class Run:
    """One pass over the sources of one kind. `passing` gives another one over the same sources."""

    sources: Sequence[Source]
    mapping: ColumnMapping
    context: Context
    intake: Intake
    format: str | None
    progress: ProgressCallback | None

    @classmethod
    def build(
        cls,
        paths: Iterable[str | Path | Source],
        *,
        columns: ColumnMapping,
        cleaning: Cleaning | None,
        settings: Settings,
        report: InputReport | None,
        rejects: Rejects | None,
        strict: bool,
        progress: ProgressCallback | None,
        format: str | None,
    ) -> Run:
        """Check the sources and put together what a pass needs."""
        rules = columns.cleaning if cleaning is None else cleaning
        zone = ZoneInfo(columns.time_zone or settings.time_zone)
        return cls(
            sources=find_sources(paths),
            mapping=columns.model_copy(update={"cleaning": rules}),
            context=Context.build(kind=columns.kind, cleaning=rules, zone=zone, settings=settings),
            intake=Intake(report=InputReport() if report is None else report, rejects=rejects, strict=strict),
            format=format,
            progress=progress,
        )

    def rehearsal(self) -> Run:
        """The same pass with counts of its own, that rejects nothing and tells nobody."""
        return Run(
            self.sources, self.mapping, self.context,
            Intake(report=InputReport(), rejects=None, strict=False), self.format, None,
        )  # fmt: skip

    def blocks(self) -> Iterator[tuple[Mapped, list[int] | None]]:
        """Mapped blocks, each with the turns of its items where a list was split."""
        splitter = Splitter(self.mapping, self.intake)
        branches: tuple[Branch | None, ...] = self.mapping.each or (None,)
        mappers = [Mapper(self.mapping, self.context, self.intake.report, branch) for branch in branches]
        for block in read_blocks(
            self.sources,
            format=self.format,
            delimiter=self.mapping.delimiter,
            intake=self.intake,
            progress=self.progress,
        ):
            for part in splitter.split(block):
                branch = branches[part.branch]
                if branch is not None and branch.split is not None and branch.split not in block.names:
                    continue  # a branch whose list is not in the file; that one of them is, the splitter sees to
                mapped = mappers[part.branch].map(part.block)
                _require(mapped, REQUIRED[self.mapping.kind])
                yield mapped, part.turns


def _require(mapped: Mapped, required: tuple[str, ...]) -> None:
    """A row without one of these is bad, whatever else is wrong with it."""
    for name in reversed(required):
        column: Sequence[Any] = (
            mapped.values[mapped.names.index(name)] if name in mapped.names else [None] * len(mapped.block)
        )
        if None in column:
            for index, value in enumerate(column):
                if value is None:
                    mapped.bad[index] = (mapped.labels.get(name), f"{name} is missing")


def refuse_bad(mapped: Mapped, intake: Intake) -> None:
    """Send the rows with a problem to the rejects, in the order of the file."""
    for index in sorted(mapped.bad):
        column, reason = mapped.bad[index]
        intake.refuse(
            file=mapped.block.file, line=mapped.block.lines[index], column=column, reason=reason,
            row=mapped.block.row(index),
        )  # fmt: skip


def say_problem(error: ValidationError, labels: dict[str, str]) -> tuple[str | None, str]:
    """Column and reason of a document that does not fit, without its values."""
    problem = error.errors(include_input=False, include_url=False, include_context=False)[0]
    field = str(problem["loc"][0]) if len(problem["loc"]) > 0 else None
    reason = problem["msg"].removeprefix("Value error, ")
    return (None, reason) if field is None else (labels.get(field, field), f"{field}: {reason}")
