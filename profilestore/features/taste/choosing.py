"""What validation chooses for the whole catalogue: how much popularity adds, dimensions, and the form served.

Dense unless it loses more than 3 % of NDCG@20 against the better of the sparse form and the exact matrix: one
request is worth that much, and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import ModelError
from profilestore.features.taste.factoring import Factors, ItemMatrix, Matrix, factor
from profilestore.features.taste.interactions import Interactions
from profilestore.features.taste.learners import fit_items
from profilestore.features.taste.prior import STRENGTHS, add_lift, popularity_lift, score_scale
from profilestore.features.taste.settings import Form, TasteSettings
from profilestore.features.taste.sparse import SparseWeights, largest_weights
from profilestore.features.taste.tuning import Validation

__all__ = [
    "DIMS_TRIED",
    "Choice",
    "asked_with",
    "choose_served",
    "lift_of",
    "scores_of",
    "served_scale",
    "settled_form",
    "with_lift",
]

DIMS_TRIED: Final = (32, 64, 128, 256, 512, 1024)
WEIGHTS_TRIED: Final = (100, 200, 400)
# Fewer dimensions, or weights, may lose so much against the best number of them.
_LOSS_MOST: Final = 0.001
# The dense form may lose so much against the better one.
_DENSE_LOSS_MOST: Final = 0.03
# A gain below this is taken for chance: popularity adds nothing.
_LIFT_GAIN_LEAST: Final = 0.01
# Catalogues of fewer products a dimension than this gain nothing from it.
_PRODUCTS_A_DIM: Final = 4
# The vectors beside a sparse form compare users and products; they need not be exact.
_DIMS_BESIDE: Final = 128

_STANDARD_ERRORS: Final = 2.0

Floats = NDArray[np.float64]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Choice:
    """Settings chosen, the figures they were chosen by, and the model of the validation cut under them."""

    settings: TasteSettings
    figures: dict[str, Any]
    vectors: Factors
    weights: SparseWeights | None

    def score(self, profiles: Any) -> Matrix:
        """Scores of sparse profiles in the form chosen, as they would be served."""
        return scores_of(profiles, self.vectors, self.weights)


def served_scale(vectors: Factors, weights: SparseWeights | None) -> tuple[Factors, SparseWeights | None]:
    """One scale for all models: the longest out-vector is 1, and so is the largest weight.

    In-vectors go along with the weights, so that their product with a foretold out-vector is of that scale too.

    Raises:
        ModelError: all scores are zero.
    """
    ins, outs = vectors
    longest = float(np.linalg.norm(outs, axis=1).max()) if outs.size > 0 else 0.0
    largest = 1.0 if weights is None else float(weights.values.max(initial=0.0))
    if not (np.isfinite(longest) and longest > 0.0 and largest > 0.0):
        raise ModelError("the events say too little to train a taste model on: all its scores are zero.")
    outs = outs / np.float32(longest)
    if weights is None:
        return (ins, outs), None
    return (ins * np.float32(longest / largest), outs), weights.scaled(1.0 / largest)


def scores_of(profiles: Any, vectors: Factors, weights: SparseWeights | None) -> Matrix:
    """Scores (users, products) of sparse profiles of unit length: by weights, else by vectors."""
    if weights is not None:
        return np.asarray((asked_with(profiles) @ weights.matrix()).toarray(), dtype=np.float32)
    served = profiles @ vectors[0]
    length = np.linalg.norm(served, axis=1, keepdims=True)
    return np.asarray(np.divide(served, length, out=np.zeros_like(served), where=length > 0) @ vectors[1].T)


def asked_with(profiles: Any) -> Any:
    """Profiles as a query takes them: nothing below zero."""
    return profiles.maximum(0.0)


def lift_of(
    acts: Interactions, settings: TasteSettings, items: ItemMatrix, profiles: Any
) -> NDArray[np.float32] | None:
    """What popularity adds under these settings; None for nothing."""
    if settings.popularity_strength == 0.0:
        return None
    return popularity_lift(
        acts,
        strength=settings.popularity_strength,
        half_life_days=settings.popularity_half_life_days,
        scale=score_scale(profiles, items.predict),
    )


def choose_served(
    validation: Validation,
    settings: TasteSettings,
    *,
    dims: int | None,
    form: Literal["auto", "dense", "sparse"],
    progress: Progress = lambda step: None,
) -> Choice:
    """Choose on the validation cut.

    Args:
        validation: the cut.
        settings: of the learner.
        dims: of the vectors; tried when None.
        form: what to serve; tried when auto.
        progress: is told each step.
    """
    progress("choosing what is served")
    acts = validation.train
    profiles = acts.profiles(settings.profile_half_life_days)
    items = fit_items(acts, settings)
    settings, lift, exact = _choose_lift(validation, settings, items, profiles)
    figures: dict[str, Any] = {"ndcg@20_exact": round(float(exact.mean()), 5)}
    factors, by_dims = _try_dims(validation, settings, items, profiles, lift, dims)
    chosen = _fewest(by_dims)
    figures["ndcg@20_by_dims"] = _means(by_dims)
    weights: SparseWeights | None = None
    served: Form = "dense"
    if form != "dense":
        weights, by_weights = _try_weights(validation, items, profiles, lift)
        kept = _fewest(by_weights)
        figures["ndcg@20_by_weights"] = _means(by_weights)
        served = settled_form(form, dense=by_dims[chosen], sparse=by_weights[kept], exact=exact)
        settings = replace(settings, sparse_weights=kept)
        weights = weights.limited(kept) if served == "sparse" else None
    if served == "sparse" and dims is None:
        chosen = max(count for count in by_dims if count <= max(_DIMS_BESIDE, min(by_dims)))
    reached = by_dims[chosen] if weights is None else by_weights[settings.sparse_weights]
    figures["ndcg@20"] = round(float(reached.mean()), 5)
    settings = replace(settings, dims=chosen, form=served)
    return Choice(settings, figures, with_lift(factors, lift, dims=chosen), weights)


def settled_form(form: Literal["auto", "dense", "sparse"], *, dense: Floats, sparse: Floats, exact: Floats) -> Form:
    """Dense unless it was not asked for, or loses more than 3 % against the better of the others.

    More than chance, too: of few users, half of all comparisons go against it by as much.

    Args:
        form: what was asked for.
        dense: NDCG@20 of each user.
        sparse: of the same users.
        exact: of the same users, by the whole matrix.
    """
    if form != "auto":
        return form
    better = sparse if sparse.mean() >= exact.mean() else exact
    lost = better - dense
    chance = _STANDARD_ERRORS * float(lost.std()) / np.sqrt(max(lost.size, 1))
    loses = lost.mean() > max(_DENSE_LOSS_MOST * better.mean(), chance)
    return "sparse" if loses and sparse.mean() > dense.mean() else "dense"


def _means(found: Mapping[int, Floats]) -> dict[str, float]:
    return {str(count): round(float(users.mean()), 5) for count, users in found.items()}


def _choose_lift(
    validation: Validation, settings: TasteSettings, items: ItemMatrix, profiles: Any
) -> tuple[TasteSettings, NDArray[np.float32] | None, Floats]:
    """How much popularity adds, its lift on the cut, and each user's NDCG@20 by the exact matrix with it."""
    acts, scale = validation.train, score_scale(profiles, items.predict)
    tried = [(strength, days) for strength, days in STRENGTHS if validation.by_time or days is None]
    lifts: list[NDArray[np.float32] | None] = [None]
    lifts += [popularity_lift(acts, strength=s, half_life_days=days, scale=scale) for s, days in tried]
    users = validation.ndcg_lifted(profiles, items.predict, lifts)
    found = users.mean(axis=1)
    best = int(found.argmax())
    if best == 0 or found[best] < found[0] * (1.0 + _LIFT_GAIN_LEAST):
        return settings, None, users[0]
    strength, days = tried[best - 1]
    lifted = replace(settings, popularity_strength=strength, popularity_half_life_days=days)
    return lifted, lifts[best], users[best]


def _try_dims(
    validation: Validation,
    settings: TasteSettings,
    items: ItemMatrix,
    profiles: Any,
    lift: NDArray[np.float32] | None,
    dims: int | None,
) -> tuple[Factors, dict[int, Floats]]:
    most = max(DIMS_TRIED[0], validation.train.product_count // _PRODUCTS_A_DIM)
    tried = [count for count in DIMS_TRIED if count <= most] if dims is None else [dims]
    ins, outs = factor(items, profiles, dims=max(tried))
    found: dict[int, Floats] = {}
    for count in tried:
        score = _scorer(with_lift((ins, outs), lift, dims=count))
        found[count] = validation.ndcg(profiles, score)
    return (ins, outs), found


def _scorer(vectors: Factors) -> Callable[[Any], Matrix]:
    return lambda rows: np.asarray((rows @ vectors[0]) @ vectors[1].T)


def with_lift(factors: Factors, lift: NDArray[np.float32] | None, *, dims: int) -> Factors:
    """The first of some factors, `dims` in all with the one that carries the lift."""
    if lift is None:
        return factors[0][:, :dims], factors[1][:, :dims]
    kept = max(1, dims - 1)
    return add_lift((factors[0][:, :kept], factors[1][:, :kept]), lift)


def _try_weights(
    validation: Validation, items: ItemMatrix, profiles: Any, lift: NDArray[np.float32] | None
) -> tuple[SparseWeights, dict[int, Floats]]:
    weights = largest_weights(items, most=max(WEIGHTS_TRIED), lift=lift)
    asked = asked_with(profiles)
    found: dict[int, Floats] = {}
    for count in WEIGHTS_TRIED:
        matrix = weights.limited(count).matrix()
        found[count] = validation.ndcg(asked, lambda rows, m=matrix: (rows @ m).toarray())  # type: ignore[misc]  # lambda with defaults
    return weights, found


def _fewest(found: Mapping[int, Floats]) -> int:
    """The smallest number that loses next to nothing against the best."""
    best = max(float(users.mean()) for users in found.values())
    return next(count for count in sorted(found) if found[count].mean() >= best * (1.0 - _LOSS_MOST))
