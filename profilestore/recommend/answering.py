"""The recommender of a shop, given what it needs of the store: what is trained, embedding, evidence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from profilestore.documents import Event
from profilestore.features.fold import WordVectors, needs_words
from profilestore.features.weights import FoldRules
from profilestore.indexing.models import trained_spaces
from profilestore.indexing.parts import Parts
from profilestore.recommend.feedback.factors import Factors
from profilestore.recommend.recommender import Recommender
from profilestore.recommend.trained import Trained

__all__ = ["make_recommender", "read_trained"]


def read_trained(parts: Parts) -> Trained:
    """What the shop has trained, as its products index says now."""
    meta = parts.in_force.products.identity().meta
    return Trained(
        spaces=frozenset(trained_spaces(meta)),
        taste_form=meta.taste_form,
        hybrid_boosts=tuple((meta.hybrid_boosts or {}).items()),
        auto_methods=meta.auto_methods,
        boost_factors=tuple(Factors(parts.store).read().items()),
    )


def make_recommender(parts: Parts) -> Recommender:
    """A recommender on these parts. Models are loaded only when words are searched."""

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        name = parts.in_force.products.identity().meta.text_model
        if name is None:
            return np.zeros((len(texts), parts.settings.embedding_dims), dtype=np.float32)
        return parts.models.text(name).encode(texts)

    def evidence(user_id: str) -> tuple[Sequence[Event], WordVectors]:
        side = parts.in_force
        log = side.log.identity()
        shard = side.log.shard_of(log, user_id)
        stored = side.profiles.read(side.profiles.identity().index, [user_id])
        if user_id not in stored:
            return [], {}
        side.log.refresh(log)
        upto = stored[user_id].position.upto
        numbered = side.writer.replay(log, shard=shard, user_ids=[user_id], upto=upto).get(user_id, [])
        events = [event for _, event in numbered]
        texts = {event.text for event in events if event.text is not None and needs_words(event, rules())}
        return events, parts.words.in_vectors(texts, side.products.identity().meta)

    def rules() -> FoldRules:
        return parts.rules.under(parts.in_force.products.identity().meta)

    return Recommender(
        parts.client, parts.settings, trained=lambda: read_trained(parts), embed=embed, evidence=evidence, rules=rules
    )
