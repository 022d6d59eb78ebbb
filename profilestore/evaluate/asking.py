"""The shop's own answers: the same recommender, the same requests, a method after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import ModelError, UsageError
from profilestore.evaluate.metrics import hits_of
from profilestore.evaluate.questions import Questions
from profilestore.indexing.parts import Parts
from profilestore.recommend.answering import make_recommender
from profilestore.recommend.answers import Answer
from profilestore.recommend.methods import METHOD_NAMES
from profilestore.recommend.recommender import Recommender
from profilestore.recommend.wish import MAX_N, Options

__all__ = ["Served", "ask_methods", "check_methods", "length_beyond_seen", "without_seen"]

Progress = Callable[[str], None]
Lists = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Served:
    """Lists of a method, (users, k) of columns; which users it answered itself, (users,); what answered, by name."""

    method: str
    lists: Lists
    own: NDArray[np.bool_]
    answered_by: dict[str, int]


def check_methods(methods: Sequence[str]) -> tuple[str, ...]:
    """The methods to ask, all there are when none is named.

    Raises:
        UsageError: there is no such method.
    """
    unknown = [method for method in methods if method not in METHOD_NAMES]
    if len(unknown) > 0:
        raise UsageError(f"there is no such method; choose among {', '.join(METHOD_NAMES)}.")
    return tuple(dict.fromkeys(methods)) if len(methods) > 0 else tuple(METHOD_NAMES)


def ask_methods(
    beside: Parts,
    questions: Questions,
    methods: Sequence[str],
    *,
    length: int,
    repeats: bool,
    must: bool,
    progress: Progress = lambda step: None,
) -> tuple[list[Served], list[str]]:
    """Ask each method about all users.

    Args:
        beside: the shop that was trained on the training part.
        questions: the users.
        methods: by name.
        length: of the lists.
        repeats: whether products stay in that the user knows.
        must: whether a method that this shop cannot answer by is an error; else it is left out, with a note.
        progress: is told each method.
    """
    recommender = make_recommender(beside)
    found: list[Served] = []
    notes: list[str] = []
    for method in methods:
        progress(f"asking {method}")
        try:
            found.append(_ask(recommender, questions, method, length=length, repeats=repeats))
        except (ModelError, UsageError) as error:
            if must:
                raise
            notes.append(f"{method} is left out: {error}")
    return found, notes


def _ask(recommender: Recommender, questions: Questions, method: str, *, length: int, repeats: bool) -> Served:
    column = {product_id: number for number, product_id in enumerate(questions.catalogue)}
    lists = np.full((len(questions.users), length), -1, dtype=np.int64)
    own = np.zeros(len(questions.users), dtype=bool)
    answered_by: dict[str, int] = {}
    # Repeats: every option that lets known products stay.
    stay: Any = {name: True for name in Options.__optional_keys__ if repeats and name.startswith("include_")}
    answers = recommender.recommend_many(questions.users, n=length, method=method, **stay)
    for row, answer in enumerate(answers):
        _place(answer, column, lists[row])
        own[row] = answer.fallback is None
        answered_by[answer.method] = answered_by.get(answer.method, 0) + 1
    return Served(method, lists, own, dict(sorted(answered_by.items())))


def _place(answer: Answer, column: dict[str, int], row: NDArray[np.int64]) -> None:
    # A product that is not in the catalogue would be a fault of ours, and a KeyError here.
    columns = [column[product_id] for product_id in answer.product_ids]
    row[: len(columns)] = columns


def without_seen(lists: Lists, seen: object, *, length: int) -> Lists:
    """The lists less what the user knows, cut to a length: for products whose acts the shop was not told of."""
    known = hits_of(lists, seen)
    kept = np.full((lists.shape[0], length), -1, dtype=np.int64)
    for row in range(lists.shape[0]):
        left = lists[row][(lists[row] >= 0) & ~known[row]][:length]
        kept[row, : left.size] = left
    return kept


def length_beyond_seen(seen_counts: NDArray[np.int64], *, length: int) -> int:
    """How long lists must be so that `length` remain when what the user knows is taken out."""
    return int(min(MAX_N, length + (seen_counts.max() if seen_counts.size > 0 else 0)))
