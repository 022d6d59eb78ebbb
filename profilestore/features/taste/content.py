"""Taste vectors from content: what a product nobody has bought yet adds to a profile and is compared with.

Ridge regression from text vector, topic vector, category and log price to the learned in- and out-vectors, put
right by the products of the nearest texts (`alike`), and ridge regression from the text vector alone to the
in-vector, for the words of searches. The model names the text and topic models whose vectors it reads, so it stays
right when others come into force.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import ModelError
from profilestore.features.model_bytes import content_name, pack_model, unpack_model
from profilestore.features.taste.alike import SHARES, of_alike, unit_text

__all__ = ["Content", "ContentModel", "fit_content"]

_KIND: Final = "taste-content"
_CATEGORIES_MOST: Final = 200
_RIDGES: Final = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
# So many products of known taste are kept to compare new ones with.
_ALIKE_MOST: Final = 10_000
# Every so many-th product is hidden while the ridge is chosen.
_HIDDEN_EVERY: Final = 5

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Content:
    """Products by what they are: text (n, dims) and topics (n, topics) with zero rows where there is none."""

    text: Matrix
    topics: Matrix
    categories: Sequence[str | None]
    prices: Sequence[float | None]

    def __len__(self) -> int:
        return len(self.prices)

    def picked(self, rows: NDArray[np.int64]) -> Content:
        """Some of the products."""
        return Content(
            self.text[rows],
            self.topics[rows],
            [self.categories[row] for row in rows.tolist()],
            [self.prices[row] for row in rows.tolist()],
        )


@dataclass(frozen=True)
class ContentModel:
    """Linear maps from content to taste. `weights` (features, 2 * dims) and `word_weights` (text dims, dims)
    are float32; the features are text, topics, categories and two of the price, in this order, then 1. Of known
    products: `alike_text` (known, text dims) of unit length, `alike_vectors` (known, 2 * dims)."""

    taste_model: str
    text_model: str | None
    topics_model: str | None
    categories: tuple[str, ...]
    text_dims: int
    topic_dims: int
    weights: Matrix
    word_weights: Matrix
    explained: float
    alike_share: float = 0.0
    alike_text: NDArray[np.float16] | None = None
    alike_vectors: NDArray[np.float16] | None = None

    @property
    def dims(self) -> int:
        """Length of a taste vector."""
        return int(self.weights.shape[1]) // 2

    def predict(self, content: Content) -> tuple[Matrix, Matrix]:
        """In- and out-vectors (n, dims) of these products."""
        both = _features(content, self.categories) @ self.weights
        if self.alike_text is not None and self.alike_vectors is not None:
            near, told = of_alike(
                unit_text(content.text), self.alike_text.astype(np.float32), self.alike_vectors.astype(np.float32)
            )
            share = np.float32(self.alike_share) * told[:, None]
            both = (1.0 - share) * both + share * near
        both = both.astype(np.float32)
        return np.ascontiguousarray(both[:, : self.dims]), np.ascontiguousarray(both[:, self.dims :])

    def predict_words(self, text: Matrix) -> Matrix:
        """In-vectors (n, dims) of words by their text vectors; a zero row stays zero."""
        return np.asarray(text @ self.word_weights, dtype=np.float32)

    @property
    def _arrays(self) -> dict[str, NDArray[Any]]:
        arrays: dict[str, NDArray[Any]] = {"weights": self.weights, "word_weights": self.word_weights}
        if self.alike_text is not None and self.alike_vectors is not None:
            arrays |= {"alike_text": self.alike_text, "alike_vectors": self.alike_vectors}
        return arrays

    @property
    def _header(self) -> dict[str, Any]:
        names = ("taste_model", "text_model", "topics_model", "text_dims", "topic_dims", "explained", "alike_share")
        return {name: getattr(self, name) for name in names} | {"categories": list(self.categories)}

    @cached_property
    def model_id(self) -> str:
        """`taste-content-` and a hash of the content."""
        return content_name(_KIND, self._header, self._arrays)

    def to_bytes(self) -> bytes:
        """The model as bytes, without a pickle."""
        return pack_model(_KIND, self._header, self._arrays)

    @classmethod
    def from_bytes(cls, data: bytes) -> ContentModel:
        """The model that was packed.

        Raises:
            ModelError: the bytes are broken, or of another kind of model.
        """
        header, arrays = unpack_model(_KIND, data)
        try:
            fields: dict[str, Any] = {**header, **arrays, "categories": tuple(header["categories"])}
            return cls(**fields)
        except (KeyError, TypeError) as error:
            raise ModelError(f"a stored {_KIND} model is broken ({type(error).__name__}): train it again.") from error


def fit_content(
    content: Content,
    in_vectors: Matrix,
    out_vectors: Matrix,
    *,
    taste_model: str,
    text_model: str | None,
    topics_model: str | None,
) -> ContentModel:
    """Fit the maps on products whose vectors were learned; how strongly to regularise is tried on hidden ones.

    Args:
        content: of n products.
        in_vectors: (n, dims), learned.
        out_vectors: (n, dims), learned.
        taste_model: id of the model that the vectors are of.
        text_model: whose vectors `content.text` are.
        topics_model: whose vectors `content.topics` are.

    Raises:
        ModelError: there is no product to learn from.
    """
    if len(content) == 0:
        raise ModelError("no product with a learned taste to fit content on.")
    named = [category for category in content.categories if category is not None]
    values, counts = np.unique(np.array(named, dtype=object).astype(str), return_counts=True)
    kept = values[np.argsort(-counts, kind="stable")[:_CATEGORIES_MOST]]
    categories = tuple(sorted(str(value) for value in kept))
    features = _features(content, categories).astype(np.float64)
    targets = np.concatenate([in_vectors, out_vectors], axis=1).astype(np.float64)
    # In- and out-vectors may be of quite different scales; each should be as well foretold.
    half = in_vectors.shape[1]
    scale = np.array([np.linalg.norm(targets[:, :half]), np.linalg.norm(targets[:, half:])])
    scale = np.repeat(np.where(scale > 0, scale, 1.0), half) / np.sqrt(len(content))
    weights, ridge, explained = _ridge(features, targets / scale)
    words, _, _ = _ridge(content.text.astype(np.float64), in_vectors.astype(np.float64))
    share, explained = _share(content.text, features, targets / scale, ridge, explained)
    near = slice(None, None, max(1, -(-len(content) // _ALIKE_MOST)))
    return ContentModel(
        taste_model=taste_model,
        text_model=text_model,
        topics_model=topics_model,
        categories=categories,
        text_dims=content.text.shape[1],
        topic_dims=content.topics.shape[1],
        weights=(weights * scale).astype(np.float32),
        word_weights=words.astype(np.float32),
        explained=round(explained, 4),
        alike_share=share,
        alike_text=unit_text(content.text[near]).astype(np.float16) if share > 0.0 else None,
        alike_vectors=targets[near].astype(np.float16) if share > 0.0 else None,
    )


def _features(content: Content, categories: Sequence[str]) -> Matrix:
    column = {category: place for place, category in enumerate(categories)}
    shelf = np.zeros((len(content), len(categories)), dtype=np.float32)
    for row, category in enumerate(content.categories):
        if category in column:
            shelf[row, column[category]] = 1.0
    known = np.array([price is not None for price in content.prices], dtype=np.float32)
    # A price of 1 is 0, of 1,000 is 1.7: on the scale of the other features.
    logs = np.log10(np.array([1e-2 if price is None else max(price, 1e-2) for price in content.prices])) / 1.75
    price = np.stack([known, known * logs.astype(np.float32)], axis=1)
    one = np.ones((len(content), 1), dtype=np.float32)
    return np.concatenate([content.text, content.topics, shelf, price, one], axis=1).astype(np.float32)


def _share(
    text: Matrix, features: NDArray[np.float64], targets: NDArray[np.float64], ridge: float, explained: float
) -> tuple[float, float]:
    """How much the products of the nearest texts count, and the share of variance explained with them."""
    hidden = np.arange(len(features)) % _HIDDEN_EVERY == 0
    total = float(((targets[hidden] - targets[~hidden].mean(axis=0)) ** 2).sum()) if (~hidden).any() else 0.0
    if len(features) < 2 * _HIDDEN_EVERY or not total > 0.0 or not text.any():
        return 0.0, explained
    unit = unit_text(text)
    near, told = of_alike(unit[hidden], unit[~hidden], targets[~hidden].astype(np.float32))
    linear = features[hidden] @ _solve(features[~hidden], targets[~hidden], ridge)

    def left(share: float) -> float:
        shares = share * told[:, None]
        return float(((targets[hidden] - (1.0 - shares) * linear - shares * near) ** 2).sum())

    best = min(SHARES, key=left)
    return best, max(1.0 - left(best) / total, 0.0)


def _ridge(features: NDArray[np.float64], targets: NDArray[np.float64]) -> tuple[NDArray[np.float64], float, float]:
    """Weights (features, targets), the ridge, and the variance explained on products hidden from the fit."""
    if features.shape[1] == 0:
        return np.zeros((0, targets.shape[1])), _RIDGES[-1], 0.0
    hidden = np.arange(len(features)) % _HIDDEN_EVERY == 0
    best, explained = _RIDGES[-1], -np.inf
    if len(features) >= 2 * _HIDDEN_EVERY:
        total = float(((targets[hidden] - targets[~hidden].mean(axis=0)) ** 2).sum())
        for ridge in _RIDGES:
            left = targets[hidden] - features[hidden] @ _solve(features[~hidden], targets[~hidden], ridge)
            share = 1.0 - float((left**2).sum()) / total if total > 0 else 0.0
            if share > explained:
                best, explained = ridge, share
    return _solve(features, targets, best), best, max(explained, 0.0)


def _solve(features: NDArray[np.float64], targets: NDArray[np.float64], ridge: float) -> NDArray[np.float64]:
    left = features.T @ features
    left[np.diag_indices_from(left)] += ridge
    return np.asarray(np.linalg.solve(left, features.T @ targets))
