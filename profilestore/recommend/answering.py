"""The recommender of a shop, given what it needs of the store: what is trained, embedding, evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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

    def evidence(user_ids: Sequence[str]) -> Mapping[str, tuple[Sequence[Event], WordVectors]]:
        side = parts.in_force
        log = side.log.identity()
        stored = side.profiles.read(side.profiles.identity().index, user_ids, without=("state",))
        side.log.refresh(log)
        events: dict[str, list[Event]] = {}
        for shard, users in side.log.by_shard(log, list(stored)).items():
            upto = max(stored[user_id].position.upto for user_id in users)
            numbered = side.writer.replay(log, shard=shard, user_ids=users, upto=upto)
            for user_id, own in numbered.items():
                events[user_id] = [event for number, event in own if number <= stored[user_id].position.upto]
        applied = rules()
        texts = {e.text for own in events.values() for e in own if e.text is not None and needs_words(e, applied)}
        words = parts.words.in_vectors(texts, side.products.identity().meta)
        return {user_id: (own, words) for user_id, own in events.items()}

    def rules() -> FoldRules:
        return parts.rules.under(parts.in_force.products.identity().meta)

    return Recommender(
        parts.client, parts.settings, trained=lambda: read_trained(parts), embed=embed, evidence=evidence, rules=rules
    )
