"""`insight run lifetime`: expected purchases and spend of 90 days, checked against "as much as last period"."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import TooLittleData
from profilestore.insight.backgrounds import Backgrounds
from profilestore.insight.fairness import by_group
from profilestore.insight.history import DAY_S, History
from profilestore.insight.intervals import mean_interval, settled
from profilestore.insight.records import InsightRecord, window_of
from profilestore.insight.steps import Outcome, Run
from profilestore.insight.value.cards import lifetime_card
from profilestore.insight.value.forecast import Forecast, Mix, forecast, learn_mix, outcome
from profilestore.insight.value.step import horizon_of

__all__ = ["LifetimeCheck", "check_lifetime", "derive_lifetime"]

_DAYS: Final = 90.0
_WEEKS: Final = _DAYS / 7.0
_BUYERS_LEAST: Final = 50
_DECILES: Final = 10

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LifetimeCheck:
    """Forecasts made at an earlier day against what came after it.

    Attributes:
        figures: of `spend` and of `purchases`: mean absolute error and root mean squared error of ours and of the
            baseline (each user as much as in the last period), `gain` of the absolute error with its interval, totals,
            rank correlation; `covered`, how often the spend was within the 80 % interval.
        calibration: by tenths of the buyers by expected spend: expected, actual, errors of both.
        beats: whether the gain in spend is above zero with its whole interval.
        made: the forecasts, and `spent` (n,) what each of its buyers spent then.
    """

    figures: dict[str, Any]
    calibration: list[dict[str, Any]]
    beats: bool
    made: Forecast = field(compare=False)
    spent: Floats = field(compare=False)


def check_lifetime(history: History, *, horizon_s: float, zone: ZoneInfo, seed: int) -> LifetimeCheck:
    """Forecast the last period from what was known before it. What the mix is learned from ends before it, too.

    Raises:
        TooLittleData: fewer than 50 buyers were known then, or nobody had bought twice.
    """
    at = history.as_of - horizon_s
    known = history.before(at)
    mix = learn_mix(known, at - horizon_s, horizon_s=horizon_s, zone=zone)
    made = forecast(known, weeks=horizon_s / DAY_S / 7.0, period_s=horizon_s, mix=mix, zone=zone, seed=seed)
    if len(made.buyers) < _BUYERS_LEAST:
        raise TooLittleData(
            f"lifetime value needs {_BUYERS_LEAST} buyers before the held-out period; there were {len(made.buyers)}."
        )
    bought, spent = outcome(history, made.buyers.users, start=at, stop=history.as_of, zone=zone)
    low, high = made.interval
    spend = _errors(made.spend, made.buyers.last_spend, spent, seed)
    figures = {
        "horizon_days": settled(horizon_s / DAY_S),
        "users": len(made.buyers),
        "spend": spend,
        "purchases": _errors(made.purchases, made.buyers.last_days, bought, seed),
        "covered": mean_interval(((spent >= low) & (spent <= high)).astype(np.float64), seed=seed),
        "covered_at_least_wanted": 0.8,
    }
    return LifetimeCheck(figures, _calibration(made, spent, bought, seed), spend["gain"]["low"] > 0.0, made, spent)


def _errors(ours: Floats, last: Floats, actual: Floats, seed: int) -> dict[str, Any]:
    from scipy.stats import spearmanr

    def rank(forecast: Floats) -> float | None:
        if np.ptp(forecast) <= 0.0 or np.ptp(actual) <= 0.0:
            return None
        return settled(float(spearmanr(forecast, actual).statistic))

    return {
        "absolute_error": settled(float(np.abs(ours - actual).mean())),
        "absolute_error_last_period": settled(float(np.abs(last - actual).mean())),
        "gain": mean_interval(np.abs(last - actual) - np.abs(ours - actual), seed=seed),
        "squared_error_root": settled(float(np.sqrt(np.mean((ours - actual) ** 2)))),
        "squared_error_root_last_period": settled(float(np.sqrt(np.mean((last - actual) ** 2)))),
        "rank_correlation": rank(ours),
        "rank_correlation_last_period": rank(last),
        "total_expected": settled(float(ours.sum())),
        "total_last_period": settled(float(last.sum())),
        "total_actual": settled(float(actual.sum())),
    }


def _calibration(made: Forecast, spent: Floats, bought: Floats, seed: int) -> list[dict[str, Any]]:
    order = np.lexsort((made.buyers.users, made.spend))
    rows: list[dict[str, Any]] = []
    for number, part in enumerate(np.array_split(order, _DECILES), start=1):
        actual = mean_interval(spent[part], seed=seed)
        rows.append(
            {
                "tenth": number,
                "users": int(part.size),
                "expected": settled(float(made.spend[part].mean())),
                "actual": actual["mean"],
                "low": actual["low"],
                "high": actual["high"],
                "error": settled(float(np.abs(made.spend[part] - spent[part]).mean())),
                "error of last period": settled(float(np.abs(made.buyers.last_spend[part] - spent[part]).mean())),
                "purchases expected": settled(float(made.purchases[part].mean())),
                "purchases": settled(float(bought[part].mean())),
            }
        )
    return rows


def derive_lifetime(run: Run) -> Outcome:
    """Forecast every buyer's next 90 days, check the method on a held-out period, and write the forecasts.

    Raises:
        TooLittleData: too few buyers, too short a history, no repeat purchases or no prices.
    """
    history, zone = run.history, ZoneInfo(run.settings.time_zone)
    horizon_s = horizon_of(history)
    if horizon_s is None:
        raise TooLittleData("lifetime value needs purchases over 56 days or more, so that it can be checked.")
    run.progress("checking lifetime value on a held-out period")
    check = check_lifetime(history, horizon_s=horizon_s, zone=zone, seed=run.seed)
    run.progress("forecasting the next 90 days")
    mix = learn_mix(history, history.as_of - horizon_s, horizon_s=horizon_s, zone=zone)
    made = forecast(history, weeks=_WEEKS, period_s=horizon_s, mix=mix, zone=zone, seed=run.seed)
    record = replace(_record(history, made, mix, check), by_group=_by_group(run.backgrounds, history, check))
    expected = (
        f"{made.spend.sum():,.0f} {run.settings.currency} and {made.purchases.sum():,.0f} purchases are expected of "
        f"{len(made.buyers):,} buyers in 90 days."
    )
    if not record.accepted and not run.force:
        return Outcome(record, f'lifetime value does not beat "as much as last period", nothing is written. {expected}')
    run.progress("writing lifetime value")
    fields = _fields_by_user(history, made)
    written = run.profiles.write("lifetime", lambda user_id, _: fields.get(user_id), as_of=history.as_of_time)
    return Outcome(record, expected, written)


def _by_group(backgrounds: Backgrounds, history: History, check: LifetimeCheck) -> dict[str, Any]:
    """Expected and actual spend of the held-out period, the error, and what it gains on the last period's."""
    made, spent = check.made, check.spent
    low, high = made.interval
    return by_group(
        backgrounds,
        [history.user_ids[row] for row in made.buyers.users.tolist()],
        actual=spent,
        predicted=made.spend,
        metrics=("predicted", "actual", "bias", "absolute_error"),
        means={
            "gain": np.abs(made.buyers.last_spend - spent) - np.abs(made.spend - spent),
            "covered": (spent >= low) & (spent <= high),
        },
    )


def _fields_by_user(history: History, made: Forecast) -> dict[str, dict[str, float]]:
    low, high = made.interval
    return {
        history.user_ids[user]: {
            "clv_90d": round(float(made.spend[row]), 2),
            "clv_90d_low": round(float(low[row]), 2),
            "clv_90d_high": round(float(high[row]), 2),
            "expected_purchases_90d": round(float(made.purchases[row]), 4),
        }
        for row, user in enumerate(made.buyers.users.tolist())
    }


def _record(history: History, made: Forecast, mix: Mix, check: LifetimeCheck) -> InsightRecord:
    buying, spending, again = made.buying, made.spending, made.buyers.past.x > 0
    rate, amount = made.buyers.past.x[again], made.buyers.mean[again]
    told = again.sum() > 2 and np.ptp(rate) > 0.0 and np.ptp(amount) > 0.0
    return InsightRecord(
        name="lifetime",
        window=window_of(history),
        settings={
            "buying": {name: settled(getattr(buying, name)) for name in ("r", "alpha", "a", "b")},
            "spending": {name: settled(getattr(spending, name)) for name in ("p", "q", "gamma", "scale")},
            "mix": {"purchases": list(map(settled, mix.purchases)), "spend": list(map(settled, mix.spend))},
            "interval": 0.8,
        },
        figures={
            **check.figures,
            "frequency_and_amount_correlation": settled(float(np.corrcoef(rate, amount)[0, 1])) if told else None,
        },
        tables={"held-out period, by tenths of the buyers by expected spend": check.calibration},
        card=lifetime_card(check, len(made.buyers)),
        accepted=check.beats,
    )
