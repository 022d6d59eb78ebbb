"""Are planted odd users found? Precision and recall over generated shops; what is flagged in a shop that is loaded.

    python scripts/measure_odd.py --shops 5              # generated shops with planted truth, one seed each
    python scripts/measure_odd.py --users 100000         # time and memory of the search alone
    python scripts/measure_odd.py --prefix shop --url URL  # what is flagged of real users, and over seeds

The baseline flags as many users by the largest deviation of any one figure (a z-score). Intervals are Wilson's over
users, 95 %. `milder` are odd users of whom each act is left out with a chance of 30 and of 50 %. Prints JSON lines.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections import Counter
from typing import Any

import numpy as np
from scipy.stats import binomtest

from profilestore import ProfileStore, Settings
from profilestore.ingest.sample import SampleShop, generate_shop
from profilestore.insight.history import History
from profilestore.insight.intervals import settled
from profilestore.insight.odd.finding import OddUsers, agreement, find_odd
from profilestore.insight.odd.rules import limits_of
from profilestore.insight.odd.trial import farthest, try_planted
from profilestore.insight.reading import HistoryBuilder, read_history

SEEDS = (7, 8, 9, 10, 11)
LIMITS = limits_of(Settings())


def say(**figures: Any) -> None:
    print(json.dumps(figures, ensure_ascii=False), flush=True)


def history_of(shop: SampleShop) -> History:
    builder = HistoryBuilder()
    for product in shop.products:
        builder.add_product(product.product_id, product.model_dump())
    builder.add(shop.events)
    return builder.build()


def shares(flagged: np.ndarray[Any, Any], odd: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Precision and recall with Wilson's intervals, from a row a user."""
    hits = int((flagged * odd).sum())
    return {"precision": share(hits, int(flagged.sum())), "recall": share(hits, int(odd.sum()))}


def share(hits: int, of: int) -> dict[str, float] | None:
    if of == 0:
        return None
    ends = binomtest(hits, of).proportion_ci(method="wilson")
    return {"mean": settled(hits / of), "low": settled(ends.low), "high": settled(ends.high)}


def thinned(history: History, odd: np.ndarray[Any, Any], keep: float) -> History:
    """Odd users do only a part of what they did, drawn by chance: they are less odd."""
    kept = (odd[history.users] == 0) | (np.random.default_rng(7).random(len(history)) < keep)
    return history.picked(np.flatnonzero(kept))


def over_seeds(history: History) -> dict[str, float]:
    """How much of what is flagged under one seed is flagged under another: Jaccard, all pairs of five seeds."""
    found = [set(find_odd(history, limits=LIMITS, time_zone="UTC", seed=seed).facts) for seed in SEEDS]
    pairs = [(found[one], found[two]) for one in range(len(SEEDS)) for two in range(one)]
    alike = [len(one & two) / len(one | two) for one, two in pairs if len(one | two) > 0]
    return {"mean": settled(float(np.mean(alike))), "least": settled(min(alike))} if len(alike) > 0 else {}


def measure_generated(shops: int, users: int, events: int) -> None:
    ours: list[Any] = []
    theirs: list[Any] = []
    truth: list[Any] = []
    mild: dict[float, list[Any]] = {0.7: [], 0.5: []}
    kinds: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for seed in range(1, shops + 1):
        shop = generate_shop(seed=seed, users=users, events=events, odd=True)
        history = history_of(shop)
        found = find_odd(history, limits=LIMITS, time_zone="UTC", seed=7)
        count = len(history.user_ids)
        plain = farthest(found.unusual, len(found.facts))
        odd = np.array([float(user in shop.truth.odd_users) for user in history.user_ids])
        ours.append(rows(set(found.facts), count))
        theirs.append(rows(plain, count))
        truth.append(odd)
        for keep, flags in mild.items():
            less = find_odd(thinned(history, odd, keep), limits=LIMITS, time_zone="UTC", seed=7)
            flags.append(rows(set(less.facts), count))
        kinds.update(shop.truth.odd_users.values())
        missed.update(
            shop.truth.odd_users[history.user_ids[row]] for row in np.flatnonzero((odd > 0) & (ours[-1] == 0))
        )
        clean = find_odd(history_of(generate_shop(seed=seed, users=users, events=events)), limits=LIMITS,
                         time_zone="UTC", seed=7)  # fmt: skip
        say(seed=seed, users=count, planted=int(odd.sum()), flagged=len(found.facts), over_seeds=over_seeds(history),
            flagged_in_the_same_shop_without_odd_users=len(clean.facts), **shares(ours[-1], odd))  # fmt: skip
    odd = np.concatenate(truth)
    say(shops=shops, **shares(np.concatenate(ours), odd), baseline=shares(np.concatenate(theirs), odd),
        milder={keep: shares(np.concatenate(flags), odd) for keep, flags in mild.items()},
        planted=dict(kinds), missed=dict(missed))  # fmt: skip


def rows(flagged: set[int], users: int) -> np.ndarray[Any, Any]:
    return np.array([float(row in flagged) for row in range(users)])


def measure_size(users: int) -> None:
    shop_users = 10_000
    base = history_of(generate_shop(users=shop_users, products=5000, events=300_000, odd=True))
    copies = users // shop_users
    history = copied(base, copies)
    started = time.perf_counter()
    found = find_odd(history, limits=LIMITS, time_zone="UTC", seed=7)
    searched = time.perf_counter() - started
    started = time.perf_counter()
    try_planted(found, limits=LIMITS, seed=7)
    say(users=len(history.user_ids), acts=len(history), seconds=round(searched, 1), flagged=len(found.facts),
        trial_seconds=round(time.perf_counter() - started, 1),
        peak_mib=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))  # fmt: skip


def copied(history: History, copies: int) -> History:
    """The users again and again, with other products, so that copies are no accounts of one pattern."""
    from dataclasses import replace

    count, rng = len(history.user_ids), np.random.default_rng(7)
    names = ("types", "times", "purchase_times", "quantities", "amounts", "order_keys")
    products = [
        np.where(history.products < 0, -1, rng.permutation(len(history.shelf.product_ids))[history.products])
        for _ in range(copies)
    ]
    return replace(
        history,
        user_ids=tuple(f"{copy:03d}-{user}" for copy in range(copies) for user in history.user_ids),
        users=np.concatenate([history.users + copy * count for copy in range(copies)]).astype(np.int32),
        products=np.concatenate(products).astype(np.int32),
        **{name: np.tile(getattr(history, name), copies) for name in names},
    )


def measure_shop(flags: dict[str, Any]) -> None:
    with ProfileStore.open(**flags) as shop:
        history = read_history(shop._parts)  # the log as insight reads it
        zone, limits = shop.settings.time_zone, limits_of(shop.settings)
    started = time.perf_counter()
    found = find_odd(history, limits=limits, time_zone=zone, seed=7)
    seconds = time.perf_counter() - started
    say(users=len(history.user_ids), acts=len(history), seconds=round(seconds, 1), **told(found),
        forests_agree=agreement(found.unusual, limits), over_seeds=over_seeds(history),
        planted=try_planted(found, limits=limits, seed=7).figures)  # fmt: skip


def told(found: OddUsers) -> dict[str, Any]:
    counts = Counter(flag for flags in found.flags().values() for flag in flags)
    return {"flagged": len(found.facts), "share": settled(len(found.facts) / len(found.user_ids)), "by_flag": counts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shops", type=int, default=5)
    parser.add_argument("--shop-users", type=int, default=2000)
    parser.add_argument("--shop-events", type=int, default=60_000)
    parser.add_argument("--users", type=int)
    parser.add_argument("--prefix")
    parser.add_argument("--url")
    asked = parser.parse_args()
    if asked.prefix is not None:
        measure_shop({"prefix": asked.prefix, "elasticsearch_url": asked.url})
    elif asked.users is not None:
        measure_size(asked.users)
    else:
        measure_generated(asked.shops, asked.shop_users, asked.shop_events)


if __name__ == "__main__":
    main()
