"""`insight run churn`: who is likely to stop buying, why, and where each customer stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import TooLittleData
from profilestore.insight.churn.card import churn_card
from profilestore.insight.churn.check import ChurnCheck, Cut, check_churn, cut_at, learn_from
from profilestore.insight.churn.features import FEATURES
from profilestore.insight.churn.model import GROUPS, ChurnModel, fit_churn
from profilestore.insight.churn.rhythm import ChurnTerms, Rhythm
from profilestore.insight.churn.seasons import sale_periods
from profilestore.insight.churn.words import reason_code
from profilestore.insight.fairness import by_group
from profilestore.insight.history import DAY_S, History
from profilestore.insight.intervals import settled
from profilestore.insight.records import InsightRecord, window_of
from profilestore.insight.steps import Outcome, Run
from profilestore.settings import Settings

__all__ = [
    "BANDS",
    "LIFECYCLES",
    "bands_of",
    "churn_terms",
    "derive_churn",
    "lifecycles_of",
    "reason_codes",
    "usual_bounds",
]

BANDS: Final = ("low", "medium", "high")
LIFECYCLES: Final = ("new", "active", "at-risk", "lapsed")
_BUYERS_LEAST: Final = 50
_SPAN_LEAST_DAYS: Final = 56.0
_REASONS_MOST: Final = 3
# In log-odds: what adds less is no reason.
_REASON_LEAST: Final = 0.1
_NEW_DAYS: Final = 2
_AHEAD_S: Final = 366 * DAY_S

Floats = NDArray[np.float64]
Names = NDArray[np.str_]


def churn_terms(settings: Settings, history: History) -> ChurnTerms:
    """What churn means in this shop.

    Raises:
        TooLittleData: fewer than 50 buyers, or purchases over less than 56 days.
        SettingsError: a sale season that no calendar has.
    """
    orders = history.orders
    buyers = int(np.unique(orders.users).size)
    if buyers < _BUYERS_LEAST:
        raise TooLittleData(f"churn needs {_BUYERS_LEAST} users with an order; there are {buyers}.")
    span_s = history.as_of - float(orders.times.min())
    if span_s < _SPAN_LEAST_DAYS * DAY_S:
        raise TooLittleData("churn needs purchases over 56 days or more, so that it can be checked.")
    seasons = tuple(sorted(settings.sale_seasons.items()))
    return ChurnTerms(settings.churn_patience, seasons, ZoneInfo(settings.time_zone)).for_span(span_s)


def usual_bounds(check: ChurnCheck) -> tuple[float, float]:
    """From which risks on it is medium and high where the shop has set none: from the share of customers not lapsed
    who churned in the held-out time, and from twice the odds of that. What is much in one shop is little in another."""
    usual = check.figures.get("not_lapsed", check.figures["customers"])["churned"]
    return round(usual, 4), round(2.0 * usual / (1.0 + usual), 4)


def bands_of(risk: Floats, bounds: tuple[float, float]) -> Names:
    """low, medium or high, (n,)."""
    return np.array(BANDS)[np.searchsorted(np.array(bounds), risk, side="right")]


def lifecycles_of(rhythm: Rhythm, risk: Floats, told: NDArray[np.bool_], high: float) -> Names:
    """new, active, at-risk or lapsed, (n,).

    Lapsed: has churned, the silence is longer than the patience. New: bought on one or two days, the first of which
    is not longer ago than the shop's usual gap. At risk: the risk is high. Active: all others.
    """
    new = (rhythm.days <= _NEW_DAYS) & (rhythm.age <= rhythm.shop_gap)
    found = np.select([rhythm.lapsed, new, told & (risk >= high)], ["lapsed", "new", "at-risk"], default="active")
    return found.astype("<U7")


def reason_codes(model: ChurnModel, values: Floats) -> list[list[str]]:
    """The up to three reasons that add most to each user's risk, the strongest first."""
    added = model.contributions(values)
    leads = [next(place for place, (group, _) in enumerate(FEATURES.values()) if group == name) for name in GROUPS]
    above = np.sign(np.round(values[:, leads] - model.usual[leads], 9))
    order = np.argsort(-added, axis=1, kind="stable")
    found: list[list[str]] = []
    for row, groups in enumerate(order.tolist()):
        codes = (
            reason_code(GROUPS[group], above[row, group]) for group in groups if added[row, group] >= _REASON_LEAST
        )
        found.append([code for code in codes if code is not None][:_REASONS_MOST])
    return found


def derive_churn(run: Run) -> Outcome:
    """Check the model on a held-out time, learn it anew from all there is, and write scores, reasons and lifecycle.

    Raises:
        TooLittleData: too few buyers, too short a history, too few who stopped, or who did not.
    """
    history = run.history
    terms = churn_terms(run.settings, history)
    run.progress("checking churn on a held-out time")
    check = check_churn(history, terms, seed=run.seed)
    run.progress("learning who stops buying")
    model = fit_churn(learn_from(history, terms, seed=run.seed), seed=run.seed)
    now = cut_at(history, history.as_of, terms, seed=run.seed)
    risk = np.round(model.risk(now.values), 4)
    bounds = run.settings.churn_bands or usual_bounds(check)
    lifecycles = lifecycles_of(now.rhythm, risk, now.told, bounds[1])
    record = _record(run, check, model, now, risk, lifecycles, bounds)
    counts = ", ".join(f"{int((lifecycles == name).sum()):,} {name}" for name in LIFECYCLES)
    told = f"{len(now.rhythm):,} customers: {counts}."
    if not record.accepted and not run.force:
        return Outcome(
            record, f"churn is not foretold better than by silence against the own gap, nothing is written. {told}"
        )
    run.progress("writing churn")
    fields = _fields_by_user(run, now, model, risk, lifecycles, bounds)
    written = run.profiles.write("churn", lambda user_id, _: fields.get(user_id), as_of=history.as_of_time)
    return Outcome(record, told, written)


def _fields_by_user(
    run: Run, now: Cut, model: ChurnModel, risk: Floats, lifecycles: Names, bounds: tuple[float, float]
) -> dict[str, Mapping[str, Any]]:
    """Who waits for a sale that is too far ahead has a lifecycle and no risk: it could not be checked."""
    user_ids, bands = run.history.user_ids, bands_of(risk, bounds)
    reasons = reason_codes(model, now.values)
    fields: dict[str, Mapping[str, Any]] = {}
    for row, user in enumerate(now.rhythm.users.tolist()):
        found: dict[str, Any] = {"lifecycle": str(lifecycles[row])}
        if now.told[row]:
            found |= {"churn_risk": float(risk[row]), "churn_band": str(bands[row])}
            if len(reasons[row]) > 0:
                found["churn_reasons"] = reasons[row]
        fields[user_ids[user]] = found
    return fields


def _record(
    run: Run,
    check: ChurnCheck,
    model: ChurnModel,
    now: Cut,
    risk: Floats,
    lifecycles: Names,
    bounds: tuple[float, float],
) -> InsightRecord:
    history, rhythm = run.history, now.rhythm
    return InsightRecord(
        name="churn",
        window=window_of(history),
        settings={
            "model": list(model.parts),
            "features": list(FEATURES),
            "fitted_on": model.fitted_on,
            "patience_in_own_gaps": check.terms.patience,
            "patience_days_at_most": settled(check.terms.most_days),
            "shop_gap_days": settled(rhythm.shop_gap),
            "bands": list(bounds),
            "sale_seasons": dict(check.terms.seasons),
            "seed": run.seed,
        },
        figures=check.figures,
        tables={
            "lifecycle today": _lifecycles_today(rhythm, risk, now.told, lifecycles),
            "held-out time, by tenths of the customers by risk": check.calibration,
            "sale seasons": _seasons_told(rhythm, check.terms),
        },
        card=churn_card(check, len(rhythm), bounds),
        by_group=by_group(
            run.backgrounds,
            [history.user_ids[user] for user in check.users.tolist()],
            actual=check.churned,
            predicted=check.risk,
            metrics=("auc", "squared_error", "predicted", "actual", "bias"),
        ),
        accepted=check.beats,
    )


def _lifecycles_today(rhythm: Rhythm, risk: Floats, told: NDArray[np.bool_], lifecycles: Names) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for name in LIFECYCLES:
        inside = lifecycles == name
        if inside.any():
            known = risk[inside & told]
            rows.append(
                {
                    "lifecycle": name,
                    "users": int(inside.sum()),
                    "mean risk": settled(float(known.mean())) if known.size > 0 else None,
                    "days of silence": settled(float(np.median(rhythm.plain_silence[inside]))),
                    "days of the own gap": settled(float(np.median(rhythm.own_gap[inside]))),
                    "wait for a sale": int((rhythm.sale_shopper & inside).sum()),
                }
            )
    return rows


def _seasons_told(rhythm: Rhythm, terms: ChurnTerms) -> list[dict[str, Any]]:
    """The sales of the setting, how much livelier each was, and when it is next."""
    ahead = sale_periods(dict(terms.seasons), start=rhythm.as_of, stop=rhythm.as_of + _AHEAD_S, zone=terms.zone)
    rows: list[dict[str, Any]] = []
    for name, days in terms.seasons:
        starts = [period.start for period in ahead if period.season == name]
        following = None if len(starts) == 0 else f"{datetime.fromtimestamp(starts[0], terms.zone):%Y-%m-%d}"
        rows.append({"season": name, "days": days, "times as lively": rhythm.lifts.get(name), "next": following})
    return rows
