"""What the products say of themselves, for a training: taste foretold from it, and how spaces go together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.documents import IndexMeta
from profilestore.errors import ModelError
from profilestore.indexing.parts import Parts
from profilestore.indexing.taste import content_of
from profilestore.settings import Settings

if TYPE_CHECKING:
    from profilestore.features.taste.choosing import Choice
    from profilestore.features.taste.content import Content, ContentModel
    from profilestore.features.taste.model import TasteModel
    from profilestore.features.taste.tuning import Validation

__all__ = ["Described", "choose_methods", "fit_described", "read_content"]

# The content of so many products is enough to learn what content says of taste, and fits into memory.
_CONTENT_MOST: Final = 20_000
_FIELDS: Final = ("category", "price", "text_vector", "topic_vector")


@dataclass(frozen=True, slots=True)
class Described:
    """Products of a taste model that are in the index: their rows in the model (n,), and their content."""

    rows: NDArray[np.int64]
    content: Content
    spaces: tuple[str, ...]


def read_content(parts: Parts, model: TasteModel, meta: IndexMeta) -> Described:
    """The content of the products that were learned; of every so many-th one in a large catalogue.

    Raises:
        ModelError: none of them is in the index any more.
    """
    products = parts.in_force.products
    index = products.identity().index
    step = max(1, -(-len(model.product_ids) // _CONTENT_MOST))
    chosen = list(model.product_ids[::step])
    found = products.read(index, chosen, fields=_FIELDS, vectors=True)
    ids = [product_id for product_id in chosen if product_id in found]
    if len(ids) == 0:
        raise ModelError("the products that were learned are gone from the index. Train again.")
    content = content_of(
        [found[product_id][0] for product_id in ids],
        text_model=meta.text_model,
        topics_model=meta.topics_model,
        text_dims=0 if meta.text_model is None else parts.settings.embedding_dims,
        topic_dims=0 if meta.topics_model is None else parts.models.topics(meta.topics_model).topics,
        models=parts.models,
        meta=meta,
    )
    named = {"text": meta.text_model, "topics": meta.topics_model}
    rows = np.array([model.rows[product_id] for product_id in ids], dtype=np.int64)
    return Described(rows, content, tuple(space for space, name in named.items() if name is not None))


def fit_described(described: Described, model: TasteModel, meta: IndexMeta) -> ContentModel | None:
    """What content says of taste; None without text and topics."""
    from profilestore.features.taste.content import fit_content

    if len(described.spaces) == 0:
        return None
    return fit_content(
        described.content,
        model.in_vectors[described.rows],
        model.out_vectors[described.rows],
        taste_model=model.model_id,
        text_model=meta.text_model,
        topics_model=meta.topics_model,
    )


def choose_methods(
    described: Described, validation: Validation, choice: Choice, settings: Settings
) -> Mapping[str, Any]:
    """`hybrid_boosts` and `auto_methods` with the figures they were chosen by; what cannot be told is left out."""
    from profilestore.features.taste.blending import choose_auto, choose_boosts
    from profilestore.features.taste.slices import Slices, narrowed

    days = {"text": settings.text_half_life_days, "topics": settings.topics_half_life_days}
    narrow = narrowed(validation, choice, described.rows)
    if narrow is None:
        return {}
    slices = Slices(*narrow, described.content, {space: days[space] for space in described.spaces})
    blend = choose_boosts(slices)
    told: dict[str, Any] = {}
    if blend is not None:
        told |= {
            "hybrid_boosts": dict(blend.boosts),
            "ndcg@20_by_method": dict(blend.overall),
            "ndcg@20_by_method_of_hidden_products": dict(blend.cold),
        }
    if validation.by_time:
        steps, by_level = choose_auto(
            slices, None if blend is None else blend.boosts, trending_half_life_days=settings.trending_half_life_days
        )
        told |= {"auto_methods": [list(step) for step in steps], "ndcg@20_by_events_known": by_level}
    return told
