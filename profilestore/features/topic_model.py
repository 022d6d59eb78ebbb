"""A trained topic model: what it says of a text, and its topics in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import ModelError
from profilestore.features.model_bytes import content_name, pack_model, unpack_model
from profilestore.features.text_model import Vectors
from profilestore.features.tokens import content_tokens
from profilestore.features.variational import expected_log, infer_chunk

__all__ = ["CHUNK", "TopicModel", "by_relevance"]

_KIND: Final = "topics"
# Documents that are inferred at once, in training too.
CHUNK: Final = 1000
MAIN_SHARE: Final = 0.15
MAIN_TOPICS: Final = 3
# Weight of a word's probability against its lift in the relevance of Sievert and Shirley (2014).
RELEVANCE_LAMBDA: Final = 0.6


class TopicModel:
    """A trained topic model.

    `words` are tokens and `forms` how each is mostly written; `weights` (topics, V) is LDA's lambda, `alpha`
    (topics,) the prior of the shares. `figures`: coherence (c_npmi) of each number of topics tried, perplexity
    a word, seconds, documents, vocabulary.
    """

    def __init__(
        self, words: list[str], *, forms: list[str], weights: NDArray[Any], alpha: NDArray[Any], labels: list[str],
        figures: dict[str, Any],
    ) -> None:  # fmt: skip
        self.labels, self.figures, self._words, self._forms = labels, figures, words, forms
        self._stored = {
            "weights": np.asarray(weights, dtype=np.float32), "alpha": np.asarray(alpha, dtype=np.float32)
        }  # fmt: skip
        weights, self._alpha = self._stored["weights"], self._stored["alpha"]
        if (
            weights.shape != (len(labels), len(words))
            or self._alpha.shape != (len(labels),)
            or len(forms) != len(words)
        ):
            raise ModelError("a stored topics model does not fit together: train it again")
        self._probabilities = weights / weights.sum(axis=1, keepdims=True)
        self._exp_log_beta = np.exp(expected_log(weights)).astype(np.float32)
        self._index = {word: column for column, word in enumerate(words)}
        self._model_id = content_name(_KIND, {"words": words, "labels": labels}, self._stored)

    @property
    def model_id(self) -> str:
        """`topics-` and a hash of the content; figures are no part of it."""
        return self._model_id

    @property
    def topics(self) -> int:
        """How many topics there are."""
        return len(self.labels)

    def words(self, topic: int, n: int = 10) -> list[str]:
        """The n most relevant words of a topic, the first most."""
        order = by_relevance(self._probabilities, self._stored["weights"])[topic]
        return [self._forms[column] for column in order[:n]]

    def infer(self, texts: Sequence[str]) -> Vectors:
        """Shares of the topics, shape (n, topics), float32; rows sum to 1, or are zero for a blank text.

        A text none of whose words the model knows has the prior: that is what LDA says of it, and its
        buyers keep a vector in every space.
        """
        shares = np.zeros((len(texts), self.topics), dtype=np.float32)
        for start in range(0, len(texts), CHUNK):
            documents = [_to_counts(content_tokens(text), self._index) for text in texts[start : start + CHUNK]]
            for row, text in enumerate(texts[start : start + CHUNK], start):
                if text.strip() != "":
                    shares[row] = self._alpha / self._alpha.sum()
            known = [row for row, document in enumerate(documents) if len(document) > 0]
            if len(known) == 0:
                continue
            gamma, _ = infer_chunk([documents[row] for row in known], self._exp_log_beta, self._alpha)
            # Rounded, so that the last bit, which may hang on the batch, does not show.
            part = np.round(gamma / gamma.sum(axis=1, keepdims=True), 5)
            shares[start + np.asarray(known)] = part / part.sum(axis=1, keepdims=True)
        return shares

    def main_topics(self, vector: Sequence[float] | NDArray[Any]) -> list[str]:
        """Labels of the topics with a share of at least 0.15, the largest first, at most 3."""
        shares = np.asarray(vector, dtype=np.float64)
        order = np.argsort(-shares, kind="stable")[:MAIN_TOPICS]
        return [self.labels[topic] for topic in order if shares[topic] >= MAIN_SHARE]

    def to_bytes(self) -> bytes:
        """The model as bytes for `from_bytes`, here or on another machine."""
        header = {"words": self._words, "forms": self._forms, "labels": self.labels, "figures": self.figures}
        return pack_model(_KIND, header, self._stored)

    @classmethod
    def from_bytes(cls, data: bytes) -> TopicModel:
        """Read a model back.

        Raises:
            ModelError: the bytes are broken or are no topic model.
        """
        header, arrays = unpack_model(_KIND, data)
        try:
            return cls(
                header["words"], forms=header["forms"], labels=header["labels"], figures=header["figures"], **arrays
            )
        except (KeyError, TypeError, IndexError) as error:
            raise ModelError("a stored topics model is broken: train it again") from error


def by_relevance(probabilities: NDArray[Any], weights: NDArray[Any]) -> NDArray[np.intp]:
    """Columns of each topic by relevance: l * log p(word | topic) + (1 - l) * log lift (Sievert and Shirley 2014)."""
    marginal = weights.sum(axis=0) / weights.sum()
    log = np.log(probabilities)
    relevance = RELEVANCE_LAMBDA * log + (1.0 - RELEVANCE_LAMBDA) * (log - np.log(marginal))
    return np.argsort(-relevance, axis=1, kind="stable")


def _to_counts(tokens: list[str], index: dict[str, int]) -> list[tuple[int, int]]:
    counts: dict[int, int] = {}
    for token in tokens:
        column = index.get(token)
        if column is not None:
            counts[column] = counts.get(column, 0) + 1
    return sorted(counts.items())
