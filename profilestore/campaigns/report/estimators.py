"""The estimators of a report, each by statsmodels: an interval of two shares, least squares, power, Holm."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["holm", "least_squares", "newcombe_interval", "power_of_shares"]

Floats = NDArray[np.float64]


@cache
def _module(name: str) -> Any:
    with warnings.catch_warnings():
        # Its import uses what pandas 3 calls deprecated.
        warnings.simplefilter("ignore")
        return import_module(f"statsmodels.{name}")


def newcombe_interval(hits: int, users: int, other_hits: int, other_users: int, *, alpha: float) -> tuple[float, float]:
    """Newcombe's hybrid score interval of a difference of shares, of level 1 - alpha (1998, method 10)."""
    low, high = _module("stats.proportion").confint_proportions_2indep(
        hits, users, other_hits, other_users, method="newcomb", compare="diff", alpha=alpha
    )
    # Its roots are rounded: of all against nobody the bound came out a hair above 1.
    return max(float(low), -1.0), min(float(high), 1.0)


def least_squares(values: Floats, design: Floats, *, own_spread: bool) -> Any:
    """Ordinary least squares with t intervals; errors with a spread of their own each (HC3), else of one spread."""
    model = _module("regression.linear_model").OLS(values, design)
    return model.fit(cov_type="HC3" if own_spread else "nonrobust", use_t=True)


def power_of_shares(effect: float, base: float, users: float, base_users: float, *, alpha: float) -> float:
    """The chance that a one-sided test sees a share of `base` + `effect` against one of `base`."""
    found = _module("stats.proportion").power_proportions_2indep(
        effect, base, nobs1=users, ratio=base_users / users, alpha=alpha, alternative="larger", return_results=False
    )
    return float(found)


def holm(chances: Sequence[float]) -> list[float]:
    """p-values corrected for their number (Holm 1979)."""
    if len(chances) == 0:
        return []
    corrected: list[float] = _module("stats.multitest").multipletests(chances, method="holm")[1].tolist()
    return corrected
