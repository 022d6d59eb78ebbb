"""Which text model a shop uses: chosen at its first products, then in force until it is changed."""

from __future__ import annotations

from collections.abc import Sequence

from profilestore.elastic.model_store import ModelStore
from profilestore.elastic.product_index import ProductIndex
from profilestore.elastic.profile_index import ProfileIndex
from profilestore.features.fold import TEXT_TYPES
from profilestore.indexing.models import WORDS_PREFIX, Models
from profilestore.indexing.refold import Refold
from profilestore.settings import Settings

__all__ = ["choose_and_train", "ensure_text_model"]

SEED = 7


def choose_and_train(
    texts: Sequence[str], *, wanted: str, settings: Settings, models: Models, store: ModelStore
) -> tuple[str, str]:
    """The name of the text model for these texts, and a sentence that says why. Word vectors are trained
    on the texts and stored under the name."""
    from profilestore.features.text_model import choose_text_model

    kind, reason = choose_text_model(texts, settings=settings) if wanted == "auto" else (wanted, "set by text_model")
    if kind != "words":
        models.text(kind)  # a model that cannot be loaded is told before anything is written
        return kind, reason
    from profilestore.features.word_vectors import train_word_vectors

    model = train_word_vectors(texts, dims=settings.embedding_dims, seed=SEED)
    name = model.name if model.name.startswith(WORDS_PREFIX) else f"{WORDS_PREFIX}{model.name}"
    store.save("text", name, model.to_bytes(), figures={"texts": len(texts), "reason": reason})
    models.keep_text(name, model)
    return name, reason


def ensure_text_model(
    texts: Sequence[str],
    *,
    settings: Settings,
    models: Models,
    store: ModelStore,
    products: ProductIndex,
    profiles: ProfileIndex,
    refold: Refold,
) -> str | None:
    """Put a text model in force where there is none yet. Returns a sentence about what it took, or None.

    Of several processes that come at once the first to write its choice down decides for all.
    """
    target = products.identity()
    if target.meta.text_model is not None or not any(text.strip() for text in texts):
        return None
    choice = f"text-model-{target.uuid}"
    chosen = store.get(choice)
    if chosen is None:
        name, reason = choose_and_train(
            texts, wanted=settings.text_model, settings=settings, models=models, store=store
        )
        if not store.put(choice, "choice", {"name": name, "reason": reason}, new=True).ok:
            chosen = store.get(choice)
    if chosen is not None:
        name, reason = chosen[0]["body"]["name"], chosen[0]["body"]["reason"]
    # What users wrote before there was a model has no vectors in their profiles yet.
    notes = refold.note([], event_types=sorted(TEXT_TYPES))
    held = profiles.identity()
    profiles.set_meta(held.index, held.meta.model_copy(update={"text_model": name}))
    products.set_meta(target.index, target.meta.model_copy(update={"text_model": name}))
    refold.written(notes)
    return f"text model {name}: {reason}"
