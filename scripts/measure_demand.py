"""How well demand is foretold: on a shop that is loaded, and on generated shops whose seasons are known.

    python scripts/measure_demand.py --prefix shop --url URL      # of its own log; nothing is written
    python scripts/measure_demand.py --seeds 7 8 9                # planted seasons: precision, recall, months

Prints a JSON line each: MASE of the hundred best sellers of all, whatever kind they are served as, against the naive
forecast, then the figures of each kind of series with intervals and coverage; seconds and the peak of memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from profilestore.insight.demand.backtest import Kind, origins_of, try_kind
from profilestore.insight.demand.smoothing import METHODS
from profilestore.insight.demand.step import find_demand
from profilestore.insight.demand.yearly import find_seasons
from profilestore.insight.history import History
from profilestore.insight.reading import HistoryBuilder
from profilestore.insight.sales import weekly_sales

SEED = 7
BEST = 100


def say(**line: Any) -> None:
    line["peak_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps(line, ensure_ascii=False), flush=True)


def measure_history(history: History, zone: ZoneInfo) -> None:
    sales = weekly_sales(history, zone)
    origins = origins_of(sales.weeks)
    if origins is not None:
        plain = tuple(name for name in METHODS if not name.startswith("season and") and name != "smoothing of its own")
        best = Kind("best", lambda week: np.argsort(-sales.pieces[:, :week].sum(axis=1), kind="stable")[:BEST], plain)
        trial = try_kind(sales.pieces, best, origins, seed=SEED)
        if trial is not None:
            say(best_sellers_of_all=BEST, weeks=sales.weeks, method_now=trial.chosen, **trial.figures)
    started = time.perf_counter()
    found = find_demand(history, zone=zone, seed=SEED)
    for name, each in found.trials.items():
        say(kind=name, method_now=each.chosen, beats=each.beats, **each.figures)
    yearly = sum(season.kind == "yearly" for season in found.seasons)
    say(seasonal=yearly, one_year=len(found.seasons) - yearly, seconds=round(time.perf_counter() - started, 1))


def measure_planted(seed: int) -> None:
    from profilestore.ingest.sample import generate_shop

    shop = generate_shop(seed=seed, users=600, products=400, events=12_000, seasons=True)
    builder = HistoryBuilder()
    for product in shop.products:
        builder.add_product(product.product_id, product.model_dump())
    builder.add(shop.events)
    sales = weekly_sales(builder.build(), ZoneInfo("UTC"))
    seasons = {sales.keys[season.row]: season for season in find_seasons(sales) if season.kind == "yearly"}
    truth = shop.truth.seasonal_products
    right = set(seasons) & set(truth)
    months = sum(truth[product_id] in seasons[product_id].months for product_id in right)
    recall, precision = len(right) / len(truth), len(right) / max(1, len(seasons))
    say(seed=seed, planted=len(truth), found=len(seasons), recall=round(recall, 3), precision=round(precision, 3),
        month_right=round(months / max(1, len(right)), 3))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prefix")
    parser.add_argument("--url")
    parser.add_argument("--seeds", type=int, nargs="*", default=[7, 8, 9])
    asked = parser.parse_args()
    if asked.prefix is None:
        for seed in asked.seeds:
            measure_planted(seed)
        return
    from profilestore import ProfileStore
    from profilestore.insight.steps import Run

    with ProfileStore.open(prefix=asked.prefix, elasticsearch_url=asked.url) as shop:
        run = Run(shop._parts)
        measure_history(run.history, ZoneInfo(shop.settings.time_zone))


if __name__ == "__main__":
    main()
