"""What scored reviews say by user, product, month and aspect, counted by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from profilestore.features.sentiment.scoring import Scorer
from profilestore.insight.sentiment.opinions import PRODUCT_FIELDS, Opinions, OpinionsBuilder
from profilestore.insight.sentiment.reviews import Review, kind_of_rating
from profilestore.insight.sentiment.words import tables_of
from profilestore.settings import Settings

DAY = 86_400.0
START = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


def opinions(rows: list[tuple[str, str | None, float, str]], *, untold: frozenset[str] = frozenset()) -> Opinions:
    """Rows of (user, product, days after the start, text), read by the lexicon in two pages."""
    reviews = [Review(user, product, START + days * DAY, text, None) for user, product, days, text in rows]
    builder = OpinionsBuilder(Scorer(), untold=untold)
    builder.add(reviews[: len(reviews) // 2])
    builder.add(reviews[len(reviews) // 2 :])
    return builder.build()


def test_by_user_and_product() -> None:
    found = opinions(
        [("a", "p", 0, "很好"), ("b", "p", 0, "not good"), ("a", "q", 40, "terrible"), ("a", None, 40, "qwerty"),
         ("off", "p", 1, "质量很好，但是物流太慢了")],
        untold=frozenset(("off",)),
    )  # fmt: skip
    good, bad, awful = (Scorer().score([text])[0][0] for text in ("很好", "not good", "terrible"))
    assert good is not None
    assert bad is not None
    assert awful is not None
    users = found.by_user()
    assert users.keys() == {"a", "b"}  # of who opted out nothing is said
    assert users["a"]["sentiment_mean"] == pytest.approx((good + awful) / 2, abs=1e-4)
    assert users["b"] == {"sentiment_mean": pytest.approx(bad, abs=1e-4), "sentiment_label": "negative"}
    products = found.by_product()
    assert {id: said["sentiment_count"] for id, said in products.items()} == {"p": 3, "q": 1}
    assert all(set(said) == set(PRODUCT_FIELDS) for said in products.values())
    assert (products["p"]["sentiment_quality"] or 0) > 0 > (products["p"]["sentiment_delivery"] or 0)
    assert products["p"]["sentiment_price"] is None
    assert [(row["month"], row["reviews"]) for row in found.by_month()] == [("2026-01", 3), ("2026-02", 1)]
    assert {row["aspect"]: row["reviews"] for row in found.by_aspect()} == {
        "price": 0, "quality": 1, "delivery": 1, "service": 0,
    }  # fmt: skip
    assert found.methods == {"lexicon": 4, "none": 1}


def test_change_over_time() -> None:
    worse = [("a", "p", day, "很好") for day in range(5)] + [("a", "p", 200.0 + day, "很差") for day in range(5)]
    found = opinions([*worse, ("a", "few", 0, "好"), ("a", "few", 200, "坏")])
    assert (found.by_product()["p"]["sentiment_change"] or 0) < -1
    assert found.by_product()["few"]["sentiment_change"] is None
    tables = tables_of(found)
    assert [row["product_id"] for row in tables["turning worse (90 days against before)"]] == ["p"]
    assert [row["product_id"] for row in tables["best products"]] == ["p"]


def test_nothing_to_count() -> None:
    found = opinions([("a", "p", 0, "x"), ("a", "p", 0, "....")])
    assert len(found) == 0
    assert (found.by_user(), found.by_product(), found.by_month(), found.window()) == ({}, {}, [], None)


@pytest.mark.parametrize(
    ("midpoint", "largest", "good", "bad", "neither"),
    [(3.0, 5.0, [4.0, 4.5, 5.0], [0.0, 1.0, 2.0], [2.5, 3.0, 3.9]), (5.0, 10.0, [7.5, 10.0], [1.0, 2.5], [3.0, 7.0]),
     (0.5, 1.0, [1.0], [0.0], [0.5])],
)  # fmt: skip
def test_ratings_on_any_scale(
    midpoint: float, largest: float, good: list[float], bad: list[float], neither: list[float]
) -> None:
    settings = Settings(rating_midpoint=midpoint, rating_max=largest)
    assert all(kind_of_rating(rating, settings) is True for rating in good)
    assert all(kind_of_rating(rating, settings) is False for rating in bad)
    assert all(kind_of_rating(rating, settings) is None for rating in [*neither, None])
