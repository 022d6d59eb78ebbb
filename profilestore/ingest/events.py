"""Files of events -> batches of `Event`, each with the id that its content has in any file format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from profilestore.documents import Event, content_id
from profilestore.errors import UsageError
from profilestore.ingest.cleaning import Cleaning
from profilestore.ingest.mapping import ColumnMapping
from profilestore.ingest.plan import Mapped
from profilestore.ingest.rejects import Rejects
from profilestore.ingest.report import InputReport, ProgressCallback
from profilestore.ingest.sources import Source
from profilestore.ingest.stages import Run, refuse_bad, say_problem
from profilestore.ingest.statistics import Filler, Judge, Statistics
from profilestore.settings import Settings

__all__ = ["read_events"]

_TO_COME: Final = "-"  # stands in for the id, so that Event does not hash what is hashed here


def read_events(
    paths: Iterable[str | Path | Source],
    *,
    columns: ColumnMapping,
    settings: Settings,
    cleaning: Cleaning | None = None,
    rejects: Rejects | None = None,
    report: InputReport | None = None,
    strict: bool = False,
    progress: ProgressCallback | None = None,
    batch_size: int = 20_000,
    format: str | None = None,
) -> Iterator[list[Event]]:
    """Yield batches of at most `batch_size` valid events; memory does not grow with the input.

    An event without an id gets the hash of its content and of the row's cells that no field holds, so that
    rows equal in all columns are one event. Equal events of one batch are counted as duplicates here;
    those further apart are found by the log. Where a rule needs the mean, median or mode, or flags
    outliers, the files are read twice; what was filled in or flagged does not change the id.

    Raises:
        ColumnsError: the mapping does not fit a file.
        InputError: a file that cannot be read at all.
        RejectedInput: with `strict`, at the first reject.
        UsageError: a rule that needs two passes over standard input.
    """
    run = Run.build(
        paths, columns=columns, cleaning=cleaning, settings=settings, report=report, rejects=rejects,
        strict=strict, progress=progress, format=format,
    )  # fmt: skip
    rules = run.context.cleaning
    statistics = _look_ahead(run)
    values, judge = (statistics.fill_values(), statistics.judge()) if statistics is not None else ({}, None)
    builder = _Builder(run, Filler(rules, values, run.intake.report.cleaning), judge)
    counts = run.intake.report
    batch: list[Event] = []
    seen: set[str] = set()
    for mapped, turns in run.blocks():
        for index, event in builder.build(mapped, turns):
            if event.event_id in seen:
                if rules.duplicates == "merge":
                    counts.duplicate += 1
                else:
                    _refuse_duplicate(run, mapped, index)
                continue
            seen.add(event.event_id)
            batch.append(event)
            if len(batch) >= batch_size:
                counts.emitted += len(batch)
                yield batch
                batch = []
                seen.clear()
    if len(batch) > 0:
        counts.emitted += len(batch)
        yield batch


def _look_ahead(run: Run) -> Statistics | None:
    """The first of two passes, where a rule needs one."""
    if not run.context.cleaning.needs_statistics():
        return None
    if any(source.path is None for source in run.sources):
        raise UsageError(
            "mean, median, mode and outliers need to read the input twice, and standard input can be read once: "
            "save it to a file first, or leave these rules off."
        )
    statistics = Statistics(run.context.cleaning)
    for mapped, _ in run.rehearsal().blocks():
        statistics.add(dict(zip(mapped.names, mapped.values, strict=True)), len(mapped.block), set(mapped.bad))
    return statistics


def _refuse_duplicate(run: Run, mapped: Mapped, index: int) -> None:
    block = mapped.block
    run.intake.refuse(
        file=block.file, line=block.lines[index], column=None, reason="is the same event as an earlier row",
        row=block.row(index),
    )  # fmt: skip


class _Builder:
    """Mapped blocks -> events, and the rest to the rejects."""

    def __init__(self, run: Run, filler: Filler, judge: Judge | None) -> None:
        self._run = run
        self._filler = filler
        self._judge = judge
        self._extra_to_attributes = run.mapping.unmapped == "attributes"

    def build(self, mapped: Mapped, turns: list[int] | None) -> list[tuple[int, Event]]:
        """The events of a block, each with the index of its row."""
        filled = self._filler.fill(mapped.names, mapped.values, mapped.bad)
        refuse_bad(mapped, self._run.intake)
        flags = {}
        if self._judge is not None:
            flags = self._judge(dict(zip(mapped.names, mapped.values, strict=True)), len(mapped.block))
        names = [
            name
            for name in mapped.names
            if not name.startswith("attributes.") and name not in ("event_id", "attributes")
        ]
        place = {name: position for position, name in enumerate(mapped.names)}
        ids = mapped.values[place["event_id"]] if "event_id" in place else None
        attributes = self._attributes(mapped)
        rests = _rest_of(mapped, turns, drop=self._extra_to_attributes)
        intake = self._run.intake
        events: list[tuple[int, Event]] = []
        bad = mapped.bad
        for index, row in enumerate(zip(*(mapped.values[place[name]] for name in names), strict=True)):
            if index in bad:
                continue
            values = {name: value for name, value in zip(names, row, strict=True) if value is not None}
            if attributes is not None and len(attributes[index]) > 0:
                values["attributes"] = attributes[index]
            given = None if ids is None else ids[index]
            try:
                event = Event.model_validate({**values, "event_id": given or _TO_COME})
            except ValidationError as error:
                column, reason = say_problem(error, mapped.labels)
                block = mapped.block
                intake.refuse(
                    file=block.file, line=block.lines[index], column=column, reason=reason, row=block.row(index)
                )
                continue
            if given is None:
                fields = event.__dict__
                left_out = filled.get(index, ())
                own = content_id({name: fields[name] for name in values if name not in left_out})
                rest = rests(index)
                # Event sets its own id in the same way, after validation.
                object.__setattr__(
                    event, "event_id", own if len(rest) == 0 else content_id({"event": own, "row": rest})
                )
            if index in flags:
                intake.report.flagged += 1
                event = event.model_copy(update={"attributes": {**(event.attributes or {}), "outlier": flags[index]}})
            events.append((index, event))
        return events

    def _attributes(self, mapped: Mapped) -> list[dict[str, Any]] | None:
        """The attributes of each row, or None where the mapping has none."""
        named = [
            (name.removeprefix("attributes."), column)
            for name, column in zip(mapped.names, mapped.values, strict=True)
            if name.startswith("attributes.")
        ]
        if self._extra_to_attributes:
            named += list(zip(mapped.extra_names, mapped.extra, strict=True))
        whole = mapped.values[mapped.names.index("attributes")] if "attributes" in mapped.names else None
        if whole is None and len(named) == 0:
            return None
        rows: list[dict[str, Any]] = []
        for index in range(len(mapped.block)):
            row = dict(whole[index]) if whole is not None and isinstance(whole[index], dict) else {}
            row.update((name, column[index]) for name, column in named if column[index] is not None)
            rows.append(row)
        return rows


def _rest_of(mapped: Mapped, turns: list[int] | None, *, drop: bool) -> Callable[[int], dict[str, Any]]:
    """What of a row no field holds, by its index; it tells events apart that are equal otherwise."""
    names = () if drop else mapped.extra_names
    rows = list(zip(*mapped.extra, strict=True)) if len(names) > 0 else [()] * len(mapped.block)

    def rest(index: int) -> dict[str, Any]:
        cells: dict[str, Any] = {name: cell for name, cell in zip(names, rows[index], strict=True) if cell is not None}
        if turns is not None and turns[index] > 0:
            cells["#"] = turns[index]  # the second time that a list has the same item
        return cells

    return rest
