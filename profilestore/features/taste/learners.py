"""The learners behind one interface: training rows in, an item-item matrix that can be applied out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from profilestore.features.taste.ease import fit_ease
from profilestore.features.taste.factoring import DenseItems, ItemMatrix
from profilestore.features.taste.interactions import Interactions
from profilestore.features.taste.rows import TrainingRows, training_rows
from profilestore.features.taste.settings import Learner, TasteSettings
from profilestore.features.taste.spectral import RANK, fit_spectral
from profilestore.features.taste.tuning import Validation

__all__ = ["LEARNERS", "better_learner", "fit_items"]

# The exact learner stays unless another one gains more than this.
_GAIN_LEAST: Final = 0.005


def _ease(rows: TrainingRows) -> ItemMatrix:
    """Exact, in closed form (Steck 2019)."""
    return DenseItems(fit_ease(rows))


def _spectral(rows: TrainingRows) -> ItemMatrix:
    """EASE by a low-rank gram matrix, without an n x n matrix (after Spisak et al. 2023)."""
    return fit_spectral(rows)


LEARNERS: Final[Mapping[Learner, Callable[[TrainingRows], ItemMatrix]]] = {"ease": _ease, "spectral": _spectral}


def fit_items(acts: Interactions, settings: TasteSettings) -> ItemMatrix:
    """The item-item matrix B of these acts.

    Raises:
        ModelError: the acts say too little.
    """
    return LEARNERS[settings.learner](training_rows(acts, settings))


def better_learner(
    validation: Validation, settings: TasteSettings, *, progress: Callable[[str], None] = lambda step: None
) -> tuple[TasteSettings, dict[str, float]]:
    """The learner that validation prefers under these settings, and NDCG@20 by learner.

    A low rank is also a regularisation, so the approximate learner can win where the exact one fits into memory.
    Catalogues of no more products than its rank are not compared: there the two are one.
    """
    if validation.train.product_count <= RANK:
        return settings, {}
    profiles = validation.train.profiles(settings.profile_half_life_days)
    found: dict[Learner, float] = {}
    for learner in LEARNERS:
        progress(f"validating the learner {learner}")
        items = fit_items(validation.train, replace(settings, learner=learner))
        found[learner] = float(validation.ndcg(profiles, items.predict).mean())
    best = max(found, key=lambda learner: found[learner])
    if found[best] <= found[settings.learner] * (1.0 + _GAIN_LEAST):
        best = settings.learner
    return replace(settings, learner=best), {str(learner): round(ndcg, 5) for learner, ndcg in found.items()}
