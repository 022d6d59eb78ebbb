"""From events to acts: what each adds to the vectors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from profilestore.documents import Event
from profilestore.features.weights import FoldRules, event_weight
from profilestore.recommend.explaining import acts_of
from profilestore.settings import Settings

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULES = FoldRules.of(Settings())


def test_an_event_of_product_and_words_is_two_acts() -> None:
    review = Event(user_id="u", type="review", time=NOON, product_id="p1", text="p1", rating=5.0)
    product, words = acts_of([review], rules=RULES)
    assert product.event_id == words.event_id == review.event_id
    assert product.source != words.source  # though the words are the product's id
    assert product.weight == words.weight == 1.0


def test_weightless_events_are_no_acts() -> None:
    attributes = Event(user_id="u", type="attributes", time=NOON, user_fields={"age": 30})
    impression = Event(user_id="u", type="impression", time=NOON, product_id="p1")
    assert acts_of([attributes, impression], rules=RULES) == []


def test_a_refund_counts_at_its_purchase() -> None:
    bought = NOON - timedelta(days=30)
    refund = Event(user_id="u", type="refund", time=NOON, product_id="p1", purchase_time=bought, quantity=2)
    purchase = Event(user_id="u", type="purchase", time=bought, product_id="p1", quantity=2)
    (alone,) = acts_of([refund], rules=RULES)
    assert alone.time == bought
    # Nobody likes a thing because they bought what they gave back.
    assert acts_of([refund, purchase], rules=RULES) == []
    larger = purchase.model_copy(update={"quantity": 5.0, "event_id": "larger"})
    (kept,) = acts_of([refund, larger], rules=RULES)
    assert kept.type == "purchase"
    assert kept.weight == event_weight(larger, RULES) + event_weight(refund, RULES)
