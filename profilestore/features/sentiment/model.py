"""The trained classifier: two tables of hashed weights, the lexicon's columns, and a calibrated probability.

A linear model over tf-idf (sublinear, each block of unit length), so a text's score is a sum of what its words add.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import ModelError
from profilestore.features.model_bytes import content_name, pack_model, unpack_model
from profilestore.features.sentiment.features import (
    BLOCKS,
    HASHED,
    LEXICON_COLUMNS,
    Counts,
)

__all__ = ["BlockWeights", "SentimentModel"]

_KIND: Final = "sentiment"


@dataclass(frozen=True)
class BlockWeights:
    """Of one block: the hashed columns it knows, ascending, their idf and weights, float32, all (known,)."""

    columns: NDArray[np.int32]
    idf: NDArray[np.float32]
    weights: NDArray[np.float32]

    def table(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """idf and weights by column, shape (HASHED,), zero where unknown."""
        idf = np.zeros(HASHED, dtype=np.float32)
        weights = np.zeros(HASHED, dtype=np.float32)
        idf[self.columns], weights[self.columns] = self.idf, self.weights
        return idf, weights


class SentimentModel:
    """A trained classifier. `figures` are of its validation, `languages` how many texts of each it learned from."""

    def __init__(
        self, blocks: Mapping[str, BlockWeights], *, lexicon: NDArray[np.float32], bias: float, slope: float,
        offset: float, languages: Mapping[str, int], figures: Mapping[str, Any],
    ) -> None:  # fmt: skip
        """The probability is the logistic function of `slope` * (score of the linear model) + `offset`."""
        if set(blocks) != set(BLOCKS) or lexicon.shape != (LEXICON_COLUMNS,):
            raise ModelError("a stored sentiment model does not fit together: train it again")
        self.languages, self.figures = dict(languages), dict(figures)
        self._blocks = dict(blocks)
        self._lexicon, self._bias, self._slope, self._offset = lexicon, bias, slope, offset
        self._tables = {name: block.table() for name, block in blocks.items()}
        self._model_id = content_name(_KIND, self._header(), self._arrays())

    @property
    def model_id(self) -> str:
        """`sentiment-` and a hash of the content; figures are no part of it."""
        return self._model_id

    def probabilities_of(self, counts: Counts) -> NDArray[np.float64]:
        """How probably each text is a good review, shape (n,); good and bad ones counted as equally frequent."""
        decision = np.asarray(counts.lexicon @ self._lexicon, dtype=np.float64) + self._bias
        for name, block in counts.blocks.items():
            idf, weights = self._tables[name]
            decision += weigh_rows(block, idf) @ weights
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(self._slope * decision + self._offset, -50.0, 50.0))))

    def knows(self, counts: Counts) -> NDArray[np.bool_]:
        """Whether it learned some word of each text, shape (n,); of others it can say nothing of its own."""
        idf, _ = self._tables["words"]
        block = counts.blocks["words"]
        rows = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
        return np.asarray(np.bincount(rows, weights=idf[block.indices] > 0.0, minlength=block.shape[0]) > 0)

    def to_bytes(self) -> bytes:
        """The model as bytes for `from_bytes`, here or on another machine."""
        return pack_model(_KIND, {**self._header(), "figures": self.figures}, self._arrays())

    @classmethod
    def from_bytes(cls, data: bytes) -> SentimentModel:
        """Read a model back.

        Raises:
            ModelError: the bytes are broken or are no sentiment model.
        """
        header, arrays = unpack_model(_KIND, data)
        try:
            blocks = {
                name: BlockWeights(*(arrays[f"{name}_{part}"] for part in ("columns", "idf", "weights")))
                for name in BLOCKS
            }
            return cls(blocks, lexicon=arrays["lexicon"], **header)
        except (KeyError, TypeError, IndexError) as error:
            raise ModelError("a stored sentiment model is broken: train it again") from error

    def _header(self) -> dict[str, Any]:
        return {"bias": self._bias, "slope": self._slope, "offset": self._offset, "languages": self.languages}

    def _arrays(self) -> dict[str, NDArray[Any]]:
        arrays: dict[str, NDArray[Any]] = {"lexicon": self._lexicon}
        for name, block in self._blocks.items():
            arrays |= {f"{name}_columns": block.columns, f"{name}_idf": block.idf, f"{name}_weights": block.weights}
        return arrays


def weigh_rows(counts: Any, idf: NDArray[np.float32]) -> Any:
    """Sparse counts (n, HASHED) as tf-idf: (1 + ln tf) * idf, rows of unit length; columns of idf 0 fall out."""
    import scipy.sparse as sp

    data = (1.0 + np.log(counts.data)) * idf[counts.indices]
    weighed = sp.csr_matrix((data.astype(np.float32), counts.indices, counts.indptr), shape=counts.shape)
    lengths = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1), dtype=np.float64)).ravel()
    return sp.diags(1.0 / np.where(lengths > 0.0, lengths, 1.0)).astype(np.float32) @ weighed
