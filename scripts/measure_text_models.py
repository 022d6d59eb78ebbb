#!/usr/bin/env python
"""Measure the text models on the generated shop, without a server: what README and DESIGN may claim of them.

Truth: products of one planted cluster are alike; each of 200 planted queries wants one product. Prints one
JSON object a line. Run: python scripts/measure_text_models.py [--products 1500] [--skip speed|topics]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profilestore.features.text import SentenceModel
from profilestore.features.text_model import TextModel, choose_text_model
from profilestore.features.tokens import tokenize
from profilestore.features.topics import train_topics
from profilestore.features.word_vectors import train_word_vectors
from profilestore.ingest.sample import SampleShop, generate_shop
from profilestore.settings import Settings

Matrix = NDArray[Any]


def ndcg_at_10(vectors: Matrix, labels: Sequence[str]) -> float:
    """Mean NDCG@10 of each product's nearest others by cosine; relevant is who has the same label."""
    names = np.asarray(labels)
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, -np.inf)
    nearest = np.argsort(-alike, axis=1, kind="stable")[:, :10]
    discount = 1.0 / np.log2(np.arange(2, nearest.shape[1] + 2))
    others = np.asarray([(names == name).sum() - 1 for name in names])
    ideal = np.asarray([discount[: min(10, count)].sum() for count in others])
    gained = (names[nearest] == names[:, None]) @ discount
    return float((gained[ideal > 0] / ideal[ideal > 0]).mean())


def share_found(scores: Matrix, wanted: Sequence[int]) -> float:
    """Share of queries whose product is within the first 10; ties count against it."""
    own = scores[np.arange(len(wanted)), wanted]
    return float(((scores >= own[:, None]).sum(axis=1) <= 10).mean())


def lexical_scores(texts: list[str], queries: list[str]) -> Matrix:
    """BM25 (k1 = 1.2, b = 0.75), as Lucene scores, over our tokens."""
    documents = [tokenize(text) for text in texts]
    index = {token: column for column, token in enumerate(sorted({t for tokens in documents for t in tokens}))}
    counts = np.zeros((len(texts), len(index)), dtype=np.float32)
    for row, tokens in enumerate(documents):
        for token in tokens:
            counts[row, index[token]] += 1
    lengths = counts.sum(axis=1, keepdims=True)
    found_in = (counts > 0).sum(axis=0)
    idf = np.log(1 + (len(texts) - found_in + 0.5) / (found_in + 0.5))
    weights = idf * counts / (counts + 1.2 * (0.25 + 0.75 * lengths / lengths.mean()))
    asked = np.zeros((len(queries), len(index)), dtype=np.float32)
    for row, query in enumerate(queries):
        for token in tokenize(query):
            if token in index:
                asked[row, index[token]] += 1
    return np.asarray(asked @ weights.T)


def measure(shop: SampleShop, *, language: str, model: TextModel, query_language: str) -> dict[str, Any]:
    """Figures of one model on one shop."""
    texts = [product.full_text() for product in shop.products]
    place = {product.product_id: row for row, product in enumerate(shop.products)}
    queries = [zh if query_language == "zh" else en for _, zh, en in shop.truth.queries]
    wanted = [place[product_id] for product_id, _, _ in shop.truth.queries]
    vectors = model.encode(texts)
    near = model.encode(queries) @ vectors.T
    lexical = lexical_scores(texts, queries)
    both = lexical / np.maximum(lexical.max(axis=1, keepdims=True), 1e-9) + near
    return {
        "shop": language, "queries": query_language, "model": model.name,
        "ndcg@10_cluster": round(ndcg_at_10(vectors, list(shop.truth.product_clusters.values())), 4),
        "ndcg@10_subcategory": round(ndcg_at_10(vectors, list(shop.truth.product_subcategories.values())), 4),
        "found_by_vector": share_found(near, wanted), "found_by_words": share_found(lexical, wanted),
        "found_by_both": share_found(both, wanted),
    }  # fmt: skip


def measure_speed(model: SentenceModel, texts: list[str]) -> dict[str, Any]:
    """Our encode against SentenceTransformer.encode on the same texts, in turns, best of three."""
    plain, ours = [], []
    model.encode(texts[:64])
    for _ in range(3):
        started = time.perf_counter()
        model._model.encode(texts, batch_size=64, show_progress_bar=False)
        plain.append(time.perf_counter() - started)
        started = time.perf_counter()
        model.encode(texts)
        ours.append(time.perf_counter() - started)
    count = len(texts)
    return {
        "encode_texts_per_s": round(count / min(ours)), "sentence_transformers_per_s": round(count / min(plain)),
        "ratio": round(min(plain) / min(ours), 3),
    }  # fmt: skip


def measure_topics(texts: list[str], language: str) -> dict[str, Any]:
    """Coherence, seconds and speed of inference of topics with K by coherence."""
    model = train_topics(texts)
    many = texts * max(1, 3000 // len(texts))
    started, used = time.perf_counter(), time.process_time()
    model.infer(many)
    return {
        "shop": language, "topics": model.topics, **model.figures, "labels": model.labels[:5],
        "infer_texts_per_s": round(len(many) / (time.perf_counter() - started)),
        "infer_texts_per_cpu_s": round(len(many) / (time.process_time() - used)),
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=1500)
    parser.add_argument("--skip", action="append", choices=("speed", "topics"), default=[])
    arguments = parser.parse_args()
    sentence = SentenceModel()
    ndcg: dict[tuple[str, str], float] = {}
    for language in ("en", "zh", "mixed"):
        shop = generate_shop(users=1, events=0, products=arguments.products, language=language)  # type: ignore[arg-type]
        texts = [product.full_text() for product in shop.products]
        kind, reason = choose_text_model(texts, settings=Settings(text_model="auto"))
        print(json.dumps({"shop": language, "auto": kind, "reason": reason}), flush=True)
        started = time.perf_counter()
        words = train_word_vectors(texts)
        print(json.dumps({"shop": language, "train_words_s": round(time.perf_counter() - started, 1)}), flush=True)
        for model_kind, model in (("minilm", sentence), ("words", words)):
            for query_language in ("zh", "en") if language == "mixed" else (language,):
                figures = measure(shop, language=language, model=model, query_language=query_language)
                ndcg[language, model_kind] = figures["ndcg@10_cluster"]
                print(json.dumps(figures), flush=True)
        if language == "en" and "speed" not in arguments.skip:
            print(json.dumps(measure_speed(sentence, texts[:300])), flush=True)
        if "topics" not in arguments.skip:
            print(json.dumps(measure_topics(texts, language), ensure_ascii=False), flush=True)
    ratio = ndcg["zh", "words"] / ndcg["en", "minilm"]
    print(json.dumps({"similar: words on Chinese / sentence model on English": round(ratio, 3), "target": 0.9}))


if __name__ == "__main__":
    main()
