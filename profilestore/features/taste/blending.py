"""What validation chooses for the methods: boosts of `hybrid`, and which method `auto` takes for whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from profilestore.features.taste.slices import Floats, Slices

__all__ = ["Blend", "choose_auto", "choose_boosts", "pick_method", "stepped", "trending_scores"]

_TEXT_TRIED: Final = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
# Of topics, against text.
_TOPICS_TRIED: Final = (0.1, 0.3, 1.0)
# A slice of fewer users tells nothing.
_USERS_LEAST: Final = 20
_USERS_MOST: Final = 1000
# From so many events of a user on.
_LEVELS: Final = (1, 4, 11)
# A method other than that of the users of whom more is known must be so much better.
_MARGIN: Final = 0.05
_PERSONAL: Final = ("taste", "hybrid")
# What `auto` does unless it is told otherwise, without reading how much is known of the user first.
_ANYWAY: Final = ((1, "taste"),)


@dataclass(frozen=True, slots=True)
class Blend:
    """Boosts by space, and NDCG@20 of hybrid and of each space alone: of all products, and of hidden ones."""

    boosts: Mapping[str, float]
    overall: Mapping[str, float]
    cold: Mapping[str, float]


def choose_boosts(slices: Slices) -> Blend | None:
    """Boosts that serve all products and those that no model has learned; None where too few users can tell.

    Both slices count alike, each against what taste alone reaches overall and the best single space on the
    hidden products. One boost after the other: text against taste, topics against text.
    """
    users, cold_users = slices.validation.users[:_USERS_MOST], slices.cold_users()[:_USERS_MOST]
    others = [space for space in slices.spaces if space != "taste"]
    if len(others) == 0 or cold_users.size < _USERS_LEAST:
        return None
    alone: list[Mapping[str, float]] = [{space: 1.0} for space in slices.spaces]
    overall = slices.ndcg(users, alone).mean(axis=1)
    cold = slices.ndcg(cold_users, alone, cold=True).mean(axis=1)
    if overall[0] <= 0.0 or cold.max() <= 0.0:
        return None

    def worth(mixes: list[Mapping[str, float]]) -> tuple[Floats, Floats, Floats]:
        everywhere = slices.ndcg(users, mixes).mean(axis=1)
        hidden = slices.ndcg(cold_users, mixes, cold=True).mean(axis=1)
        return everywhere / overall[0] + hidden / cold.max(), everywhere, hidden

    first, *rest = others
    mixes: list[Mapping[str, float]] = [{"taste": 1.0, first: boost} for boost in _TEXT_TRIED]
    found, everywhere, hidden = worth(mixes)
    best = int(found.argmax())
    chosen, reached = mixes[best], (found[best], everywhere[best], hidden[best])
    for space in rest:
        more: list[Mapping[str, float]] = [{**chosen, space: chosen[first] * ratio} for ratio in _TOPICS_TRIED]
        found, everywhere, hidden = worth(more)
        best = int(found.argmax())
        if found[best] > reached[0]:
            chosen, reached = more[best], (found[best], everywhere[best], hidden[best])
    return Blend(
        {space: round(boost, 4) for space, boost in chosen.items()},
        _told(slices.spaces, overall, reached[1]),
        _told(slices.spaces, cold, reached[2]),
    )


def _told(spaces: tuple[str, ...], alone: Floats, hybrid: float) -> dict[str, float]:
    named = zip((*spaces, "hybrid"), (*alone.tolist(), float(hybrid)), strict=True)
    return {name: round(value, 5) for name, value in named}


def trending_scores(slices: Slices, half_life_days: float) -> Floats:
    """Decayed counts of acts by product, as the method `trending` orders them."""
    acts = slices.validation.train
    decayed = np.where(acts.weights > 0, np.exp2(-(acts.end - acts.times) / half_life_days), 0.0)
    return np.bincount(acts.products, weights=decayed, minlength=acts.product_count).astype(np.float64)


def choose_auto(
    slices: Slices, boosts: Mapping[str, float] | None, *, trending_half_life_days: float
) -> tuple[tuple[tuple[int, str], ...], dict[str, dict[str, float]]]:
    """(events from which on, method), ascending, and NDCG@20 by level and method.

    From the users of whom most is known downwards: a level keeps the method of the one above unless another is
    better by a margin; what does not know the user stays once it was chosen. () where too few users can tell, and
    where `auto` would do so anyway. Of whom nothing is known is no level: a stranger, and who switched
    personalisation off, gets the popular products.
    """
    train = slices.validation.train
    asked = np.flatnonzero(np.diff(slices.validation.relevant.indptr) > 0)
    events = np.bincount(train.users, minlength=train.user_count)[asked]
    users_of = np.asarray(train.liked().sum(axis=0)).ravel()
    plain = {"popular": users_of, "trending": trending_scores(slices, trending_half_life_days)}
    mixes = {"taste": {"taste": 1.0}} | ({} if boosts is None else {"hybrid": dict(boosts)})
    figures: dict[str, dict[str, float]] = {}
    chosen: list[tuple[int, str]] = []
    above: str | None = None
    for least, most in reversed(list(zip(_LEVELS, (*_LEVELS[1:], np.inf), strict=True))):
        users = asked[(events >= least) & (events < most)][:_USERS_MOST]
        if users.size < _USERS_LEAST:
            continue
        found = {name: float(slices.ndcg_of_all(users, scores).mean()) for name, scores in plain.items()}
        of_mixes = slices.ndcg(users, list(mixes.values())).mean(axis=1)
        found |= dict(zip(mixes, of_mixes.tolist(), strict=True))
        figures[str(least)] = {name: round(value, 5) for name, value in found.items()} | {"users": int(users.size)}
        above = pick_method(found, above)
        chosen.append((least, above))
    return stepped(chosen), figures


def pick_method(found: Mapping[str, float], above: str | None) -> str:
    """The method of a level, given that of the users of whom more is known."""
    allowed = dict(found)
    if above is not None and above not in _PERSONAL:
        allowed = {name: value for name, value in found.items() if name not in _PERSONAL}
    best = max(allowed, key=lambda name: (allowed[name], name == "taste"))
    usual = above if above in allowed else ("taste" if "taste" in allowed else best)
    return best if allowed[best] > allowed[usual] * (1.0 + _MARGIN) else usual


def stepped(chosen: list[tuple[int, str]]) -> tuple[tuple[int, str], ...]:
    """Ascending, each method where it begins; the lowest level that could tell stands for those below it."""
    ascending = chosen[::-1]
    if len(ascending) == 0:
        return ()
    steps: list[tuple[int, str]] = []
    for least, method in ascending:
        if len(steps) == 0 or steps[-1][1] != method:
            steps.append((least, method))
    first = steps[0]
    if first[1] not in _PERSONAL:
        steps[0] = (1, first[1])
    return () if tuple(steps) == _ANYWAY else tuple(steps)
