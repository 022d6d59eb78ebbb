"""How well churn is foretold, on real purchases, on the generated shop, and on many users.

    python scripts/measure_churn.py real --data ../shared/data              # both real shops, three held-out times each
    python scripts/measure_churn.py planted                                 # are planted churners found?
    python scripts/measure_churn.py seasons                                 # what a calendar of sales is good for
    python scripts/measure_churn.py scale --users 100000                    # seconds and memory, without a server

Prints a JSON line a figure. Every figure stands beside its baseline, with its 95 % interval.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np

from profilestore.documents import Event
from profilestore.ingest import InputReport, load_columns, read_events
from profilestore.ingest.sample import DEFAULT_END, generate_shop
from profilestore.insight.churn.check import check_churn, cut_at, learn_from
from profilestore.insight.churn.model import fit_churn
from profilestore.insight.churn.step import churn_terms, lifecycles_of, reason_codes, usual_bounds
from profilestore.insight.history import DAY_S, History, Shelf, type_code
from profilestore.insight.ranking import Resamples, figure_of
from profilestore.insight.reading import HistoryBuilder
from profilestore.settings import Settings

SEED: Final = 7
REAL: Final = (
    ("online_retail/online_retail.parquet", "online-retail", "Europe/London"),
    ("complete_journey/transactions_sample.csv.gz", "complete-journey", "America/New_York"),
)


def say(**figures: Any) -> None:
    print(json.dumps(figures), flush=True)


def measure_real(data: Path) -> None:
    """As of the end, and as of 30 and 60 days before it, so that no single season decides."""
    for file, columns, zone in REAL:
        builder, settings = HistoryBuilder(), Settings(time_zone=zone)
        for batch in read_events([data / file], columns=load_columns(columns, kind="events"), settings=settings,
                                 report=InputReport()):  # fmt: skip
            builder.add(batch)
        whole = builder.build()
        for days in (0, 30, 60):
            history = whole.before(whole.as_of - days * DAY_S)
            started = time.perf_counter()
            check = check_churn(history, churn_terms(settings, history), seed=SEED)
            seconds = round(time.perf_counter() - started, 1)
            for group in ("customers", "not_lapsed", "bought_twice"):
                say(shop=columns, days_before_the_end=days, of=group, seconds=seconds, **check.figures[group])
            say(shop=columns, days_before_the_end=days, calibration_error=check.figures["calibration_error"],
                calibration=check.calibration)  # fmt: skip


def measure_planted() -> None:
    """The generated shop with customers who have a rhythm: is who stopped found, and who did not left alone?"""
    for seed in (1, 2, 3):
        shop = generate_shop(seed=seed, churn=True)
        builder, settings = HistoryBuilder(), Settings()
        builder.add(shop.events)
        history = builder.build(as_of=DEFAULT_END.timestamp())
        terms = churn_terms(settings, history)
        check = check_churn(history, terms, seed=SEED)
        model = fit_churn(learn_from(history, terms, seed=SEED), seed=SEED)
        now = cut_at(history, history.as_of, terms, seed=SEED)
        risk = model.risk(now.values)
        found = np.isin(lifecycles_of(now.rhythm, risk, now.told, usual_bounds(check)[1]), ["lapsed", "at-risk"])
        truth = shop.truth.churn_users
        ids = [history.user_ids[user] for user in now.rhythm.users.tolist()]
        known = np.array([id in truth for id in ids])
        stopped = np.array([truth.get(id) is not None for id in ids])
        drawn = Resamples(stopped[known].astype(np.float64), seed=SEED)
        say(seed=seed, planted=int(known.sum()), stopped=int(stopped.sum()),
            precision=float((found & stopped)[known].sum() / found[known].sum()),
            recall=float((found & stopped).sum() / stopped.sum()),
            auc_of_risk=figure_of(drawn.auc(risk[known])),
            auc_of_plain_ratio=figure_of(drawn.auc(now.rhythm.plain_ratio[known])),
            held_out_auc_above_ratio=check.figures["customers"]["auc_above_ratio"],
            held_out_auc_above_logistic=check.figures["customers"]["auc_above_logistic"])  # fmt: skip


def measure_seasons() -> None:
    """Two years with two sales a year. Half of the customers buy in sales alone, half every few weeks; a fifth of both
    stop for good. How often is somebody who will come back called lapsed, with the calendar and without?"""
    history, stopped = season_shop()
    for name, seasons in (("with the calendar", Settings().sale_seasons), ("without", {})):
        settings = Settings(sale_seasons=seasons)
        now = cut_at(history, history.as_of, churn_terms(settings, history), seed=SEED)
        ids = [history.user_ids[user] for user in now.rhythm.users.tolist()]
        gone = np.array([id in stopped for id in ids])
        in_sales = np.array([id.startswith("sale") for id in ids])
        for kind, chosen in (("in sales", in_sales), ("all year", ~in_sales)):
            say(calendar=name, buys=kind, lifts=now.rhythm.lifts,
                lapsed_of_who_stay=float(now.rhythm.lapsed[chosen & ~gone].mean()),
                lapsed_of_who_stopped=float(now.rhythm.lapsed[chosen & gone].mean()))  # fmt: skip


def season_shop() -> tuple[History, set[str]]:
    """Purchases, and who stopped a year before the end."""
    rng, builder = np.random.default_rng(SEED), HistoryBuilder()
    end, stop = datetime(2026, 5, 1, tzinfo=UTC), datetime(2025, 5, 1, tzinfo=UTC)
    stopped = {f"{kind}{number}" for kind in ("sale", "year") for number in range(60)}
    rows: list[tuple[str, datetime]] = []
    sales = [datetime(year, *day, tzinfo=UTC) for year in (2024, 2025) for day in ((6, 1), (11, 1))]
    for number in range(300):
        rows += [(f"sale{number}", sale + timedelta(days=float(rng.uniform(0, 11)))) for sale in sales
                 if rng.random() < 0.9]  # fmt: skip
        time = datetime(2024, 5, 1, tzinfo=UTC) + timedelta(days=float(rng.uniform(0, 30)))
        while time < end:
            rows.append((f"year{number}", time))
            time += timedelta(days=float(rng.gamma(4.0, 6.0)))
    builder.add(
        Event(user_id=user, type="purchase", time=time, product_id="p", price=10.0)
        for user, time in rows
        if user not in stopped or time < stop
    )
    return builder.build(as_of=end.timestamp()), stopped


def measure_scale(users: int) -> None:
    """What `insight run churn` does but for reading and writing."""
    history = many_buyers(users)
    say(users=users, acts=len(history))
    settings = Settings()
    terms = churn_terms(settings, history)
    started = time.perf_counter()
    check = check_churn(history, terms, seed=SEED)
    seconds = round(time.perf_counter() - started, 1)
    say(step="check", seconds=seconds, beats=check.beats, learned_from=check.figures["learned_from"])
    started = time.perf_counter()
    model = fit_churn(learn_from(history, terms, seed=SEED), seed=SEED)
    now = cut_at(history, history.as_of, terms, seed=SEED)
    model.risk(now.values)
    say(step="learn and score", seconds=round(time.perf_counter() - started, 1), fitted_on=model.fitted_on)
    started = time.perf_counter()
    reason_codes(model, now.values)
    say(step="reasons", seconds=round(time.perf_counter() - started, 1),
        peak_mib=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))  # fmt: skip


def many_buyers(users: int) -> History:
    """Buyers with a rate and a chance of leaving of their own."""
    rng = np.random.default_rng(SEED)
    gaps, counts = rng.gamma(2.0, 12.0, users) + 2.0, np.minimum(rng.geometric(0.06, users), 60)
    who = np.repeat(np.arange(users, dtype=np.int32), counts)
    starts = np.flatnonzero(np.r_[True, who[1:] != who[:-1]])
    steps = rng.exponential(gaps[who])
    steps[starts] = rng.uniform(0.0, 300.0, users)
    total = np.cumsum(steps)
    days = total - np.repeat(total[starts] - steps[starts], counts)
    kept = days < 365.0
    who, times = who[kept], days[kept] * DAY_S + 1.7e9
    return History(
        user_ids=tuple(f"u{number:06d}" for number in range(users)),
        shelf=Shelf(tuple(f"p{number:04d}" for number in range(1000)), ("",) * 1000, ("",) * 1000),
        users=who,
        products=rng.integers(0, 1000, who.size).astype(np.int32),
        types=np.full(who.size, type_code("purchase"), dtype=np.int8),
        times=times,
        purchase_times=times,
        quantities=np.ones(who.size),
        amounts=rng.lognormal(3.0, 0.7, who.size),
        order_keys=np.arange(who.size, dtype=np.int64),
        as_of=1.7e9 + 365.0 * DAY_S,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("real", "planted", "seasons", "scale"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--users", type=int, default=100_000)
    asked = parser.parse_args()
    if asked.what == "real":
        measure_real(asked.data)
    elif asked.what == "planted":
        measure_planted()
    elif asked.what == "seasons":
        measure_seasons()
    else:
        measure_scale(asked.users)


if __name__ == "__main__":
    main()
