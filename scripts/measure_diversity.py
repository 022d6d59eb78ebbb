#!/usr/bin/env python3
"""What `--diversity` costs and brings: relevance and difference of the lists, as ratios of those without it.

Relevance is the mean cosine of a list's products to the profile, difference the mean of 1 - cosine over the pairs
of a list (intra-list diversity), both by text on the shop of `measure_latency.py` (products around 100 centres).
Intervals are 95 % over users, by the normal approximation.

    PROFILESTORE_ELASTICSEARCH_URL=http://127.0.0.1:9200 python scripts/measure_diversity.py
"""

from __future__ import annotations

import argparse
import sys
import uuid

import numpy as np
from elasticsearch import Elasticsearch
from measure_latency import DENSE, USERS, build_shop

from profilestore.elastic.client import connect
from profilestore.elastic.search import get_sources
from profilestore.features.served import decode_vector
from profilestore.recommend.recommender import Recommender
from profilestore.settings import Settings


def vectors(client: Elasticsearch, index: str, ids: list[str]) -> np.ndarray:
    """Unit vectors of the text space, shape (ids, dims)."""
    sources = get_sources(client, index=index, ids=ids, fields=["text_vector"], vectors=True)
    rows = np.array(
        [decode_vector(source["text_vector"]) for source in sources if source is not None], dtype=np.float64
    )
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def figures(client: Elasticsearch, settings: Settings, recommender: Recommender, **options: object) -> np.ndarray:
    """Relevance and difference of each user's list, shape (users, 2)."""
    found = []
    for answer in recommender.recommend_many([f"u{i}" for i in range(USERS)], **options):  # type: ignore[arg-type]  # options of the table below
        rows = vectors(client, settings.index("products"), answer.product_ids)
        profile = vectors(client, settings.index("profiles"), [str(answer.user_id), str(answer.user_id)])[0]
        n = len(rows)
        likeness = (np.sum(rows @ rows.T) - n) / (n * (n - 1))
        found.append((float(np.mean(rows @ profile)), float(1.0 - likeness)))
    return np.array(found)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=2000)
    arguments = parser.parse_args()
    given = Settings.load()
    url = given.elasticsearch_url or f"http://127.0.0.1:{given.port}"
    settings = given.model_copy(update={"prefix": f"measure-diversity-{uuid.uuid4().hex[:8]}"})
    with connect(settings, url=url) as client:
        try:
            build_shop(client, settings, products=arguments.products)
            recommender = Recommender(client, settings, trained=lambda: DENSE)
            print(f"{arguments.products} products, {USERS} users, lists of 10")
            print(f"{'method':8} {'diversity':>9} {'relevance':>16} {'difference':>16}")
            for method in ("text", "topics"):
                plain = figures(client, settings, recommender, method=method)
                for diversity in (0.25, 0.5, 0.75, 1.0):
                    ratios = figures(client, settings, recommender, method=method, diversity=diversity) / plain
                    means, errors = ratios.mean(axis=0), 1.96 * ratios.std(axis=0, ddof=1) / np.sqrt(len(ratios))
                    cells = [f"{mean:9.3f} ± {error:.3f}" for mean, error in zip(means, errors, strict=True)]
                    print(f"{method:8} {diversity:>9} {cells[0]:>16} {cells[1]:>16}")
        finally:
            for row in client.cat.indices(index=f"{settings.prefix}-*", h="index", format="json"):
                client.indices.delete(index=row["index"])
            for row in client.indices.get_index_template(name=f"{settings.prefix}-*")["index_templates"]:
                client.indices.delete_index_template(name=row["name"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
