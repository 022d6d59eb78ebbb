"""The models that are compared, with the settings that the grid search tries.

Columns are made ready alike for all: unknown numbers get the median and a mark, words a column each (rare ones share
one). Models that measure distances or add columns up see numbers on a logarithmic scale (with their sign), centred
and of one spread, since counts, durations and money are skewed; trees do not care.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import UsageError
from profilestore.insight.labelled.table import LabelledTable

__all__ = ["BASELINE", "CANDIDATES", "Candidate", "candidates_named", "encoded", "scores_of"]

# What a kernel SVM costs grows with the square of the rows, what nearest neighbours cost with the rows at each answer.
KERNEL_ROWS: Final = 4_000
NEIGHBOUR_ROWS: Final = 20_000
_LEVELS_MOST: Final = 30
_LEVEL_SHARE: Final = 0.005
_NEIGHBOURS: Final = "model__n_neighbors"

Floats = NDArray[np.float64]
# From the table (for the kinds of its columns) and a seed to an estimator of scikit-learn.
Build = Callable[[LabelledTable, int], Any]


@dataclass(frozen=True)
class Candidate:
    """A model to be compared.

    Attributes:
        name: as it is asked for.
        title: as a person reads it.
        build: makes it, not fitted.
        grid: setting -> the values to try; all combinations are.
        rows_most: it is fitted on a seeded sample of so many rows where there are more; None for all.
    """

    name: str
    title: str
    build: Build
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    rows_most: int | None = None


def encoded(table: LabelledTable, *, even: bool) -> Any:
    """The transformer that makes columns ready; `even` for models that need one scale."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    of_words = np.flatnonzero(table.of_words)
    numbers: list[Any] = [SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)]
    if even:
        numbers += [FunctionTransformer(_signed_log, feature_names_out="one-to-one"), StandardScaler()]
    words = OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        max_categories=_LEVELS_MOST,
        min_frequency=_LEVEL_SHARE,
        sparse_output=False,
    )
    return ColumnTransformer(
        [("numbers", make_pipeline(*numbers), np.flatnonzero(~table.of_words)), ("words", words, of_words)]
    )


def _signed_log(values: Floats) -> Floats:
    found: Floats = np.sign(values) * np.log1p(np.abs(values))
    return found


def scores_of(model: Any, values: Floats) -> Floats:
    """The higher, the rather yes: the probability where the model has one, else the distance from the border."""
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(values)[:, 1], dtype=np.float64)
    return np.asarray(model.decision_function(values), dtype=np.float64)


def _piped(table: LabelledTable, model: Any, *, even: bool) -> Any:
    from sklearn.pipeline import Pipeline

    return Pipeline([("columns", encoded(table, even=even)), ("model", model)])


def _logistic(table: LabelledTable, seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return _piped(table, LogisticRegression(max_iter=2000, random_state=seed), even=True)


def _svm(table: LabelledTable, seed: int) -> Any:
    from sklearn.svm import SVC

    return _piped(table, SVC(kernel="rbf", class_weight="balanced", cache_size=500), even=True)


def _forest(table: LabelledTable, seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return _piped(table, RandomForestClassifier(100, max_samples=0.7, random_state=seed, n_jobs=2), even=False)


def _boosting(table: LabelledTable, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        learning_rate=0.05, max_features=0.5, early_stopping=False, random_state=seed
    )
    return _piped(table, model, even=False)


def _tree(table: LabelledTable, seed: int) -> Any:
    from sklearn.tree import DecisionTreeClassifier

    return _piped(table, DecisionTreeClassifier(random_state=seed), even=False)


def _neighbours(table: LabelledTable, seed: int) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return _piped(table, KNeighborsClassifier(weights="distance", algorithm="brute"), even=True)


def _bayes(table: LabelledTable, seed: int) -> Any:
    from sklearn.naive_bayes import GaussianNB

    return _piped(table, GaussianNB(), even=True)


def _net(table: LabelledTable, seed: int) -> Any:
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(hidden_layer_sizes=(16,), learning_rate_init=0.005, max_iter=30, random_state=seed)
    return _piped(table, model, even=True)


def _one_feature(table: LabelledTable, seed: int) -> Any:
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer
    from sklearn.tree import DecisionTreeClassifier

    # Eight leaves of one column: as much as a person would cut it by eye.
    return Pipeline(
        [
            ("feature", FunctionTransformer(_taken, kw_args={"place": 0})),
            ("model", DecisionTreeClassifier(max_leaf_nodes=8, min_samples_leaf=10, random_state=seed)),
        ]
    )


def _taken(values: Floats, *, place: int) -> Floats:
    return values[:, [place]]


def _one_feature_grid(table: LabelledTable) -> dict[str, list[Any]]:
    return {"feature__kw_args": [{"place": place} for place in range(len(table.names))]}


BASELINE: Final = Candidate("one-feature", "the one feature that says most", _one_feature)
CANDIDATES: Final[tuple[Candidate, ...]] = (
    Candidate("logistic", "logistic regression", _logistic, {"model__C": (0.03, 0.3, 3.0)}),
    Candidate("svm", "support vector machine, radial kernel", _svm,
              {"model__C": (0.3, 3.0), "model__gamma": (0.01, 0.05)}, KERNEL_ROWS),
    Candidate("forest", "random forest", _forest,
              {"model__min_samples_leaf": (2, 8), "model__max_features": ("sqrt", 0.5)}),
    Candidate("boosting", "gradient boosting", _boosting,
              {"model__max_iter": (60, 120), "model__max_leaf_nodes": (6, 12), "model__min_samples_leaf": (40,)}),
    Candidate("tree", "decision tree", _tree,
              {"model__max_leaf_nodes": (8, 24, 64), "model__min_samples_leaf": (20,)}),
    Candidate("neighbours", "k nearest neighbours", _neighbours,
              {_NEIGHBOURS: (15, 60, 150)}, NEIGHBOUR_ROWS),
    Candidate("bayes", "naive Bayes", _bayes, {"model__var_smoothing": (1e-6, 1e-2, 1e-1)}),
    Candidate("net", "small neural net", _net, {"model__alpha": (0.1, 1.0, 5.0)}),
)  # fmt: skip


def candidates_named(names: Sequence[str]) -> tuple[Candidate, ...]:
    """The candidates of these names, all where there is none, in the order of the table.

    Raises:
        UsageError: there is none of such a name.
    """
    known = [candidate.name for candidate in CANDIDATES]
    unknown = [name for name in names if name not in known]
    if len(unknown) > 0:
        raise UsageError(f"there is no model {unknown[0]}: there are {', '.join(known)}.")
    return tuple(candidate for candidate in CANDIDATES if len(names) == 0 or candidate.name in names)


def grid_of(candidate: Candidate, table: LabelledTable) -> list[dict[str, Any]]:
    """All settings to try on a table: no more neighbours than a third of its rows, but for the fewest."""
    from sklearn.model_selection import ParameterGrid

    if candidate is BASELINE:
        return list(ParameterGrid(_one_feature_grid(table)))
    found = list(ParameterGrid(dict(candidate.grid)))
    return [settings for settings in found if settings.get(_NEIGHBOURS, 0) <= len(table) // 3] or found[:1]
