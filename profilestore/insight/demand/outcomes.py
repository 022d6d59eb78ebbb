"""`shop.insight.demand`: read the sales outlook that `insight run demand` wrote."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from profilestore.documents import DemandWeek
from profilestore.elastic.demand_index import DemandIndex
from profilestore.errors import InputError, NotFound
from profilestore.indexing.parts import Parts
from profilestore.insight.spreadsheets import csv_cell

__all__ = ["Demands", "write_weeks"]

_COLUMNS: Final = ("kind", "key", "week", "actual", "expected", "low", "high")
_FIELDS: Final = ("product_id", "title", "category", "stock", "demand_28d", "demand_28d_low", "demand_28d_high",
                  "season", "season_months")  # fmt: skip


class Demands:
    """The sales outlook of one shop."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._index = DemandIndex(parts.client, alias=parts.settings.index("demand"))

    def weeks(self, kind: Literal["product", "category"], keys: Sequence[str]) -> list[DemandWeek]:
        """The weeks of these products or categories: those over with `actual`, those to come with `expected`.

        Raises:
            NotFound: there is no outlook for one of them.
        """
        found = self._index.read(kind=kind, keys=keys)
        told = {week.key for week in found}
        missing = [key for key in keys if key not in told]
        if len(missing) > 0:
            raise NotFound(
                f"there is no sales outlook for the {kind} {missing[0]}: it was not sold in the last half year, or "
                "`profilestore insight run demand` was not run yet.",
                kind=kind,
                id=missing[0],
            )
        return found

    def all_weeks(self) -> list[DemandWeek]:
        """The weeks of all products and categories.

        Raises:
            NotFound: there is no outlook yet.
        """
        found = self._index.read()
        if len(found) == 0:
            raise NotFound(
                "there is no sales outlook yet: `profilestore insight run demand` makes one.",
                kind="insight",
                id="demand",
            )
        return found

    def products(self, *, seasonal: bool = False) -> list[dict[str, Any]]:
        """The products with an outlook, or with a season: their demand of 28 days and their stock, most expected
        first."""
        products = self._parts.in_force.products
        target = products.identity()
        query = {"exists": {"field": "season" if seasonal else "demand_28d"}}
        rows = [
            {name: source.get(name) for name in _FIELDS}
            for page in products.scan(target.index, fields=list(_FIELDS), query=query, page=10_000)
            for _, source, _ in page
            if source.get("season" if seasonal else "demand_28d") is not None
        ]
        return sorted(rows, key=lambda row: (-(row["demand_28d"] or 0.0), row["product_id"]))


def write_weeks(weeks: Iterable[DemandWeek], path: Path) -> int:
    """Write weeks as CSV with a header; returns how many.

    Raises:
        InputError: the file cannot be written.
    """
    written = 0
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(_COLUMNS)
            for written, week in enumerate(weeks, start=1):  # noqa: B007  the last one is the count
                writer.writerow(csv_cell(getattr(week, name)) for name in _COLUMNS)
    except OSError as error:
        raise InputError(f"{path.name} cannot be written ({type(error).__name__}).") from error
    return written
