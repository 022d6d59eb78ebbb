"""Whom is asked about, what would be right, and among which products: the same for every method and peer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import StoreError
from profilestore.evaluate.ledger import NO_PRODUCT, Ledger
from profilestore.evaluate.options import EvaluateOptions
from profilestore.evaluate.splits import HELD_OUT, TRAINED, Stages
from profilestore.features.taste.interactions import hash_of, mixed

__all__ = ["Questions", "choose_catalogue", "hide_products", "make_questions"]

_USERS_LEAST: Final = 2


@dataclass(frozen=True, slots=True)
class Questions:
    """Users in the order of their hashes, and of each what would be right.

    Attributes:
        users: ids of those asked about.
        catalogue: ids of the products that are ranked, sorted; columns are numbered so.
        relevant: sparse (users, products): bought in the part held out.
        seen: sparse (users, products): known to the user before.
        acts: (users,), how many acts on products are known of each.
        buyers: (products,), how many users of the training acted on each.
        trained_users: how many users the training has.
        opted_out: users who would have been asked about but switched personalisation off.
        left_out: users who would have been asked about beyond the number asked for.
    """

    users: tuple[str, ...]
    catalogue: tuple[str, ...]
    relevant: Any
    seen: Any
    acts: NDArray[np.int64]
    buyers: NDArray[np.int64]
    trained_users: int
    opted_out: int
    left_out: int


def choose_catalogue(ledger: Ledger, stages: Stages, on_sale: Sequence[str]) -> tuple[str, ...]:
    """The products to rank: all on sale, less those whose first act is held out, which may not have been there."""
    known, later = np.zeros(len(ledger.product_ids), dtype=bool), np.zeros(len(ledger.product_ids), dtype=bool)
    acts = ledger.acts
    known[ledger.products[acts & (stages.of == TRAINED)]] = True
    later[ledger.products[acts & (stages.of != TRAINED)]] = True
    launched_later = {ledger.product_ids[number] for number in np.flatnonzero(later & ~known).tolist()}
    return tuple(sorted(set(on_sale) - launched_later))


def hide_products(
    ledger: Ledger, stages: Stages, catalogue: Sequence[str], options: EvaluateOptions
) -> tuple[Stages, frozenset[str]]:
    """Stages under which nobody ever acted on a share of the known products, and which ones, by a stable hash."""
    keys = np.array([hash_of(product_id) for product_id in ledger.product_ids], dtype=np.uint64)
    known = np.zeros(keys.size, dtype=bool)
    known[ledger.products[ledger.acts & stages.trained]] = True
    on_sale = set(catalogue)
    known &= np.array([product_id in on_sale for product_id in ledger.product_ids], dtype=bool)
    chosen = known & (mixed(keys, seed=options.seed) < options.cold_products)
    stage = stages.of.copy()
    stage[(ledger.products != NO_PRODUCT) & chosen[ledger.products]] = HELD_OUT
    return replace(stages, of=stage), frozenset(ledger.product_ids[number] for number in np.flatnonzero(chosen))


def make_questions(
    ledger: Ledger,
    stages: Stages,
    catalogue: Sequence[str],
    options: EvaluateOptions,
    *,
    only: frozenset[str] | None = None,
) -> Questions:
    """What is asked: the products that a known user took up in the held-out part, out of those known before.

    Args:
        ledger: all events.
        stages: of the events, before any product was hidden.
        catalogue: sorted ids of the products that are ranked.
        options: whether repeats count, how many users.
        only: products that are asked for; all when None.

    Raises:
        StoreError: there are fewer than two users to ask about.
    """
    from scipy.sparse import csr_array

    column = {product_id: number for number, product_id in enumerate(catalogue)}
    to_column = np.array([column.get(product_id, -1) for product_id in ledger.product_ids] + [-1], dtype=np.int64)
    columns = to_column[ledger.products]  # an event without a product has the last entry
    size = (len(ledger.user_ids), len(catalogue))

    def pairs(chosen: NDArray[np.bool_]) -> Any:
        here = chosen & ledger.acts & (columns >= 0)
        matrix = csr_array(
            (np.ones(int(here.sum()), dtype=np.float32), (ledger.users[here], columns[here])), shape=size
        )
        matrix.sum_duplicates()
        matrix.data[:] = 1.0
        return matrix

    trained = pairs(stages.trained)
    seen = pairs(stages.asked & (ledger.seen | ledger.bought))
    buyers = np.asarray(trained.sum(axis=0)).ravel().astype(np.int64)
    relevant = pairs((stages.of == HELD_OUT) & ledger.bought)
    if not options.repeats:
        relevant = relevant - relevant.multiply(seen)
    asked_for = buyers > 0
    if only is not None:
        asked_for &= np.array([product_id in only for product_id in catalogue], dtype=bool)
    relevant = relevant.multiply(asked_for.astype(np.float32)[None, :]).tocsr()
    relevant.eliminate_zeros()
    acts = np.bincount(ledger.users[ledger.acts & stages.asked], minlength=size[0])
    candidates = np.flatnonzero((np.diff(relevant.indptr) > 0) & (acts > 0))
    off = _opted_out(ledger)
    opted_out = np.array([ledger.user_ids[row] in off for row in candidates.tolist()], dtype=bool)
    asked = candidates[~opted_out] if candidates.size > 0 else candidates
    hashes = np.array([hash_of(ledger.user_ids[row]) for row in asked.tolist()], dtype=np.uint64)
    asked = asked[np.argsort(mixed(hashes, seed=options.seed), kind="stable")]
    chosen = asked[: options.users_most]
    if chosen.size < _USERS_LEAST:
        raise StoreError(
            f"there is too little to evaluate on: {chosen.size} user(s) with a history took up a known product in the "
            f"held-out part ({'repeats included' if options.repeats else 'new to them'}). Load more events with "
            "`profilestore index events`, or take another --split or --share."
        )
    return Questions(
        tuple(ledger.user_ids[row] for row in chosen.tolist()), tuple(catalogue), relevant[chosen], seen[chosen],
        acts[chosen].astype(np.int64), buyers, int((np.diff(trained.indptr) > 0).sum()),
        int(opted_out.sum()), int(asked.size - chosen.size),
    )  # fmt: skip


def _opted_out(ledger: Ledger) -> frozenset[str]:
    return frozenset(user_id for user_id, facts in ledger.facts.items() if facts.opted_out)
