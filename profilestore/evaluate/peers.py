"""What a recommender must beat, built in: random, popularity, item kNN and EASE, each tuned on the validation cut.

The peers get the same training part, the same histories and the same catalogue as the shop, are computed
exactly in memory, and may try as many settings as the taste model's own search.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product as combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import ModelError
from profilestore.features.ranking import top_products
from profilestore.features.taste.ease import fit_ease
from profilestore.features.taste.estimate import EASE_MOST
from profilestore.features.taste.interactions import Interactions, unit_rows
from profilestore.features.taste.rows import training_rows
from profilestore.features.taste.settings import TasteSettings
from profilestore.features.taste.tuning import cut_validation

__all__ = [
    "BUILT_IN", "Peer", "Scorer", "TunedPeer", "chance", "item_knn", "list_products", "settings_of", "tune_peer",
]  # fmt: skip

_USERS_AT_ONCE: Final = 500
# Settings are searched on the most bought products, as the taste model's are: they are the shop's, not the tail's.
_TUNED_ON: Final = 2000

Sparse = Any
Settings = dict[str, Any]
# Of histories, sparse (n, products) of ones, to scores (n, products).
Scorer = Callable[[Sparse], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Peer:
    """A rival: its settings in the order in which they are tried, and how it is fitted."""

    name: str
    settings: tuple[Settings, ...]
    fit: Callable[[Interactions, Settings, int], Scorer]


@dataclass(frozen=True, slots=True)
class TunedPeer:
    """A peer fitted with the settings that the validation cut chose; how many were tried."""

    name: str
    settings: Settings
    tried: int
    score: Scorer


def settings_of(**axes: Sequence[Any]) -> tuple[Settings, ...]:
    """All combinations of settings."""
    return tuple(dict(zip(axes, values, strict=True)) for values in combinations(*axes.values()))


def tune_peer(peer: Peer, acts: Interactions, *, budget: int, seed: int) -> TunedPeer:
    """Try at most `budget` settings on the validation cut of the training part, and fit the best on all of it."""
    tried = peer.settings[: max(1, budget)]
    best = tried[0]
    if len(tried) > 1:
        count = np.bincount(acts.products, minlength=acts.product_count)
        columns = np.sort(np.argsort(-count, kind="stable")[:_TUNED_ON])
        validation = cut_validation(acts.of_products(columns))
        if validation is not None:
            cut, histories = validation, validation.train.liked()

            def quality(settings: Settings) -> float:
                return float(cut.ndcg(histories, peer.fit(cut.train, settings, seed)).mean())

            best = max(tried, key=quality)  # the first of equals
    return TunedPeer(peer.name, best, len(tried), peer.fit(acts, best, seed))


def list_products(
    score: Scorer, histories: Sparse, hidden: Sparse, on_sale: NDArray[np.bool_], *, length: int
) -> NDArray[np.int64]:
    """The best products of each user, (users, length) of columns, -1 for an empty place.

    Args:
        score: of a fitted peer.
        histories: sparse (users, products), what each user liked.
        hidden: sparse (users, products), what may not be listed.
        on_sale: (products,), what may be listed at all.
        length: how many.
    """
    lists: list[NDArray[np.int64]] = []
    for start in range(0, histories.shape[0], _USERS_AT_ONCE):
        part = slice(start, start + _USERS_AT_ONCE)
        scores = np.asarray(score(histories[part]), dtype=np.float32)
        lists.append(top_products(scores, k=length, hidden=(hidden[part].toarray() > 0) | ~on_sale))
    return np.concatenate(lists) if len(lists) > 0 else np.zeros((0, length), dtype=np.int64)


def chance(seed: int) -> Scorer:
    """Scores that say nothing, the same in every run."""
    rng = np.random.default_rng(seed)
    return lambda histories: rng.random(histories.shape, dtype=np.float32)


def _random(acts: Interactions, settings: Settings, seed: int) -> Scorer:
    return chance(seed)


def _popularity(acts: Interactions, settings: Settings, seed: int) -> Scorer:
    counts = np.asarray(acts.liked().sum(axis=0), dtype=np.float32).ravel()
    return lambda histories: np.broadcast_to(counts, histories.shape)


def _item_knn(acts: Interactions, settings: Settings, seed: int) -> Scorer:
    similar = item_knn(acts, **settings)
    return lambda histories: np.asarray((histories @ similar).toarray(), dtype=np.float32)


def item_knn(acts: Interactions, *, neighbours: int = 100, shrinkage: float = 20.0) -> Sparse:
    """Item-based nearest neighbours (Sarwar et al. 2001): cosine of products over the users who liked them,
    shrunk by few co-occurrences (Bell and Koren 2007), the nearest ones of each kept.

    Args:
        acts: to learn from.
        neighbours: how many a product keeps.
        shrinkage: co-occurrences that count as no evidence yet.

    Returns:
        Sparse (products, products): scores are `liked @ item_knn`.
    """
    liked = acts.liked()
    together = (liked.T @ liked).tocsr()
    together.setdiag(0.0)
    together.eliminate_zeros()
    lengths = np.sqrt(np.asarray(liked.sum(axis=0), dtype=np.float64).ravel())
    rows = np.repeat(np.arange(together.shape[0]), np.diff(together.indptr))
    counts = together.data.astype(np.float64)
    cosine = counts / (lengths[rows] * lengths[together.indices])
    together.data = (cosine * counts / (counts + shrinkage)).astype(np.float32)
    kept = together.tocsc()
    for column in range(kept.shape[1]):
        values = kept.data[kept.indptr[column] : kept.indptr[column + 1]]
        if values.size > neighbours:
            values[np.argsort(-values, kind="stable")[neighbours:]] = 0.0
    kept.eliminate_zeros()
    return kept


def _ease(acts: Interactions, settings: Settings, seed: int) -> Scorer:
    """Plain EASE on the most liked products, as many as the exact solution is affordable for."""
    liked = np.asarray(acts.liked().sum(axis=0)).ravel()
    columns = np.sort(np.argsort(-liked, kind="stable")[: min(EASE_MOST, int((liked > 0).sum()))])
    if columns.size < 2:
        raise ModelError("EASE needs at least 2 products that somebody liked.")
    plain = TasteSettings(forward_weight=0.0, training_half_life_days=None, profile_half_life_days=None)
    matrix = fit_ease(training_rows(acts.of_products(columns), replace(plain, ridge=settings["ridge"])))

    def score(histories: Sparse) -> NDArray[np.float32]:
        scores = np.zeros(histories.shape, dtype=np.float32)
        scores[:, columns] = unit_rows(histories.tocsc()[:, columns].tocsr()) @ matrix
        return scores

    return score


BUILT_IN: Final = (
    Peer("random", ({},), _random),
    Peer("popularity", ({},), _popularity),
    Peer("item-knn", settings_of(shrinkage=(20.0, 0.0, 100.0, 500.0), neighbours=(100, 20, 50, 500)), _item_knn),
    Peer("ease", settings_of(ridge=(200.0, 60.0, 600.0, 20.0, 2000.0, 100.0, 400.0, 1000.0, 5000.0)), _ease),
)
