"""Settings chosen on a validation cut within the training period: never on what comes after it.

The cut is by time, the last fifth of the acts; where times cannot order them, by a stable hash of user and
product, with every decay off. Asked for is what is new to the user, over the full catalogue, NDCG@20.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.features.ranking import ndcg_at, top_products
from profilestore.features.taste.interactions import Interactions, hash_of, mixed
from profilestore.features.taste.prior import mass_of
from profilestore.features.taste.settings import TasteSettings

__all__ = ["Search", "Trial", "Validation", "cut_validation", "search_settings"]

K: Final = 20
_SHARE: Final = 0.2
_USERS_MOST: Final = 3000
# Fewer users than these tell nothing: half of what they say is chance.
_USERS_LEAST: Final = 20
_USERS_AT_ONCE: Final = 500

# One field or several at a time, the most telling first. The defaults come first and are not tried again.
_AXES: Final[tuple[tuple[dict[str, float | None], ...], ...]] = (
    (
        {"forward_weight": 0.0},
        # EASE as it was published
        {"forward_weight": 0.0, "training_half_life_days": None, "profile_half_life_days": None, "ridge": 600.0},
        {"forward_window_days": 20.0, "forward_half_life_days": 30.0},
        {"forward_window_days": 40.0, "forward_half_life_days": 90.0},
        {"forward_window_days": 5.0, "forward_half_life_days": 7.0},
    ),
    ({"training_half_life_days": 60.0}, {"training_half_life_days": None}, {"training_half_life_days": 7.0}),
    ({"ridge": 600.0}, {"ridge": 6000.0}, {"ridge": 200.0}, {"ridge": 60.0}),
    ({"profile_half_life_days": 40.0}, {"profile_half_life_days": 365.0}),
    ({"forward_weight": 0.3}, {"forward_weight": 1.2}),
)
# A gain below this is taken for chance: the defaults stay.
_GAIN_LEAST: Final = 0.005


@dataclass(frozen=True, slots=True)
class Validation:
    """Acts to train on, and of `users` (n,) which products are asked for; `by_time` tells the kind of cut."""

    train: Interactions
    users: NDArray[np.int64]
    relevant: Any
    by_time: bool

    def ndcg(self, profiles: Any, score: Callable[[Any], NDArray[np.float32]]) -> NDArray[np.float64]:
        """NDCG@20 of each user, by a function from sparse profiles to scores (n, products)."""
        figures: NDArray[np.float64] = self.ndcg_lifted(profiles, score, [None])[0]
        return figures

    def ndcg_lifted(
        self,
        profiles: Any,
        score: Callable[[Any], NDArray[np.float32]],
        lifts: Sequence[NDArray[np.float32] | None],
    ) -> NDArray[np.float64]:
        """The same with each of these lifts (products,) of popularity added: (lifts, users)."""
        seen = self.train.touched()
        known = np.zeros(self.train.product_count, dtype=bool)
        known[self.train.products] = True
        mass = mass_of(profiles)
        figures = np.zeros((len(lifts), self.users.size))
        for start in range(0, self.users.size, _USERS_AT_ONCE):
            chosen = self.users[start : start + _USERS_AT_ONCE]
            hidden = (seen[chosen].toarray() > 0) | ~known
            relevant = self.relevant[chosen].toarray() > 0
            base = score(profiles[chosen])
            for row, lift in enumerate(lifts):
                scores = base if lift is None else base + mass[chosen, None] * lift[None, :]
                top = top_products(scores, k=K, hidden=hidden)
                figures[row, start : start + chosen.size] = ndcg_at(top, relevant)
        return figures


@dataclass(frozen=True, slots=True)
class Trial:
    """Settings that were tried, and their mean NDCG@20."""

    settings: TasteSettings
    ndcg: float


@dataclass(frozen=True, slots=True)
class Search:
    """What a search found, best last in force: `settings`, and all that was tried."""

    settings: TasteSettings
    trials: tuple[Trial, ...]


def cut_validation(acts: Interactions, *, at: float | None = None) -> Validation | None:
    """The validation cut of some acts, None where too few users have something to be asked for.

    Args:
        acts: all acts of the training period.
        at: the time of the cut, in days; by default that of four fifths of the acts.
    """
    if len(acts) == 0:
        return None
    cut = float(np.quantile(acts.times, 1.0 - _SHARE)) if at is None else at
    found = _validation(acts.before(cut), acts.between(cut, np.inf), by_time=True)
    if found is None and at is None:
        asked = _hashed(acts) < _SHARE
        found = _validation(acts.picked(~asked), acts.picked(asked), by_time=False)
    return found


def _validation(train: Interactions, later: Interactions, *, by_time: bool) -> Validation | None:
    bought, touched = later.liked(), train.touched()
    known = np.zeros(train.product_count, dtype=np.float32)
    known[train.products] = 1.0
    fresh = (bought - bought.multiply(touched)).multiply(known[None, :]).tocsr()
    fresh.eliminate_zeros()
    users = np.flatnonzero((np.diff(fresh.indptr) > 0) & (np.diff(touched.indptr) > 0))
    if users.size < _USERS_LEAST:
        return None
    # Rows are in the order of the users' hashes, so the first of them are a fair and stable draw.
    return Validation(train, users[:_USERS_MOST], fresh, by_time)


def _hashed(acts: Interactions) -> NDArray[np.float64]:
    """A number in [0, 1) of each act's user and product, the same in every run."""
    products = np.array([hash_of(product_id) for product_id in acts.product_ids], dtype=np.uint64)
    return mixed(acts.user_hashes[acts.users] ^ (products[acts.products] * np.uint64(0x9E3779B97F4A7C15)))


def search_settings(
    start: TasteSettings,
    *,
    evaluate: Callable[[TasteSettings], float],
    budget: int,
    by_time: bool,
    progress: Callable[[str], None] = lambda step: None,
) -> Search:
    """Coordinate search from good defaults: at most `budget` settings are tried, the same ones every time.

    Args:
        start: where to begin; kept when nothing beats it by more than chance.
        evaluate: mean NDCG@20 of settings on the validation cut.
        budget: how many settings may be tried, the start included.
        by_time: whether times order the acts; without, only the regularisation is searched.
    """
    if budget < 1:
        return Search(start, ())
    trials = [Trial(start, evaluate(start))]
    best = trials[0]
    for axis in _AXES:
        leader = best
        for change in _allowed(axis, by_time=by_time):
            settings = replace(best.settings, **change)  # type: ignore[arg-type]  # fields by name, of the right types
            if len(trials) >= budget or any(trial.settings == settings for trial in trials):
                continue
            trials.append(Trial(settings, evaluate(settings)))
            progress(f"tried {len(trials)} of at most {budget} settings, NDCG@20 {trials[-1].ndcg:.4f}")
            if trials[-1].ndcg > leader.ndcg and trials[-1].ndcg > best.ndcg * (1.0 + _GAIN_LEAST):
                leader = trials[-1]
        best = leader
    return Search(best.settings, tuple(trials))


def _allowed(axis: tuple[dict[str, float | None], ...], *, by_time: bool) -> Iterator[dict[str, float | None]]:
    for change in axis:
        if by_time or "ridge" in change:
            yield change
