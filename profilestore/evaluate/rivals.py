"""Peers asked about the same users: the same acts, histories and catalogue, taken from the shop beside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import ModelError
from profilestore.evaluate.options import EvaluateOptions
from profilestore.evaluate.outside_peers import OUTSIDE, check_outside
from profilestore.evaluate.peers import BUILT_IN, Peer, list_products, tune_peer
from profilestore.evaluate.questions import Questions
from profilestore.features.taste.interactions import Interactions, hash_of

__all__ = ["PeerLists", "ask_peers", "choose_peers", "peer_name"]

Progress = Callable[[str], None]


def peer_name(name: str) -> str:
    """How a peer stands in the report, so that it is not taken for a method of the shop."""
    return f"peer: {name}"


@dataclass(frozen=True, slots=True)
class PeerLists:
    """A peer's lists, (users, length) of columns, and what the validation cut chose for it."""

    name: str
    lists: NDArray[np.int64]
    settings: dict[str, Any]


def choose_peers(options: EvaluateOptions) -> tuple[Peer, ...]:
    """The built-in peers, and with `peers` those of other projects.

    Raises:
        UsageError: the extra is not installed.
    """
    if not options.peers:
        return BUILT_IN
    check_outside()
    return (*BUILT_IN, *OUTSIDE)


def ask_peers(
    peers: Sequence[Peer],
    trained: Interactions,
    known: Interactions,
    questions: Questions,
    options: EvaluateOptions,
    *,
    budget: int,
    progress: Progress = lambda step: None,
) -> tuple[list[PeerLists], list[str]]:
    """Tune, fit and ask each peer.

    Args:
        trained: acts that may be learned from.
        known: acts that make up the histories of the users asked about; of the same products.
        questions: the users and the catalogue.
        options: seed, length, repeats.
        budget: how many settings each may try.
        progress: is told each peer.

    Returns:
        The lists, and a note on each peer that could not be fitted.
    """
    from scipy.sparse import csr_array

    place = {product_id: number for number, product_id in enumerate(known.product_ids)}
    columns = np.array([place[product_id] for product_id in questions.catalogue], dtype=np.int64)
    trained, known = trained.of_products(columns), known.of_products(columns)
    hashes = np.array([hash_of(user_id) for user_id in questions.users], dtype=np.uint64)
    rows = np.minimum(np.searchsorted(known.user_hashes, hashes), max(0, known.user_count - 1))
    liked = known.liked()[rows]
    # Of a user without a weighed act nothing is known here.
    liked = liked.multiply((known.user_hashes[rows] == hashes).astype(np.float32)[:, None]).tocsr()
    liked.eliminate_zeros()
    hidden = csr_array(liked.shape, dtype=np.float32) if options.repeats else questions.seen
    on_sale = questions.buyers > 0
    found: list[PeerLists] = []
    notes: list[str] = []
    for peer in peers:
        progress(f"tuning and asking {peer.name}")
        try:
            tuned = tune_peer(peer, trained, budget=budget, seed=options.seed)
        except ModelError as error:
            notes.append(f"{peer.name} is left out: {error}")
            continue
        lists = list_products(tuned.score, liked, hidden, on_sale, length=options.length)
        settings = {**tuned.settings, "tried": tuned.tried} if len(tuned.settings) > 0 else {}
        found.append(PeerLists(peer.name, lists, settings))
    return found, notes
