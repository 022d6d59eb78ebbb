"""The sales outlook: every product and category with its next four weeks, by the method that serves its kind best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import TooLittleData
from profilestore.insight.demand.backtest import AHEAD, Kind, Trial, origins_of, try_kind
from profilestore.insight.demand.smoothing import METHODS, WEEKS_A_YEAR
from profilestore.insight.demand.yearly import Season, find_seasons
from profilestore.insight.sales import WeeklySales

__all__ = ["BEST_SELLERS", "Found", "Outlook", "make_outlook"]

BEST_SELLERS: Final = 100
_CATEGORIES_MOST: Final = 100
_RECENT_WEEKS: Final = 26
# On average sold in less than every 1.32th week: intermittent (Syntetos, Boylan and Croston 2005).
_STEADY_INTERVAL: Final = 1.32
_PIECES_LEAST: Final = 50
_LEVELS: Final = ("smoothing 0.1", "smoothing 0.2", "smoothing 0.3", "smoothing 0.5", "smoothing mixed", "share 0.2")
_SPARSE: Final = ("sparse 0.1", "sparse 0.2", "sparse 0.4")
# A fit of its own is for few and long series: of products it takes minutes and is no better than one for all.
_FITTED: Final = ("smoothing of its own",)
_SEASONAL: Final = tuple(name for name in METHODS if name.startswith("season and"))

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Outlook:
    """What is expected.

    Attributes:
        sales: so far.
        kinds: (keys,) the kind of each key's forecast, "" for none.
        expected, low, high: (keys, 4) pieces a week.
        total, total_low, total_high: (keys,) pieces in the 28 days.
    """

    sales: WeeklySales
    kinds: NDArray[np.str_]
    expected: Floats
    low: Floats
    high: Floats
    total: Floats
    total_low: Floats
    total_high: Floats

    @property
    def keys(self) -> tuple[str, ...]:
        """Product ids or categories."""
        return self.sales.keys


@dataclass(frozen=True)
class Found:
    """The outlook of products and of categories, the backtest of each kind of series, and the seasonal products.
    `measured_days` are the days as of which the forecasts were measured."""

    products: Outlook
    categories: Outlook
    trials: dict[str, Trial]
    seasons: list[Season]
    measured_days: list[date]

    @property
    def beats(self) -> bool:
        """Whether the best sellers, or what there is in their stead, are foretold better than by the naive way."""
        return next(iter(self.trials.values())).beats


def make_outlook(products: WeeklySales, categories: Sequence[str], *, seed: int) -> Found:
    """Forecast products and categories, and check how well that would have gone before.

    Args:
        products: pieces by product and week.
        categories: of the products, "" where unknown.
        seed: of the intervals of figures.

    Raises:
        TooLittleData: too few weeks or sales to forecast and to check.
    """
    origins = origins_of(products.weeks)
    if origins is None:
        raise TooLittleData(
            f"a sales outlook needs sales over 20 weeks or more, so that it can be checked; there are {products.weeks}."
        )
    if products.pieces.sum() < _PIECES_LEAST or (products.pieces.sum(axis=1) > 0).sum() < 2:
        raise TooLittleData(f"a sales outlook needs {_PIECES_LEAST} pieces sold, of two products or more.")
    # For the backtest only seasons count that were known before it began, be it from one year.
    known = {season.row for season in find_seasons(products.until(origins.choosing[0]))}
    seasonal = _SEASONAL if origins.choosing[0] >= WEEKS_A_YEAR else ()
    seasons = find_seasons(products)
    yearly = {season.row for season in seasons if season.kind == "yearly"}
    grouped = products.summed(categories)
    trials: dict[str, Trial] = {}
    parts: list[tuple[Kind, Rows]] = []
    for kind, today in _product_kinds(products.pieces, known, yearly, seasonal):
        trial = try_kind(products.pieces, kind, origins, seed=seed)
        if trial is not None:
            trials[kind.name] = trial
        parts.append((kind, today))
    shop = _filled(products, parts, _with_stand_ins(trials))
    every = Kind("categories", lambda week: _selling(grouped.pieces[:, :week])[:_CATEGORIES_MOST],
                 _LEVELS + _FITTED + seasonal)  # fmt: skip
    trial = try_kind(grouped.pieces, every, origins, seed=seed) if len(grouped.keys) > 0 else None
    if trial is not None:
        trials["categories"] = trial
    by_category = _filled(grouped, [(every, every.rows_at(grouped.weeks))], trials)
    if len(trials) == 0:
        raise TooLittleData("no product was sold long and often enough for a forecast that can be checked.")
    return Found(shop, by_category, trials, seasons, [products.day_of(week) for week in origins.measuring])


def _product_kinds(
    pieces: Floats, known: set[int], yearly: set[int], seasonal: tuple[str, ...]
) -> list[tuple[Kind, Rows]]:
    """The kinds of products, with who is of them today; each product is of one kind at most."""

    def split(week: int, in_season: set[int]) -> dict[str, Rows]:
        selling = _selling(pieces[:, :week])
        rest = np.array([row for row in selling.tolist() if row not in in_season], dtype=np.int64)
        often = _intervals(pieces[rest, :week]) < _STEADY_INTERVAL
        steady, sparse = rest[often], rest[~often]
        inside = np.array(sorted(set(selling.tolist()) & in_season), dtype=np.int64)
        best, others = steady[:BEST_SELLERS], steady[BEST_SELLERS:]
        return {"best sellers": best, "steady": others, "sparse": sparse, "seasonal": inside}

    remembered: dict[int, dict[str, Rows]] = {}

    def at(name: str, week: int) -> Rows:
        if week not in remembered:
            remembered[week] = split(week, known)
        return remembered[week][name]

    today = split(pieces.shape[1], yearly)
    kinds = [
        Kind("best sellers", lambda week: at("best sellers", week), _LEVELS + _SPARSE),
        Kind("steady", lambda week: at("steady", week), _LEVELS + _SPARSE),
        Kind("sparse", lambda week: at("sparse", week), _LEVELS + _SPARSE, by_total=True),
        Kind("seasonal", lambda week: at("seasonal", week), _LEVELS + seasonal),
    ]
    return [(kind, today[kind.name]) for kind in kinds]


def _selling(pieces: Floats) -> Rows:
    """What was sold in the last half year, by all pieces so far, most first; ties by their order."""
    recent = pieces[:, -_RECENT_WEEKS:].sum(axis=1) > 0
    order = np.argsort(-pieces.sum(axis=1), kind="stable")
    found: Rows = order[recent[order]]
    return found


def _intervals(pieces: Floats) -> Floats:
    """Weeks a week with sales, since the first sale, over the last half year."""
    begun = (np.cumsum(pieces > 0, axis=1) > 0)[:, -_RECENT_WEEKS:]
    sold = (pieces > 0)[:, -_RECENT_WEEKS:]
    found: Floats = begun.sum(axis=1) / np.maximum(sold.sum(axis=1), 1)
    return found


def _with_stand_ins(trials: dict[str, Trial]) -> dict[str, Trial]:
    """A kind that could not be tried, as of too young a shop, is served as its nearest that could."""
    nearest = {"best sellers": ("steady", "sparse"), "steady": ("best sellers", "sparse"),
               "sparse": ("steady", "best sellers"), "seasonal": ("best sellers", "steady", "sparse")}  # fmt: skip
    found = dict(trials)
    for name, others in nearest.items():
        stand_in = next((trials[other] for other in others if other in trials), None)
        if name not in trials and stand_in is not None:
            found[name] = stand_in
    return found


def _filled(sales: WeeklySales, parts: Sequence[tuple[Kind, Rows]], trials: dict[str, Trial]) -> Outlook:
    count = len(sales.keys)
    kinds = np.full(count, "", dtype="U16")
    weekly = np.zeros((3, count, AHEAD))
    total = np.zeros((3, count))
    for kind, rows in parts:
        if rows.size == 0 or kind.name not in trials:
            continue
        trial = trials[kind.name]
        made = np.maximum(0.0, METHODS[trial.chosen](sales.pieces[rows], AHEAD))
        low, high = trial.week.around(made.ravel())
        kinds[rows] = kind.name
        weekly[:, rows] = made, low.reshape(made.shape), high.reshape(made.shape)
        total[0, rows] = made.sum(axis=1)
        total[1, rows], total[2, rows] = trial.total.around(made.sum(axis=1))
    return Outlook(sales, kinds, weekly[0], weekly[1], weekly[2], total[0], total[1], total[2])
