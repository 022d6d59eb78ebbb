#!/usr/bin/env python3
"""How much `recommend --all` adds to what Elasticsearch itself needs for the same searches.

    scripts/measure_nightly.py [-n 20] [--method auto] [--rounds 3] [--workers 1 2 3]

For the shop of the settings: the bodies of all its users are sent as bare msearches, a hundred a request, one
after another and by two threads, and beside them `recommend --all` runs, which also reads the users, and
writes the lists. Printed are the ratios of the times, rounds in turn, since other programs run here too.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

from profilestore import ProfileStore
from profilestore.elastic.recommendation_index import RecommendationIndex
from profilestore.elastic.search import multi_search
from profilestore.recommend import nightly

CHUNK = 100


def all_users(shop: ProfileStore) -> list[str]:
    index = shop.settings.index
    pages = RecommendationIndex(shop._client, alias=index("recommendations"), profiles=index("profiles"))
    users: list[str] = []
    while len(page := pages.users_after(users[-1] if users else None, n=10_000)) > 0:
        users += page
    return users


def raw(shop: ProfileStore, bodies: Sequence[dict[str, Any]], *, threads: int) -> float:
    chunks = [bodies[start : start + CHUNK] for start in range(0, len(bodies), CHUNK)]
    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(
            lambda chunk: multi_search(shop._client, index=shop.settings.index("products"), bodies=chunk), chunks
        ):
            pass
    return time.perf_counter() - started


def nightly_run(shop: ProfileStore, *, workers: int, **options: Any) -> float:
    nightly._WORKERS = workers  # type: ignore[misc]
    started = time.perf_counter()
    shop.recommend_all(**options)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=20)
    parser.add_argument("--method", default="auto")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 3])
    given = parser.parse_args()
    options = {"n": given.n, "method": given.method}
    with ProfileStore.open() as shop:
        users = all_users(shop)
        bodies = [shop.recommend_request(user, **options).body for user in users]
        times: dict[str, list[float]] = {}
        for _ in range(given.rounds):
            for threads in (1, 2):
                times.setdefault(f"raw msearch, {threads} threads", []).append(raw(shop, bodies, threads=threads))
            for workers in given.workers:
                seconds = nightly_run(shop, workers=workers, **options)
                times.setdefault(f"recommend --all, {workers} workers", []).append(seconds)
    base = times["raw msearch, 1 threads"]
    print(f"{len(users):,} users, {given.n} products each, method {given.method}")
    for name, own in times.items():
        ratios = [each / one for each, one in zip(own, base, strict=True)]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"{name:28} {median(own):7.2f} s, {median(ratios):.2f} of raw msearch by one thread ({spread})")


if __name__ == "__main__":
    main()
