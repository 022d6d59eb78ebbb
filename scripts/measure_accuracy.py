#!/usr/bin/env python3
"""NDCG@20 and recall@20 on Online Retail, served by Elasticsearch, beside peers of the same split.

Known customers, quantity and price positive; everything before the time below which 80 % of the lines lie is
loaded and trained on; asked for are the products that a user bought after it and had never bought before, over
the full catalogue. Peers are computed exactly in memory. Intervals are 95 % bootstraps over users. `hidden`
rows: a tenth of the products is hidden from training, and only these are ranked, by vectors foretold from text.

    PROFILESTORE_ELASTICSEARCH_URL=http://127.0.0.1:9200 python scripts/measure_accuracy.py \
        --data ../shared/data/online_retail/online_retail.parquet
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from profilestore.evaluate.metrics import score_lists
from profilestore.evaluate.peers import item_knn, list_products, popularity
from profilestore.evaluate.significance import bootstrap_difference, bootstrap_mean
from profilestore.features.taste.content import Content, fit_content
from profilestore.features.taste.ease import fit_ease
from profilestore.features.taste.interactions import Interactions
from profilestore.features.taste.learning import LearnOptions, learn_taste
from profilestore.features.taste.rows import training_rows
from profilestore.features.taste.settings import TasteSettings
from profilestore.features.taste.tuning import cut_validation
from profilestore.indexing.loading import LoadOptions
from profilestore.settings import Settings
from profilestore.store import ProfileStore

K = 20
RIDGES = (60.0, 200.0, 600.0, 2000.0)
HIDDEN_SHARE = 0.1

Truth = dict[str, frozenset[str]]


def read(path: Path) -> tuple[pa.Table, pa.Table]:
    """The lines before and after the cut, in order of time."""
    table = pq.read_table(path)
    good = pc.and_(
        pc.is_valid(table["CustomerID"]), pc.and_(pc.greater(table["Quantity"], 0), pc.greater(table["UnitPrice"], 0))
    )
    times = pc.cast(table["InvoiceDate"], pa.timestamp("us"))
    table = table.set_column(table.column_names.index("InvoiceDate"), "InvoiceDate", times).filter(good)
    table = table.take(pc.sort_indices(table, sort_keys=[("InvoiceDate", "ascending")]))
    micros = pc.cast(table["InvoiceDate"], pa.int64()).to_numpy()
    before = int(np.searchsorted(micros, np.quantile(micros, 0.8), side="left"))
    return table.slice(0, before), table.slice(before)


def user_ids(table: pa.Table) -> list[str]:
    return [str(int(value)) for value in table["CustomerID"].to_pylist()]


def truth_of(train: pa.Table, test: pa.Table) -> Truth:
    """By user: what was bought after the cut, never by this user before, and known in the shop."""
    seen: dict[str, set[str]] = {}
    for user, product in zip(user_ids(train), train["StockCode"].to_pylist(), strict=True):
        seen.setdefault(user, set()).add(product)
    known = set(train["StockCode"].to_pylist())
    bought: dict[str, set[str]] = {}
    for user, product in zip(user_ids(test), test["StockCode"].to_pylist(), strict=True):
        if user in seen and product in known and product not in seen[user]:
            bought.setdefault(user, set()).add(product)
    return {user: frozenset(bought[user]) for user in sorted(bought)}


def interactions_of(table: pa.Table) -> tuple[Interactions, dict[str, int]]:
    """The lines as interactions, and the row of each user; weights as the fold's."""
    users, products = user_ids(table), table["StockCode"].to_pylist()
    row = {user: number for number, user in enumerate(sorted(set(users)))}
    ids = tuple(sorted(set(products)))
    column = {product: number for number, product in enumerate(ids)}
    rng = np.random.default_rng(7)
    return (
        Interactions(
            np.array([row[user] for user in users], dtype=np.int32),
            np.array([column[product] for product in products], dtype=np.int32),
            pc.cast(table["InvoiceDate"], pa.int64()).to_numpy() / 86_400e6,
            np.log2(1.0 + table["Quantity"].to_numpy()).astype(np.float32),
            rng.integers(0, 2**62, size=len(row), dtype=np.uint64),
            ids,
        ),
        row,
    )


def peer_lists(acts: Interactions, rows: NDArray[np.int64]) -> dict[str, list[list[str]]]:
    """Peers, exactly: popularity, item kNN and plain EASE, the latter's ridge chosen on the validation cut."""
    validation = cut_validation(acts)
    assert validation is not None
    plain = [
        TasteSettings(forward_weight=0.0, training_half_life_days=None, profile_half_life_days=None, ridge=ridge)
        for ridge in RIDGES
    ]

    def on_validation(settings: TasteSettings) -> float:
        matrix = fit_ease(training_rows(validation.train, settings))
        return float(validation.ndcg(validation.train.liked(), lambda chosen: chosen @ matrix).mean())

    best = max(plain, key=on_validation)
    matrix = fit_ease(training_rows(acts, best))
    return {
        "popularity": list_products(acts, popularity(acts, rows), rows, k=K),
        "item kNN": list_products(acts, item_knn(acts), rows, k=K),
        f"EASE (ridge {best.ridge:g})": list_products(acts, acts.liked()[rows] @ matrix, rows, k=K),
    }


def served_lists(arguments: argparse.Namespace, train: pa.Table, users: list[str]) -> dict[str, list[list[str]]]:
    """Load, train, and ask Elasticsearch."""
    folder = Path(tempfile.mkdtemp(prefix="profilestore-accuracy-"))
    pq.write_table(train, folder / "train.parquet")
    settings = Settings.load(prefix=arguments.prefix, home=folder / "home")
    lists: dict[str, list[list[str]]] = {}
    with ProfileStore.open(settings) as shop:
        shop.init()
        for kind in ("products", "users", "events"):
            options = LoadOptions(columns="online-retail", rejects_folder=folder)
            shop.load(kind, [folder / "train.parquet"], options)  # type: ignore[arg-type]  # one of the three
        shop.train_topics(topics=20)
        started = time.monotonic()
        report = shop.train(budget=arguments.budget)
        told = {name: value for name, value in report.figures.items() if name != "tried"}
        print(json.dumps({"train_s": round(time.monotonic() - started, 1), "settings": report.settings, **told}))
        print(json.dumps({"different": shop.verify_all().different}), flush=True)
        for method in ("text", "topics", "hybrid", "taste", "auto"):
            lists[method] = [
                [item.product_id for item in answer.items] for answer in shop.recommend_many(users, n=K, method=method)
            ]
        if not arguments.keep:
            erase(shop, settings)
    return lists


def erase(shop: ProfileStore, settings: Settings) -> None:
    with Elasticsearch(shop.url, request_timeout=60) as client:
        rows = client.cat.indices(index=f"{settings.prefix}-*", h="index", format="json")
        client.indices.delete(index=[row["index"] for row in rows])
        for kind in ("products", "profiles", "events", "models", "texts"):
            client.options(ignore_status=404).indices.delete_index_template(name=settings.index(kind))


def hidden_lists(train: pa.Table, truth: Truth, budget: int) -> tuple[dict[str, list[list[str]]], Truth]:
    """Only hidden products are ranked: by foretold vectors, by text alone, and by chance."""
    from profilestore.features.text import SentenceModel

    acts, row = interactions_of(train)
    rng = np.random.default_rng(7)
    hidden = np.sort(rng.choice(acts.product_count, int(HIDDEN_SHARE * acts.product_count), replace=False))
    names = {acts.product_ids[column] for column in hidden.tolist()}
    asked = {user: products & names for user, products in truth.items() if len(products & names) > 0}
    users = np.array([row[user] for user in asked], dtype=np.int64)
    titles = dict(zip(train["StockCode"].to_pylist(), train["Description"].to_pylist(), strict=True))
    prices = dict(zip(train["StockCode"].to_pylist(), train["UnitPrice"].to_pylist(), strict=True))
    text = SentenceModel().encode([titles[product] or "" for product in acts.product_ids])
    content = Content(
        text,
        np.zeros((len(text), 0), dtype=np.float32),
        [None] * len(text),
        [prices[product] for product in acts.product_ids],
    )
    left = np.setdiff1d(np.arange(acts.product_count), hidden)
    model = learn_taste(acts.of_products(left), LearnOptions(budget=budget))
    of = {product: place for place, product in enumerate(acts.product_ids)}
    learned = np.array([of[product] for product in model.product_ids], dtype=np.int64)
    foretold = fit_content(
        content.picked(learned), model.in_vectors, model.out_vectors,
        taste_model=model.model_id, text_model="minilm", topics_model=None,
    )  # fmt: skip
    print(json.dumps({"hidden": len(names), "users": len(asked), "explained": foretold.explained}), flush=True)
    _, outs = foretold.predict(content.picked(hidden))
    profiles = acts.of_products(learned).profiles(model.settings.profile_half_life_days)[users]
    touched = acts.touched()[users][:, hidden].toarray() > 0

    def best(scores: NDArray[np.floating]) -> list[list[str]]:
        order = np.argsort(-np.where(touched, -np.inf, scores), axis=1, kind="stable")[:, :K]
        return [[acts.product_ids[hidden[place]] for place in places] for places in order.tolist()]

    lists = {
        "hidden: chance": best(rng.uniform(size=touched.shape)),
        "hidden: text": best((profiles @ text[learned]) @ text[hidden].T),
        "hidden: taste foretold": best((profiles @ model.in_vectors) @ outs.T),
    }
    return lists, asked


def show(lists: dict[str, list[list[str]]], truth: Truth, *, against: str) -> None:
    """One line a method, with the difference to one of them."""
    by_method = {method: score_lists(dict(zip(truth, rows, strict=True)), truth, k=K) for method, rows in lists.items()}
    base = by_method[against]["ndcg"]
    for method, scores in by_method.items():
        difference = bootstrap_difference(scores["ndcg"], base)
        print(
            f"{method:24} NDCG@{K} {bootstrap_mean(scores['ndcg'])!s:26} recall@{K} "
            f"{bootstrap_mean(scores['recall'])!s:26} NDCG less {against}: {difference}",
            flush=True,
        )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--prefix", default=f"accuracy-{uuid.uuid4().hex[:8]}")
    parser.add_argument("--budget", type=int, default=None)
    parser.add_argument("--keep", action="store_true", help="leave the indices standing")
    parser.add_argument("--hidden-only", action="store_true")
    arguments = parser.parse_args()
    train, test = read(arguments.data)
    truth = truth_of(train, test)
    cut: datetime = test["InvoiceDate"][0].as_py()
    print(json.dumps({"train": len(train), "test": len(test), "cut": cut.isoformat(), "users": len(truth)}), flush=True)
    if not arguments.hidden_only:
        acts, row = interactions_of(train)
        lists: dict[str, Any] = peer_lists(acts, np.array([row[user] for user in truth], dtype=np.int64))
        lists |= served_lists(arguments, train, list(truth))
        best_peer = next(name for name in lists if name.startswith("EASE"))
        show(lists, truth, against=best_peer)
    hidden, asked = hidden_lists(train, truth, 0)
    show(hidden, asked, against="hidden: text")
    return 0


if __name__ == "__main__":
    sys.exit(main())
