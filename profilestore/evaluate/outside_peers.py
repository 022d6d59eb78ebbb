"""Peers of other projects, with the extra `peers`: ALS of implicit; item kNN, user kNN and SLIM of LensKit.

LensKit's EASE is the same closed form as the built-in one and is not computed twice.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import UsageError
from profilestore.evaluate.peers import Peer, Scorer, Settings, Sparse, settings_of
from profilestore.features.taste.interactions import Interactions

__all__ = ["OUTSIDE", "check_outside"]

_ALS_ITERATIONS: Final = 15


def check_outside() -> None:
    """Raise UsageError unless the extra is installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import implicit  # noqa: F401  only whether it is there
            import lenskit  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"--peers needs implicit and lenskit, and {error.name} is not installed: pip install 'profilestore[peers]'."
        ) from error


def _als(acts: Interactions, settings: Settings, seed: int) -> Scorer:
    """Weighted matrix factorisation (Hu, Koren and Volinsky 2008); a history is folded in as one more row."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about threads of BLAS
        from implicit.cpu.als import AlternatingLeastSquares

        model = AlternatingLeastSquares(
            iterations=_ALS_ITERATIONS, random_state=seed, num_threads=1, use_cg=True, **settings
        )
        model.fit(_ones(acts.liked()), show_progress=False)

    def score(histories: Sparse) -> NDArray[np.float32]:
        users = model.recalculate_user(np.arange(histories.shape[0]), _ones(histories))
        return np.asarray(users @ model.item_factors.T, dtype=np.float32)

    return score


def _ones(matrix: Sparse) -> Any:
    from scipy.sparse import csr_matrix

    return csr_matrix(matrix).astype(np.float32)


def _lenskit(make: Callable[[Settings], Any]) -> Callable[[Interactions, Settings, int], Scorer]:
    def fit(acts: Interactions, settings: Settings, seed: int) -> Scorer:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _fit_lenskit(make(settings), acts)

    return fit


def _fit_lenskit(component: Any, acts: Interactions) -> Scorer:
    import pandas as pd
    from lenskit.data import ItemList, RecQuery, from_interactions_df
    from lenskit.training import TrainingOptions

    liked = acts.liked().tocoo()
    data = from_interactions_df(pd.DataFrame({"user_id": liked.row, "item_id": liked.col}))
    component.train(data, TrainingOptions())
    items = ItemList(vocabulary=data.items, item_nums=np.arange(data.item_count))
    columns = np.asarray(data.items.ids(), dtype=np.int64)

    def score(histories: Sparse) -> NDArray[np.float32]:
        scores = np.full(histories.shape, -np.inf, dtype=np.float32)
        for row in range(histories.shape[0]):
            known = histories.indices[histories.indptr[row] : histories.indptr[row + 1]]
            query = RecQuery(history_items=ItemList(item_ids=known))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                told = component(query, items).scores()
            scores[row, columns] = np.where(np.isnan(told), -np.inf, told)
        return scores

    return score


def _lk_item_knn(settings: Settings) -> Any:
    from lenskit.knn import ItemKNNScorer

    return ItemKNNScorer(feedback="implicit", **settings)


def _lk_user_knn(settings: Settings) -> Any:
    from lenskit.knn import UserKNNScorer

    return UserKNNScorer(feedback="implicit", **settings)


def _lk_slim(settings: Settings) -> Any:
    from lenskit.knn.slim import SLIMScorer

    return SLIMScorer(**settings)


OUTSIDE: Final = (
    Peer(
        "implicit-als",
        settings_of(factors=(64, 32, 128), alpha=(5.0, 1.0, 20.0), regularization=(0.1, 10.0)),
        _als,
    ),
    Peer("lenskit-item-knn", settings_of(max_nbrs=(50, 20, 100, 500), min_sim=(1e-6, 0.05)), _lenskit(_lk_item_knn)),
    Peer("lenskit-user-knn", settings_of(max_nbrs=(50, 20, 100, 200), min_sim=(1e-6, 0.05)), _lenskit(_lk_user_knn)),
    Peer(
        "lenskit-slim",
        settings_of(l1_reg=(1.0, 0.1, 5.0), l2_reg=(10.0, 1.0, 100.0), max_nbrs=(200,)),
        _lenskit(_lk_slim),
    ),
)
