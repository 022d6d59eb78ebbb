"""Time and memory of insight's value and lifetime steps, on buyers made from a seed or on a shop that is loaded.

    python scripts/measure_insight.py --users 100000             # the estimators alone, in memory
    python scripts/measure_insight.py --prefix shop --url URL     # `insight run` as it is, with reading and writing

Prints a JSON line a step: seconds and the peak of resident memory so far.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from profilestore.insight.history import DAY_S, History, Shelf, type_code
from profilestore.insight.value.forecast import forecast, learn_mix
from profilestore.insight.value.lifetime import check_lifetime
from profilestore.insight.value.rfm import rfm_of, tiers_of
from profilestore.insight.value.step import check_tiers, horizon_of, learn_weights
from profilestore.insight.value.tier_rules import fit_rules

SEED = 7
DAYS = 365.0


@contextmanager
def measured(name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps({"step": name, "seconds": round(time.perf_counter() - started, 1), "peak_mib": round(peak_mib)}),
        flush=True,
    )


def make_history(users: int) -> History:
    """Buyers with a rate, a usual amount and a chance of leaving of their own: some 20 purchases each."""
    rng = np.random.default_rng(SEED)
    rates, usual = rng.gamma(0.8, 20.0, users), rng.lognormal(3.0, 0.7, users)
    counts = np.minimum(rng.poisson(rates) + 1, rng.geometric(0.04, users))
    who = np.repeat(np.arange(users, dtype=np.int32), counts)
    times = rng.uniform(0.0, DAYS * DAY_S, who.size) + 1.7e9
    order = np.lexsort((times, who))
    who, times = who[order], times[order]
    return History(
        user_ids=tuple(f"u{number:06d}" for number in range(users)),
        shelf=Shelf(tuple(f"p{number:04d}" for number in range(1000)), ("",) * 1000, ("",) * 1000),
        users=who,
        products=rng.integers(0, 1000, who.size).astype(np.int32),
        types=np.full(who.size, type_code("purchase"), dtype=np.int8),
        times=times,
        purchase_times=times,
        quantities=np.ones(who.size),
        amounts=usual[who] * rng.lognormal(0.0, 0.4, who.size),
        order_keys=np.arange(who.size, dtype=np.int64),
        as_of=1.7e9 + DAYS * DAY_S,
    )


def measure_estimators(users: int) -> None:
    zone = ZoneInfo("UTC")
    with measured(f"make {users} buyers"):
        history = make_history(users)
    print(json.dumps({"acts": len(history)}))
    horizon_s = horizon_of(history)
    assert horizon_s is not None
    at = history.as_of - horizon_s
    with measured("value: weights and check"):
        weights = learn_weights(history.before(at), at - horizon_s, horizon_s=horizon_s)
        check_tiers(history, weights, at, horizon_s=horizon_s, seed=SEED)
    with measured("value: scores, tiers and rules"):
        rfm = rfm_of(history)
        fit_rules(rfm, tiers_of(rfm, weights), seed=SEED)
    with measured("lifetime: check"):
        check_lifetime(history, horizon_s=horizon_s, zone=zone, seed=SEED)
    with measured("lifetime: forecast and intervals"):
        mix = learn_mix(history, at, horizon_s=horizon_s, zone=zone)
        made = forecast(history, weeks=90 / 7, period_s=horizon_s, mix=mix, zone=zone, seed=SEED)
        made.interval  # noqa: B018  computed when asked for


def measure_shop(flags: dict[str, Any], names: list[str]) -> None:
    from profilestore import ProfileStore

    say: Callable[[str], None] = lambda step: print(json.dumps({"progress": step}), flush=True)  # noqa: E731
    with ProfileStore.open(**flags) as shop:
        for name in names:
            with measured(name):
                (report,) = shop.insight.run([name], force=True, progress=say)
            print(json.dumps({"status": report.status, "message": report.message}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--prefix")
    parser.add_argument("--url")
    parser.add_argument("steps", nargs="*", default=["value", "lifetime"])
    asked = parser.parse_args()
    if asked.prefix is None:
        measure_estimators(asked.users)
    else:
        measure_shop({"prefix": asked.prefix, "elasticsearch_url": asked.url}, asked.steps)


if __name__ == "__main__":
    main()
