"""The sparse form of an item-item matrix: of each product the largest positive weights of its column of B.

    score(u, j) = sum over products i of u:  profile(u, i) * B[i, j]   over the kept B[i, j] only

It needs no factoring, so nothing is lost to dimensions, and served as a `sparse_vector` it is asked with the
products of a user and their decayed weights (DESIGN.md, *linear profiles*). Columns are made in blocks: the
whole of B is never held for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.features.taste.factoring import ItemMatrix, Matrix

__all__ = ["SparseWeights", "foretold_weights", "largest_weights"]

_COLUMNS_AT_ONCE: Final = 512


@dataclass(frozen=True, slots=True)
class SparseWeights:
    """Of product j, from `starts[j]` to `starts[j + 1]`: rows of the products that speak for it, and how much.

    `starts` (products + 1,) int64, `sources` int32 and `values` float32 (kept,), the largest first.
    """

    starts: NDArray[np.int64]
    sources: NDArray[np.int32]
    values: NDArray[np.float32]

    def of_product(self, row: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Sources and values of one product."""
        part = slice(int(self.starts[row]), int(self.starts[row + 1]))
        return self.sources[part], self.values[part]

    def limited(self, most: int) -> SparseWeights:
        """At most so many a product."""
        place = np.arange(self.values.size) - np.repeat(self.starts[:-1], np.diff(self.starts))
        kept = place < most
        return _stacked(np.minimum(np.diff(self.starts), most), self.sources[kept], self.values[kept])

    def scaled(self, factor: float) -> SparseWeights:
        """All weights times a factor above 0."""
        return SparseWeights(self.starts, self.sources, (self.values * np.float32(factor)).astype(np.float32))

    def of_products(self, rows: NDArray[np.int64]) -> SparseWeights:
        """Of and among these products only, numbered anew in the order given."""
        part = self.matrix()[rows][:, rows].tocsc()
        counts = np.diff(part.indptr)
        column = np.repeat(np.arange(rows.size), counts)
        order = np.lexsort((part.indices, -part.data, column))
        return _stacked(counts, part.indices[order].astype(np.int32), part.data[order].astype(np.float32))

    def matrix(self) -> Any:
        """As a sparse (products, products) matrix of columns: scores are `profiles @ matrix`."""
        from scipy.sparse import csc_array

        count = self.starts.size - 1
        return csc_array((self.values, self.sources, self.starts), shape=(count, count))


def largest_weights(items: ItemMatrix, *, most: int, lift: NDArray[np.float32] | None = None) -> SparseWeights:
    """The largest positive weights of each column of an item-item matrix, its own product left out.

    Args:
        items: B.
        most: weights a product keeps.
        lift: (products,), what is added to the whole of each column.
    """
    counts: list[NDArray[np.int64]] = []
    sources: list[NDArray[np.int32]] = []
    values: list[Matrix] = []
    for start in range(0, items.products, _COLUMNS_AT_ONCE):
        stop = min(start + _COLUMNS_AT_ONCE, items.products)
        block = items.columns(start, stop)
        if lift is not None:
            block = block + lift[None, start:stop]
        block[np.arange(start, stop), np.arange(stop - start)] = 0.0
        counted, rows, weights = _largest(block.T, most)
        counts.append(counted)
        sources.append(rows)
        values.append(weights)
    return _stacked(np.concatenate(counts), np.concatenate(sources), np.concatenate(values))


def foretold_weights(in_vectors: Matrix, out_vectors: Matrix, *, most: int) -> SparseWeights:
    """The same for products whose out-vectors (n, dims) were foretold; sources are the rows of `in_vectors`."""
    return _stacked(*_largest(out_vectors @ in_vectors.T, most))


def _largest(rows: Matrix, most: int) -> tuple[NDArray[np.int64], NDArray[np.int32], Matrix]:
    """How many of each row are kept, and their columns and values, the largest first, equal ones by column."""
    width = min(most, rows.shape[1])
    kept = (
        np.sort(np.argpartition(-rows, width - 1, axis=1)[:, :width], axis=1)
        if width > 0
        else np.zeros((len(rows), 0), int)
    )
    found = np.take_along_axis(rows, kept, axis=1)
    order = np.argsort(-found, axis=1, kind="stable")
    found = np.take_along_axis(found, order, axis=1)
    positive = found > 0.0
    columns = np.take_along_axis(kept, order, axis=1)
    return positive.sum(axis=1), columns[positive].astype(np.int32), found[positive].astype(np.float32)


def _stacked(counts: NDArray[np.int64], sources: NDArray[np.int32], values: Matrix) -> SparseWeights:
    starts = np.zeros(counts.size + 1, dtype=np.int64)
    np.cumsum(counts, out=starts[1:])
    return SparseWeights(starts, sources, values)
