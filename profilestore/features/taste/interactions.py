"""Who acted on which product, when, and with which weight: the event log as the taste model reads it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.documents import Event
from profilestore.features.weights import FoldRules, effective_time, event_weight

__all__ = ["Interactions", "InteractionsBuilder", "hash_of", "mixed", "unit_rows"]

_DAY_S: Final = 86_400.0

# scipy ships no types: a csr_array of float32
Sparse = Any


@dataclass(frozen=True, slots=True)
class Interactions:
    """Weighed acts on products, in order of time.

    `users` and `products` (m,) number rows and columns, `times` (m,) are days since 1970, `weights` (m,)
    are w(e) of the fold. `user_hashes` (users,) is stable over runs and machines.
    """

    users: NDArray[np.int32]
    products: NDArray[np.int32]
    times: NDArray[np.float64]
    weights: NDArray[np.float32]
    user_hashes: NDArray[np.uint64]
    product_ids: tuple[str, ...]

    def __len__(self) -> int:
        return int(self.users.size)

    @property
    def user_count(self) -> int:
        """How many users there are, also those without an act in this part."""
        return int(self.user_hashes.size)

    @property
    def product_count(self) -> int:
        """How many products there are, also those without an act in this part."""
        return len(self.product_ids)

    @property
    def end(self) -> float:
        """The time of the last act, in days; 0 without any."""
        return float(self.times[-1]) if len(self) > 0 else 0.0

    def picked(self, chosen: NDArray[Any]) -> Interactions:
        """A part: by a mask or by positions that keep the order."""
        return Interactions(
            self.users[chosen],
            self.products[chosen],
            self.times[chosen],
            self.weights[chosen],
            self.user_hashes,
            self.product_ids,
        )

    def before(self, time: float) -> Interactions:
        """All acts earlier than a time."""
        return self.picked(np.arange(int(np.searchsorted(self.times, time, side="left"))))

    def between(self, start: float, stop: float) -> Interactions:
        """All acts with start <= time < stop."""
        first, last = np.searchsorted(self.times, [start, stop], side="left")
        return self.picked(np.arange(int(first), int(last)))

    def of_products(self, columns: NDArray[np.int64]) -> Interactions:
        """Only these products, numbered anew in the order given."""
        number = np.full(self.product_count, -1, dtype=np.int32)
        number[columns] = np.arange(columns.size, dtype=np.int32)
        kept = np.flatnonzero(number[self.products] >= 0)
        part = self.picked(kept)
        ids = tuple(self.product_ids[column] for column in columns.tolist())
        return Interactions(part.users, number[part.products], part.times, part.weights, part.user_hashes, ids)

    def of_users(self, chosen: NDArray[np.bool_]) -> Interactions:
        """Only the acts of the users marked; the numbering stays."""
        return self.picked(np.flatnonzero(chosen[self.users]))

    def _sparse(self, values: NDArray[Any]) -> Sparse:
        from scipy.sparse import csr_array

        matrix = csr_array(
            (values.astype(np.float32), (self.users, self.products)), shape=(self.user_count, self.product_count)
        )
        matrix.sum_duplicates()
        return matrix

    def liked(self) -> Sparse:
        """1 where the weights of a user's acts on a product add up to more than nothing; (users, products).

        A purchase that was wholly refunded, or a product that was rated low, is not liked.
        """
        return _positive(self._sparse(self.weights), cap=None)

    def touched(self) -> Sparse:
        """1 for every product that a user has acted on in any way; (users, products)."""
        matrix = self._sparse(np.ones(len(self)))
        matrix.data[:] = 1.0
        return matrix

    def latest(self, half_life_days: float | None) -> Sparse:
        """Each product once a user, decayed from its latest time back from the end; (users, products).

        The value is min(1, sum of weights): ten purchases are one, a single view is a tenth of one.
        Summing repeats in training costs a tenth of the accuracy (DESIGN.md).
        """
        matrix = _positive(self._sparse(self.weights), cap=1.0)
        if half_life_days is None or len(self) == 0:
            return matrix
        keys = self.users.astype(np.int64) * self.product_count + self.products
        # In order of time, so the first of the reversed keys is the latest act of its pair.
        pairs, at = np.unique(keys[::-1], return_index=True)
        times = self.times[::-1][at]
        rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
        matrix.sort_indices()
        held = np.searchsorted(pairs, rows * self.product_count + matrix.indices)
        matrix.data *= np.exp2(-(self.end - times[held]) / half_life_days).astype(np.float32)
        return matrix

    def profiles(self, half_life_days: float | None) -> Sparse:
        """Each user's profile over products as the fold sums it, of unit length; (users, products).

        Each user's own last act is the anchor, so that nothing underflows; a profile's ranking does not
        depend on it.
        """
        scale = np.ones(len(self))
        if half_life_days is not None and len(self) > 0:
            last = np.full(self.user_count, -np.inf)
            np.maximum.at(last, self.users, self.times)
            scale = np.exp2(-(last[self.users] - self.times) / half_life_days)
        return unit_rows(self._sparse(self.weights * scale))


def _positive(matrix: Sparse, *, cap: float | None) -> Sparse:
    matrix.data[matrix.data <= 1e-6] = 0.0
    matrix.eliminate_zeros()
    if cap is None:
        matrix.data[:] = 1.0
    else:
        np.minimum(matrix.data, cap, out=matrix.data)
    return matrix


def unit_rows(matrix: Sparse, *, power: float = 1.0) -> Sparse:
    """Each row divided by its length to a power; empty rows stay empty."""
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1), dtype=np.float64)).ravel()
    scale = np.divide(1.0, lengths**power, out=np.zeros_like(lengths), where=lengths > 0)
    scaled = matrix.copy()
    scaled.data = (matrix.data * np.repeat(scale, np.diff(matrix.indptr))).astype(np.float32)
    return scaled


class InteractionsBuilder:
    """Takes events in pages and keeps 20 bytes of each, and each user id once.

    Args:
        product_ids: the products that can be recommended; events with others say nothing here.
    """

    def __init__(self, product_ids: Sequence[str], rules: FoldRules) -> None:
        self._ids = tuple(product_ids)
        self._columns: Mapping[str, int] = {product_id: column for column, product_id in enumerate(self._ids)}
        self._rules = rules
        self._rows: dict[str, int] = {}
        self._pages: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]] = []
        self.read = 0

    def add(self, events: Iterable[Event]) -> None:
        """Take a page of events."""
        users: list[int] = []
        products: list[int] = []
        times: list[float] = []
        weights: list[float] = []
        for event in events:
            self.read += 1
            column = None if event.product_id is None else self._columns.get(event.product_id)
            if column is None:
                continue
            weight = event_weight(event, self._rules)
            if weight == 0.0:
                continue
            users.append(self._rows.setdefault(event.user_id, len(self._rows)))
            products.append(column)
            times.append(effective_time(event) / _DAY_S)
            weights.append(weight)
        self._pages.append(
            (
                np.array(users, dtype=np.int32),
                np.array(products, dtype=np.int32),
                np.array(times, dtype=np.float64),
                np.array(weights, dtype=np.float32),
            )
        )

    def build(self) -> Interactions:
        """All that was taken in, in order of time, ties by user and product: the order of the log is forgotten."""
        hashes = np.array([hash_of(user_id) for user_id in self._rows], dtype=np.uint64)
        order_of_users = np.argsort(hashes, kind="stable")
        number = np.empty(hashes.size, dtype=np.int32)
        number[order_of_users] = np.arange(hashes.size, dtype=np.int32)
        kinds = (np.int32, np.int32, np.float64, np.float32)
        users, products, times, weights = (
            np.concatenate([np.zeros(0, dtype=kind), *(page[i] for page in self._pages)])
            for i, kind in enumerate(kinds)
        )
        self._pages.clear()
        users = number[users]
        order = np.lexsort((weights, products, users, times))
        return Interactions(
            users[order], products[order], times[order], weights[order], hashes[order_of_users], self._ids
        )


def hash_of(id: str) -> int:
    """A number of 64 bits from an id, the same in every run and on every machine."""
    return int.from_bytes(hashlib.blake2b(id.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def mixed(keys: NDArray[np.uint64], *, seed: int = 0) -> NDArray[np.float64]:
    """A number in [0, 1) of each key and the seed, the same in every run (the finaliser of SplitMix64)."""
    value = keys ^ np.uint64((seed * 0x9E3779B97F4A7C15) % 2**64)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray((value ^ (value >> np.uint64(31))) >> np.uint64(11), dtype=np.float64) / 2.0**53
