"""Topics: reproducible, one text one answer, sensible for the smallest shops, and true to what was planted."""

from __future__ import annotations

import numpy as np
import pytest

from profilestore.errors import ModelError, UsageError
from profilestore.features.topic_model import TopicModel
from profilestore.features.topics import train_topics
from profilestore.ingest.sample import generate_shop


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return [product.full_text() for product in generate_shop(users=1, products=300, events=0).products]


@pytest.fixture(scope="module")
def model(texts: list[str]) -> TopicModel:
    return train_topics(texts, topics=12)


def test_equal_input_gives_an_equal_model(texts: list[str], model: TopicModel) -> None:
    again = train_topics(texts, topics=12)
    assert again.model_id == model.model_id
    assert (again.infer(texts) == model.infer(texts)).all()
    assert train_topics(texts, topics=12, seed=8).model_id != model.model_id


def test_shares_sum_to_one_and_unknown_words_have_the_prior(texts: list[str], model: TopicModel) -> None:
    shares = model.infer([*texts, "", "zzzz qqqq", "123"])
    assert shares.shape == (303, 12)
    assert shares.dtype == np.float32
    assert np.allclose(np.delete(shares, 300, axis=0).sum(axis=1), 1.0, atol=1e-6)
    assert (shares[300] == 0).all()  # the blank text says nothing at all
    assert (shares[301] == shares[302]).all()
    assert model.main_topics(shares[301]) == []


def test_a_text_has_its_topics_whatever_its_batch(texts: list[str], model: TopicModel) -> None:
    whole = model.infer(texts)
    assert (np.vstack([model.infer([text]) for text in texts[:40]]) == whole[:40]).all()
    assert (model.infer(["", *texts[::-1]])[1:][::-1] == whole).all()


def test_planted_clusters_show(texts: list[str], model: TopicModel) -> None:
    """Products of one planted cluster are more alike in topics than products of two."""
    truth = generate_shop(users=1, products=300, events=0).truth
    clusters = np.asarray(list(truth.product_clusters.values()))
    shares = model.infer(texts).astype(np.float64)
    unit = shares / np.linalg.norm(shares, axis=1, keepdims=True)
    alike = unit @ unit.T
    same = clusters[:, None] == clusters[None, :]
    np.fill_diagonal(alike, np.nan)
    assert np.nanmean(alike[same]) > 2 * np.nanmean(alike[~same])


def test_every_topic_is_in_use(texts: list[str], model: TopicModel) -> None:
    assert (model.infer(texts).sum(axis=0) > 1.0).all()


def test_labels_are_short_unique_words_as_written(model: TopicModel) -> None:
    assert len(set(model.labels)) == model.topics == 12
    assert all(2 <= label.count(" · ") <= 5 for label in model.labels)
    assert len(model.words(0, 7)) == 7


def test_main_topics(model: TopicModel) -> None:
    shares = np.zeros(12)
    shares[[3, 5, 7, 9, 1]] = (0.3, 0.25, 0.16, 0.15, 0.14)
    assert model.main_topics(shares) == [model.labels[3], model.labels[5], model.labels[7]]
    shares[:] = 0.0
    shares[[3, 5, 7]] = (0.71, 0.15, 0.14)
    assert model.main_topics(shares) == [model.labels[3], model.labels[5]]
    assert model.main_topics([0.0] * 12) == []


def test_bytes_and_back(texts: list[str], model: TopicModel) -> None:
    back = TopicModel.from_bytes(model.to_bytes())
    assert back.model_id == model.model_id
    assert (back.labels, back.figures, back.words(2)) == (model.labels, model.figures, model.words(2))
    assert (back.infer(texts) == model.infer(texts)).all()


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 broken"])
def test_broken_bytes(data: bytes) -> None:
    with pytest.raises(ModelError):
        TopicModel.from_bytes(data)


def test_a_truncated_model_is_refused(model: TopicModel) -> None:
    with pytest.raises(ModelError):
        TopicModel.from_bytes(model.to_bytes()[:-2000])


def test_auto_picks_the_most_coherent_of_what_fits(texts: list[str]) -> None:
    model = train_topics(texts, topics="auto", passes=3)
    tried = model.figures["coherence"]
    assert set(tried) == {"10", "20"}
    assert tried[str(model.topics)] == max(tried.values())


@pytest.mark.parametrize("few", [["红色连衣裙"], ["red dress", "blue dress"], ["shoes"] * 5])
def test_the_smallest_shops(few: list[str]) -> None:
    model = train_topics(few)
    assert model.topics == 1
    assert model.infer([*few, "zz"]).tolist() == [[1.0]] * (len(few) + 1)


def test_more_topics_than_documents() -> None:
    model = train_topics(["red dress", "blue shoes"], topics=10)
    assert len(set(model.labels)) == 10
    assert np.allclose(model.infer(["red dress"]).sum(), 1.0)


def test_nothing_to_learn_from() -> None:
    with pytest.raises(ModelError):
        train_topics(["", "12 34"])
    with pytest.raises(UsageError):
        train_topics(["red dress"], topics=0)
