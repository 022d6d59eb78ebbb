"""What is served of a state: the fields of the profile document that the fold owns."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.documents import ProfileDocument
from profilestore.features import state as states
from profilestore.features.packing import pack
from profilestore.features.state import DecayedShares, DecayedSum, State

__all__ = [
    "FOLD_FIELDS",
    "OTHERS_FIELDS",
    "VECTOR_FIELDS",
    "carried_fields",
    "cart_products",
    "decode_vector",
    "encode_vector",
    "opted_out",
    "order_count",
    "served_fields",
    "taste_items",
    "unit_vectors",
]

VECTOR_FIELDS: Final = {"text": "text_vector", "topics": "topic_vector", "taste": "taste_vector"}
# What insight and later stages write stays out of this list, and the fold carries it over untouched.
OTHERS_FIELDS: Final = frozenset(
    ("segment", "rule_segments", "value_tier", "rfm_recency", "rfm_frequency", "rfm_monetary", "rfm_segment",
     "clv_90d", "clv_90d_low", "clv_90d_high", "expected_purchases_90d", "churn_risk", "churn_band",
     "churn_reasons", "lifecycle", "purchase_30d", "purchase_30d_categories", "likely_categories", "sentiment_mean",
     "sentiment_label", "odd_score", "odd_flags", "odd_facts", "map_pca_x", "map_pca_y",
     "map_tsne_x", "map_tsne_y", "rising_categories", "falling_categories", "rising_brands", "falling_brands",
     "rising_topics", "falling_topics", "interest_drift", "next_purchase_at",
     "next_purchase_from", "next_purchase_to", "next_purchase_product", "next_purchase_category",
     "insight_as_of")
)  # fmt: skip
FOLD_FIELDS: Final = frozenset(ProfileDocument.model_fields) - OTHERS_FIELDS
SHARES_KEPT: Final = 10
# What a request is asked with; Elasticsearch takes 1,024 clauses by default.
ITEMS_KEPT: Final = 500
MAIN_KEPT: Final = 3


def encode_vector(vector: NDArray[Any]) -> str:
    """A vector as Elasticsearch takes it fastest: base64 of big-endian float32."""
    return base64.b64encode(vector.astype(">f4").tobytes()).decode("ascii")


def decode_vector(stored: str | Sequence[float]) -> NDArray[np.float32]:
    """A vector as Elasticsearch gives it: floats, or what was sent where it was not refreshed yet."""
    if isinstance(stored, str):
        return np.frombuffer(base64.b64decode(stored), dtype=">f4").astype(np.float32)
    return np.asarray(stored, dtype=np.float32)


def order_count(state: State) -> int:
    """Distinct orders: exact below `ORDERS_KEPT`, beyond it the k-minimum-values estimate (k - 1) / m_k
    (Bar-Yossef et al. 2002), with a standard error of 3 %."""
    kept = state.orders.size
    if kept < states.ORDERS_KEPT:
        return int(kept)
    return round((kept - 1) * 2.0**64 / float(state.orders[-1]))


def opted_out(state: State) -> bool:
    """Whether the user switched personalisation off: then no vector, no weights and no list of what they saw
    or put into the cart is served, and they are as unknown to an app that asks Elasticsearch itself."""
    choice = state.user_fields.get("personalisation")
    return choice is not None and choice[2] == "off"


def carried_fields(state: State, others: Mapping[str, Any]) -> dict[str, Any]:
    """What stays of the fields of other owners: nothing that is believed of a user with personalisation off,
    and no field that its owner emptied."""
    return {} if opted_out(state) else {name: value for name, value in others.items() if value is not None}


def unit_vectors(state: State, *, trained: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    """The profile's vectors by space, unit length, float32: of every trained space, or none at all.

    None where nothing is known of the user in one of the spaces, and where personalisation is off.
    """
    sums = {space: state.sums.get(space, DecayedSum()) for space in trained}
    if opted_out(state) or any(part.is_zero for part in sums.values()):
        return {}
    return {space: (part.vector / np.linalg.norm(part.vector)).astype(np.float32) for space, part in sums.items()}


def _iso(time: float) -> str | None:
    if not np.isfinite(time):
        return None
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _share_list(weights: Mapping[str, float]) -> list[dict[str, Any]]:
    liked = {name: weight for name, weight in weights.items() if weight > 0.0}
    total = sum(liked.values())
    ranked = sorted(liked.items(), key=lambda item: (-item[1], item[0]))[:SHARES_KEPT]
    return [{"name": name, "share": round(weight / total, 4)} for name, weight in ranked]


def taste_items(state: State) -> dict[str, float]:
    """Weights by product as `query_vector` of the sparse form: above 0, the largest, of unit length together.

    A dislike or a refund counts against its product alone here: a query has no negative weights.
    """
    liked = _above_rounding(state.items)
    ranked = sorted(liked.items(), key=lambda item: (-item[1], item[0]))[:ITEMS_KEPT]
    ranked = [(name, weight) for name, weight in ranked if weight > 0.0]
    length = math.sqrt(sum(weight * weight for _, weight in ranked))
    return {name: share for name, weight in ranked if (share := round(weight / length, 6)) > 0.0}


def cart_products(state: State) -> list[str]:
    """What is in the cart now, the latest first."""
    inside = [(time, name) for name, (time, removed) in state.cart.items() if not removed]
    return [name for _, name in sorted(inside, key=lambda act: (-act[0], act[1]))]


def _above_rounding(shares: DecayedShares) -> dict[str, float]:
    """What is left of a purchase and its refund is rounding, not an interest."""
    scale = max((abs(weight) for weight in shares.sums.values()), default=0.0)
    return {name: weight for name, weight in shares.sums.items() if abs(weight) > 1e-9 * max(scale, 1.0)}


def _shares(shares: DecayedShares) -> list[dict[str, Any]]:
    return _share_list(_above_rounding(shares))


def _topics(part: DecayedSum, labels: Sequence[str]) -> list[dict[str, Any]]:
    if part.is_zero or len(labels) != part.vector.size:
        return []
    return _share_list(dict(zip(labels, part.vector.tolist(), strict=True)))


def _by_use(uses: Mapping[str, int]) -> list[str]:
    return [name for name, _ in sorted(uses.items(), key=lambda item: (-item[1], item[0]))]


def _main(shares: list[dict[str, Any]]) -> list[str]:
    return [share["name"] for share in shares[:MAIN_KEPT]]


def _static(state: State) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, (_, _, value) in state.user_fields.items():
        if name.startswith("attributes."):
            extra[name.removeprefix("attributes.")] = value
        else:
            fields[name] = value
    return {**fields, "attributes": extra} if extra else fields


def served_fields(state: State, *, trained: Sequence[str], topic_labels: Sequence[str]) -> dict[str, Any]:
    """The fold's fields of a profile document, without id, generation and position.

    Fields without a value are left out, so that `exists` means something. `trained` are the spaces
    in which the products have vectors.
    """
    orders = order_count(state)
    categories, brands = _shares(state.categories), _shares(state.brands)
    topics = _topics(state.sums.get("topics", DecayedSum()), topic_labels)
    known = states.EMPTY if opted_out(state) else state
    seen = known.seen
    last_first = sorted(seen.items(), key=lambda item: (-item[1], item[0]))
    fields: dict[str, Any] = {
        **_static(state),
        "event_counts": dict(state.counts),
        "events_total": sum(state.counts.values()),
        "first_seen": _iso(state.first_seen),
        "last_seen": _iso(state.last_seen),
        "first_purchase": _iso(state.first_purchase),
        "last_purchase": _iso(state.last_purchase),
        "order_count": orders,
        "purchase_count": state.purchase_count,
        "quantity_total": round(state.quantity, 6),
        "spend_total": round(state.spend, 6),
        "average_order_value": round(state.spend / orders, 6) if orders > 0 else None,
        "rating_count": state.rating_count,
        "rating_mean": round(state.rating_sum / state.rating_count, 6) if state.rating_count > 0 else None,
        "category": categories[0]["name"] if categories else None,
        "main_categories": _main(categories),
        "category_shares": categories,
        "main_brands": _main(brands),
        "brand_shares": brands,
        "main_topics": _main(topics),
        "topic_shares": topics,
        "seen_products": [product_id for product_id, _ in last_first],
        "purchased_products": sorted(p for p, quantity in state.purchased.items() if quantity > 1e-9),
        "cart_products": cart_products(known),
        "taste_items": taste_items(known) or None,
        "hour_of_week": state.hours.tolist() if state.hours.any() else None,
        "channels": _by_use(state.channels),
        "devices": _by_use(state.devices),
        "payment_methods": _by_use(state.payments),
        "search_words": sorted(state.words, key=lambda word: (-state.words[word], word)),
        "state": pack(state),
    }
    for space, vector in unit_vectors(state, trained=trained).items():
        fields[VECTOR_FIELDS[space]] = encode_vector(vector)
    return {name: value for name, value in fields.items() if value is not None and value != []}
