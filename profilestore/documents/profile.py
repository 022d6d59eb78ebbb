"""A profile: one document a user, with its exact state and what is served from it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NamedTuple

from profilestore.documents.base import Document

__all__ = ["FoldPosition", "ProfileDocument", "Revision"]


class Revision(NamedTuple):
    """Which write of a document was read. Zero is a valid `seq_no`: test for None, never for truth."""

    seq_no: int
    primary_term: int


class FoldPosition(NamedTuple):
    """How far a profile has been folded: every event of the user in this log and shard with
    `_seq_no` up to and with `upto` is in its state, and no other. -1 before the first."""

    log_uuid: str
    shard: int
    upto: int


class ProfileDocument(Document):
    """A profile in the index. `mappings/profiles.json` names the owner of each field.

    Money in the shop's currency; shares sum to 1; times in UTC; `hour_of_week` has 168 counts, from
    Monday 00:00 in the shop's time zone. Vectors are float32 of unit length, and a profile has those
    of every trained space or none. `state` is packed, see `features/state.py`.
    """

    user_id: str
    generation: str
    folded_upto: int
    log_uuid: str
    log_shard: int
    state: str | None = None

    age: int | None = None
    gender: str | None = None
    occupation: str | None = None
    education: str | None = None
    income: float | None = None
    income_band: str | None = None
    city: str | None = None
    province: str | None = None
    country: str | None = None
    member_tier: str | None = None
    signup_date: date | None = None
    consent: list[str] | None = None
    personalisation: str | None = None
    attributes: dict[str, Any] | None = None

    event_counts: dict[str, int] | None = None
    events_total: int = 0
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    first_purchase: datetime | None = None
    last_purchase: datetime | None = None
    order_count: int = 0
    purchase_count: int = 0
    quantity_total: float = 0.0
    spend_total: float = 0.0
    average_order_value: float | None = None
    rating_count: int = 0
    rating_mean: float | None = None
    category: str | None = None
    main_categories: list[str] | None = None
    category_shares: list[dict[str, Any]] | None = None
    main_brands: list[str] | None = None
    brand_shares: list[dict[str, Any]] | None = None
    main_topics: list[str] | None = None
    topic_shares: list[dict[str, Any]] | None = None
    seen_products: list[str] | None = None
    purchased_products: list[str] | None = None
    cart_products: list[str] | None = None
    hour_of_week: list[int] | None = None
    channels: list[str] | None = None
    devices: list[str] | None = None
    payment_methods: list[str] | None = None
    search_words: list[str] | None = None

    text_vector: list[float] | None = None
    topic_vector: list[float] | None = None
    taste_vector: list[float] | None = None
    taste_items: dict[str, float] | None = None

    segment: str | None = None
    rule_segments: list[str] | None = None
    value_tier: str | None = None
    rfm_recency: int | None = None
    rfm_frequency: int | None = None
    rfm_monetary: int | None = None
    rfm_segment: str | None = None
    clv_90d: float | None = None
    clv_90d_low: float | None = None
    clv_90d_high: float | None = None
    expected_purchases_90d: float | None = None
    churn_risk: float | None = None
    churn_band: str | None = None
    churn_reasons: list[str] | None = None
    lifecycle: str | None = None
    purchase_30d: float | None = None
    purchase_30d_categories: list[dict[str, Any]] | None = None
    likely_categories: list[str] | None = None
    sentiment_mean: float | None = None
    sentiment_label: str | None = None
    odd_score: float | None = None
    odd_flags: list[str] | None = None
    odd_facts: list[dict[str, Any]] | None = None
    map_pca_x: float | None = None
    map_pca_y: float | None = None
    map_tsne_x: float | None = None
    map_tsne_y: float | None = None
    rising_categories: list[str] | None = None
    falling_categories: list[str] | None = None
    rising_brands: list[str] | None = None
    falling_brands: list[str] | None = None
    rising_topics: list[str] | None = None
    falling_topics: list[str] | None = None
    interest_drift: float | None = None
    next_purchase_at: date | None = None
    next_purchase_from: date | None = None
    next_purchase_to: date | None = None
    next_purchase_product: str | None = None
    next_purchase_category: str | None = None
    insight_as_of: dict[str, datetime | None] | None = None

    @classmethod
    def from_source(cls, source: dict[str, Any]) -> ProfileDocument:
        """Read a stored `_source` (times become datetimes, the state stays packed)."""
        return cls.model_validate(source)
