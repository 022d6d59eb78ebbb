"""`insight run value`: RFM scores and value tiers, their weights learned and checked on later spending."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import TooLittleData
from profilestore.insight.backgrounds import Backgrounds
from profilestore.insight.fairness import by_group
from profilestore.insight.history import DAY_S, History
from profilestore.insight.intervals import interval, settled
from profilestore.insight.records import InsightRecord, window_of
from profilestore.insight.steps import Outcome, Run
from profilestore.insight.value.cards import value_card
from profilestore.insight.value.rfm import TIERS, Names, Rfm, future_spend, rfm_of, segment_names, tiers_of
from profilestore.insight.value.tier_rules import TierRules, fit_rules
from profilestore.insight.value.tier_tables import tiers_later, tiers_today

__all__ = ["TierCheck", "check_tiers", "derive_value", "horizon_of", "learn_weights"]

# Five a quintile.
_USERS_LEAST: Final = 25
_HORIZON_DAYS: Final = 90.0
_HORIZON_LEAST_DAYS: Final = 14.0
_SCORES: Final = ("recency", "frequency", "monetary")
_POTENTIAL: Final = (("high", "mid"), ("mid", "low"))
_TIER_LEAST: Final = 5
_RIDGE: Final = 1e-3
_TINY: Final = 1e-12
EQUAL_WEIGHTS: Final = np.full(3, 1.0 / 3.0)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TierCheck:
    """Tiers as of an earlier day against what was spent after it.

    Attributes:
        figures: with intervals: how much more a user of the high tier spent later than one of the mid tier, and of
            the mid than of the low one (0 if tiers said nothing); `top_share` of the later spend that the high
            tier held, and `last_period_share`, that of as many users chosen by the last period's spend alone.
        by_tier: users, mean later spend and its interval, share that bought again.
        apart: whether both differences of tiers are above zero with their whole intervals.
        potential: the same of the potential tiers and the rest of the tiers they come from.
        users: (n,) rows of the history's users; `later` (n,) what each spent in the period, `top` and `last` (n,)
            whether they were of the high tier, and chosen by the last period's spend.
    """

    figures: dict[str, Any]
    by_tier: list[dict[str, Any]]
    apart: bool
    potential: bool
    users: NDArray[np.int64] = field(compare=False)
    later: Floats = field(compare=False)
    top: Floats = field(compare=False)
    last: Floats = field(compare=False)


def horizon_of(history: History) -> float | None:
    """How long a held-out period is, in seconds: 90 days, in a short history a quarter of it; None under 14 days."""
    if len(history.orders) == 0:
        return None
    span = history.as_of - float(history.orders.times.min())
    days = min(_HORIZON_DAYS, span / DAY_S / 4.0)
    return None if days < _HORIZON_LEAST_DAYS else days * DAY_S


def learn_weights(history: History, at: float, *, horizon_s: float) -> Floats:
    """What recency, frequency and monetary rank say of later spending: non-negative, summing to 1.

    A Poisson regression (a log-linear model of the mean, which also fits spending that is mostly zero: Santos Silva
    and Tenreyro 2006) on the ranks; a rank with a negative weight is left out and the others fitted again.

    Args:
        history: that goes on for `horizon_s` after `at`.
        at: the ranks are of then.
        horizon_s: the spending is of the time from `at` on.
    """
    from sklearn.linear_model import PoissonRegressor

    rfm = rfm_of(history.before(at), period_s=horizon_s)
    later = future_spend(history, rfm.users, start=at, stop=at + horizon_s)
    if len(rfm) < _USERS_LEAST or later.sum() <= 0.0:
        return EQUAL_WEIGHTS
    ranks, kept = rfm.ranks, [0, 1, 2]
    while len(kept) > 0:
        found = PoissonRegressor(alpha=_RIDGE, max_iter=1000).fit(ranks[:, kept], later / later.mean()).coef_
        if found.min() >= 0.0 and found.sum() > 0.0:
            weights = np.zeros(3)
            weights[kept] = found / found.sum()
            return weights
        kept.pop(int(found.argmin()))
    return EQUAL_WEIGHTS


def check_tiers(history: History, weights: Floats, at: float, *, horizon_s: float, seed: int) -> TierCheck | None:
    """Make tiers as of `at` and look at what was spent in the period after it; None with too few users."""
    rfm = rfm_of(history.before(at), period_s=horizon_s)
    later = future_spend(history, rfm.users, start=at, stop=at + horizon_s)
    if len(rfm) < _USERS_LEAST or later.sum() <= 0.0:
        return None
    plain = tiers_of(rfm, weights, potential=False)
    top = (plain == "high").astype(np.float64)
    # Ties of the last period (most spent nothing) go to who spent more in all: it gets the better of the doubt.
    last = np.zeros(len(rfm))
    last[np.lexsort((rfm.users, -rfm.spend, -rfm.recent_spend))[: int(top.sum())]] = 1.0
    figures: dict[str, Any] = {
        "horizon_days": settled(horizon_s / DAY_S),
        "users": len(rfm),
        "top_users_share": settled(float(top.mean())),
        "top_share": interval(_share, later, top, seed=seed),
        "last_period_share": interval(_share, later, last, seed=seed),
        "above_last_period": interval(_share_gain, later, top, last, seed=seed),
    }
    apart = [_compare(plain, later, name, rest, figures, seed) for name, rest in (("high", "mid"), ("mid", "low"))]
    tiers = tiers_of(rfm, weights)
    rising = [_compare(tiers, later, f"potential_{name}", rest, figures, seed) for name, rest in _POTENTIAL]
    by_tier = tiers_later(tiers, later, seed=seed)
    return TierCheck(figures, by_tier, all(apart), all(rising), rfm.users, later, top, last)


def _compare(tiers: Names, later: Floats, name: str, rest: str, figures: dict[str, Any], seed: int) -> bool:
    """How much more a user of one tier spent later than one of another; whether that is more than chance."""
    chosen, others = tiers == name, tiers == rest
    if chosen.sum() < _TIER_LEAST or others.sum() < _TIER_LEAST:
        return False
    inside = chosen | others
    found = interval(_difference, later[inside], chosen[inside].astype(np.float64), seed=seed)
    figures[f"{name}_above_{rest}"] = found
    return found["low"] > 0.0


def _share(later: Any, chosen: Any, axis: int = -1) -> Any:
    return (later * chosen).sum(axis) / np.maximum(later.sum(axis), _TINY)


def _share_gain(later: Any, ours: Any, theirs: Any, axis: int = -1) -> Any:
    return (later * (ours - theirs)).sum(axis) / np.maximum(later.sum(axis), _TINY)


def _difference(later: Any, chosen: Any, axis: int = -1) -> Any:
    others = 1.0 - chosen
    first = (later * chosen).sum(axis) / np.maximum(chosen.sum(axis), 1.0)
    return first - (later * others).sum(axis) / np.maximum(others.sum(axis), 1.0)


def derive_value(run: Run) -> Outcome:
    """Score all who have bought, tier them, check the tiers on a held-out period, and write them.

    Raises:
        TooLittleData: fewer than 25 buyers, no prices, or all of them alike.
    """
    history = run.history
    horizon_s = horizon_of(history)
    rfm = rfm_of(history) if horizon_s is None else rfm_of(history, period_s=horizon_s)
    if len(rfm) < _USERS_LEAST:
        raise TooLittleData(f"value tiers need {_USERS_LEAST} users with an order; there are {len(rfm)}.")
    if rfm.spend.sum() <= 0.0:
        raise TooLittleData("value tiers need prices: no purchase has one, nor has its product.")
    if np.ptp(rfm.figures, axis=0).max() <= 0.0:
        raise TooLittleData("all users have the same recency, number of orders and spend: there are no tiers to tell.")
    run.progress("checking value tiers on a held-out period")
    weights, check = _weights_and_check(history, horizon_s, run.seed)
    tiers = tiers_of(rfm, weights, potential=check is not None and check.potential)
    record = _record(history, rfm, weights, tiers, check, fit_rules(rfm, tiers, seed=run.seed))
    if check is not None:
        record = replace(record, by_group=_by_group(run.backgrounds, history, check))
    counts = ", ".join(f"{int((tiers == name).sum()):,} {name}" for name in TIERS if name in tiers)
    message = f"{len(rfm):,} buyers: {counts}."
    if not record.accepted and not run.force:
        return Outcome(record, f"the tiers do not tell later spending apart, nothing is written. {message}")
    run.progress("writing value tiers")
    fields = _fields_by_user(history, rfm, tiers)
    written = run.profiles.write("value", lambda user_id, _: fields.get(user_id), as_of=history.as_of_time)
    return Outcome(record, message, written)


def _by_group(backgrounds: Backgrounds, history: History, check: TierCheck) -> dict[str, Any]:
    """Of each group's later spend the share that its high tier held, beside that of the last period's best."""
    return by_group(
        backgrounds,
        [history.user_ids[row] for row in check.users.tolist()],
        means={"in_high_tier": check.top, "later_spend": check.later},
        ratios={
            "top_share": (check.later * check.top, check.later),
            "last_period_share": (check.later * check.last, check.later),
        },
    )


def _weights_and_check(history: History, horizon_s: float | None, seed: int) -> tuple[Floats, TierCheck | None]:
    """Weights learned at an earlier cut are checked at a later one; those in force are learned at the later one."""
    if horizon_s is None:
        return EQUAL_WEIGHTS, None
    held_out = history.as_of - horizon_s
    # What is learned for the check knows nothing of the period that is checked.
    earlier = learn_weights(history.before(held_out), held_out - horizon_s, horizon_s=horizon_s)
    check = check_tiers(history, earlier, held_out, horizon_s=horizon_s, seed=seed)
    return learn_weights(history, held_out, horizon_s=horizon_s), check


def _fields_by_user(history: History, rfm: Rfm, tiers: Names) -> dict[str, dict[str, Any]]:
    names = segment_names(rfm)
    return {
        history.user_ids[user]: {
            "rfm_recency": int(rfm.recency_score[row]),
            "rfm_frequency": int(rfm.frequency_score[row]),
            "rfm_monetary": int(rfm.monetary_score[row]),
            "rfm_segment": str(names[row]),
            "value_tier": str(tiers[row]),
        }
        for row, user in enumerate(rfm.users.tolist())
    }


def _record(
    history: History, rfm: Rfm, weights: Floats, tiers: Names, check: TierCheck | None, tree: TierRules
) -> InsightRecord:
    named = {name: settled(float(weight)) for name, weight in zip(_SCORES, weights, strict=True)}
    figures: dict[str, Any] = {} if check is None else dict(check.figures)
    figures |= {"rules_agreement": settled(tree.agreement), "rules_majority_baseline": settled(tree.majority)}
    tables: dict[str, list[dict[str, Any]]] = {
        "tiers today": tiers_today(rfm, tiers),
        "rules that reproduce the tiers": tree.rules,
        "weight of each figure in the rules": [{"figure": n, "weight": w} for n, w in tree.weights.items()],
        "weight of each rank in the tiers": [{"rank": n, "weight": w} for n, w in named.items()],
    }
    if check is not None:
        tables["tiers at the cut, and what was spent after it"] = check.by_tier
    return InsightRecord(
        name="value",
        window=window_of(history),
        settings={"weights": named, "potential_tiers": check is not None and check.potential},
        figures=figures,
        tables=tables,
        card=value_card(check, tree, len(rfm)),
        # Scores describe, and need no baseline; a history too short for a check is told in the card.
        accepted=check is None or check.apart,
    )
