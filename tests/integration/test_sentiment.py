"""Sentiment in a real shop: trained on its reviews, written into profiles and products, and kept there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from profilestore import Event, Product, ProfileStore, Settings, User
from profilestore.errors import NotFound, TooLittleData
from tests.unit.features.made_reviews import make_reviews

START = datetime(2026, 1, 1, tzinfo=UTC)
PRODUCTS = ["p0", "p1", "p2", "p3"]


def events(n: int, **options: Any) -> list[Event]:
    return [
        Event(user_id=review.writer, type="review", product_id=PRODUCTS[place % 4], text=review.text,
              rating=5.0 if review.good else 1.0, time=START + timedelta(minutes=review.time))
        for place, review in enumerate(make_reviews(n, **options))
    ]  # fmt: skip


@pytest.fixture
def shop(settings: Settings) -> Iterator[ProfileStore]:
    with ProfileStore.open(settings.model_copy(update={"text_model": "words"})) as store:
        store.init()
        store.index_products([Product(product_id=id, title=f"mug {id}", price=2.0) for id in PRODUCTS])
        yield store


def found(settings: Settings, kind: str, query: dict[str, Any]) -> list[str]:
    assert settings.elasticsearch_url is not None
    with Elasticsearch(settings.elasticsearch_url) as client:
        hits = client.search(index=settings.index(kind), query=query, size=1000, source=False).body["hits"]["hits"]
        return sorted(hit["_id"] for hit in hits)


def test_train_score_and_ask(shop: ProfileStore, settings: Settings, tmp_path: Path) -> None:
    shop.index_events(events(300))
    writers = sorted({event.user_id for event in events(300)})
    shop.index_users(
        User(user_id=writer, gender=("female", "male")[place % 2], personalisation="off" if writer == "u3" else None)
        for place, writer in enumerate(writers)
    )
    sentiment = shop.insight.sentiment
    record = sentiment.train()
    assert record.accepted
    by_gender = [row for row in record.by_group["rows"] if row["by"] == "gender"]
    assert [row["group"] for row in by_gender] == ["female", "male"]
    assert sum(row["users"] for row in by_gender) <= record.figures["validated_on"]  # a row a text
    assert all(row["macro_f1"]["mean"] > 0.6 for row in by_gender)
    assert record.figures["macro_f1"]["low"] > record.figures["macro_f1_lexicon"]["mean"]
    assert record.card["zh"] != record.card["en"]
    report = sentiment.score()
    assert (report.method, report.products) == ("model", 4)
    again = sentiment.score()
    assert (again.products, again.profiles.written) == (0, 0)  # unchanged: untouched

    # Any app finds it by a query of its own.
    good = found(settings, "profiles", {"term": {"sentiment_label": "positive"}})
    assert 0 < len(good) < report.profiles.described
    assert len(found(settings, "products", {"range": {"sentiment_count": {"gte": 70}}})) == 4
    profile = shop.profile(good[0])
    assert profile.sentiment_mean is not None
    assert sentiment.about_user(good[0])["sentiment_mean"] == pytest.approx(profile.sentiment_mean, abs=1e-3)
    assert sentiment.about_product("p1")["reviews"] >= 70
    assert shop.insight.result("sentiment").tables["by month"][0]["month"] == "2026-01"

    # Who opted out counts for products only.
    assert shop.profile("u3").sentiment_label is None
    with pytest.raises(NotFound, match="personalisation"):
        sentiment.about_user("u3")
    with pytest.raises(NotFound):
        sentiment.about_product("no-such-product")

    # A second machine needs nothing but the server.
    elsewhere = settings.model_copy(update={"home": tmp_path / "elsewhere"})
    with ProfileStore.open(elsewhere) as other:
        texts = ["这个杯子很挺括", "the mug is runny", "不是很差", "x"]
        answers = other.insight.sentiment.of(texts)
        assert answers == sentiment.of(texts)
        assert [answer.method for answer in answers] == ["model", "model", "model", "none"]
        assert [answer.label for answer in answers[:2]] == ["positive", "negative"]

    # A build beside, a row that changes, and a fold leave all in place.
    before = found(settings, "profiles", {"exists": {"field": "sentiment_mean"}})
    shop.rebuild_all()
    shop.index_products([Product(product_id="p0", title="another mug", price=3.0)])
    shop.record(Event(user_id=good[0], type="view", product_id="p0", time=START + timedelta(days=30)))
    assert found(settings, "profiles", {"exists": {"field": "sentiment_mean"}}) == before
    assert len(found(settings, "products", {"exists": {"field": "sentiment_mean"}})) == 4
    # An opt-out holds at once.
    shop.index_users([User(user_id=good[0], personalisation="off")])
    assert shop.profile(good[0]).sentiment_mean is None


def test_without_ratings_the_lexicon_says_that_it_is_one(shop: ProfileStore, settings: Settings) -> None:
    shop.index_events(
        [Event(user_id="a", type="comment", product_id="p0", text="质量很好", time=START),
         Event(user_id="a", type="comment", product_id="p0", text="质量很好", time=START + timedelta(days=1)),
         Event(user_id="b", type="review", product_id="p1", text="no good 👎", time=START),
         Event(user_id="c", type="review", product_id="p1", text="此用户没有填写评价。", time=START),
         Event(user_id="d", type="rate", product_id="p2", rating=5.0, time=START)]
    )  # fmt: skip
    sentiment = shop.insight.sentiment
    with pytest.raises(TooLittleData, match="0 rated reviews"):
        sentiment.train()
    report = sentiment.score()
    assert (report.method, report.reviews, report.methods) == ("lexicon", 3, {"lexicon": 2, "none": 1})
    assert "lexicon" in shop.insight.result("sentiment").card["en"]
    assert (shop.profile("a").sentiment_label, shop.profile("b").sentiment_label) == ("positive", "negative")
    assert shop.profile("d").sentiment_label is None
    assert found(settings, "products", {"exists": {"field": "sentiment_mean"}}) == ["p0", "p1"]
    assert sentiment.of(["不错"])[0].method == "lexicon"


def test_a_classifier_that_is_no_better_is_not_taken(shop: ProfileStore) -> None:
    shop.index_events(
        Event(user_id=f"u{n}", type="review", product_id="p0", text=f"{'很好' if n % 2 else '很差'} {n}",
              rating=5.0 if n % 2 else 1.0, time=START)
        for n in range(80)
    )  # fmt: skip
    record = shop.insight.sentiment.train()
    assert not record.accepted
    assert record.settings["model_id"] is None
    assert record.figures["later"] is None  # all at one time: there is no later
    assert shop.insight.sentiment.of(["很好"])[0].method == "lexicon"
    assert shop.insight.sentiment.train(force=True).settings["model_id"] is not None


def test_in_the_nightly_run(shop: ProfileStore) -> None:
    (nothing,) = shop.insight.run(["sentiment"])
    assert nothing.status == "too little"
    shop.index_events(events(120))
    (report,) = shop.insight.run(["sentiment"])
    assert report.status == "done"
    assert "held-out macro-F1" in report.message
    assert report.written is not None
    assert report.written.described > 10
    (second,) = shop.insight.run(["sentiment"])
    assert "as young as its reviews" in second.message
    assert second.written is not None
    assert second.written.written == 0


def test_what_comes_later_changes_nothing_before(shop: ProfileStore) -> None:
    """The planted leak: later reviews say the opposite of their words, by the same customers of the same products."""
    shop.index_events(events(150))
    end = START + timedelta(days=1)
    before = shop.insight.sentiment.train(as_of=end, force=True)
    scored = shop.insight.sentiment.score(as_of=end)
    shop.index_events(
        event.model_copy(update={"event_id": f"later-{event.event_id}", "time": event.time + timedelta(days=9),
                                 "rating": 6.0 - (event.rating or 0.0), "text": f"{event.text} again"})
        for event in events(150)
    )  # fmt: skip
    after = shop.insight.sentiment.train(as_of=end, force=True)
    assert (after.settings, after.figures) == (before.settings, before.figures)
    assert shop.insight.sentiment.score(as_of=end).record.tables == scored.record.tables
    assert shop.insight.sentiment.train(force=True).settings != before.settings


def test_one_kind_only(shop: ProfileStore) -> None:
    shop.index_events(events(100, good_share=1.0, wrong=0.0))
    with pytest.raises(TooLittleData, match="rating_midpoint"):
        shop.insight.sentiment.train()
    with pytest.raises(NotFound):
        shop.insight.result("sentiment")
