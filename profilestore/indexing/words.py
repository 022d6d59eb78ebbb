"""In-vectors of what users write: embedded once, kept in `{prefix}-texts` by hash of text and model.

The cache may be dropped at any time. It never holds the text itself, only its hash and vector.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.documents import IndexMeta
from profilestore.elastic.text_cache import TextCache
from profilestore.indexing.models import Models

__all__ = ["Words"]

_KEPT: Final = 50_000


class Words:
    """Embeds texts by the models in force; remembers them here and in the index."""

    def __init__(self, models: Models, cache: TextCache) -> None:
        self._models = models
        self._cache = cache
        self._kept: OrderedDict[tuple[str | None, str | None, str | None, str], Mapping[str, NDArray[np.float32]]] = (
            OrderedDict()
        )

    def in_vectors(self, texts: Iterable[str], meta: IndexMeta) -> dict[str, Mapping[str, NDArray[np.float32]]]:
        """text -> space -> in-vector; a space that knows none of the words gives a zero vector."""
        wanted = sorted(set(texts))
        found: dict[str, Mapping[str, NDArray[np.float32]]] = {}
        missing: list[str] = []
        for text in wanted:
            key = _key(text, meta)
            if key in self._kept:
                self._kept.move_to_end(key)
                found[text] = self._kept[key]
            else:
                missing.append(text)
        if len(missing) > 0:
            for text, vectors in zip(missing, self._embed(missing, meta), strict=True):
                found[text] = vectors
                self._kept[_key(text, meta)] = vectors
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found

    def _embed(self, texts: Sequence[str], meta: IndexMeta) -> list[Mapping[str, NDArray[np.float32]]]:
        spaces: dict[str, NDArray[Any]] = {}
        if meta.text_model is not None:
            spaces["text"] = self._text_vectors(texts, meta.text_model)
        if meta.topics_model is not None:
            spaces["topics"] = self._models.topics(meta.topics_model).infer(texts)
        content = None if meta.taste_content is None else self._models.taste_content(meta.taste_content)
        if content is not None and content.text_model is not None:
            own = content.text_model == meta.text_model
            text = spaces["text"] if own else self._text_vectors(texts, content.text_model)
            spaces["taste"] = content.predict_words(text)
        return [{space: rows[i] for space, rows in spaces.items()} for i in range(len(texts))]

    def _text_vectors(self, texts: Sequence[str], model_name: str) -> NDArray[np.float32]:
        from profilestore.features.text_model import text_hash

        hashes = [text_hash(text, model=model_name) for text in texts]
        cached = self._cache.read(hashes)
        missing = [i for i, key in enumerate(hashes) if key not in cached]
        if len(missing) > 0:
            rows = self._models.text(model_name).encode([texts[i] for i in missing])
            fresh = {hashes[i]: row for i, row in zip(missing, rows, strict=True)}
            self._cache.write(fresh, model=model_name)
            cached |= fresh
        return np.stack([cached[key] for key in hashes])


def _key(text: str, meta: IndexMeta) -> tuple[str | None, str | None, str | None, str]:
    return meta.text_model, meta.topics_model, meta.taste_content, text
