"""How well drift of interests and next purchases are told, on a shop that is loaded; nothing is written.

    python scripts/measure_interests.py --prefix shop --url URL
    python scripts/measure_interests.py --users 100000            # time and memory, on users made from a seed

Prints a JSON line each: claims against shuffled stories, whether they go on, and the error of next purchases in days
against the user's mean gap, the median gap of all and one wait for all, with intervals.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from profilestore.insight.history import DAY_S, History, Shelf, type_code
from profilestore.insight.interests.step import find_interests, groups_of_run

SEED = 7
DAYS = 365.0


def say(**line: Any) -> None:
    line["peak_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps(line, ensure_ascii=False), flush=True)


def measure(history: History, groups: Mapping[str, Any], types: Sequence[str], zone: ZoneInfo) -> None:
    started = time.perf_counter()
    found = find_interests(history, groups, types=types, zone=zone, seed=SEED)
    seconds = round(time.perf_counter() - started, 1)
    for space in found.spaces:
        figures = {} if space.check is None else space.check.figures
        say(drift_of=space.name, users_known=int(space.drift.known.size), claims_now=int((space.drift.sign != 0).sum()),
            false_claims_now=space.drift.false, holds=space.holds, **figures)  # fmt: skip
    for level, again in found.again.items():
        say(next_purchase_of=level, beats=again.beats, told_now=int(again.told.sum()), **again.figures)
    say(users=len(history.user_ids), acts=len(history), seconds=seconds)


def make_history(users: int) -> History:
    """Some 20 purchases a user over a year, of products in 20 categories, each user leaning to a few products."""
    rng = np.random.default_rng(SEED)
    who = np.repeat(np.arange(users, dtype=np.int32), rng.poisson(20.0, users) + 1)
    times = rng.uniform(0.0, DAYS * DAY_S, who.size) + 1.7e9
    order = np.lexsort((times, who))
    who, times = who[order], times[order]
    names = tuple(f"c{number % 20}" for number in range(1000))
    return History(
        user_ids=tuple(f"u{number:06d}" for number in range(users)),
        shelf=Shelf(tuple(f"p{number:04d}" for number in range(1000)), names, ("",) * 1000),
        users=who,
        products=((who * 7 + rng.integers(0, 5, who.size) * 13) % 1000).astype(np.int32),
        types=np.full(who.size, type_code("purchase"), dtype=np.int8),
        times=times,
        purchase_times=times,
        quantities=np.ones(who.size),
        amounts=np.ones(who.size),
        order_keys=np.arange(who.size, dtype=np.int64),
        as_of=1.7e9 + DAYS * DAY_S,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prefix")
    parser.add_argument("--url")
    parser.add_argument("--users", type=int, default=100_000)
    asked = parser.parse_args()
    if asked.prefix is None:
        history = make_history(asked.users)
        groups = {id: (name,) for id, name in zip(history.shelf.product_ids, history.shelf.categories, strict=True)}
        measure(history, {"categories": groups}, ("purchase",), ZoneInfo("UTC"))
        return
    from profilestore import ProfileStore
    from profilestore.insight.steps import Run

    with ProfileStore.open(prefix=asked.prefix, elasticsearch_url=asked.url) as shop:
        run = Run(shop._parts)
        types = [type for type, weight in shop.settings.event_weights.items() if weight > 0.0]
        measure(run.history, groups_of_run(run), types, ZoneInfo(shop.settings.time_zone))


if __name__ == "__main__":
    main()
