"""Word vectors of the shop's own texts."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from profilestore.errors import ModelError
from profilestore.features.word_vectors import WordVectorModel, train_word_vectors
from profilestore.ingest.sample import SampleShop, generate_shop


@pytest.fixture(scope="module")
def shop() -> SampleShop:
    return generate_shop(users=1, products=300, events=0, language="zh")


@pytest.fixture(scope="module")
def texts(shop: SampleShop) -> list[str]:
    return [product.full_text() for product in shop.products]


@pytest.fixture(scope="module")
def model(texts: list[str]) -> WordVectorModel:
    return train_word_vectors(texts)


def test_unit_rows_and_zero_rows(texts: list[str], model: WordVectorModel) -> None:
    vectors = model.encode([*texts, "", "zzzz"])
    assert vectors.shape == (302, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors[:300], axis=1), 1.0, atol=1e-5)
    assert (vectors[300:] == 0).all()


def test_neighbours_are_of_the_planted_cluster(shop: SampleShop, texts: list[str], model: WordVectorModel) -> None:
    clusters = np.asarray(list(shop.truth.product_clusters.values()))
    vectors = model.encode(texts)
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, -1)
    nearest = np.argsort(-alike, axis=1)[:, :5]
    assert (clusters[nearest] == clusters[:, None]).mean() > 0.95


def test_queries_find_their_products(shop: SampleShop, texts: list[str], model: WordVectorModel) -> None:
    place = {product.product_id: row for row, product in enumerate(shop.products)}
    scores = model.encode([chinese for _, chinese, _ in shop.truth.queries]) @ model.encode(texts).T
    wanted = np.asarray([place[product_id] for product_id, _, _ in shop.truth.queries])
    rank = (scores >= scores[np.arange(200), wanted][:, None]).sum(axis=1)
    assert (rank <= 10).mean() >= 0.95


def test_a_text_has_its_vector_whatever_its_batch(texts: list[str], model: WordVectorModel) -> None:
    assert np.allclose(model.encode(texts[5:6])[0], model.encode(texts)[5], atol=1e-6)


def test_equal_input_gives_an_equal_model_in_another_process(texts: list[str]) -> None:
    few = texts[:60]
    script = (
        "import sys, json; from profilestore.features.word_vectors import train_word_vectors; "
        "print(train_word_vectors(json.load(sys.stdin)).name)"
    )
    names = {
        subprocess.run(
            [sys.executable, "-c", script], input=json.dumps(few), text=True, check=True, capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout.strip()
        for seed in ("1", "2")
    }  # fmt: skip
    assert names == {train_word_vectors(few).name}


def test_bytes_and_back(texts: list[str], model: WordVectorModel) -> None:
    back = WordVectorModel.from_bytes(model.to_bytes())
    assert (back.name, back.dims, back.vocabulary) == (model.name, 384, model.vocabulary)
    assert (back.encode(texts) == model.encode(texts)).all()


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 broken"])
def test_broken_bytes(data: bytes) -> None:
    with pytest.raises(ModelError):
        WordVectorModel.from_bytes(data)


@pytest.mark.parametrize(("few", "dims"), [(["红色连衣裙"], 384), (["5"], 2), (["a b", "b c"], 3)])
def test_the_smallest_shops(few: list[str], dims: int) -> None:
    model = train_word_vectors(few, dims=dims)
    vectors = model.encode(few)
    assert vectors.shape == (len(few), dims)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_nothing_to_learn_from() -> None:
    with pytest.raises(ModelError):
        train_word_vectors(["", "…"])
