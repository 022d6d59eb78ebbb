"""The cold-product slice: products that were on sale before the cut and of which the training saw no act.

A seeded share of the products known at the cut is hidden: a second shop is trained without any act on them,
but has them in its catalogue with their texts. Then all other products are taken off sale, so that every
method ranks the hidden ones alone, by the same requests as ever; asked for is which of them the users took
up in the held-out part. What a user knew of them before is taken out of all lists.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from profilestore.elastic.bulk import Operation
from profilestore.errors import StoreError
from profilestore.evaluate.asking import ask_methods, length_beyond_seen, without_seen
from profilestore.evaluate.beside import shop_beside, train_beside
from profilestore.evaluate.figures import Judge, compare, ranked_methods
from profilestore.evaluate.ledger import Ledger
from profilestore.evaluate.metrics import relevant_counts
from profilestore.evaluate.options import EvaluateOptions
from profilestore.evaluate.peers import chance, list_products
from profilestore.evaluate.questions import hide_products, make_questions
from profilestore.evaluate.report import ColdProducts
from profilestore.evaluate.rivals import peer_name
from profilestore.evaluate.sources import Source
from profilestore.evaluate.splits import Stages
from profilestore.indexing.parts import Parts

__all__ = ["rank_cold_products"]

_WRITE_AT_ONCE: Final = 5000


def rank_cold_products(
    parts: Parts,
    source: Source,
    ledger: Ledger,
    stages: Stages,
    catalogue: Sequence[str],
    methods: Sequence[str],
    options: EvaluateOptions,
    *,
    progress: Callable[[str], None] = lambda step: None,
) -> tuple[ColdProducts | None, list[str]]:
    """Train once more without the hidden products, and judge all methods on these; None with a note where too
    few users took up one of them."""
    unseen, hidden = hide_products(ledger, stages, catalogue, options)
    try:
        questions = make_questions(ledger, stages, catalogue, options, only=hidden)
    except StoreError:
        return None, [f"no cold products: too few users took up one of the {len(hidden)} that were hidden"]
    progress(f"hiding {len(hidden)} products from a second training")
    cold = np.array([product_id in hidden for product_id in questions.catalogue], dtype=bool)
    known = questions.seen.multiply(cold.astype(np.float32)[None, :]).tocsr()
    known.eliminate_zeros()
    length = length_beyond_seen(relevant_counts(known), length=options.length)
    with shop_beside(parts) as beside:
        _, notes = train_beside(beside, source, ledger, unseen, catalogue, options, progress=progress)
        _take_off_sale(beside, [product_id for product_id in catalogue if product_id not in hidden])
        served, _ = ask_methods(beside, questions, methods, length=length, repeats=True, must=False, progress=progress)
    judge = Judge(questions, ks=options.ks, variety=None, seed=options.seed)
    judged = [judge.accuracy(each.method, without_seen(each.lists, known, length=options.length)) for each in served]
    by_chance = list_products(chance(options.seed), known, known, cold, length=options.length)
    judged.append(judge.accuracy(peer_name("random"), by_chance))
    return ColdProducts(
        products=len(hidden),
        users=len(questions.users),
        methods=ranked_methods(
            judged, k=options.k, answered_by={each.method: each.answered_by for each in served}, settings={}
        ),
        differences=compare(judged, judge.bootstrap, seed=options.seed),
    ), [f"in the training without the hidden products: {note}" for note in notes]


def _take_off_sale(beside: Parts, product_ids: Sequence[str]) -> None:
    alias = beside.settings.index("products")
    products = beside.in_force.products
    for start in range(0, len(product_ids), _WRITE_AT_ONCE):
        part = product_ids[start : start + _WRITE_AT_ONCE]
        products.write(
            [Operation("update", alias, product_id, {"deleted": True}) for product_id in part],
            action="taking products off sale",
        )
    products.refresh(alias)
