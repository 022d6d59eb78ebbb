"""From interactions to a taste model: settings chosen, fitted on all that is there, factored, told with figures."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

import numpy as np

from profilestore.errors import ModelError
from profilestore.features.taste.ease import fit_ease
from profilestore.features.taste.estimate import Estimate, choose_learner
from profilestore.features.taste.factoring import DenseItems, Factors, factor
from profilestore.features.taste.interactions import Interactions
from profilestore.features.taste.model import TasteModel
from profilestore.features.taste.rows import training_rows
from profilestore.features.taste.settings import TasteSettings
from profilestore.features.taste.spectral import fit_spectral
from profilestore.features.taste.tuning import Search, Validation, cut_validation, search_settings

__all__ = ["DEFAULT_BUDGET", "LearnOptions", "estimate_of", "learn_taste"]

DEFAULT_BUDGET: Final = 16
DIMS_TRIED: Final = (32, 64, 128, 256, 512, 1024)
# Fewer dimensions may lose so much against the best number of them.
_LOSS_MOST: Final = 0.001
_SEARCH_PRODUCTS: Final = 2000

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnOptions:
    """What a user may ask for. `dims` None lets validation choose; `budget` is how many settings may be tried."""

    learner: Literal["auto", "ease", "spectral"] = "auto"
    dims: int | None = None
    budget: int = DEFAULT_BUDGET


def estimate_of(acts: Interactions, options: LearnOptions) -> Estimate:
    """What training on these acts will take.

    Raises:
        ModelError: more than fits.
    """
    products = int(np.unique(acts.products).size)
    dims = max(DIMS_TRIED) if options.dims is None else options.dims
    return choose_learner(
        options.learner, products=products, acts=len(acts), dims=min(dims, max(1, products)), budget=options.budget
    )


def learn_taste(
    acts: Interactions, options: LearnOptions | None = None, *, progress: Progress = lambda step: None
) -> TasteModel:
    """Train a taste model. Products without any liking act get no vectors here.

    Raises:
        ModelError: there is too little to learn from, or the model would not fit into memory.
    """
    options = LearnOptions() if options is None else options
    acts = _with_acts(acts)
    takes = estimate_of(acts, options)
    progress(str(takes))
    started = time.monotonic()
    settings = TasteSettings(learner=takes.learner, dims=1 if options.dims is None else options.dims)
    validation = cut_validation(acts)
    if validation is None or not validation.by_time:
        settings = replace(settings, training_half_life_days=None, profile_half_life_days=None, forward_weight=0.0,
                           ridge=600.0)  # fmt: skip
    figures: dict[str, Any] = {"validated": validation is not None}
    if validation is not None:
        search = _search(acts, validation, settings, options, progress)
        settings, chosen = _choose_dims(validation, search.settings, options, progress)
        figures |= chosen | {
            "by_time": validation.by_time,
            "validation_users": int(validation.users.size),
            "tried": [{"ndcg@20": round(t.ndcg, 5), **t.settings.to_dict()} for t in search.trials],
        }
    else:
        settings = replace(settings, dims=options.dims or 64)
    progress(f"training on {len(acts):,} acts of {acts.product_count:,} products")
    in_vectors, out_vectors = _fit(acts, settings)
    figures |= _window(acts) | {
        "seconds": round(time.monotonic() - started, 1),
        "estimated_seconds": round(takes.seconds, 1),
        "estimated_gb": round(takes.memory_bytes / 1e9, 2),
    }
    settings = replace(settings, dims=int(in_vectors.shape[1]))
    return TasteModel(acts.product_ids, in_vectors, out_vectors, settings, figures)


def _with_acts(acts: Interactions) -> Interactions:
    """Only the products that somebody liked."""
    liked = np.flatnonzero(np.asarray(acts.liked().sum(axis=0)).ravel() > 0) if len(acts) > 0 else np.zeros(0)
    if liked.size < 2 or np.unique(acts.users).size < 2:
        raise ModelError(
            f"a taste model needs at least 2 users and 2 products with purchases or other acts; there are "
            f"{np.unique(acts.users).size} and {liked.size}. Load events with `profilestore index events`."
        )
    return acts.of_products(liked.astype(np.int64))


def _search(
    acts: Interactions, validation: Validation, start: TasteSettings, options: LearnOptions, progress: Progress
) -> Search:
    """Search on the most bought products: what is chosen are properties of the shop, not of its tail."""
    smaller = validation
    if acts.product_count > _SEARCH_PRODUCTS:
        count = np.bincount(validation.train.products, minlength=acts.product_count)
        columns = np.sort(np.argsort(-count, kind="stable")[:_SEARCH_PRODUCTS])
        cut = float(validation.train.end)
        narrowed = cut_validation(
            acts.of_products(columns), at=np.nextafter(cut, np.inf) if validation.by_time else None
        )
        smaller = validation if narrowed is None else narrowed
    profiles: dict[float | None, Any] = {}

    def evaluate(settings: TasteSettings) -> float:
        half_life = settings.profile_half_life_days
        if half_life not in profiles:
            profiles[half_life] = smaller.train.profiles(half_life)
        matrix = fit_ease(training_rows(smaller.train, settings))
        return float(smaller.ndcg(profiles[half_life], lambda rows: rows @ matrix).mean())

    return search_settings(start, evaluate=evaluate, budget=options.budget, by_time=smaller.by_time, progress=progress)


def _choose_dims(
    validation: Validation, settings: TasteSettings, options: LearnOptions, progress: Progress
) -> tuple[TasteSettings, dict[str, Any]]:
    """The fewest dimensions that lose next to nothing on the whole catalogue, and the figures."""
    progress("choosing the dimensions")
    profiles = validation.train.profiles(settings.profile_half_life_days)
    tried = [options.dims] if options.dims is not None else [
        dims for dims in DIMS_TRIED if dims <= max(DIMS_TRIED[0], validation.train.product_count // 2)
    ]  # fmt: skip
    in_vectors, out_vectors, exact = _factors(validation.train, replace(settings, dims=max(tried)), validation)
    found: dict[int, float] = {}
    for dims in tried:
        ins, outs = in_vectors[:, :dims], out_vectors[:, :dims]
        found[dims] = float(validation.ndcg(profiles, _scorer(ins, outs)).mean())
    dims = next(dims for dims in tried if found[dims] >= max(found.values()) * (1.0 - _LOSS_MOST))
    return replace(settings, dims=dims), {
        "ndcg@20": round(found[dims], 5),
        "ndcg@20_by_dims": {str(dims): round(value, 5) for dims, value in found.items()},
        "ndcg@20_exact": None if exact is None else round(exact, 5),
    }


def _scorer(ins: Any, outs: Any) -> Callable[[Any], Any]:
    return lambda rows: (rows @ ins) @ outs.T


def _factors(
    acts: Interactions, settings: TasteSettings, validation: Validation | None
) -> tuple[Any, Any, float | None]:
    rows, profiles = training_rows(acts, settings), acts.profiles(settings.profile_half_life_days)
    if settings.learner == "spectral":
        return *factor(fit_spectral(rows), profiles, dims=settings.dims), None
    matrix = fit_ease(rows)
    exact = None
    if validation is not None:
        exact = float(validation.ndcg(profiles, lambda chosen: chosen @ matrix).mean())
    return *factor(DenseItems(matrix), profiles, dims=settings.dims), exact


def _fit(acts: Interactions, settings: TasteSettings) -> Factors:
    in_vectors, out_vectors, _ = _factors(acts, settings, None)
    # One scale for all models: the longest out-vector is 1. The profile is served at unit length.
    longest = float(np.linalg.norm(out_vectors, axis=1).max())
    if not np.isfinite(longest) or longest <= 0.0:
        raise ModelError("the events say too little to train a taste model on: all its scores are zero.")
    return in_vectors, out_vectors / np.float32(longest)


def _window(acts: Interactions) -> dict[str, Any]:
    def day(days: float) -> str:
        return datetime.fromtimestamp(days * 86_400.0, UTC).isoformat(timespec="seconds")

    return {
        "acts": len(acts),
        "users": int(np.unique(acts.users).size),
        "products": acts.product_count,
        "first_act": day(float(acts.times[0])),
        "last_act": day(acts.end),
    }
