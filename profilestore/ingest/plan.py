"""A mapping and the columns of a block -> columns of our fields. Compiled once for each set of columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from profilestore.errors import ColumnsError
from profilestore.ingest.blocks import Block
from profilestore.ingest.conditions import build_test
from profilestore.ingest.converters import Context, build_converter
from profilestore.ingest.headers import find_foreign, find_obvious
from profilestore.ingest.mapping import REQUIRED, ColumnMapping
from profilestore.ingest.memory import Converter
from profilestore.ingest.report import InputReport
from profilestore.ingest.rules import Branch, Rule
from profilestore.ingest.values import Bad, attribute_value, canonical_cell, is_missing

__all__ = ["Mapped", "Mapper"]

_PLANS_KEPT: Final = 64
Origin = Callable[[Block], Sequence[Any]]


@dataclass
class Mapped:
    """A block in our terms: `values[f][r]` is field `names[f]` of row r; `bad` the first problem of a row.

    `extra` are columns that no field took: texts for the event id, or values for `attributes`.
    """

    block: Block
    names: tuple[str, ...]
    values: list[list[Any]]
    labels: dict[str, str]
    extra_names: tuple[str, ...]
    extra: list[list[Any]]
    bad: dict[int, tuple[str | None, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Target:
    name: str
    label: str
    origin: Origin
    converter: Converter
    divide: tuple[int, Converter] | None
    low: float


class Mapper:
    """Applies one mapping (or one branch of it) to blocks. Converters and their memory outlive a block."""

    def __init__(
        self, mapping: ColumnMapping, context: Context, report: InputReport, branch: Branch | None = None
    ) -> None:
        self._mapping = mapping
        self._context = context
        self._report = report
        self._branch = branch
        self._rules = {**mapping.columns, **(branch.columns if branch is not None else {})}
        self._converters: dict[str, Converter] = {}
        self._plans: dict[tuple[str, ...], tuple[list[_Target], list[tuple[str, int, Converter]]]] = {}
        self._files_seen: set[str] = set()

    def map(self, block: Block) -> Mapped:
        """Convert a block.

        Raises:
            ColumnsError: columns that the mapping names, or a field that is required, are not there.
        """
        targets, extras = self._plan(block)
        counts = self._report.cleaning
        values: list[list[Any]] = []
        bad: dict[int, tuple[str | None, str]] = {}
        for target in targets:
            column = target.converter.column(target.origin(block), counts)
            if target.divide is not None:
                column = _divide(column, target.divide[1].column(block.cells[target.divide[0]], counts), low=target.low)
            if Bad in set(map(type, column)):
                for index, value in enumerate(column):
                    if type(value) is Bad and index not in bad:
                        bad[index] = (target.label, value.reason)
            values.append(column)
        extra = [converter.column(block.cells[index], counts) for _, index, converter in extras]
        for (name, _, _), column in zip(extras, extra, strict=True):
            if Bad in set(map(type, column)):
                for index, value in enumerate(column):
                    if type(value) is Bad:
                        bad.setdefault(index, (name, value.reason))
        return Mapped(
            block=block,
            names=tuple(target.name for target in targets),
            values=values,
            labels={target.name: target.label for target in targets},
            extra_names=tuple(name for name, _, _ in extras),
            extra=extra,
            bad=bad,
        )

    def _plan(self, block: Block) -> tuple[list[_Target], list[tuple[str, int, Converter]]]:
        plan = self._plans.get(block.names)
        if plan is None or (block.file not in self._files_seen and not block.open_columns):
            rules = self._resolve(block)
            index = {name: position for position, name in enumerate(block.names)}
            targets = [self._target(name, rule, index) for name, rule in rules.items()]
            plan = targets, self._extras(block, rules, index)
            if len(self._plans) >= _PLANS_KEPT:
                self._plans.clear()
            self._plans[block.names] = plan
        self._files_seen.add(block.file)
        return plan

    def _resolve(self, block: Block) -> dict[str, Rule]:
        """The mapping's rules and those that obvious headers give."""
        rules = dict(self._rules)
        there = set(block.names)
        problems = []
        for name, rule in self._rules.items():
            found = [column for column in rule.columns if column in there]
            wanted = rule.columns if isinstance(rule.column, str) else rule.columns[:1]
            absent = [column for column in wanted if column not in there] if len(found) == 0 else []
            absent += [column for column in rule.tested if column not in there]
            if len(absent) > 0 and not rule.optional and not block.open_columns:
                problems.append(f"{name} wants the column {', '.join(absent)}")
        for item in self._mapping.filters:
            if item.column not in there and not block.open_columns:
                problems.append(f"the filter {item.name!r} wants the column {item.column}")
        if self._mapping.auto:
            used = {column for rule in rules.values() for column in rule.columns}
            used |= {branch.split for branch in self._mapping.each if branch.split is not None}
            free = [name for name in block.names if name not in used]
            obvious = find_obvious(free, kind=self._mapping.kind, taken=rules.keys())
            rules.update({name: Rule(column=column) for name, column in obvious.items()})
        first = block.file not in self._files_seen or not block.open_columns
        for required in REQUIRED[self._mapping.kind]:
            found_rule = rules.get(required)
            reachable = found_rule is not None and (
                found_rule.constant is not None
                or len(found_rule.cases) > 0
                or any(column in there for column in found_rule.columns)
            )
            if not reachable and first and not any(problem.startswith(f"{required} ") for problem in problems):
                problems.append(f"no column for {required}")
        if len(problems) > 0:
            names = ", ".join(name[:40] for name in block.names[:30])
            raise ColumnsError(
                f"{block.file}: {'; '.join(problems)}. The file has: {names}. "
                f"Give a preset or a mapping with --columns, for example [{self._mapping.kind}.columns]."
            )
        return rules

    def _target(self, name: str, rule: Rule, index: dict[str, int]) -> _Target:
        converter = self._converters.get(name)
        if converter is None:
            converter = self._converters[name] = build_converter(name, rule, self._context)
        divide = None
        if rule.divide is not None and rule.divide in index:
            by = self._converters.setdefault(
                f"/{rule.divide}", build_converter("attributes./", Rule(column=rule.divide), self._context)
            )
            divide = (index[rule.divide], by)
        label = ", ".join(rule.columns) or name
        return _Target(name, label, self._origin(rule, index), converter, divide, 0.0)

    def _origin(self, rule: Rule, index: dict[str, int]) -> Origin:
        words = self._context.missing_words
        places = [index[column] for column in rule.columns if column in index]
        constant = rule.constant
        base: Origin
        if rule.join is not None:
            base = lambda block: [_joined(cells, rule.separator, words) for cells in _rows(block, places)]  # noqa: E731
        elif len(places) == 1 and constant is None:
            place = places[0]
            base = lambda block: block.cells[place]  # noqa: E731
        elif len(places) > 0:
            base = lambda block: [_first(cells, constant, words) for cells in _rows(block, places)]  # noqa: E731
        else:
            base = lambda block: [constant] * len(block)  # noqa: E731
        for case in reversed(rule.cases):
            base = _overlay(base, index.get(case.column), build_test(case, words), case.value, wanted=True)
        if rule.when is not None:
            base = _overlay(base, index.get(rule.when.column), build_test(rule.when, words), None, wanted=False)
        return base

    def _extras(self, block: Block, rules: dict[str, Rule], index: dict[str, int]) -> list[tuple[str, int, Converter]]:
        mode = self._mapping.unmapped
        if mode == "drop":
            names = [] if self._mapping.line_id is None else [self._mapping.line_id]
        elif mode == "id":
            told = {column for rule in rules.values() if rule.faithful for column in rule.columns}
            names = [name for name in block.names if name not in told or name == self._mapping.line_id]
        else:
            used = {column for rule in rules.values() for column in (*rule.columns, *rule.tested)}
            used |= {item.column for item in self._mapping.filters} | {self._mapping.line_id or ""}
            used |= {branch.split or "" for branch in self._mapping.each}
            names = [name for name in block.names if name not in used]
            foreign = find_foreign(block.names, kind=self._mapping.kind)
            names = [name for name in names if name not in foreign]
        convert = attribute_value if mode == "attributes" else canonical_cell
        extras = []
        for name in names:
            if name in index:
                key = f"+{name}"
                if key not in self._converters:
                    self._converters[key] = Converter(self._unless_missing(convert))
                extras.append((name, index[name], self._converters[key]))
        return extras

    def _unless_missing(self, convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
        words = self._context.missing_words
        return lambda cell: None if is_missing(cell, words) else convert(cell)


def _rows(block: Block, places: list[int]) -> Sequence[tuple[Any, ...]]:
    return list(zip(*(block.cells[place] for place in places), strict=True)) if len(places) > 0 else [()] * len(block)


def _joined(cells: tuple[Any, ...], separator: str, words: frozenset[str]) -> str | None:
    parts = [canonical_cell(cell) for cell in cells if not is_missing(cell, words)]
    return separator.join(part for part in parts if part is not None) or None


def _first(cells: tuple[Any, ...], constant: Any, words: frozenset[str]) -> Any:
    return next((cell for cell in cells if not is_missing(cell, words)), constant)


def _overlay(
    base: Origin, place: int | None, test: Callable[[Sequence[Any]], list[bool]], value: Any, *, wanted: bool
) -> Origin:
    """`base`, but `value` in the rows where the test of another column comes out as `wanted`."""

    def overlaid(block: Block) -> list[Any]:
        fits = test(block.cells[place] if place is not None else [None] * len(block))
        return [value if fit is wanted else cell for fit, cell in zip(fits, base(block), strict=True)]

    return overlaid


def _divide(column: list[Any], divisors: list[Any], *, low: float) -> list[Any]:
    """Quotients; missing where there is nothing to divide or to divide by."""
    quotients = []
    for value, by in zip(column, divisors, strict=True):
        if type(value) is Bad or value is None:
            quotients.append(value)
        elif isinstance(by, (int, float)) and by != 0:
            quotient = value / by
            quotients.append(
                quotient if quotient >= low else Bad(f"must be at least {low:g} after the division", "impossible")
            )
        else:
            quotients.append(None)
    return quotients
