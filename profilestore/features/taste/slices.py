"""A validation cut as the methods see it: taste, text and topics scored on the server's scale, some products
hidden from training, users by how much is known of them.

The hidden ones are a tenth of the products by a stable hash. What is foretold of them from content stands in for
what was learned, so a method is also measured where it must do without any act.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.features.ranking import ndcg_at, top_products
from profilestore.features.taste.choosing import Choice, asked_with, served_scale
from profilestore.features.taste.content import Content, fit_content
from profilestore.features.taste.interactions import hash_of
from profilestore.features.taste.sparse import foretold_weights
from profilestore.features.taste.tuning import Validation

__all__ = ["Slices", "hidden_products", "narrowed", "server_score"]

K: Final = 20
_USERS_AT_ONCE: Final = 500
_HIDDEN_SHARE: Final = 0.1

Matrix = NDArray[np.float32]
Floats = NDArray[np.float64]


def hidden_products(product_ids: tuple[str, ...]) -> NDArray[np.bool_]:
    """A tenth of the products, the same in every run."""
    hashes = np.array([hash_of(product_id) for product_id in product_ids], dtype=np.float64)
    return np.asarray(hashes / 2.0**64 < _HIDDEN_SHARE)


def narrowed(validation: Validation, choice: Choice, rows: NDArray[np.int64]) -> tuple[Validation, Choice] | None:
    """A cut and its model with some of the products only; None where they leave nothing to train or ask."""
    if rows.size == validation.train.product_count and bool((rows == np.arange(rows.size)).all()):
        return validation, choice
    relevant = validation.relevant[:, rows].tocsr()
    users = validation.users[np.diff(relevant.indptr)[validation.users] > 0]
    train = validation.train.of_products(rows)
    if users.size == 0 or len(train) == 0:
        return None
    weights = None if choice.weights is None else choice.weights.of_products(rows)
    vectors = (choice.vectors[0][rows], choice.vectors[1][rows])
    narrow = Validation(train, users, relevant, validation.by_time)
    return narrow, Choice(choice.settings, choice.figures, vectors, weights)


def server_score(space: str, similarity: Matrix) -> Matrix:
    """What Elasticsearch makes of a dot product (taste) or a cosine (text, topics)."""
    if space == "taste":
        return np.where(similarity >= 0, similarity + 1.0, 1.0 / (1.0 - np.minimum(similarity, 0.0))).astype(np.float32)
    return np.asarray((1.0 + similarity) / 2.0, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class _Taste:
    """In- and out-vectors of the cut's model with those of hidden products foretold; weights where sparse."""

    ins: Matrix
    outs: Matrix
    weights: Any | None


class Slices:
    """Scores of the spaces for users of a validation cut, and NDCG@20 of what is made of them.

    Args:
        validation: the cut.
        choice: the model of the cut as it would be served.
        content: of the products of the cut, in their order.
        half_lives: in days, of `text` and `topics`; the spaces that the products have vectors of.

    Raises:
        ModelError: there is nothing to foretell from.
    """

    def __init__(
        self, validation: Validation, choice: Choice, content: Content, half_lives: Mapping[str, float]
    ) -> None:
        self.validation = validation
        self.hidden = hidden_products(validation.train.product_ids)
        self._known = np.zeros(validation.train.product_count, dtype=bool)
        self._known[validation.train.products] = True
        self._taste = _foretold(choice, content, self.hidden, self._known)
        self._profiles = validation.train.profiles(choice.settings.profile_half_life_days)
        by_space = {"text": content.text, "topics": content.topics}
        self._vectors = {space: _unit(by_space[space]) for space in half_lives}
        self._sums = {
            space: _unit(np.asarray(validation.train.profiles(days) @ by_space[space]))
            for space, days in half_lives.items()
        }
        self._touched = validation.train.touched()

    @property
    def spaces(self) -> tuple[str, ...]:
        """Taste, and those with vectors."""
        return ("taste", *self._vectors)

    def cold_users(self) -> NDArray[np.int64]:
        """Users of the cut who are asked for a hidden product."""
        relevant = self.validation.relevant[self.validation.users][:, np.flatnonzero(self.hidden)]
        return np.asarray(self.validation.users[np.diff(relevant.tocsr().indptr) > 0])

    def scores(self, space: str, users: NDArray[np.int64]) -> Matrix:
        """Scores (users, products) in one space, on the server's scale."""
        if space != "taste":
            return server_score(space, self._sums[space][users] @ self._vectors[space].T)
        profiles = self._profiles[users]
        if self._taste.weights is not None:
            return np.asarray((asked_with(profiles) @ self._taste.weights).toarray(), dtype=np.float32)
        return server_score("taste", _unit(np.asarray(profiles @ self._taste.ins)) @ self._taste.outs.T)

    def ndcg(self, users: NDArray[np.int64], mixes: list[Mapping[str, float]], *, cold: bool = False) -> Floats:
        """NDCG@20 (mixes, users) of sums of spaces with boosts; `cold` ranks and asks for hidden products only."""
        figures = np.zeros((len(mixes), users.size))
        needed = {space for mix in mixes for space in mix}
        for start in range(0, users.size, _USERS_AT_ONCE):
            chosen = users[start : start + _USERS_AT_ONCE]
            by_space = {space: self.scores(space, chosen) for space in needed}
            for row, mix in enumerate(mixes):
                total = sum((np.float32(boost) * by_space[space] for space, boost in mix.items()), start=np.float32(0))
                figures[row, start : start + chosen.size] = self._figures(np.asarray(total), chosen, cold=cold)
        return figures

    def ndcg_of_all(self, users: NDArray[np.int64], scores: NDArray[np.floating]) -> Floats:
        """NDCG@20 (users,) of one score (products,) for everybody, such as popularity."""
        figures = np.zeros(users.size)
        for start in range(0, users.size, _USERS_AT_ONCE):
            chosen = users[start : start + _USERS_AT_ONCE]
            same = np.repeat(np.asarray(scores, dtype=np.float32)[None, :], chosen.size, axis=0)
            figures[start : start + chosen.size] = self._figures(same, chosen, cold=False)
        return figures

    def _figures(self, scores: Matrix, users: NDArray[np.int64], *, cold: bool) -> Floats:
        seen = self._touched[users].toarray() > 0
        relevant = self.validation.relevant[users].toarray() > 0
        if cold:
            relevant = relevant & self.hidden
            seen = seen | ~self.hidden
        return ndcg_at(top_products(scores, k=K, hidden=seen | ~(self._known | self.hidden)), relevant)


def _foretold(choice: Choice, content: Content, hidden: NDArray[np.bool_], known: NDArray[np.bool_]) -> _Taste:
    (ins, outs), scaled = served_scale(choice.vectors, choice.weights)
    ins = ins.copy()
    learned, places = np.flatnonzero(known & ~hidden), np.flatnonzero(hidden)
    model = fit_content(
        content.picked(learned), ins[learned], outs[learned], taste_model="", text_model=None, topics_model=None
    )
    ins[places], outs[places] = model.predict(content.picked(places))
    if scaled is None:
        return _Taste(ins, outs, None)
    from scipy.sparse import csc_array, diags_array

    # Hidden products are no tokens of anybody's, and are weighed by what is foretold.
    kept = diags_array((~hidden).astype(np.float32))
    weights = kept @ scaled.matrix() @ kept
    told = foretold_weights(ins[learned], outs[places], most=choice.settings.sparse_weights)
    columns = np.repeat(places, np.diff(told.starts))
    foretold = csc_array((told.values, (learned[told.sources], columns)), shape=weights.shape)
    return _Taste(ins, outs, (weights + foretold).tocsc())


def _unit(rows: Matrix) -> Matrix:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0), dtype=np.float32)
