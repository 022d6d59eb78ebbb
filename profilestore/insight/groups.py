"""The fields of profiles that insight owns, in groups that are written together, each with its date."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["GROUPS"]

# The names are those of `insight_as_of`.
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "value": ("rfm_recency", "rfm_frequency", "rfm_monetary", "rfm_segment", "value_tier"),
    "lifetime": ("clv_90d", "clv_90d_low", "clv_90d_high", "expected_purchases_90d"),
    "segments": ("segment",),
    "rules": ("rule_segments",),
    "churn": ("churn_risk", "churn_band", "churn_reasons", "lifecycle"),
    "propensity": ("purchase_30d", "purchase_30d_categories", "likely_categories"),
    "sentiment": ("sentiment_mean", "sentiment_label"),
    "odd": ("odd_score", "odd_flags", "odd_facts"),
    "map": ("map_pca_x", "map_pca_y", "map_tsne_x", "map_tsne_y"),
    "interests": (
        "rising_categories",
        "falling_categories",
        "rising_brands",
        "falling_brands",
        "rising_topics",
        "falling_topics",
        "interest_drift",
        "next_purchase_at",
        "next_purchase_from",
        "next_purchase_to",
        "next_purchase_product",
        "next_purchase_category",
    ),
}
