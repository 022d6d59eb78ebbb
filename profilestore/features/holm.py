"""Holm's correction for many tests, for whoever tests: rules, differences of methods, arms of an experiment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["holm"]


def holm(p_values: Sequence[float] | NDArray[np.float64], *, tests: int | None = None) -> NDArray[np.float64]:
    """p-values corrected for how many tests were made (Holm 1979), in the order given.

    None of the true null hypotheses is rejected wrongly with more than the stated probability, whatever depends
    on what.

    Args:
        p_values: shape (n,).
        tests: how many tests were made, where these are the smallest of them; n by default.
    """
    given = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(given, kind="stable")
    count = given.size if tests is None else tests
    stepped = np.maximum.accumulate(given[order] * (count - np.arange(given.size)))
    corrected = np.empty(given.size)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected
