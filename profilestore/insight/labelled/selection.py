"""Which features say something of the label? Four methods, and what they agree on.

- **mutual information** of the label with each feature alone (numbers in tenths), above that of 20 shuffled labels;
- **chi-squared** test of independence of each feature alone (numbers in tenths), Holm's correction at 1 %;
- **RFE**, recursive elimination by a logistic regression (Guyon et al. 2002): the fewest columns whose ROC-AUC in
  cross-validation is within one standard error of the best;
- **Lasso** (Tibshirani 1996): the strongest penalty whose error in cross-validation is within one standard error.

The first two look at features alone, and take two that say the same; the others look at all together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from profilestore.features.holm import holm
from profilestore.insight.labelled.candidates import encoded
from profilestore.insight.labelled.table import LabelledTable
from profilestore.insight.labelled.validation import INNER_FOLDS, folds_of, settling_or_not

__all__ = ["AGREED", "METHODS", "Selection", "select_features"]

AGREED: Final = 3
_ROWS: Final = 4_000
_TENTHS: Final = 10
_SHUFFLES: Final = 20
_LEVEL: Final = 0.01
_STEPS: Final = 20
_ALPHAS: Final = 40

Floats = NDArray[np.float64]
# Of each feature, whether it is chosen and how much it counts.
Verdict = tuple[NDArray[np.bool_], Floats]


@dataclass(frozen=True)
class Selection:
    """What each method says of the features of one table.

    Attributes:
        names: of the features.
        chosen: method -> (p,) whether it takes each feature.
        worth: method -> (p,) how much each feature counts in it; only the order of one method's says something.
    """

    names: tuple[str, ...]
    chosen: Mapping[str, NDArray[np.bool_]]
    worth: Mapping[str, Floats]

    @property
    def agreed(self) -> tuple[str, ...]:
        """The features that three of the four methods take; that most of them take where there is none such."""
        votes = np.sum(list(self.chosen.values()), axis=0)
        least = min(AGREED, int(votes.max()))
        return tuple(name for name, count in zip(self.names, votes.tolist(), strict=True) if count >= max(1, least))

    def ranks(self, method: str) -> Floats:
        """(p,) the place of each feature in a method, 1 is the first; equal ones share a place."""
        from scipy.stats import rankdata

        return np.asarray(rankdata(-self.worth[method], method="average"), dtype=np.float64)


def select_features(table: LabelledTable, *, seed: int) -> Selection:
    """Ask all four methods; on a seeded sample of 4,000 rows where there are more."""
    sample = table.sampled(_ROWS, seed=seed)
    verdicts = {name: method(sample, seed) for name, method in METHODS.items()}
    return Selection(
        names=table.names,
        chosen={name: chosen for name, (chosen, _) in verdicts.items()},
        worth={name: worth for name, (_, worth) in verdicts.items()},
    )


def _binned(table: LabelledTable) -> NDArray[np.int64]:
    """Numbers in tenths, words as they are; what is unknown is a bin of its own."""
    bins = np.zeros(table.values.shape, dtype=np.int64)
    for place, of_words in enumerate(table.of_words.tolist()):
        column = table.values[:, place]
        known = ~np.isnan(column)
        if of_words:
            bins[known, place] = column[known].astype(np.int64) + 1
        elif known.any():
            edges = np.unique(np.quantile(column[known], np.linspace(0.0, 1.0, _TENTHS + 1)[1:-1]))
            bins[known, place] = np.searchsorted(edges, column[known], side="right") + 1
    return bins


def _mutual_information(table: LabelledTable, seed: int) -> Verdict:
    from sklearn.feature_selection import mutual_info_classif

    bins, rng = _binned(table), np.random.default_rng(seed)
    worth = mutual_info_classif(bins, table.label, discrete_features=True)
    by_chance = np.max(
        [mutual_info_classif(bins, rng.permutation(table.label), discrete_features=True) for _ in range(_SHUFFLES)],
        axis=0,
    )
    return worth > by_chance, np.asarray(worth, dtype=np.float64)


def _chi_squared(table: LabelledTable, seed: int) -> Verdict:
    """The worth is Cramér's V, on which the number of rows and of bins has little hold."""
    from scipy.stats import chi2_contingency

    chances, strengths = [], []
    for column in _binned(table).T:
        _, place = np.unique(column, return_inverse=True)
        counts = np.zeros((int(place.max()) + 1, 2))
        np.add.at(counts, (place, table.label.astype(np.int64)), 1.0)
        if counts.shape[0] < 2:
            chances.append(1.0)
            strengths.append(0.0)
            continue
        found = chi2_contingency(counts, correction=False)
        chances.append(float(found.pvalue))
        strengths.append(float(np.sqrt(found.statistic / len(table))))
    return np.asarray(holm(chances)) < _LEVEL, np.array(strengths)


def _columns(table: LabelledTable) -> tuple[Floats, NDArray[np.int64]]:
    """The columns as linear models read them, and the feature that each is of."""
    ready = encoded(table, even=True).fit(table.values)
    columns = np.asarray(ready.transform(table.values), dtype=np.float64)
    of_feature = [
        int(re.match(r"(?:numbers|words)__(?:missingindicator_)?x(\d+)", name).group(1))  # type: ignore[union-attr]  # our own names
        for name in ready.get_feature_names_out()
    ]
    return columns, np.array(of_feature)


def _by_feature(values: Floats, of_feature: NDArray[np.int64], count: int) -> Floats:
    best = np.zeros(count)
    np.maximum.at(best, of_feature, values)
    return best


def _elimination(table: LabelledTable, seed: int) -> Verdict:
    from sklearn.feature_selection import RFE, RFECV
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import PredefinedSplit

    columns, of_feature = _columns(table)
    model = LogisticRegression(max_iter=500, random_state=seed)
    split = PredefinedSplit(folds_of(table, INNER_FOLDS, seed=seed))
    step = max(1, columns.shape[1] // _STEPS)
    with settling_or_not():
        tried = RFECV(model, step=step, cv=split, scoring="roc_auc").fit(columns, table.label).cv_results_
        means, errors = tried["mean_test_score"], tried["std_test_score"] / np.sqrt(INNER_FOLDS)
        best = int(np.argmax(means))
        enough = int(np.min(tried["n_features"][means >= means[best] - errors[best]]))
        found = RFE(model, n_features_to_select=enough, step=step).fit(columns, table.label)
    kept = np.zeros(len(table.names), dtype=bool)
    kept[of_feature[found.support_]] = True
    return kept, _by_feature(1.0 / found.ranking_, of_feature, len(table.names))


def _lasso(table: LabelledTable, seed: int) -> Verdict:
    from sklearn.linear_model import LassoCV, lasso_path
    from sklearn.model_selection import PredefinedSplit

    columns, of_feature = _columns(table)
    label = table.label.astype(np.float64)
    split = PredefinedSplit(folds_of(table, INNER_FOLDS, seed=seed))
    with settling_or_not():
        found = LassoCV(alphas=_ALPHAS, cv=split, max_iter=5000).fit(columns, label)
        means = found.mse_path_.mean(axis=1)
        best = int(np.argmin(means))
        error = float(found.mse_path_[best].std() / np.sqrt(INNER_FOLDS))
        alpha = float(np.max(found.alphas_[means <= means[best] + error]))
        centred = columns - columns.mean(axis=0)
        _, weights, _ = lasso_path(centred, label - label.mean(), alphas=[alpha], max_iter=5000)
    worth = _by_feature(np.abs(weights[:, 0]), of_feature, len(table.names))
    return worth > 0.0, worth


METHODS: Final[Mapping[str, Callable[[LabelledTable, int], Verdict]]] = {
    "mutual information": _mutual_information,
    "chi-squared": _chi_squared,
    "RFE": _elimination,
    "Lasso": _lasso,
}
