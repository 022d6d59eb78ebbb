"""The learners behind one interface: training rows in, an item-item matrix that can be applied out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from profilestore.features.taste.ease import fit_ease
from profilestore.features.taste.factoring import DenseItems, ItemMatrix
from profilestore.features.taste.interactions import Interactions
from profilestore.features.taste.rows import TrainingRows, training_rows
from profilestore.features.taste.settings import Learner, TasteSettings
from profilestore.features.taste.spectral import fit_spectral

__all__ = ["LEARNERS", "fit_items"]


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
