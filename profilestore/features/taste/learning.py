"""From interactions to a taste model: settings chosen, fitted on all that is there, factored, told with figures."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

import numpy as np

from profilestore.errors import ModelError
from profilestore.features.taste.choosing import DIMS_TRIED, Choice, choose_served, lift_of, served_scale, with_lift
from profilestore.features.taste.ease import fit_ease
from profilestore.features.taste.estimate import Estimate, choose_learner
from profilestore.features.taste.factoring import Factors, factor
from profilestore.features.taste.interactions import Interactions
from profilestore.features.taste.learners import better_learner, fit_items
from profilestore.features.taste.model import TasteModel
from profilestore.features.taste.prior import popularity_lift, score_scale
from profilestore.features.taste.rows import training_rows
from profilestore.features.taste.settings import Form, TasteSettings
from profilestore.features.taste.sparse import SparseWeights, largest_weights
from profilestore.features.taste.tuning import Search, Validation, cut_validation, search_settings

__all__ = ["DEFAULT_BUDGET", "LearnOptions", "Learned", "estimate_of", "learn", "learn_taste"]

DEFAULT_BUDGET: Final = 18
_SEARCH_PRODUCTS: Final = 2000

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnOptions:
    """What a user may ask for. `dims` None and `form` auto let validation choose; `budget` is how many settings
    may be tried."""

    learner: Literal["auto", "ease", "spectral"] = "auto"
    dims: int | None = None
    budget: int = DEFAULT_BUDGET
    form: Literal["auto", "dense", "sparse"] = "auto"


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


@dataclass(frozen=True)
class Learned:
    """A model, and what it was chosen on: the validation cut and the model of the cut; None without one."""

    model: TasteModel
    validation: Validation | None
    choice: Choice | None


def learn_taste(
    acts: Interactions, options: LearnOptions | None = None, *, progress: Progress = lambda step: None
) -> TasteModel:
    """Train a taste model. Products without any liking act get no vectors here.

    Raises:
        ModelError: there is too little to learn from, or the model would not fit into memory.
    """
    return learn(acts, options, progress=progress).model


def learn(
    acts: Interactions, options: LearnOptions | None = None, *, progress: Progress = lambda step: None
) -> Learned:
    """As `learn_taste`, with the validation cut for what is chosen on it afterwards."""
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
    choice = None
    if validation is not None:
        search = _search(acts, validation, settings, options, progress)
        settings = search.settings
        by_learner: dict[str, float] = {}
        if options.learner == "auto" and options.budget > 0 and takes.learner == "ease":
            settings, by_learner = better_learner(validation, settings, progress=progress)
        choice = choose_served(validation, settings, dims=options.dims, form=options.form, progress=progress)
        settings = choice.settings
        figures |= choice.figures | {
            "ndcg@20_by_learner": by_learner,
            "by_time": validation.by_time,
            "validation_users": int(validation.users.size),
            "tried": [{"ndcg@20": round(t.ndcg, 5), **t.settings.to_dict()} for t in search.trials],
        }
    else:
        form: Form = "sparse" if options.form == "sparse" else "dense"
        settings = replace(settings, dims=options.dims or 64, form=form)
    progress(f"training on {len(acts):,} acts of {acts.product_count:,} products")
    (in_vectors, out_vectors), weights = _fit(acts, settings)
    figures |= _window(acts) | {
        "form": settings.form,
        "seconds": round(time.monotonic() - started, 1),
        "estimated_seconds": round(takes.seconds, 1),
        "estimated_gb": round(takes.memory_bytes / 1e9, 2),
    }
    settings = replace(settings, dims=int(in_vectors.shape[1]))
    model = TasteModel(acts.product_ids, in_vectors, out_vectors, settings, figures, weights)
    return Learned(model, validation, choice)


def _with_acts(acts: Interactions) -> Interactions:
    """Only the products that somebody liked."""
    if not (np.isfinite(acts.weights).all() and np.isfinite(acts.times).all()):
        raise ModelError("there are acts whose weights or times are no numbers. Look at the settings of event weights.")
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
        cut = np.nextafter(validation.train.end, np.inf) if validation.by_time else None
        narrowed = cut_validation(acts.of_products(columns), at=cut)
        # Of fewer products the times may seem to order the acts, which of all of them they do not.
        smaller = narrowed if narrowed is not None and narrowed.by_time == validation.by_time else validation
    profiles: dict[float | None, Any] = {}

    def evaluate(settings: TasteSettings) -> float:
        half_life = settings.profile_half_life_days
        if half_life not in profiles:
            profiles[half_life] = smaller.train.profiles(half_life)
        matrix = fit_ease(training_rows(smaller.train, settings))
        scale = score_scale(profiles[half_life], lambda rows: rows @ matrix)
        lift = popularity_lift(smaller.train, strength=1.0, half_life_days=None, scale=scale)
        # With and without popularity: what it tells anyway need not be learned.
        found = smaller.ndcg_lifted(profiles[half_life], lambda rows: rows @ matrix, [None, lift])
        return float(found.mean(axis=1).max())

    return search_settings(start, evaluate=evaluate, budget=options.budget, by_time=smaller.by_time, progress=progress)


def _fit(acts: Interactions, settings: TasteSettings) -> tuple[Factors, SparseWeights | None]:
    """Vectors, and weights where the form is sparse, of one scale: the longest out-vector is 1."""
    items = fit_items(acts, settings)
    profiles = acts.profiles(settings.profile_half_life_days)
    lift = lift_of(acts, settings, items, profiles)
    vectors = with_lift(factor(items, profiles, dims=settings.dims), lift, dims=settings.dims)
    weights = None
    if settings.form == "sparse":
        weights = largest_weights(items, most=settings.sparse_weights, lift=lift)
    return served_scale(vectors, weights)


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
