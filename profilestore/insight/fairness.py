"""Is a model as right for some as for others? Its figures by gender, age band and region, where they are known.

Every figure is a mean or a smooth function of means, so its standard error comes from what each user adds to it
(its influence function: the delta method; of the area under the ROC curve DeLong et al. 1988). A group is told to
differ where its figure and that of all other known users differ by more than chance, over all groups and figures
that were looked at (Holm 1979, 5 %).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.features.holm import holm
from profilestore.insight.backgrounds import DIMENSIONS, Backgrounds
from profilestore.insight.intervals import settled

__all__ = ["METRICS", "Measured", "Metric", "by_group", "mean_of", "ratio_of"]

Floats = NDArray[np.float64]

LEAST_USERS: Final = 30
_LEVEL: Final = 0.05
_CLASS_LEAST: Final = 5
# Both ends of a 95 % interval of a normal figure.
_TWO_SIDED: Final = 1.959963985


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure and its standard error; `share`: it lies between 0 and 1, and so does its interval."""

    value: float
    error: float
    share: bool = False


# Of what happened and what was predicted, (n,) each; None where such users have no such figure.
Metric = Callable[[Floats, Floats], Measured | None]


def mean_of(values: Floats) -> Measured | None:
    """The mean of a value a user; None of fewer than two."""
    if values.size < 2:
        return None
    share = bool(np.isin(values, (0.0, 1.0)).all())
    return Measured(float(values.mean()), float(values.std(ddof=1)) / math.sqrt(values.size), share)


def ratio_of(above: Floats, below: Floats) -> Measured | None:
    """The ratio of two sums over users, such as a share of spend; None where the lower one is zero."""
    return _mean_of_ratios((above, below))


def _mean_of_ratios(*parts: tuple[Floats, Floats]) -> Measured | None:
    ratios: list[float] = []
    influence = np.zeros(parts[0][0].size)
    for above, below in parts:
        total = float(below.sum())
        if above.size < 2 or total == 0.0:
            return None
        ratios.append(float(above.sum()) / total)
        influence += (above - ratios[-1] * below) / (total / below.size)
    spread = float(influence.std(ddof=1)) / len(parts)
    share = all(bool(((above >= 0.0) & (above <= below)).all()) for above, below in parts)
    return Measured(sum(ratios) / len(parts), spread / math.sqrt(influence.size), share)


def auc_of(actual: Floats, predicted: Floats) -> Measured | None:
    """The area under the ROC curve, ties counting half; None with fewer than five of a class: its error is unknown."""
    from scipy.stats import rankdata

    yes = actual > 0
    positives, negatives = int(yes.sum()), int((~yes).sum())
    if min(positives, negatives) < _CLASS_LEAST:
        return None
    among_all = rankdata(predicted)
    # Of each positive the share of negatives below it, and of each negative the share of positives above it.
    above = (among_all[yes] - rankdata(predicted[yes])) / negatives
    below = 1.0 - (among_all[~yes] - rankdata(predicted[~yes])) / positives
    variance = above.var(ddof=1) / positives + below.var(ddof=1) / negatives
    return Measured(float(above.mean()), math.sqrt(float(variance)), share=True)


def _f1_of(actual: Floats, predicted: Floats) -> Measured | None:
    return ratio_of(2.0 * actual * predicted, actual + predicted)


def _macro_f1_of(actual: Floats, predicted: Floats) -> Measured | None:
    no, said_no = 1.0 - actual, 1.0 - predicted
    return _mean_of_ratios((2.0 * actual * predicted, actual + predicted), (2.0 * no * said_no, no + said_no))


METRICS: Final[Mapping[str, Metric]] = {
    "actual": lambda actual, predicted: mean_of(actual),
    "predicted": lambda actual, predicted: mean_of(predicted),
    # Above zero: more was predicted than came.
    "bias": lambda actual, predicted: mean_of(predicted - actual),
    "absolute_error": lambda actual, predicted: mean_of(np.abs(predicted - actual)),
    # Of a probability, Brier's score.
    "squared_error": lambda actual, predicted: mean_of((predicted - actual) ** 2),
    "accuracy": lambda actual, predicted: mean_of((predicted == actual).astype(np.float64)),
    "auc": auc_of,
    # Of what was predicted as 0 or 1.
    "precision": lambda actual, predicted: ratio_of(actual * predicted, predicted),
    "recall": lambda actual, predicted: ratio_of(actual * predicted, actual),
    "f1": _f1_of,
    "macro_f1": _macro_f1_of,
}


def by_group(
    backgrounds: Backgrounds,
    user_ids: Sequence[str],
    *,
    actual: NDArray[Any] | None = None,
    predicted: NDArray[Any] | None = None,
    metrics: Sequence[str] | Mapping[str, Metric] = (),
    means: Mapping[str, NDArray[Any]] | None = None,
    ratios: Mapping[str, tuple[NDArray[Any], NDArray[Any]]] | None = None,
    least: int = LEAST_USERS,
) -> dict[str, Any]:
    """The figures by group, as `InsightRecord.by_group` holds them.

    Args:
        backgrounds: of the shop's users, `run.backgrounds`; who is not in it is unknown.
        user_ids: (n,) of whom the rows are; a user may have several.
        actual: (n,) what happened: 0 or 1, or an amount.
        predicted: (n,) what was predicted: a probability, 0 or 1, or an amount.
        metrics: names of `METRICS`, or names of your own with functions.
        means: figure -> (n,) a value a row, of which the mean is told.
        ratios: figure -> two values a row, (n,) each, of which the ratio of the sums is told.
        least: groups of fewer rows are merged as others or left out.

    Returns:
        `rows`: `by`, `group`, `users`, a figure with its interval each, and `differs`: the figures in which the group
        differs from all other known users by more than chance; `known`: dimension -> share of the rows;
        `least_users`, `region` (which field).
    """
    count = len(user_ids)
    columns = [
        np.zeros(count) if given is None else np.asarray(given, dtype=np.float64) for given in (actual, predicted)
    ]
    wanted = metrics if isinstance(metrics, Mapping) else {name: METRICS[name] for name in metrics}
    measures: dict[str, Callable[[NDArray[Any]], Measured | None]] = {
        name: _of_rows(metric, *columns) for name, metric in wanted.items()
    }
    measures |= {name: _of_rows(mean_of, values) for name, values in (means or {}).items()}
    measures |= {name: _of_rows(ratio_of, above, below) for name, (above, below) in (ratios or {}).items()}
    rows: list[dict[str, Any]] = []
    tests: list[tuple[int, str, float]] = []
    known: dict[str, float] = {}
    for dimension in DIMENSIONS:
        numbers, names = backgrounds.groups_of(user_ids, dimension, least=least)
        known[dimension] = settled(float((numbers >= 0).mean())) if count > 0 else 0.0
        for number, group in enumerate(names):
            inside, others = np.flatnonzero(numbers == number), np.flatnonzero((numbers >= 0) & (numbers != number))
            row: dict[str, Any] = {"by": dimension, "group": group, "users": int(inside.size)}
            for name, measure in measures.items():
                here, there = measure(inside), measure(others)
                row[name] = None if here is None else _interval(here)
                if here is not None and there is not None:
                    tests.append((len(rows), name, _chance(here, there)))
            rows.append(row)
    corrected = holm([chance for _, _, chance in tests]).tolist()
    for place, row in enumerate(rows):
        row["differs"] = [name for (at, name, _), p in zip(tests, corrected, strict=True) if at == place and p < _LEVEL]
    return {"rows": rows, "known": known, "least_users": least, "region": backgrounds.region}


def _of_rows(
    measure: Callable[..., Measured | None], *columns: NDArray[Any]
) -> Callable[[NDArray[Any]], Measured | None]:
    given = [np.asarray(column, dtype=np.float64) for column in columns]
    return lambda rows: measure(*(column[rows] for column in given))


def _interval(measured: Measured) -> dict[str, float]:
    reach = _TWO_SIDED * measured.error
    low, high = measured.value - reach, measured.value + reach
    if measured.share:
        low, high = max(0.0, low), min(1.0, high)
    return {"mean": settled(measured.value), "low": settled(low), "high": settled(high)}


def _chance(here: Measured, there: Measured) -> float:
    """How likely such a difference is where there is none (two-sided)."""
    error = math.hypot(here.error, there.error)
    difference = abs(here.value - there.value)
    if error == 0.0:
        return 1.0 if difference == 0.0 else 0.0
    return math.erfc(difference / error / math.sqrt(2.0))
