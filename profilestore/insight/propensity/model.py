"""Calibrated chances of a purchase: the models of the labelled table, on users at several times.

A user stands in the table once at each time, with what was known then and whether they bought in the days after it.
The days of two times do not overlap. All rows of a user are on one side of every split.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import TooLittleData
from profilestore.insight.history import DAY_S, History
from profilestore.insight.labelled.candidates import Candidate, scores_of
from profilestore.insight.labelled.table import LabelledTable, labelled_table
from profilestore.insight.labelled.validation import Tuned, settling_or_not, tune
from profilestore.insight.propensity.features import PurchaseFeatures, purchase_features

__all__ = [
    "DAYS",
    "Chances",
    "Moment",
    "Searched",
    "fit_chances",
    "learn_moments",
    "moment_of",
    "moments_of",
    "search",
    "table_of",
]

DAYS: Final = 30.0
TIMES_MOST: Final = 5
USERS_LEAST: Final = 50
# Before the first time, so that there is something to go by.
_WARM_UP_DAYS: Final = 28.0
_FITTED_MOST: Final = 40_000
_FOLDS: Final = 3
_ROWS_AT_ONCE: Final = 20_000
_LEAST: Final = 1e-6

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Moment:
    """Users at a time: what was known of them (`features`), and whether they `bought` (n,) in the days after it."""

    at: float
    features: PurchaseFeatures
    bought: NDArray[np.bool_]


def moments_of(history: History, *, zone: ZoneInfo, seed: int) -> list[Moment]:
    """Users 30, 60 and up to 180 days before the history's end, as far as 28 days and 50 users were known then.

    Raises:
        TooLittleData: there are not two such times, one to learn from and one to be checked on.
    """
    first = float(history.times.min()) if len(history) > 0 else history.as_of
    times = [history.as_of - number * DAYS * DAY_S for number in range(1, TIMES_MOST + 2)]
    moments: list[Moment] = []
    for at in (at for at in times if at - first >= _WARM_UP_DAYS * DAY_S):
        moment = moment_of(history, at, zone=zone, seed=seed)
        if len(moment.features) >= USERS_LEAST:
            moments.append(moment)
    if len(moments) < 2:
        raise TooLittleData(
            f"purchase propensity needs {USERS_LEAST} users and 88 days of acts: 28 to go by, 30 to learn from and 30 "
            "to be checked on."
        )
    return moments


def moment_of(history: History, at: float, *, zone: ZoneInfo, seed: int) -> Moment:
    """Users as of a time, and what they did in the 30 days after it; the latter is the label and nothing else."""
    features = purchase_features(history.before(at), horizon_days=DAYS, zone=zone, seed=seed)
    stop = at + DAYS * DAY_S
    later = history.before(stop).orders.between(at, stop)
    bought = np.zeros(len(history.user_ids), dtype=bool)
    bought[later.users] = True
    return Moment(at, features, bought[features.users])


def table_of(moments: Sequence[Moment]) -> LabelledTable:
    """Users at all these times, a row each.

    Raises:
        TooLittleData: nearly all of them bought, or nearly none.
    """
    values = np.concatenate([moment.features.values for moment in moments])
    return labelled_table(
        {name: values[:, place] for place, name in enumerate(moments[0].features.names)},
        np.concatenate([moment.bought for moment in moments]),
        groups=np.concatenate([moment.features.users for moment in moments]),
        equal_together=False,
    )


@dataclass(frozen=True)
class Searched:
    """A candidate and what the grid search found for it."""

    candidate: Candidate
    tuned: Tuned


def search(table: LabelledTable, candidates: Sequence[Candidate], *, seed: int) -> tuple[Searched, ...]:
    """Search the grid of each candidate by cross-validation; the best ROC-AUC first."""
    found = [Searched(candidate, tune(candidate, table, seed=seed)) for candidate in candidates]
    return tuple(sorted(found, key=lambda searched: -searched.tuned.roc_auc))


@dataclass(frozen=True)
class Chances:
    """Fitted, calibrated models that vote together: the mean of their log-odds.

    The best of several is the best partly by luck; the mean of a few of them is hardly ever worse.

    Attributes:
        parts: title -> the calibrated classifier.
        names: of the features they go by.
        level: is added to the log-odds, so that the newest days that were learned from are met on average: shops grow
            and have seasons.
        fitted_on: rows.
    """

    parts: Mapping[str, Any]
    names: tuple[str, ...]
    level: float
    fitted_on: int

    def of(self, names: Sequence[str], values: Floats) -> Floats:
        """The calibrated probability of each row; `values` (n, f) are of the features `names`."""
        found: Floats = 1.0 / (1.0 + np.exp(-self._log_odds(names, values) - self.level))
        return found

    def _log_odds(self, names: Sequence[str], values: Floats) -> Floats:
        places = [list(names).index(name) for name in self.names]
        found = np.zeros(values.shape[0])
        for start in range(0, values.shape[0], _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            for part in self.parts.values():
                chance = np.clip(scores_of(part, values[rows][:, places]), _LEAST, 1.0 - _LEAST)
                found[rows] += np.log(chance / (1.0 - chance)) / len(self.parts)
        return found

    def levelled(self, names: Sequence[str], values: Floats, happened: NDArray[np.bool_]) -> Chances:
        """The same, at the level of what happened to these rows."""
        from scipy.optimize import brentq

        odds = self._log_odds(names, values)
        share = (float(happened.sum()) + 1.0) / (happened.size + 2.0)
        above = brentq(lambda level: float(np.mean(1.0 / (1.0 + np.exp(-odds - level)))) - share, -30.0, 30.0)
        return replace(self, level=float(above))


def fit_chances(parts: Sequence[Searched], table: LabelledTable, *, seed: int) -> Chances:
    """Fit each part, calibrated by Platt's sigmoid on users its folds had not seen; on a seeded sample of many rows."""
    from sklearn.base import clone
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.model_selection import StratifiedGroupKFold

    fitted: dict[str, Any] = {}
    rows = 0
    for searched in parts:
        candidate = searched.candidate
        sample = table.sampled(min(_FITTED_MOST, candidate.rows_most or _FITTED_MOST), seed=seed)
        split = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed)
        folds = list(split.split(sample.values, sample.label, sample.groups))
        model = clone(candidate.build(sample, seed)).set_params(**searched.tuned.settings)
        with settling_or_not():
            fitted[candidate.title] = CalibratedClassifierCV(model, method="sigmoid", cv=folds).fit(
                sample.values, sample.label
            )
        rows = max(rows, len(sample))
    return Chances(fitted, table.names, 0.0, rows)


def learn_moments(parts: Sequence[Searched], moments: Sequence[Moment], table: LabelledTable, *, seed: int) -> Chances:
    """Fit the parts to the table of the moments, and set the level by the newest one (the first)."""
    newest = moments[0]
    chances = fit_chances(parts, table, seed=seed)
    return chances.levelled(newest.features.names, newest.features.values, newest.bought)
