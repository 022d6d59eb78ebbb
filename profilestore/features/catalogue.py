"""What the fold reads of products: in-vectors by space, category, brand and price, held as matrices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import ModelError
from profilestore.features.state import SPACES

__all__ = ["Catalogue", "ProductFeatures"]

_FIRST_CAPACITY: Final = 1024


@dataclass(frozen=True, slots=True)
class ProductFeatures:
    """One product as the fold sees it. `vectors` by space, float32 of shape (dims,)."""

    product_id: str
    category: str | None = None
    brand: str | None = None
    price: float | None = None
    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


class Catalogue:
    """Products by id, their in-vectors as rows of one matrix a space.

    A product without a vector of a space has a zero row there: its events say nothing in it.
    """

    def __init__(self, products: Iterable[ProductFeatures] = ()) -> None:
        self._rows: dict[str, int] = {}
        self._products: list[ProductFeatures] = []
        self._free: list[int] = []
        self._matrices: dict[str, NDArray[np.float32]] = {}
        self._norms: dict[str, NDArray[np.float64]] = {}
        self.add(products)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, product_id: object) -> bool:
        return product_id in self._rows

    def clear(self) -> None:
        """Forget all products, as when their index changed."""
        self._rows.clear()
        self._products.clear()
        self._free.clear()
        self._matrices.clear()
        self._norms.clear()

    def discard(self, product_ids: Iterable[str]) -> None:
        """Forget some products; their rows are read again when next needed."""
        for product_id in product_ids:
            row = self._rows.pop(product_id, None)
            if row is not None:
                self._free.append(row)

    def add(self, products: Iterable[ProductFeatures]) -> None:
        """Take products in, replacing those known.

        Raises:
            ModelError: a vector has another length than the others of its space.
        """
        for product in products:
            self.discard([product.product_id])
            row = self._take_row(product)
            self._rows[product.product_id] = row
            for space, vector in product.vectors.items():
                matrix = self._matrix(space, rows=row + 1, dims=vector.shape[0])
                matrix[row] = vector
                self._norms[space][row] = float(np.linalg.norm(vector.astype(np.float64)))

    def _take_row(self, product: ProductFeatures) -> int:
        # Rows are used again, so that a process that follows the log for months does not grow.
        if len(self._free) == 0:
            self._products.append(product)
            return len(self._products) - 1
        row = self._free.pop()
        self._products[row] = product
        for space, matrix in self._matrices.items():
            if row < matrix.shape[0]:
                matrix[row] = 0.0
                self._norms[space][row] = 0.0
        return row

    def _matrix(self, space: str, *, rows: int, dims: int) -> NDArray[np.float32]:
        matrix = self._matrices.get(space)
        if matrix is not None and matrix.shape[1] != dims:
            raise ModelError(
                f"products carry {space} vectors of {matrix.shape[1]} and of {dims} dimensions: "
                "the index holds two models. Run `profilestore init --check`."
            )
        if matrix is None or matrix.shape[0] < rows:
            capacity = max(_FIRST_CAPACITY, 2 * rows)
            grown = np.zeros((capacity, dims), dtype=np.float32)
            norms = np.zeros(capacity)
            if matrix is not None:
                grown[: matrix.shape[0]] = matrix
                norms[: matrix.shape[0]] = self._norms[space]
            self._matrices[space], self._norms[space] = grown, norms
        return self._matrices[space]

    def get(self, product_id: str | None) -> ProductFeatures | None:
        """The product, or None when it is not known."""
        row = None if product_id is None else self._rows.get(product_id)
        return None if row is None else self._products[row]

    def rows(self, product_ids: Sequence[str | None]) -> NDArray[np.int64]:
        """Row of each product in the matrices, -1 where unknown; for `in_vectors`."""
        find = self._rows.get
        return np.array([-1 if p is None else find(p, -1) for p in product_ids], dtype=np.int64)

    def in_vectors(
        self, space: str, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.float32], NDArray[np.float64]] | None:
        """Of these rows: which have an in-vector in the space (n,), the vectors (m, dims) and their lengths
        (m,) of those that do; None when none has."""
        matrix = self._matrices.get(space)
        if matrix is None:
            return None
        known = (rows >= 0) & (rows < matrix.shape[0])
        lengths = np.where(known, self._norms[space][np.where(known, rows, 0)], 0.0)
        told = lengths > 0.0
        if not told.any():
            return None
        return told, matrix[rows[told]], lengths[told]

    @property
    def spaces(self) -> tuple[str, ...]:
        """The spaces in which some product has a vector."""
        return tuple(space for space in SPACES if space in self._matrices)
