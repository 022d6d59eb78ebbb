"""What serving loses: each method that compares vectors, through Elasticsearch and by brute force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from profilestore.evaluate.asking import Served
from profilestore.evaluate.exact import SPARSE, StoredVectors, exact_lists
from profilestore.evaluate.figures import Judge
from profilestore.evaluate.options import EvaluateOptions
from profilestore.evaluate.report import ServedLoss
from profilestore.evaluate.significance import Bootstrap
from profilestore.indexing.parts import Parts
from profilestore.recommend.answering import read_trained
from profilestore.recommend.methods import boosts_of
from profilestore.recommend.trained import Trained

__all__ = ["served_losses"]


def served_losses(
    beside: Parts, served: Sequence[Served], vectors: StoredVectors, judge: Judge, options: EvaluateOptions
) -> tuple[ServedLoss, ...]:
    """The loss in NDCG of each method that is a sum over spaces, over the users whom it answered itself."""
    trained = read_trained(beside)
    found: list[ServedLoss] = []
    for each in served:
        boosts = _boosts(each.method, trained)
        if len(boosts) == 0 or any(space not in vectors.products for space in boosts):
            continue
        lists, known = exact_lists(vectors, boosts, length=options.length, repeats=options.repeats)
        rows = known & each.own
        if not rows.any():
            continue
        # What stands behind the method's own products was filled up from elsewhere.
        own = np.where(lists >= 0, each.lists, -1)
        by_server = judge.accuracy(each.method, own).by_user["ndcg"][rows]
        by_force = judge.accuracy(each.method, lists).by_user["ndcg"][rows]
        bootstrap = Bootstrap(int(rows.sum()), seed=options.seed)
        exact = bootstrap.mean(by_force)
        difference = bootstrap.difference(by_force, by_server)
        found.append(
            ServedLoss(
                method=each.method,
                users=int(rows.sum()),
                served=bootstrap.mean(by_server),
                exact=exact,
                difference=difference,
                loss=difference.mean / exact.mean if exact.mean > 0 else 0.0,
            )
        )
    return tuple(found)


def _boosts(method: str, trained: Trained) -> Mapping[str, float]:
    """The spaces that the method adds up; none of `auto`, which is another method for each user."""
    if method == "auto":
        return {}
    boosts = boosts_of(method, trained=trained)
    return {SPARSE if trained.sparse_taste and space == "taste" else space: boost for space, boost in boosts.items()}
