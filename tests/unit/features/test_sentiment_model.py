"""The classifier: what it learns, what it says of texts held out, and what it refuses to learn from."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import numpy as np
import pytest

from profilestore.errors import ModelError, TooLittleData
from profilestore.features.sentiment.features import count_features, look_at
from profilestore.features.sentiment.figures import Judged
from profilestore.features.sentiment.model import SentimentModel
from profilestore.features.sentiment.scoring import Scorer
from profilestore.features.sentiment.training import RatedText, Trained, distinct_texts, train_sentiment
from tests.unit.features.made_reviews import make_reviews


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train_sentiment(make_reviews(600))


def share_right(model: SentimentModel, reviews: list[RatedText]) -> float:
    said = model.probabilities_of(count_features([look_at(review.text) for review in reviews])) > 0.5
    return float(np.mean(said == np.asarray([review.good for review in reviews])))


def test_it_beats_the_lexicon_where_the_shop_has_words_of_its_own(trained: Trained) -> None:
    figures = trained.figures
    assert trained.better
    assert figures["macro_f1"]["low"] > figures["macro_f1_lexicon"]["high"]
    # One in twenty ratings is wrong, so no honest figure can be above 0.95 or so.
    assert 0.88 < figures["macro_f1"]["mean"] < 0.99
    assert figures["later"]["macro_f1"]["mean"] > 0.85
    assert figures["macro_f1_more_frequent"]["mean"] < 0.5
    assert {"macro_f1_zh", "macro_f1_en"} <= figures.keys()
    assert figures["brier"] < figures["brier_even"] / 2


def test_words_never_seen_in_training(trained: Trained) -> None:
    """Other nouns, other polar words: what the lexicon knows of them, and what a negation does, carries over."""
    held_out = make_reviews(300, seed=2, vocabulary=1, wrong=0.0)
    assert share_right(trained.model, held_out) > 0.8


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("not bad at all", "not good"), ("it isn't ugly", "it isn't lovely"), ("no problems", "not useful"),
        ("不是很差", "不好"), ("没有问题", "不是很好"), ("一点也不难看", "一点也不漂亮"), ("並不粗糙", "並不舒服"),
    ],
)  # fmt: skip
def test_negation(trained: Trained, good: str, bad: str) -> None:
    (above, method), (below, _) = Scorer(trained.model).score([good, bad])
    assert method == "model"
    assert above is not None
    assert below is not None
    assert above > 0 > below


def test_negation_where_the_shop_s_reviews_do_not_teach_it() -> None:
    """Who writes "not flimsy" is often lukewarm: here three of five such reviews are rated bad."""
    turned = enumerate(make_reviews(90, seed=9, turned=1.0))
    lukewarm = [replace(review, good=review.good and place % 5 >= 3) for place, review in turned]
    model = train_sentiment([*make_reviews(300, turned=0.0), *lukewarm]).model
    texts = ["not flimsy", "the mug is not useless", "这个杯子一点都不粗糙", "不是很难看"]
    answers = Scorer(model).score(texts)
    assert [method for _, method in answers] == ["model"] * len(texts)
    assert all(score is not None and score > 0 for score, _ in answers), answers


def test_equal_reviews_in_any_order_give_an_equal_model() -> None:
    reviews = make_reviews(120)
    shuffled = random.Random(3).sample(reviews, len(reviews))
    first, second = train_sentiment(reviews), train_sentiment(shuffled)
    assert first.model.model_id == second.model.model_id
    assert json.dumps(first.figures) == json.dumps(second.figures)
    assert train_sentiment(reviews, seed=8).figures != first.figures


def test_bytes_and_back_without_a_pickle(trained: Trained) -> None:
    data = trained.model.to_bytes()
    again = SentimentModel.from_bytes(data)
    texts = ["这个杯子很挺括", "the mug is runny", "不好"]
    assert Scorer(again).score(texts) == Scorer(trained.model).score(texts)
    assert again.model_id == trained.model.model_id
    assert b"pickle" not in data
    # No word that a customer wrote is in it.
    assert "挺括".encode() not in data
    with pytest.raises(ModelError, match="train it again"):
        SentimentModel.from_bytes(data[: len(data) // 2])


def test_a_language_it_has_not_learned_is_the_lexicons() -> None:
    model = train_sentiment(make_reviews(150, languages=("zh",))).model
    (_, chinese), (english, method), (_, nothing) = Scorer(model).score(["这个衬衫很舒服", "not good", "qwerty"])
    assert (chinese, method, nothing) == ("model", "lexicon", "none")
    assert english is not None
    assert english < 0


def test_equal_texts_are_one_and_nothing_straddles() -> None:
    same = [RatedText("很好", True, "a", 1.0), RatedText(" 很 好 ", True, "b", 2.0), RatedText("很好", False, "c", 3.0)]
    tie = [RatedText("一般", True, "a", 1.0), RatedText("一般", False, "b", 1.0)]
    blank = [RatedText("此用户没有填写评价。", True, "a", 1.0), RatedText("!!!", False, "a", 1.0)]
    assert distinct_texts([*same, *tie, *blank]) == [RatedText("很好", True, "a", 1.0)]


def test_a_thousand_copies_teach_nothing_new() -> None:
    """Copied praise (好评！) would else be in training and held out alike, and the figure a lie."""
    reviews = make_reviews(100)
    copies = [RatedText("good product, will buy again", True, f"c{i}", float(i)) for i in range(1000)]
    assert train_sentiment([*reviews, *copies]).figures["texts"] == len(distinct_texts(reviews)) + 1


def test_chance_does_not_beat_the_lexicon() -> None:
    rng = np.random.default_rng(5)
    noise = [replace(review, good=bool(rng.random() < 0.5)) for review in make_reviews(200)]
    trained = train_sentiment(noise)
    assert not trained.better
    assert trained.figures["macro_f1"]["low"] < 0.55


@pytest.mark.parametrize(
    ("reviews", "reason"),
    [
        ([], "0 rated reviews"),
        (make_reviews(20), "needs 60"),
        (make_reviews(100, good_share=1.0, wrong=0.0), "only 0 of them bad"),
        ([replace(review, writer="one") for review in make_reviews(100)], "too few customers"),
        ([RatedText("很好", True, f"u{i}", 0.0) for i in range(500)], "hold 1 different texts"),
    ],
)
def test_too_little(reviews: list[RatedText], reason: str) -> None:
    with pytest.raises(TooLittleData, match=reason):
        train_sentiment(reviews)


def test_figures_by_hand() -> None:
    truth = np.asarray([True, True, True, False, False])
    judged = Judged(truth, np.arange(5), seed=1)
    said = np.asarray([True, True, False, False, True])
    # good: P 2/3, R 2/3; bad: P 1/2, R 1/2
    assert judged.score(said) == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert judged.confusion(said) == {"good_as_good": 2, "good_as_bad": 1, "bad_as_good": 1, "bad_as_bad": 1}
    assert judged.by_kind(said)["bad"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5}
    perfect = judged.difference(truth, said)
    assert perfect.value == pytest.approx(1 - judged.score(said))
    assert perfect.low <= perfect.value <= perfect.high


def test_intervals_are_wider_where_customers_wrote_much() -> None:
    rng = np.random.default_rng(1)
    truth = rng.random(400) < 0.5
    right = np.repeat(rng.random(20) < 0.7, 20)  # each customer's reviews are all right or all wrong
    said = np.where(right, truth, ~truth)
    alone = Judged(truth, np.arange(400), seed=1).macro_f1(said)
    together = Judged(truth, np.repeat(np.arange(20), 20), seed=1).macro_f1(said)
    assert together.high - together.low > 2 * (alone.high - alone.low)
