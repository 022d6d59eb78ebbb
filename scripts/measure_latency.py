#!/usr/bin/env python3
"""What the library adds to the latency of a recommendation, against the same body sent raw.

Raw is the cheapest client there is: bytes made beforehand, one kept-alive connection of urllib3, and
`orjson.loads`. Both are sent in turns, in random order, for the same users, so that a busy machine
slows both alike. Exits 1 when the median of the library is more than 25 % above the raw one,
of what is one request.

    PROFILESTORE_ELASTICSEARCH_URL=http://127.0.0.1:9200 python scripts/measure_latency.py
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import uuid
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import orjson
import urllib3
from elasticsearch import Elasticsearch, helpers

from profilestore.elastic.client import connect
from profilestore.elastic.indices import init
from profilestore.features.served import encode_vector
from profilestore.recommend.recommender import Recommender
from profilestore.recommend.trained import Trained
from profilestore.settings import Settings

LIMIT = 1.25
USERS = 50
SEEN = 100
TASTE_DIMS = 64
SPACES = frozenset(("text", "topics", "taste"))
DENSE = Trained(spaces=SPACES)
SPARSE = Trained(spaces=SPACES, taste_form="sparse")
# What each row asks. Raw sends the search alone, as an app that knows the user's basket; where the library must
# first read the profile (the sparse form, popular-in-segment), its ratio holds that read too.
ASKED: tuple[tuple[str, Trained, dict[str, Any]], ...] = (
    ("text", DENSE, {"method": "text"}),
    ("taste", DENSE, {"method": "taste"}),
    ("hybrid", DENSE, {"method": "hybrid"}),
    ("popular", DENSE, {"method": "popular"}),
    ("new", DENSE, {"method": "new"}),
    ("taste, boosted", DENSE, {"method": "taste", "boost": "category=category 1"}),
    ("taste, diversity 0.5", DENSE, {"method": "taste", "diversity": 0.5}),
    ("taste, sparse *", SPARSE, {"method": "taste"}),
    ("hybrid, sparse *", SPARSE, {"method": "hybrid"}),
    ("popular-in-segment *", DENSE, {"method": "popular-in-segment"}),
    ("session *", DENSE, {"session": ("p1", "p2", "p3")}),
)


def build_shop(client: Elasticsearch, settings: Settings, *, products: int) -> None:
    """Products around 100 centres, and users between some of them."""
    init(client, settings)
    numbers = np.random.default_rng(0)
    centres = numbers.normal(size=(100, settings.embedding_dims))
    near = centres[numbers.integers(100, size=products)] + 0.5 * numbers.normal(
        size=(products, settings.embedding_dims)
    )
    topics = numbers.dirichlet(np.full(20, 0.1), size=products)
    taste = numbers.normal(size=(products, TASTE_DIMS)) / TASTE_DIMS
    rows = [
        {
            "_index": settings.index("products"),
            "_id": f"p{i}",
            "product_id": f"p{i}",
            "generation": "000001",
            "title": f"Product number {i}",
            "category": f"category {i % 20}",
            "price": float(i % 100),
            "stock": i % 5,
            "popularity": float(i % 1000),
            "trending": 1400.0 + i % 7,
            "listed": "2026-01-01",
            "taste_vector": encode_vector(taste[i]),
            "taste_in": encode_vector(taste[i]),
            "taste_weights": {f"p{other}": 1.0 + float(other % 9) for other in numbers.integers(products, size=100)},
            "segment_popularity": {"gender=female": 1.0 + i % 50},
            "text_vector": encode_vector(near[i]),
            "topic_vector": encode_vector(topics[i]),
        }
        for i in range(products)
    ]
    for i in range(USERS):
        seen = numbers.choice(products, SEEN, replace=False)
        rows.append(
            {
                "_index": settings.index("profiles"),
                "_id": f"u{i}",
                "user_id": f"u{i}",
                "generation": "000001",
                "seen_products": [f"p{row}" for row in seen],
                "text_vector": encode_vector(near[seen].mean(axis=0)),
                "topic_vector": encode_vector(topics[seen].mean(axis=0)),
                "taste_vector": encode_vector(taste[seen].sum(axis=0)),
                "taste_items": {f"p{row}": 1.0 / SEEN for row in seen},
                "gender": "female",
            }
        )
    helpers.bulk(client, rows, chunk_size=500)
    indices = [settings.index("products"), settings.index("profiles")]
    client.options(request_timeout=600).indices.forcemerge(index=indices, max_num_segments=1)
    client.indices.refresh(index=indices)


def raw_sender(url: str, recommender: Recommender, options: dict[str, Any]) -> Callable[[str], list[str]]:
    """A function that sends a user's body as bytes and reads the ids of the answer."""
    pool = urllib3.connection_from_url(url, maxsize=1)
    requests = {user: recommender.request_for(user, **options) for user in (f"u{i}" for i in range(USERS))}
    paths = {user: request.path for user, request in requests.items()}
    bodies = {user: orjson.dumps(request.body) for user, request in requests.items()}
    headers = {"content-type": "application/json", "accept": "application/json"}

    def send(user: str) -> list[str]:
        answer = pool.request("POST", paths[user], body=bodies[user], headers=headers)
        return [hit["_source"]["product_id"] for hit in orjson.loads(answer.data)["hits"]["hits"]]

    return send


def measure(
    raw: Callable[[str], list[str]], library: Callable[[str], list[str]], *, rounds: int
) -> tuple[float, float]:
    """Median milliseconds of both."""
    order = random.Random(0)
    times: dict[int, list[float]] = {0: [], 1: []}
    for i in range(rounds + 50):
        user = f"u{i % USERS}"
        answers = {}
        for which in order.sample((0, 1), 2):
            started = time.perf_counter()
            answers[which] = (raw, library)[which](user)
            if i >= 50:  # what is compiled and cached on first use is no latency of either
                times[which].append((time.perf_counter() - started) * 1000)
        if answers[0] != answers[1]:
            raise SystemExit(f"the two lists of user {user} differ")
    return median(times[0]), median(times[1])


def main() -> int:
    """Build a shop, measure each method, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=400)
    arguments = parser.parse_args()
    given = Settings.load()
    url = given.elasticsearch_url or f"http://127.0.0.1:{given.port}"
    settings = given.model_copy(update={"prefix": f"measure-latency-{uuid.uuid4().hex[:8]}"})
    worst = 0.0
    with connect(settings, url=url) as client:
        try:
            build_shop(client, settings, products=arguments.products)
            print(f"{arguments.products} products x {settings.embedding_dims}, {SEEN} seen, {arguments.rounds} rounds")
            print(f"{'method':22} {'raw p50 ms':>12} {'library p50 ms':>15} {'ratio':>7}")
            for name, trained, options in ASKED:
                recommender = Recommender(client, settings, trained=lambda trained=trained: trained)
                raw_ms, library_ms = measure(
                    raw_sender(url, recommender, options),
                    lambda user, recommender=recommender, options=options: (
                        recommender.recommend(user, **options).product_ids
                    ),
                    rounds=arguments.rounds,
                )
                if not name.endswith("*"):
                    worst = max(worst, library_ms / raw_ms)
                print(f"{name:22} {raw_ms:>12.2f} {library_ms:>15.2f} {library_ms / raw_ms:>7.3f}")
            print("* with one more request, which reads the profile or the session's products first")
        finally:
            for row in client.cat.indices(index=f"{settings.prefix}-*", h="index", format="json"):
                client.indices.delete(index=row["index"])
            for kind in ("products", "profiles", "events", "models", "texts", "recommendations"):
                client.options(ignore_status=404).indices.delete_index_template(name=settings.index(kind))
    print(f"worst ratio {worst:.3f}, at most {LIMIT} wanted")
    return 0 if worst <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
