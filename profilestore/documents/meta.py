"""What an index says of itself in its mapping's `_meta`: generation and the models in force.

It stands in the index and not beside it, so that switching the alias switches the models with it.
"""

from __future__ import annotations

from typing import Literal

from profilestore.documents.base import Document

__all__ = ["IndexMeta"]


class IndexMeta(Document):
    """`_meta` of a products or profiles index. Both of one generation carry the same values.

    `topic_dims` and `taste_dims` are the dimensions of the models in force: a lookup of a vector field
    without any is an error 500 in Elasticsearch 9.5, where an app expects 404 for "no vector".
    `taste_half_life_days` is the profile's half-life that the taste model was trained for; it goes
    before the setting. `taste_content` names the model that foretells the taste of new products.
    `taste_form` says what taste is served by: dense vectors alone, or the products' `taste_weights` asked
    with the profile's `taste_items` too. `hybrid_boosts` (space -> boost, on the scale of the server's
    scores) and `auto_methods` ((events from which on, method), ascending) were chosen on validation;
    None and () where it could tell nothing. `event_weights` by type, given by `feedback apply`, go before
    those of the settings.
    """

    generation: str
    text_model: str | None = None
    topics_model: str | None = None
    taste_model: str | None = None
    topic_dims: int | None = None
    taste_dims: int | None = None
    taste_half_life_days: float | None = None
    taste_content: str | None = None
    taste_form: Literal["dense", "sparse"] = "dense"
    hybrid_boosts: dict[str, float] | None = None
    auto_methods: tuple[tuple[int, str], ...] = ()
    event_weights: dict[str, float] | None = None
    fold_fingerprint: str | None = None
