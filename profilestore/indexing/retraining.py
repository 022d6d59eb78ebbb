"""New topic and text models: trained on the products in the index, switched in as a new generation (P4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from profilestore.errors import ModelError
from profilestore.indexing.generation import BuildReport
from profilestore.indexing.parts import Parts
from profilestore.indexing.products import add_topics, embed_texts
from profilestore.indexing.taste import text_of
from profilestore.indexing.text_models import choose_and_train

if TYPE_CHECKING:
    from profilestore.features.topic_model import TopicModel

__all__ = ["TextReport", "TopicsReport", "train_text_model", "train_topic_model"]

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TopicsReport:
    """A topic model that was trained and switched in."""

    model_id: str
    topics: int
    figures: dict[str, Any]
    build: BuildReport


@dataclass(frozen=True, slots=True)
class TextReport:
    """A text model that was switched in, and why it."""

    model_id: str
    reason: str
    build: BuildReport


def train_topic_model(
    parts: Parts, *, topics: int | Literal["auto"] = "auto", seed: int = 7, progress: Progress = lambda step: None
) -> TopicsReport:
    """Train topics on all products, store the model with its figures, and switch it in.

    Raises:
        ModelError: no product has a text to learn from.
        UsageError: a number of topics that cannot be.
        StoreError: another build is under way.
    """
    from profilestore.features.topics import train_topics

    progress("reading the products' texts")
    texts = _texts(parts)
    progress(f"training topics on {len(texts):,} texts")
    model = train_topics(texts, topics=topics, seed=seed)
    figures = {**model.figures, "topics": model.topics, "labels": list(model.labels), "seed": seed}
    parts.store.save("topics", model.model_id, model.to_bytes(), figures=figures)
    build = parts.builder.build(
        change=lambda meta: meta.model_copy(update={"topics_model": model.model_id, "topic_dims": model.topics}),
        transform=lambda sources: _with_topics(model, sources),
        progress=progress,
    )
    return TopicsReport(model.model_id, model.topics, figures, build)


def train_text_model(parts: Parts, *, wanted: str = "auto", progress: Progress = lambda step: None) -> TextReport:
    """Choose (and for word vectors train) a text model on the products, embed them anew, and switch it in.

    Raises:
        ModelError: the model cannot be loaded, or does not fit the mapping.
        StoreError: another build is under way.
    """
    from profilestore.features.text_model import text_hash

    progress("reading the products' texts")
    name, reason = choose_and_train(
        _texts(parts), wanted=wanted, settings=parts.settings, models=parts.models, store=parts.store
    )
    model = parts.models.text(name)

    def embed(sources: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        fields: list[dict[str, Any]] = [{} for _ in sources]
        texts = [text_of(source) for source in sources]
        embed_texts(model, texts, fields)
        return [
            {**source, **field, "text_hash": text_hash(text, model=name)}
            for source, field, text in zip(sources, fields, texts, strict=True)
        ]

    build = parts.builder.build(
        change=lambda meta: meta.model_copy(update={"text_model": name}), transform=embed, progress=progress
    )
    return TextReport(name, reason, build)


def _with_topics(model: TopicModel, sources: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    fields: list[dict[str, Any]] = [{} for _ in sources]
    add_topics(model, [text_of(source) for source in sources], fields)
    return [{**source, **field} for source, field in zip(sources, fields, strict=True)]


def _texts(parts: Parts) -> list[str]:
    """The texts of all products that are on sale, ordered by product id so that a seed means something."""
    products = parts.in_force.products
    target = products.identity()
    products.refresh(target.index)
    fields = ("title", "brand", "category", "tags", "description", "text")
    alive = {"bool": {"must_not": [{"term": {"deleted": True}}]}}
    texts = {
        product_id: text_of(dict(source))
        for page in products.scan(target.index, fields=fields, query=alive)
        for product_id, source, _ in page
    }
    if not any(text.strip() for text in texts.values()):
        raise ModelError("no product has a text to learn from. Load products with `profilestore index products`.")
    return [texts[product_id] for product_id in sorted(texts)]
