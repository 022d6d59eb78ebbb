"""`Training`: the models that a `ProfileStore` learns, stores and puts in force."""

from __future__ import annotations

from typing import Any, Literal

from profilestore.indexing.parts import Parts
from profilestore.indexing.retraining import TextReport, TopicsReport, train_text_model, train_topic_model
from profilestore.indexing.training import ModelEntry, TasteReport, learn_options, list_models, train_taste, use_model
from profilestore.settings import Settings
from profilestore.store.progress import Progress, silent

__all__ = ["Training"]


class Training:
    """Topics, text models and taste models of one shop."""

    _parts: Parts
    settings: Settings

    def train_topics(
        self, *, topics: int | Literal["auto"] = "auto", seed: int = 7, progress: Progress = silent
    ) -> TopicsReport:
        """Train a topic model on the products and switch it in."""
        return train_topic_model(self._parts, topics=topics, seed=seed, progress=progress)

    def topics(self, *, words: int = 10) -> list[dict[str, Any]]:
        """The topics in force: label, words, and how many products have it among their main ones; [] without."""
        side = self._parts.in_force
        meta = side.products.identity().meta
        if meta.topics_model is None:
            return []
        model = self._parts.models.topics(meta.topics_model)
        shares = side.products.count_by(self.settings.index("products"), "main_topics")
        return [
            {"topic": topic, "label": label, "words": model.words(topic, words), "products": shares.get(label, 0)}
            for topic, label in enumerate(model.labels)
        ]

    def train_text_model(self, model: str = "auto", *, progress: Progress = silent) -> TextReport:
        """Choose another text model (`auto`, `minilm`, `words`, a name or path), embed anew, and switch."""
        return train_text_model(self._parts, wanted=model, progress=progress)

    def train(
        self,
        *,
        learner: Literal["auto", "ease", "spectral"] = "auto",
        dims: int | None = None,
        budget: int | None = None,
        form: Literal["auto", "dense", "sparse"] = "auto",
        progress: Progress = silent,
    ) -> TasteReport:
        """Train a taste model on the event log and switch it in without a stop.

        Args:
            learner: ease is exact and for up to some 25,000 products, spectral for more; auto takes what fits.
            dims: of the vectors; chosen on a validation cut when None.
            budget: how many settings may be tried on the validation cut; 0 takes the defaults.
            form: dense is one kNN request, sparse is exact at any size; auto takes dense unless it loses over 3 %.
            progress: is told each step, with what it will take before it starts.

        Raises:
            ModelError: too little to learn from, or more than fits into memory.
        """
        return train_taste(self._parts, learn_options(learner, dims, budget, form), progress=progress)

    def models(self) -> list[ModelEntry]:
        """All stored models with their figures, oldest first."""
        return list_models(self._parts)

    def use_model(self, model_id: str, *, progress: Progress = silent) -> TasteReport:
        """Put a stored taste model in force again, with the products and profiles of today."""
        return use_model(self._parts, model_id, progress=progress)
