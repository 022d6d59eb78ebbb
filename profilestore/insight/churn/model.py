"""The churn model: gradient boosting and logistic regression, calibrated, and what each reason adds to a score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.insight.churn.features import FEATURES

__all__ = ["GROUPS", "MODEL", "PARTS", "ChurnModel", "Examples", "alone", "fit_churn", "joined"]

MODEL: Final = "churn"
PARTS: Final = ("boosting", "logistic")
GROUPS: Final = tuple(dict.fromkeys(group for group, _ in FEATURES.values()))
_FITTED_MOST: Final = 100_000
_FOLDS: Final = 5
_ODDS_MOST: Final = 1e-6
_ROWS_AT_ONCE: Final = 50_000

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Examples:
    """Users at one time or several, (n,) each: features (n, f), whether they `churned`, and which user it is."""

    values: Floats
    churned: Floats
    users: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.churned.size)

    @property
    def classes(self) -> tuple[int, int]:
        """How many users churned at one of the times, and how many did not at one."""
        gone = self.churned > 0.0
        return int(np.unique(self.users[gone]).size), int(np.unique(self.users[~gone]).size)


def joined(parts: Sequence[Examples]) -> Examples:
    """The examples of several times as one."""
    return Examples(
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.churned for part in parts]),
        np.concatenate([part.users for part in parts]),
    )


@dataclass(frozen=True)
class ChurnModel:
    """A fitted model: the mean of the log-odds of its `parts`, calibrated classifiers of scikit-learn, which is hardly
    ever worse than the better of them. `usual` (f,) are the features of the middle one of those who came back."""

    parts: Mapping[str, Any]
    usual: Floats
    fitted_on: int

    def log_odds(self, values: Floats) -> Floats:
        """Of churn, (n,)."""
        found = np.zeros(values.shape[0])
        for start in range(0, values.shape[0], _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            for part in self.parts.values():
                chance = np.clip(part.predict_proba(values[rows])[:, 1], _ODDS_MOST, 1.0 - _ODDS_MOST)
                found[rows] += np.log(chance / (1.0 - chance)) / len(self.parts)
        return found

    def risk(self, values: Floats) -> Floats:
        """The calibrated probability of churn, (n,)."""
        found: Floats = 1.0 / (1.0 + np.exp(-self.log_odds(values)))
        return found

    def contributions(self, values: Floats) -> Floats:
        """What each group of features (`GROUPS`) adds to a user's log-odds over those of a usual customer; (n, groups).

        Shapley values over the groups of features, with the usual customer's in place of what is not known yet
        (Lundberg and Lee 2017). Groups come in one order and in the reverse of it: that is exact for a sum of
        effects of at most two groups each, which trees of depth two and a logistic regression are, before they are
        calibrated. A row adds up to the difference of the log-odds in any case.
        """
        columns = [np.array([group == name for group, _ in FEATURES.values()]) for name in GROUPS]
        found = np.zeros((values.shape[0], len(GROUPS)))
        for order in (range(len(GROUPS)), reversed(range(len(GROUPS)))):
            filled = np.tile(self.usual, (values.shape[0], 1))
            before = self.log_odds(filled[:1]).repeat(values.shape[0])
            for group in order:
                filled[:, columns[group]] = values[:, columns[group]]
                after = self.log_odds(filled)
                found[:, group] += (after - before) / 2.0
                before = after
        return found


def fit_churn(examples: Examples, *, seed: int) -> ChurnModel:
    """Fit boosting and logistic regression, each calibrated by Platt's sigmoid on users that its folds had not seen.

    Of more than 100,000 examples a seeded sample is taken.
    """
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.model_selection import GroupKFold

    chosen = np.arange(len(examples))
    if chosen.size > _FITTED_MOST:
        chosen = np.sort(np.random.default_rng(seed).choice(chosen, _FITTED_MOST, replace=False))
    values, churned, users = examples.values[chosen], examples.churned[chosen].astype(int), examples.users[chosen]
    # A user stands here at several times: all of them are in one fold.
    folds = list(GroupKFold(n_splits=_FOLDS, shuffle=True, random_state=seed).split(values, churned, users))
    parts = {
        name: CalibratedClassifierCV(maker(seed, chosen.size), method="sigmoid", cv=folds, ensemble=False)
        for name, maker in (("boosting", _boosting), ("logistic", _logistic))
    }
    for part in parts.values():
        part.fit(values, churned)
    return ChurnModel(parts, np.median(values[churned == 0], axis=0), int(chosen.size))


def alone(model: ChurnModel) -> dict[str, ChurnModel]:
    """The model, and each of its parts as one, by name."""
    return {MODEL: model} | {name: replace(model, parts={name: part}) for name, part in model.parts.items()}


def _boosting(seed: int, count: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    leaf = int(np.clip(count // 50, 20, 100))

    return HistGradientBoostingClassifier(
        max_iter=300,
        learning_rate=0.03,
        max_depth=2,
        min_samples_leaf=leaf,
        l2_regularization=5.0,
        monotonic_cst=[direction for _, direction in FEATURES.values()],
        early_stopping=False,
        random_state=seed,
    )


def _logistic(seed: int, count: int) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000, random_state=seed))
