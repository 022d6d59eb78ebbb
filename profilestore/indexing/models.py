"""The models in force, loaded when first needed: what `_meta` of the products index names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from profilestore.documents import IndexMeta
from profilestore.elastic.model_store import ModelStore
from profilestore.errors import ModelError
from profilestore.settings import Settings

if TYPE_CHECKING:
    from profilestore.features.taste.content import ContentModel
    from profilestore.features.taste.model import TasteModel
    from profilestore.features.text_model import TextModel
    from profilestore.features.topic_model import TopicModel

__all__ = ["WORDS_PREFIX", "Models", "trained_spaces"]

# A text model of the shop's own words stands in the models index under an id that begins so.
WORDS_PREFIX: Final = "words-"


def trained_spaces(meta: IndexMeta) -> tuple[str, ...]:
    """The spaces in which the products of this generation have vectors."""
    named = {"text": meta.text_model, "topics": meta.topics_model, "taste": meta.taste_model}
    return tuple(space for space, model in named.items() if model is not None)


class Models:
    """Text, topic and taste models by name, kept once loaded."""

    def __init__(self, settings: Settings, store: ModelStore) -> None:
        self._settings = settings
        self._store = store
        self._texts: dict[str, TextModel] = {}
        self._topics: dict[str, TopicModel] = {}
        self._contents: dict[str, ContentModel] = {}
        self._taste: TasteModel | None = None

    def text(self, name: str) -> TextModel:
        """The text model of this name: `minilm`, a sentence-transformers name or path, or `words-…`.

        Raises:
            ModelError: it cannot be loaded, or its dimensions are not the mapping's.
        """
        if name not in self._texts:
            self._texts[name] = self._load_text(name)
        return self._texts[name]

    def _load_text(self, name: str) -> TextModel:
        if name.startswith(WORDS_PREFIX):
            from profilestore.features.word_vectors import WordVectorModel

            model: TextModel = WordVectorModel.from_bytes(self._store.load(name))
        else:
            from profilestore.features.text import SentenceModel

            model = SentenceModel(name, dims=self._settings.embedding_dims)
        if model.dims != self._settings.embedding_dims:
            raise ModelError(
                f"text model {name} has {model.dims} dimensions and the mapping {self._settings.embedding_dims}: "
                "set PROFILESTORE_EMBEDDING_DIMS and run `profilestore migrate`, or take another model."
            )
        return model

    def keep_text(self, name: str, model: TextModel) -> None:
        """Use a model that was just trained without reading it back."""
        self._texts[name] = model

    def topics(self, name: str) -> TopicModel:
        """The topic model of this id.

        Raises:
            ModelError: it is not in the models index, or damaged.
        """
        if name not in self._topics:
            from profilestore.features.topic_model import TopicModel

            self._topics[name] = TopicModel.from_bytes(self._store.load(name))
        return self._topics[name]

    def taste(self, name: str) -> TasteModel:
        """The taste model of this id; only the last one asked for is kept, since they are large.

        Raises:
            ModelError: it is not in the models index, or damaged.
        """
        if self._taste is None or self._taste.model_id != name:
            from profilestore.features.taste.model import TasteModel

            self._taste = TasteModel.from_bytes(self._store.load(name))
        return self._taste

    def taste_content(self, name: str) -> ContentModel:
        """The model of this id that foretells taste from content.

        Raises:
            ModelError: it is not in the models index, or damaged.
        """
        if name not in self._contents:
            from profilestore.features.taste.content import ContentModel

            self._contents[name] = ContentModel.from_bytes(self._store.load(name))
        return self._contents[name]

    def topic_labels(self, meta: IndexMeta) -> tuple[str, ...]:
        """The labels of the topics in force, in the order of the vector; () without topics."""
        return () if meta.topics_model is None else tuple(self.topics(meta.topics_model).labels)
