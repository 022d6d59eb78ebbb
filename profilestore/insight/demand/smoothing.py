"""How demand of the next weeks is foretold: the methods that are tried, each a function of the weeks so far.

Exponential smoothing (Brown 1956) by statsmodels where each series is fitted on its own, by pandas where one smoothing
serves thousands of series; for sparse sellers Teunter, Syntetos and Babai (2011): how often something is sold, and how
much then, smoothed apart.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["BASELINES", "METHODS", "WEEKS_A_YEAR", "Method", "last_year", "yearly_index"]

WEEKS_A_YEAR: Final = 52
_NEIGHBOURS: Final = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9.0
# The share of a week's weight in a yearly index that is the same for all weeks: one year's zero is not never.
_EVEN: Final = 0.1
_FITTED_LEAST: Final = 10

Floats = NDArray[np.float64]
# Of (series, weeks so far) and how many weeks ahead: (series, ahead), pieces a week.
Method = Callable[[Floats, int], Floats]


def last_week(pieces: Floats, ahead: int) -> Floats:
    """Naive: every week as the last one."""
    return np.repeat(pieces[:, -1:], ahead, axis=1)


def last_weeks(pieces: Floats, ahead: int) -> Floats:
    """Every week as the mean of the last four."""
    return np.repeat(pieces[:, -4:].mean(axis=1, keepdims=True), ahead, axis=1)


def last_year(pieces: Floats, ahead: int) -> Floats:
    """Seasonal naive: every week as the one 52 weeks before."""
    begin = pieces.shape[1] - WEEKS_A_YEAR
    return pieces[:, begin : begin + ahead]


def level(pieces: Floats, ahead: int, *, alpha: float) -> Floats:
    """Simple exponential smoothing from the first sale on, one smoothing for all series."""
    return np.repeat(_smoothed(_since_first_sale(pieces), alpha)[:, None], ahead, axis=1)


def mixed_level(pieces: Floats, ahead: int) -> Floats:
    """The mean of a slow, a middling and a quick smoothing: which is best changes with the times, and a mean of
    forecasts is seldom far from the best of them (Bates and Granger 1969)."""
    found: Floats = np.mean([level(pieces, ahead, alpha=alpha) for alpha in (0.1, 0.3, 0.5)], axis=0)
    return found


def share_of_all(pieces: Floats, ahead: int, *, alpha: float) -> Floats:
    """From the top down: a series' smoothed share of them all, times all of them smoothed quickly.

    Single series are too noisy to tell that the shop grows; together they are not.
    """
    each = level(pieces, ahead, alpha=alpha)
    all_of_them = level(pieces.sum(axis=0, keepdims=True), ahead, alpha=0.5)
    found: Floats = each / np.maximum(each.sum(axis=0, keepdims=True), 1e-9) * all_of_them
    return found


def own_level(pieces: Floats, ahead: int) -> Floats:
    """Simple exponential smoothing, the smoothing of each series fitted to it; of less than ten weeks, or of weeks
    that are all alike, the mean."""
    with warnings.catch_warnings():
        # Its import uses what pandas 3 calls deprecated.
        warnings.simplefilter("ignore")
        from statsmodels.tsa.holtwinters import SimpleExpSmoothing
    found = np.zeros((len(pieces), ahead))
    for row, series in enumerate(pieces):
        known = series[np.flatnonzero(series > 0)[0] :] if series.any() else series[:0]
        if known.size < _FITTED_LEAST or np.ptp(known) <= 0.0:
            found[row] = known.mean() if known.size > 0 else 0.0
            continue
        with warnings.catch_warnings():
            # Where the search for the smoothing ends at a bound, it says so; the bound is taken.
            warnings.simplefilter("ignore")
            model = SimpleExpSmoothing(known, initialization_method="heuristic")
            found[row] = np.maximum(0.0, model.fit().forecast(ahead))
    return found


def sparse_level(pieces: Floats, ahead: int, *, alpha: float, beta: float) -> Floats:
    """Teunter, Syntetos and Babai: the chance of a sale in a week, smoothed by beta every week, times the pieces of
    a week with sales, smoothed by alpha in those weeks alone. Without sales the forecast fades, as Croston's does not.
    """
    known = _since_first_sale(pieces)
    sold = np.where(np.isnan(known), np.nan, (known > 0).astype(np.float64))
    sizes = np.where(known > 0, known, np.nan)
    return np.repeat((_smoothed(sold, beta) * _smoothed(sizes, alpha, only_known=True))[:, None], ahead, axis=1)


def yearly(pieces: Floats, ahead: int, *, alpha: float) -> Floats:
    """Exponential smoothing of the level that is left when the season is divided out, times the weeks' seasons."""
    index = yearly_index(pieces)
    weeks = pieces.shape[1]
    slots = np.arange(weeks + ahead) % WEEKS_A_YEAR
    # A ratio of smoothed sums, and not smoothed ratios: weeks out of season say little of the level.
    base = _smoothed(pieces, alpha) / np.maximum(_smoothed(index[:, slots[:weeks]], alpha), 1e-9)
    return base[:, None] * index[:, slots[weeks:]]


def yearly_index(pieces: Floats) -> Floats:
    """(series, 52): how a week of the year compares with the mean week, over all whole years, smoothed over its
    neighbours. Slot 0 is the first week of `pieces`; a year is counted as 52 weeks.

    Raises:
        ValueError: less than a year.
    """
    years = pieces.shape[1] // WEEKS_A_YEAR
    if years == 0:
        raise ValueError("a yearly index needs 52 weeks")
    whole = pieces[:, pieces.shape[1] - years * WEEKS_A_YEAR :].reshape(len(pieces), years, WEEKS_A_YEAR).sum(axis=1)
    whole = np.roll(whole, (pieces.shape[1] - years * WEEKS_A_YEAR) % WEEKS_A_YEAR, axis=1)
    around = sum(
        weight * np.roll(whole, shift, axis=1) for shift, weight in zip(range(-2, 3), _NEIGHBOURS, strict=True)
    )
    mean = whole.mean(axis=1, keepdims=True)
    found: Floats = (1.0 - _EVEN) * np.divide(around, mean, out=np.ones_like(whole), where=mean > 0) + _EVEN
    return found


def _since_first_sale(pieces: Floats) -> Floats:
    begun = np.cumsum(pieces > 0, axis=1) > 0
    return np.where(begun, pieces, np.nan)


def _smoothed(values: Floats, alpha: float, *, only_known: bool = False) -> Floats:
    """The exponentially weighted mean at the last week, 0 where nothing is known.

    The weights of what is known sum to 1 (pandas' `adjust`), so that no first week counts for more than its share.
    """
    import pandas as pd

    means = pd.DataFrame(values.T).ewm(alpha=alpha, adjust=True, ignore_na=only_known).mean()
    last: Floats = means.ffill().to_numpy()[-1]
    return np.nan_to_num(last)


BASELINES: Final[Mapping[str, Method]] = {"last week": last_week, "last 4 weeks": last_weeks}
METHODS: Final[Mapping[str, Method]] = {
    **{f"smoothing {alpha}": partial(level, alpha=alpha) for alpha in (0.1, 0.2, 0.3, 0.5)},
    "smoothing mixed": mixed_level,
    **{f"share {alpha}": partial(share_of_all, alpha=alpha) for alpha in (0.1, 0.2, 0.3)},
    "smoothing of its own": own_level,
    **{f"sparse {share}": partial(sparse_level, alpha=0.2, beta=share) for share in (0.1, 0.2, 0.4)},
    **{f"season and smoothing {alpha}": partial(yearly, alpha=alpha) for alpha in (0.1, 0.2, 0.4)},
}
