"""`insight run demand`: what will be sold in the next four weeks, by product and category, for inventory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from profilestore.documents import DemandWeek
from profilestore.elastic.demand_index import DemandIndex
from profilestore.errors import TooLittleData
from profilestore.insight.demand.backtest import AHEAD
from profilestore.insight.demand.outlook import Found, Outlook, make_outlook
from profilestore.insight.demand.words import demand_card, demand_tables
from profilestore.insight.history import History
from profilestore.insight.products import write_products
from profilestore.insight.records import InsightRecord, window_of
from profilestore.insight.sales import weekly_sales
from profilestore.insight.steps import Outcome, Run

__all__ = ["DEMAND_FIELDS", "demand_weeks", "derive_demand", "find_demand"]

DEMAND_FIELDS: Final = ("demand_28d", "demand_28d_low", "demand_28d_high", "season", "season_months")
# Weeks of the past that stand beside the forecast in the index: of all categories and of the best sellers.
_PAST_WEEKS: Final = 52
_WITH_PAST: Final = 1000


def find_demand(history: History, *, zone: ZoneInfo, seed: int) -> Found:
    """The outlook of a history, without reading or writing anything; purchases of all users count, named by none.

    Raises:
        TooLittleData: too few weeks or sales.
    """
    sales = weekly_sales(history, zone)
    return make_outlook(sales, history.shelf.categories, seed=seed)


def derive_demand(run: Run) -> Outcome:
    """Forecast every product and category, check the forecasts on later weeks, and write them.

    Raises:
        TooLittleData: sales over fewer than 20 weeks, or hardly any.
    """
    history = run.history
    if len(history) == 0 and history.unnamed.times.size == 0:
        raise TooLittleData("a sales outlook needs purchases; there are none.")
    run.progress("checking forecasts of demand on later weeks")
    found = find_demand(history, zone=ZoneInfo(run.settings.time_zone), seed=run.seed)
    stock = _on_sale(run)
    record = _record(history, found, stock)
    chosen = [row for row in np.flatnonzero(found.products.kinds != "").tolist() if found.products.keys[row] in stock]
    total = float(found.products.total[chosen].sum())
    yearly = sum(season.kind == "yearly" for season in found.seasons)
    message = (
        f"{total:,.0f} pieces of {len(chosen):,} products are expected in 28 days; {yearly:,} products have a season."
    )
    if not record.accepted and not run.force:
        return Outcome(record, f'the outlook does not beat "as much as last week", nothing is written. {message}')
    run.progress("writing the sales outlook")
    index = DemandIndex(run.parts.client, alias=run.settings.index("demand"))
    index.check()
    index.replace(demand_weeks(found, as_of=history.as_of_time, on_sale=stock))
    write_products(run.parts, _fields_by_product(found, chosen, stock), fields=DEMAND_FIELDS)
    return Outcome(record, message)


def _on_sale(run: Run) -> dict[str, int | None]:
    """Products on sale, with their stock where it is known."""
    products = run.parts.in_force.products
    target = products.identity()
    products.refresh(target.index)
    return {
        product_id: source.get("stock")
        for page in products.scan(target.index, fields=["stock", "deleted"], page=10_000)
        for product_id, source, _ in page
        if source.get("deleted") is not True
    }


def _fields_by_product(found: Found, rows: list[int], on_sale: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    shop = found.products
    fields: dict[str, dict[str, Any]] = {
        shop.keys[row]: {
            "demand_28d": round(float(shop.total[row]), 2),
            "demand_28d_low": round(float(shop.total_low[row]), 2),
            "demand_28d_high": round(float(shop.total_high[row]), 2),
        }
        for row in rows
    }
    for season in found.seasons:
        product_id = shop.keys[season.row]
        if product_id in on_sale:
            seasonal = {"season": season.kind, "season_months": list(season.months)}
            fields[product_id] = fields.get(product_id, {}) | seasonal
    return fields


def demand_weeks(found: Found, *, as_of: datetime, on_sale: Mapping[str, Any]) -> Iterator[DemandWeek]:
    """The documents of an outlook: the weeks to come of all that has a forecast, and the weeks of the last year of
    categories and of the thousand best sellers."""
    yield from _weeks_of(found.categories, "category", as_of, set(range(len(found.categories.keys))), None)
    shop = found.products
    best = set(np.argsort(-shop.sales.pieces.sum(axis=1), kind="stable")[:_WITH_PAST].tolist())
    yield from _weeks_of(shop, "product", as_of, best, on_sale)


def _weeks_of(
    outlook: Outlook, kind: Any, as_of: datetime, with_past: set[int], among: Mapping[str, Any] | None
) -> Iterator[DemandWeek]:
    sales, moment = outlook.sales, as_of.astimezone(UTC)
    weeks = sales.weeks
    for row, key in enumerate(outlook.keys):
        if outlook.kinds[row] == "" or (among is not None and key not in among):
            continue
        for week in range(max(0, weeks - _PAST_WEEKS), weeks) if row in with_past else ():
            actual = round(float(sales.pieces[row, week]), 6)
            yield DemandWeek(kind=kind, key=key, week=sales.day_of(week), actual=actual, as_of=moment)
        for ahead in range(AHEAD):
            expected, low, high = (
                round(float(part[row, ahead]), 4) for part in (outlook.expected, outlook.low, outlook.high)
            )
            day = sales.day_of(weeks + ahead)
            yield DemandWeek(kind=kind, key=key, week=day, expected=expected, low=low, high=high, as_of=moment)


def _record(history: History, found: Found, stock: Mapping[str, int | None]) -> InsightRecord:
    return InsightRecord(
        name="demand",
        window=window_of(history),
        settings={
            "weeks": found.products.sales.weeks,
            "weeks_ahead": AHEAD,
            "first_day_ahead": found.products.sales.starts_on.isoformat(),
            "origins_measured": list(map(str, found.measured_days)),
            "methods": {name: trial.chosen for name, trial in found.trials.items()},
            "interval": 0.8,
        },
        figures={name.replace(" ", "_"): trial.figures for name, trial in found.trials.items()},
        tables=demand_tables(found, stock),
        card=demand_card(found),
        accepted=found.beats,
    )
