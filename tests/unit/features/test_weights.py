"""What an act says: types, quantities, ratings, and the time it counts from."""

from __future__ import annotations

import math
from typing import Any

import pytest

from profilestore.documents import Event
from profilestore.features.weights import FoldRules, effective_time, event_weight
from profilestore.settings import Settings

RULES = FoldRules.of(Settings(prefix="unit"))


def act(kind: str, **fields: Any) -> Event:
    base: dict[str, Any] = {"user_id": "u", "type": kind, "time": "2025-05-01T12:00:00Z", "product_id": "p"}
    return Event(**(base | fields))


def test_ten_pieces_say_more_than_one_and_not_ten_times_as_much() -> None:
    one, ten = event_weight(act("purchase", quantity=1), RULES), event_weight(act("purchase", quantity=10), RULES)
    assert one == event_weight(act("purchase"), RULES) == 1.0
    assert ten == pytest.approx(math.log2(11))


def test_a_refund_is_the_negative_of_its_purchase() -> None:
    assert event_weight(act("refund", quantity=7), RULES) == -event_weight(act("purchase", quantity=7), RULES)


@pytest.mark.parametrize(("rating", "weight"), [(5, 1.0), (4, 0.5), (3, 0.0), (1, -1.0), (0, -1.0)])
def test_a_low_rating_is_a_dislike(rating: float, weight: float) -> None:
    assert event_weight(act("rate", rating=rating), RULES) == weight
    assert event_weight(act("review", rating=rating), RULES) == weight


def test_a_review_without_stars_says_a_little() -> None:
    assert 0 < event_weight(act("review", text="fine"), RULES) < 1


def test_a_type_without_weight_says_nothing() -> None:
    assert event_weight(act("impression"), RULES) == 0.0
    assert event_weight(act("contact"), RULES) == 0.0


def test_a_refund_counts_when_its_purchase_was_made_if_it_says_so() -> None:
    bought = act("purchase")
    assert effective_time(act("refund", time="2025-06-01T00:00:00Z", purchase_time=bought.time)) == effective_time(
        bought
    )
    assert effective_time(act("refund", time="2025-06-01T00:00:00Z")) > effective_time(bought)
