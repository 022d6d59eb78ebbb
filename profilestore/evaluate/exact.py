"""The same lists by brute force, from the vectors that are stored: what the approximate search loses.

Scores are the server's own: (1 + cos) / 2 for text and topics; for taste s + 1 of a dot product s >= 0 and
1 / (1 - s) below, or in the sparse form the sum over common tokens; times the boost of the space, added up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.evaluate.questions import Questions
from profilestore.features.ranking import top_products
from profilestore.features.served import VECTOR_FIELDS, decode_vector
from profilestore.indexing.parts import Parts

__all__ = ["StoredVectors", "exact_lists", "read_vectors"]

SPARSE: Final = "taste-sparse"
_SPARSE_FIELDS: Final = ("taste_weights", "taste_items")
_USERS_AT_ONCE: Final = 500

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class StoredVectors:
    """By space the vectors of the catalogue (products, dims) and of the users asked about (users, dims), zero where
    there is none; in the sparse form weights by token, sparse. `hidden` is sparse (users, products): what each
    profile says was seen."""

    products: Mapping[str, Any]
    users: Mapping[str, Any]
    hidden: Any


def read_vectors(beside: Parts, questions: Questions) -> StoredVectors:
    """Read what the server compares."""
    side = beside.in_force
    index = side.products.identity()
    fields = ("product_id", *VECTOR_FIELDS.values(), _SPARSE_FIELDS[0])
    stored = {
        product_id: source
        for page in side.products.scan(index.index, fields=fields, page=500, vectors=True)
        for product_id, source, _ in page
    }
    profiles = side.profiles.read(side.profiles.identity().index, questions.users, without=("state",), vectors=True)
    catalogue: list[Mapping[str, Any]] = [stored.get(product_id, {}) for product_id in questions.catalogue]
    asked: list[Mapping[str, Any]] = [
        profiles[user_id].source if user_id in profiles else {} for user_id in questions.users
    ]
    products: dict[str, Any] = {}
    users: dict[str, Any] = {}
    for space, name in VECTOR_FIELDS.items():
        dims = next((len(decode_vector(source[name])) for source in asked if source.get(name) is not None), 0)
        if dims > 0:
            products[space] = _dense(catalogue, name, dims)
            users[space] = _dense(asked, name, dims)
    weights, items = _SPARSE_FIELDS
    if any(source.get(items) for source in asked):
        tokens = {product_id: number for number, product_id in enumerate(sorted(stored))}
        products[SPARSE] = _sparse((source.get(weights) or {} for source in catalogue), tokens, len(catalogue))
        users[SPARSE] = _sparse((source.get(items) or {} for source in asked), tokens, len(asked))
    column = {product_id: number for number, product_id in enumerate(questions.catalogue)}
    seen = (dict.fromkeys(source.get("seen_products") or (), 1.0) for source in asked)
    return StoredVectors(products, users, _sparse(seen, column, len(asked)))


def exact_lists(
    vectors: StoredVectors, boosts: Mapping[str, float], *, length: int, repeats: bool
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The best products of each user by the boosted sum of the spaces' scores, equal scores by product id.

    Returns:
        (users, length) of columns, and (users,) whether the user has vectors: others are answered otherwise.
    """
    count = vectors.hidden.shape[0]
    known = np.ones(count, dtype=bool)
    for space in boosts:
        known &= _has(vectors.users[space])
    lists: list[NDArray[np.int64]] = []
    for start in range(0, count, _USERS_AT_ONCE):
        part = slice(start, start + _USERS_AT_ONCE)
        scores = np.zeros((vectors.hidden[part].shape[0], vectors.hidden.shape[1]))
        for space, boost in boosts.items():
            scores += boost * _scores(space, vectors.users[space][part], vectors.products[space])
        hidden = scores <= 0.0
        if not repeats:
            hidden |= vectors.hidden[part].toarray() > 0
        # The server's scores are float32: what is equal there is ordered by product id.
        lists.append(top_products(scores.astype(np.float32), k=length, hidden=hidden))
    return np.concatenate(lists) if len(lists) > 0 else np.zeros((0, length), dtype=np.int64), known


def _scores(space: str, users: Any, products: Any) -> NDArray[np.float64]:
    if space == SPARSE:
        return np.asarray((users @ products.T).toarray(), dtype=np.float64)
    there = _has(products)
    if space == "taste":
        dots = users.astype(np.float64) @ products.T.astype(np.float64)
        scores = np.where(dots >= 0.0, dots + 1.0, 1.0 / (1.0 + np.maximum(-dots, 0.0)))
    else:
        scores = (1.0 + _unit(users) @ _unit(products).T) / 2.0
    return np.asarray(np.where(there[None, :], scores, 0.0))


def _unit(vectors: Floats) -> NDArray[np.float64]:
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, lengths, out=np.zeros(vectors.shape), where=lengths > 0))


def _has(vectors: Any) -> NDArray[np.bool_]:
    if isinstance(vectors, np.ndarray):
        return np.asarray(vectors.any(axis=1))
    return np.asarray(np.diff(vectors.indptr) > 0)


def _dense(sources: Sequence[Mapping[str, Any]], name: str, dims: int) -> Floats:
    rows = np.zeros((len(sources), dims), dtype=np.float32)
    for row, source in enumerate(sources):
        if source.get(name) is not None:
            rows[row] = decode_vector(source[name])
    return rows


def _sparse(rows: Iterable[Mapping[str, float]], tokens: Mapping[str, int], count: int) -> Any:
    from scipy.sparse import csr_array

    values: list[float] = []
    columns: list[int] = []
    ends = [0]
    for row in rows:
        known = [(tokens[token], value) for token, value in row.items() if token in tokens]
        columns += [column for column, _ in known]
        values += [value for _, value in known]
        ends.append(len(values))
    return csr_array((np.array(values), np.array(columns, dtype=np.int64), np.array(ends)), shape=(count, len(tokens)))
