"""Figures, time and memory of purchase propensity: on a labelled table, on a shop that is loaded, or on made buyers.

    python scripts/measure_propensity.py --table online_shoppers_intention.csv.gz --label Revenue
    python scripts/measure_propensity.py --prefix shop --url URL      # `insight run propensity` as it is
    python scripts/measure_propensity.py --users 100000               # the estimators alone, in memory

Prints JSON lines: figures against the baseline with intervals, then seconds and the peak of resident memory.
"""

from __future__ import annotations

import argparse
import json
from typing import Any
from zoneinfo import ZoneInfo

from measure_insight import make_history, measured

SEED = 7


def say(step: str) -> None:
    print(json.dumps({"progress": step}), flush=True)


def measure_table(path: str, label: str) -> None:
    from profilestore.insight.labelled.comparison import compare_models
    from profilestore.insight.labelled.reading import read_table

    with measured("read the table"):
        table = read_table(path, label=label)
    with measured("compare the models"):
        made = compare_models(table, seed=SEED, progress=say)
    for model in (*made.models, made.baseline):
        print(json.dumps({"model": model.name, **model.figures, "gain": model.gain, "confusion": model.confusion}))
    print(json.dumps({"agreed": made.selection.agreed, **made.agreed_only}))


def measure_shop(flags: dict[str, Any]) -> None:
    from profilestore import ProfileStore

    with ProfileStore.open(**flags) as shop:
        with measured("insight run propensity"):
            (report,) = shop.insight.run(["propensity"], seed=SEED, progress=say)
        print(json.dumps({"status": report.status, "message": report.message}))
        if report.status in ("done", "no better"):
            record = shop.insight.result("propensity")
            print(json.dumps({"figures": record.figures, "settings": record.settings}))
            print(json.dumps({"models": next(iter(record.tables.values()))}, ensure_ascii=False))


def measure_estimators(users: int) -> None:
    from profilestore.insight.propensity.check import check_propensity
    from profilestore.insight.propensity.features import purchase_features
    from profilestore.insight.propensity.model import DAYS, learn_moments, moments_of, table_of
    from profilestore.insight.propensity.pairs import Categories, CategoryChances, check_categories
    from profilestore.settings import Settings

    zone = ZoneInfo("UTC")
    with measured(f"make {users} buyers"):
        history = make_history(users)
    with measured("users at earlier times"):
        moments = moments_of(history, zone=zone, seed=SEED)
    with measured("compare and check"):
        check = check_propensity(moments, seed=SEED, progress=say)
    print(json.dumps(check.figures))
    with measured("learn and ask"):
        newest = moments[:-1]
        model = learn_moments(check.parts, newest, table_of(newest), seed=SEED)
        features = purchase_features(history, horizon_days=DAYS, zone=zone, seed=SEED)
        model.of(features.names, features.values)
    groups_of = {product_id: [f"c{place % 20}"] for place, product_id in enumerate(history.shelf.product_ids)}
    with measured("chances by category"):
        categories = Categories.of(history, groups_of, Settings())
        pairs = check_categories(categories, moments, seed=SEED)
        CategoryChances.learn(pairs, categories, features, seed=SEED)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table")
    parser.add_argument("--label", default="Revenue")
    parser.add_argument("--prefix")
    parser.add_argument("--url")
    parser.add_argument("--users", type=int, default=100_000)
    asked = parser.parse_args()
    if asked.table is not None:
        measure_table(asked.table, asked.label)
    elif asked.prefix is not None:
        measure_shop({"prefix": asked.prefix, "elasticsearch_url": asked.url})
    else:
        measure_estimators(asked.users)


if __name__ == "__main__":
    main()
