"""`evaluate`: split, train beside, ask every method and peer, judge, and tell.

source -> ledger -> stages -> questions -> shop beside -> lists -> figures -> Evaluation
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np

from profilestore.errors import StoreError
from profilestore.evaluate.asking import ask_methods, check_methods
from profilestore.evaluate.beside import shop_beside, train_beside
from profilestore.evaluate.beyond import diversity_by_category, diversity_by_vectors
from profilestore.evaluate.cold import rank_cold_products
from profilestore.evaluate.exact import StoredVectors, read_vectors
from profilestore.evaluate.figures import Judge, Variety, compare, group_users, groups_of, ranked_methods
from profilestore.evaluate.ledger import Ledger, read_ledger
from profilestore.evaluate.losses import served_losses
from profilestore.evaluate.metrics import relevant_counts
from profilestore.evaluate.options import EvaluateOptions
from profilestore.evaluate.questions import Questions, choose_catalogue, make_questions
from profilestore.evaluate.report import Evaluation
from profilestore.evaluate.rivals import ask_peers, choose_peers, peer_name
from profilestore.evaluate.sources import Files, FileSource, LogSource, Source
from profilestore.evaluate.splits import Stages, stage_events
from profilestore.features.taste.learning import DEFAULT_BUDGET
from profilestore.indexing.parts import Parts
from profilestore.indexing.training import TasteReport, read_interactions

__all__ = ["evaluate"]

Progress = Callable[[str], None]
_VALIDATED: Final = ("ndcg@20", "ndcg@20_exact", "by_time", "validation_users", "last_act")


def evaluate(
    parts: Parts,
    options: EvaluateOptions | None = None,
    *,
    files: Files | None = None,
    progress: Progress = lambda step: None,
) -> Evaluation:
    """Evaluate the shop's methods and their peers on its own event log, or on files.

    Args:
        parts: the shop; its settings and server are used, and nothing of it is changed.
        options: split, metrics, methods, peers.
        files: to evaluate on, in place of the shop's log.
        progress: is told each step.

    Raises:
        UsageError: options that cannot be meant, an unknown method, or a missing extra.
        StoreError: there is too little to evaluate on.
    """
    options = EvaluateOptions() if options is None else options
    methods = check_methods(options.methods)
    peers = choose_peers(options)
    source: Source = LogSource(parts) if files is None else FileSource(files, parts.settings)
    progress("reading the events")
    ledger = read_ledger(source.pages(), parts.rules, rows=source.users())
    if not (ledger.acts & ledger.bought).any():
        raise StoreError(
            f"there is nothing to evaluate on: {source.told()} has {int(ledger.acts.sum())} events on products, "
            "and none is a purchase or another act that counts for one. Load events with `profilestore index events`."
        )
    stages = stage_events(ledger, options)
    catalogue = choose_catalogue(ledger, stages, source.on_sale())
    questions = make_questions(ledger, stages, catalogue, options)
    notes = _notes(questions, options)
    acts: list[Any] = []
    with shop_beside(parts) as beside:
        report, missing = train_beside(
            beside, source, ledger, stages, catalogue, options,
            trained=lambda shop: acts.append(read_interactions(shop)), progress=progress,
        )  # fmt: skip
        served, left_out = ask_methods(
            beside, questions, methods, length=options.length, repeats=options.repeats,
            must=len(options.methods) > 0, progress=progress,
        )  # fmt: skip
        vectors = read_vectors(beside, questions)
        variety = _variety(beside, questions, vectors)
        judge = Judge(questions, ks=options.ks, variety=variety, seed=options.seed)
        losses = served_losses(beside, served, vectors, judge, options)
        known = acts[0] if options.split != "user" else read_interactions(beside)
    rivals, unfit = ask_peers(
        peers, acts[0], known, questions, options,
        budget=DEFAULT_BUDGET if options.budget is None else options.budget, progress=progress,
    )  # fmt: skip
    progress("judging")
    judged = [judge.whole(each.method, each.lists) for each in served]
    judged += [judge.whole(peer_name(each.name), each.lists) for each in rivals]
    cold = None
    if options.cold_products > 0:
        cold, more = rank_cold_products(parts, source, ledger, stages, catalogue, methods, options, progress=progress)
        notes += more
    methods_told = ranked_methods(
        judged,
        k=options.k,
        answered_by={each.method: each.answered_by for each in served},
        settings={peer_name(each.name): each.settings for each in rivals},
    )
    return Evaluation(
        asked=_asked(source, stages, ledger, options),
        sizes=_sizes(ledger, stages, questions),
        settings={} if report is None else _told(report),
        notes=(*notes, *missing, *left_out, *unfit),
        methods=methods_told,
        differences=compare(judged, judge.bootstrap, seed=options.seed),
        groups=groups_of(judged, group_users(questions, ledger.facts), k=options.k, seed=options.seed),
        cold_products=cold,
        served=losses,
    )


def _variety(beside: Parts, questions: Questions, vectors: StoredVectors) -> Variety:
    """How different the products of a list are: by their text, else by their category."""
    text = vectors.products.get("text")
    if text is not None:
        lengths = np.linalg.norm(text, axis=1, keepdims=True)
        unit = np.divide(text, lengths, out=np.zeros_like(text), where=lengths > 0)
        return partial(diversity_by_vectors, vectors=unit)
    side = beside.in_force
    stored = side.products.read(side.products.identity().index, questions.catalogue, fields=["category"])
    categories = [
        stored[product_id][0].get("category") if product_id in stored else None for product_id in questions.catalogue
    ]
    return partial(diversity_by_category, categories=categories)


def _asked(source: Source, stages: Stages, ledger: Ledger, options: EvaluateOptions) -> dict[str, Any]:
    return {
        "source": source.told(),
        "split": options.split,
        "how": stages.how,
        "share": options.share,
        "cut": None if stages.cut is None else stages.cut.isoformat(timespec="seconds"),
        "asked_for": "purchases" if ledger.by_purchases else "acts that count for a product (there are no purchases)",
        "products": "all, repeats included" if options.repeats else "new to the user only",
        "catalogue": "full, no sampled negatives",
        "k": list(options.ks),
        "seed": options.seed,
        "budget": DEFAULT_BUDGET if options.budget is None else options.budget,
        "interval": "95 % bootstrap over users",
    }


def _sizes(ledger: Ledger, stages: Stages, questions: Questions) -> dict[str, int]:
    acts = ledger.acts
    return {
        "events": int((~ledger.repeated).sum()),
        "acts_trained_on": int((acts & stages.trained).sum()),
        "acts_known_besides": int((acts & stages.asked & ~stages.trained).sum()),
        "acts_held_out": int((acts & ~stages.asked).sum()),
        "users_trained_on": questions.trained_users,
        "users_asked_about": len(questions.users),
        "products_ranked": len(questions.catalogue),
        "products_with_acts": int((questions.buyers > 0).sum()),
        "answers_right": int(relevant_counts(questions.relevant).sum()),
    }


def _notes(questions: Questions, options: EvaluateOptions) -> list[str]:
    notes = []
    if questions.opted_out > 0:
        notes.append(f"{questions.opted_out} users switched personalisation off and are not asked about")
    if questions.left_out > 0:
        notes.append(f"{questions.left_out} more users could be asked about; a draw by the seed took part (--users)")
    if options.split == "leave-one-out":
        notes.append("leave one out: what others did later is known to all methods, so figures are too good for a shop")
    return notes


def _told(report: TasteReport) -> dict[str, Any]:
    """The settings that validation chose, and what it was validated with; no time, which is another every run."""
    figures = {f"validation {name}": value for name, value in report.figures.items() if name in _VALIDATED}
    return {**report.settings, **figures}
