"""A trained taste model: two vectors a product, and all that is told about how they came to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import ModelError
from profilestore.features.model_bytes import content_name, pack_model, unpack_model
from profilestore.features.taste.settings import TasteSettings
from profilestore.features.taste.sparse import SparseWeights

__all__ = ["TasteModel"]

_KIND: Final = "taste"
_WEIGHTS: Final = ("starts", "sources", "values")

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class TasteModel:
    """In- and out-vectors of products: profile = sum of decayed w * in, score = profile . out.

    `in_vectors` and `out_vectors` are float32 of shape (products, dims), rows in the order of
    `product_ids`. In the sparse form, `weights` are what each product is scored by instead, and the vectors
    are for everything else that compares tastes. `figures` says how good it is and what it was trained on; it
    is not part of the id.
    """

    product_ids: tuple[str, ...]
    in_vectors: Vectors
    out_vectors: Vectors
    settings: TasteSettings
    figures: Mapping[str, Any] = field(default_factory=dict)
    weights: SparseWeights | None = None

    def __post_init__(self) -> None:
        if (self.settings.form == "sparse") != (self.weights is not None):
            raise ModelError("a taste model has weights by product where its form is sparse, and only there.")
        if self.in_vectors.shape != self.out_vectors.shape or len(self.product_ids) != self.in_vectors.shape[0]:
            raise ModelError("a taste model needs an in-vector and an out-vector of one length for each product.")

    @property
    def dims(self) -> int:
        """Length of a vector."""
        return int(self.in_vectors.shape[1])

    @property
    def _arrays(self) -> dict[str, NDArray[Any]]:
        vectors: dict[str, NDArray[Any]] = {"in_vectors": self.in_vectors, "out_vectors": self.out_vectors}
        if self.weights is None:
            return vectors
        kept = {name: getattr(self.weights, name) for name in _WEIGHTS}
        return vectors | {f"weights_{name}": array for name, array in kept.items()}

    @property
    def _header(self) -> dict[str, Any]:
        return {"product_ids": list(self.product_ids), "settings": self.settings.to_dict()}

    @cached_property
    def model_id(self) -> str:
        """`taste-` and a hash of the content: equal models have equal names everywhere."""
        return content_name(_KIND, self._header, self._arrays)

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """Row of each product."""
        return {product_id: row for row, product_id in enumerate(self.product_ids)}

    def to_bytes(self) -> bytes:
        """The model as bytes, without a pickle."""
        return pack_model(_KIND, {**self._header, "figures": dict(self.figures)}, self._arrays)

    @classmethod
    def from_bytes(cls, data: bytes) -> TasteModel:
        """The model that was packed.

        Raises:
            ModelError: the bytes are broken, or of another kind of model.
        """
        header, arrays = unpack_model(_KIND, data)
        try:
            return cls(
                product_ids=tuple(header["product_ids"]),
                in_vectors=arrays["in_vectors"],
                out_vectors=arrays["out_vectors"],
                settings=TasteSettings.from_dict(header["settings"]),
                figures=header["figures"],
                weights=SparseWeights(**{name: arrays[f"weights_{name}"] for name in _WEIGHTS})
                if "weights_starts" in arrays
                else None,
            )
        except (KeyError, TypeError) as error:
            raise ModelError(f"a stored taste model is broken ({type(error).__name__}): train it again.") from error
