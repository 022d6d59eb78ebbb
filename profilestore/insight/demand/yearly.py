"""Seasonal products: what is sold at one time of the year more than the rest of the shop is, by more than chance.

Thirteen periods of four weeks a year. A Poisson regression of a product's pieces (quasi-Poisson: its dispersion is
estimated, since pieces come in orders and not one by one) with waves of a year and of half a year, beside the shop's
own sales and a trend, is compared by an F test with one without waves; false discoveries are held to 5 % over all
products tested (Benjamini and Hochberg 1995). A season is a yearly one only where it was seen twice: the periods of
the last year must rise and fall with those of the years before. After one year nobody can tell a season from a
fashion, so what stands out then is told apart as `one year`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from profilestore.insight.demand.smoothing import WEEKS_A_YEAR
from profilestore.insight.sales import WeeklySales

__all__ = ["Season", "find_seasons"]

_PERIOD_WEEKS: Final = 4
_PERIODS: Final = WEEKS_A_YEAR // _PERIOD_WEEKS
_PIECES_LEAST: Final = 50.0
_SOLD_LEAST: Final = 5
# The best sellers of so many are tested: a regression each.
_TESTED_MOST: Final = 2000
_LEVEL: Final = 0.05
_PEAK_LEAST: Final = 1.5
# One year's rise and fall may be a fashion: only what stands out far is told.
_ONE_YEAR_LEVEL: Final = 0.01
_ONE_YEAR_PEAK_LEAST: Final = 2.0
_IN_SEASON: Final = 1.25

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Season:
    """A product's season.

    Attributes:
        row: of the product.
        kind: `yearly`: seen in two years or more; `one year`: there is but one year to see it in.
        months: of the year in which it sells at least a quarter more than in its mean month, in order.
        peak: how many times its mean it sells in its best four weeks.
        pieces: a year beyond an even year, in its season.
        chance: the probability of such waves by chance, corrected for all products tested.
    """

    row: int
    kind: Literal["yearly", "one year"]
    months: tuple[int, ...]
    peak: float
    pieces: float
    chance: float


def find_seasons(sales: WeeklySales) -> list[Season]:
    """The seasonal products, those of the most pieces in season first; none from less than a year of sales."""
    from scipy.stats import false_discovery_control

    years = sales.weeks // WEEKS_A_YEAR
    if years == 0:
        return []
    pieces = sales.pieces[:, sales.weeks - years * WEEKS_A_YEAR :]
    periods = pieces.reshape(len(pieces), years * _PERIODS, _PERIOD_WEEKS).sum(axis=2)
    # Like for like: products that came into the shop, or left it, say nothing of its year.
    halves = np.array_split(periods, 2 * years, axis=1)
    stayed = np.all([half.sum(axis=1) > 0 for half in halves], axis=0)
    shop = periods[stayed].sum(axis=0)
    if shop.min() <= 0.0:
        return []
    rows = np.flatnonzero((periods.sum(axis=1) >= _PIECES_LEAST) & ((periods > 0).sum(axis=1) >= _SOLD_LEAST))
    rows = np.sort(rows[np.argsort(-periods[rows].sum(axis=1), kind="stable")[:_TESTED_MOST]])
    if rows.size == 0:
        return []
    chances = np.array([_chance_of_waves(periods[row], shop - periods[row] * stayed[row], years) for row in rows])
    chances = false_discovery_control(chances)
    months = _months_of(sales, years)
    found: list[Season] = []
    for row, chance in zip(rows.tolist(), chances.tolist(), strict=True):
        shape = _shape(periods[row])
        above = np.flatnonzero(shape >= _IN_SEASON)
        if years > 1:
            told = chance <= _LEVEL and shape.max() >= _PEAK_LEAST and _comes_again(periods[row], shop)
        else:
            told = chance <= _ONE_YEAR_LEVEL and shape.max() >= _ONE_YEAR_PEAK_LEAST
        if told:
            best = tuple(sorted({months[period] for period in above.tolist()}))
            beyond = float((shape[above] - 1.0).sum() * periods[row].sum() / years / _PERIODS)
            found.append(Season(row, "yearly" if years > 1 else "one year", best, float(shape.max()), beyond, chance))
    return sorted(found, key=lambda season: (-season.pieces, season.row))


def _chance_of_waves(pieces: Floats, others: Floats, years: int) -> float:
    """The p value of the waves; 1 where no regression settles."""
    from scipy.stats import f as f_distribution

    with warnings.catch_warnings():
        # Its import uses what pandas 3 calls deprecated.
        warnings.simplefilter("ignore")
        import statsmodels.api as sm
    periods = np.arange(pieces.size)
    angle = 2.0 * np.pi * (periods + 0.5) / _PERIODS
    waves = np.column_stack([wave(turns * angle) for turns in (1, 2) for wave in (np.cos, np.sin)])
    # In one year a trend and a season cannot be told apart: it is left out, and the season is not called yearly.
    rest = [np.ones(pieces.size)] + ([periods / pieces.size - 0.5] if years > 1 else [])
    without = np.column_stack(rest)
    offset = np.log(np.maximum(others, 1.0))
    with warnings.catch_warnings():
        # A product not sold for most of the year has periods whose mean is next to nothing; the test stands.
        warnings.simplefilter("ignore")
        try:
            plain = sm.GLM(pieces, without, family=sm.families.Poisson(), offset=offset).fit()
            waved = sm.GLM(pieces, np.column_stack([without, waves]), family=sm.families.Poisson(), offset=offset).fit()
        except (ValueError, np.linalg.LinAlgError):
            return 1.0
    free = pieces.size - without.shape[1] - waves.shape[1]
    dispersion = max(1.0, float(waved.pearson_chi2) / free)
    ratio = (float(plain.deviance) - float(waved.deviance)) / waves.shape[1] / dispersion
    chance = float(f_distribution.sf(ratio, waves.shape[1], free))
    return chance if np.isfinite(chance) else 1.0


def _comes_again(pieces: Floats, shop: Floats) -> bool:
    """Whether the last year's periods go with those of the years before, as shares of the shop's."""
    from scipy.stats import pearsonr

    share = (pieces / shop).reshape(-1, _PERIODS)
    before, last = share[:-1].mean(axis=0), share[-1]
    if np.ptp(before) <= 0.0 or np.ptp(last) <= 0.0:
        return False
    return bool(pearsonr(before, last, alternative="greater").pvalue <= _LEVEL)


def _shape(pieces: Floats) -> Floats:
    """(13,) a period's pieces over the mean period's; in one of a year with more than one year, their mean."""
    mean = pieces.reshape(-1, _PERIODS).mean(axis=0)
    shape: Floats = mean / max(float(mean.mean()), 1e-9)
    return shape


def _months_of(sales: WeeklySales, years: int) -> dict[int, int]:
    """The calendar month of the middle of each period."""
    begin = sales.day_of(sales.weeks - years * WEEKS_A_YEAR)
    middle: Any = timedelta(days=_PERIOD_WEEKS * 7 / 2)
    return {period: (begin + period * 2 * middle + middle).month for period in range(_PERIODS)}
