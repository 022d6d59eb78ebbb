"""Taste vectors on products: learned where the model has them, foretold from content where it has not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.documents import IndexMeta, Product
from profilestore.documents.product import ROW_FIELDS
from profilestore.features.served import decode_vector, encode_vector
from profilestore.indexing.models import Models

if TYPE_CHECKING:
    from profilestore.features.taste.content import Content, ContentModel
    from profilestore.features.taste.model import TasteModel

__all__ = ["CLEARED_TASTE", "TASTE_FIELDS", "content_of", "predict_taste", "set_taste", "text_of"]

TASTE_FIELDS: Final = ("taste_in", "taste_vector", "taste_predicted", "taste_weights")
# Elasticsearch refuses a null sparse_vector: a field without weights is left out.
CLEARED_TASTE: Final = {"taste_in": None, "taste_vector": None, "taste_predicted": None}

Source = dict[str, Any]


def text_of(source: Mapping[str, Any]) -> str:
    """The text of a stored product."""
    return Product.model_construct(**{name: source.get(name) for name in ROW_FIELDS}).full_text()


def set_taste(
    model: TasteModel, content: ContentModel | None, sources: Sequence[Source], *, models: Models, meta: IndexMeta
) -> list[Source]:
    """Stored products with the vectors, and in the sparse form weights, of this model: learned, else foretold,
    else none.

    Args:
        meta: of the index that the products are in; names the models of their text and topic vectors.
    """
    found: list[Source] = []
    rest: list[Source] = []
    for source in sources:
        changed = {**source, **CLEARED_TASTE}
        changed.pop("taste_weights", None)
        row = model.rows.get(str(source.get("product_id")))
        if row is None:
            rest.append(changed)
        else:
            changed["taste_in"] = encode_vector(model.in_vectors[row])
            changed["taste_vector"] = encode_vector(model.out_vectors[row])
            changed["taste_predicted"] = False
            if model.weights is not None:
                _set_weights(changed, model, *model.weights.of_product(row))
        found.append(changed)
    if content is not None and len(rest) > 0:
        predict_taste(content, rest, models=models, meta=meta, model=model)
    return found


def _set_weights(source: Source, model: TasteModel, rows: NDArray[np.int32], values: NDArray[np.float32]) -> None:
    if rows.size > 0:
        ids = model.product_ids
        source["taste_weights"] = {ids[row]: value for row, value in zip(rows.tolist(), values.tolist(), strict=True)}


def predict_taste(
    content: ContentModel,
    sources: Sequence[Source],
    *,
    models: Models,
    meta: IndexMeta,
    model: TasteModel | None = None,
) -> None:
    """Set the vectors of products that nobody has bought yet. One that says nothing of itself gets none.

    Args:
        content: what foretells.
        sources: the products; changed in place.
        models: those in force.
        meta: of the index that the products are in.
        model: the taste model; one of the sparse form gives weights too.
    """
    features = content_of(
        sources,
        text_model=content.text_model,
        topics_model=content.topics_model,
        text_dims=content.text_dims,
        topic_dims=content.topic_dims,
        models=models,
        meta=meta,
    )
    in_vectors, out_vectors = content.predict(features)
    weights = None
    if model is not None and model.weights is not None:
        from profilestore.features.taste.sparse import foretold_weights

        weights = foretold_weights(model.in_vectors, out_vectors, most=model.settings.sparse_weights)
    for row, source in enumerate(sources):
        told = features.text[row].any() or features.categories[row] in content.categories
        if told and in_vectors[row].any():
            source["taste_in"] = encode_vector(in_vectors[row])
            source["taste_vector"] = encode_vector(out_vectors[row])
            source["taste_predicted"] = True
            if weights is not None and model is not None:
                _set_weights(source, model, *weights.of_product(row))


def content_of(
    sources: Sequence[Mapping[str, Any]],
    *,
    text_model: str | None,
    topics_model: str | None,
    text_dims: int,
    topic_dims: int,
    models: Models,
    meta: IndexMeta,
) -> Content:
    """What products are, by these models; stored vectors are taken where they are of the same ones."""
    from profilestore.features.taste.content import Content

    text = np.zeros((len(sources), text_dims), dtype=np.float32)
    topics = np.zeros((len(sources), topic_dims), dtype=np.float32)
    if text_model is not None and text_model == meta.text_model:
        _stored(sources, "text_vector", text)
    elif text_model is not None:
        text = models.text(text_model).encode([text_of(source) for source in sources])
    if topics_model is not None and topics_model == meta.topics_model:
        _stored(sources, "topic_vector", topics)
    elif topics_model is not None:
        topics = models.topics(topics_model).infer([text_of(source) for source in sources])
    return Content(
        text,
        topics.astype(np.float32),
        [source.get("category") for source in sources],
        [source.get("price") for source in sources],
    )


def _stored(sources: Sequence[Mapping[str, Any]], name: str, into: NDArray[np.float32]) -> None:
    for row, source in enumerate(sources):
        vector = source.get(name)
        if vector is not None:
            into[row] = decode_vector(vector)
