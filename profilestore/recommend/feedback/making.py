"""The loop of a shop, wired: feedback, choosing by experiment or bandit, everybody's lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from profilestore.elastic.recommendation_index import RecommendationIndex
from profilestore.elastic.search import get_sources
from profilestore.indexing.parts import Parts
from profilestore.recommend.answering import read_trained
from profilestore.recommend.feedback.choosing import EXPERIMENT_METHODS, Choosing
from profilestore.recommend.feedback.experiments import Experiments
from profilestore.recommend.feedback.loop import Feedback, make_bandit
from profilestore.recommend.methods import boosts_of
from profilestore.recommend.nightly import Answering, Nightly
from profilestore.recommend.nightly_run import RunRecord
from profilestore.recommend.recommender import Recommender

__all__ = ["make_choosing", "make_feedback", "make_nightly"]


def make_feedback(parts: Parts, recommender: Recommender) -> Feedback:
    """`shop.feedback`."""

    def boosts() -> Mapping[str, float]:
        return boosts_of("hybrid", trained=replace(read_trained(parts), boost_factors=()))

    return Feedback(parts, boosts=boosts, renew=lambda: recommender.trained(anew=True))


def make_choosing(parts: Parts, recommender: Recommender) -> Choosing:
    """A recommender that also knows the bandit and experiments."""

    def opted_out(user_ids: Sequence[str]) -> list[bool]:
        profiles = parts.settings.index("profiles")
        sources = get_sources(parts.client, index=profiles, ids=user_ids, fields=["personalisation"])
        return [source is not None and source.get("personalisation") == "off" for source in sources]

    return Choosing(
        recommender,
        experiments=Experiments(parts.store, methods=EXPERIMENT_METHODS),
        bandit=make_bandit(parts),
        bandit_methods=parts.settings.bandit_methods,
        opted_out=opted_out,
    )


def make_nightly(parts: Parts, answer: Answering) -> Nightly:
    """What writes everybody's list, given how users are answered."""
    index = parts.settings.index
    return Nightly(
        answer,
        lists=RecommendationIndex(parts.client, alias=index("recommendations"), profiles=index("profiles")),
        products=parts.in_force.products,
        record=RunRecord(parts.store),
    )
