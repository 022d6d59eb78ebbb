"""What a profile's events are to a score: acts, and the vectors and weights that they are multiplied with."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.documents import Event
from profilestore.elastic.product_index import IN_VECTOR_FIELDS, ProductIndex
from profilestore.features.fold import TEXT_TYPES, WordVectors
from profilestore.features.served import decode_vector
from profilestore.features.weights import FoldRules, effective_time, event_weight
from profilestore.recommend.asking import Shop
from profilestore.recommend.bodies import SPACE_FIELDS
from profilestore.recommend.reasons import Act, Space

__all__ = ["Evidence", "ReadProducts", "RememberedProducts", "acts_of", "product_key", "read_spaces", "words_key"]

# By user, the events that the profile holds, and the in-vectors of the words that the user wrote.
Evidence = Callable[[Sequence[str]], Mapping[str, tuple[Sequence[Event], WordVectors]]]
# Stored products by id: the ids, the fields, and whether these are vectors.
ReadProducts = Callable[[Sequence[str], Sequence[str], bool], Mapping[str, Mapping[str, Any]]]

# Where the server compares by cosine.
_COSINE: Final = frozenset(("text", "topics"))
_DAY_S: Final = 86_400.0
# Products whose vectors are held at once for the users of one page.
_MOST_AHEAD: Final = 5_000

Vectors = dict[str, dict[str, NDArray[np.float32]]]


def acts_of(events: Sequence[Event], *, rules: FoldRules) -> list[Act]:
    """What each event adds to the vectors: of its product, of its words, or of both; weightless ones nothing.

    The time of an act is the one it is decayed from: of a refund, its purchase's.
    """
    acts: list[Act] = []
    for event in events:
        weight = event_weight(event, rules)
        if weight == 0.0:
            continue
        time = datetime.fromtimestamp(effective_time(event), UTC)
        sources = [] if event.product_id is None else [product_key(event.product_id)]
        if event.text is not None and event.type in TEXT_TYPES:
            sources.append(words_key(event.text))
        acts += [
            Act(
                event_id=event.event_id,
                type=event.type,
                time=time,
                weight=weight,
                source=source,
                product_id=event.product_id,
            )
            for source in sources
        ]
    return _netted(acts)


def _netted(acts: Sequence[Act]) -> list[Act]:
    """Acts on one thing at one moment as one act where a refund is among them, so that nobody is told to like
    something because they bought what they gave back. The sum stays the same."""
    moments: dict[tuple[str, datetime], list[Act]] = {}
    for act in acts:
        moments.setdefault((act.source, act.time), []).append(act)
    net: list[Act] = []
    for together in moments.values():
        if len(together) == 1 or all(act.type != "refund" for act in together):
            net += together
            continue
        weight = math.fsum(act.weight for act in together)
        if abs(weight) > 1e-12:
            first = next((act for act in together if act.type != "refund"), together[0])
            net.append(replace(first, weight=weight))
    return net


class RememberedProducts:
    """Fields of products, each read once: what is explained to the users of one page are mostly the same."""

    def __init__(self, shop: Shop) -> None:
        self._index = ProductIndex(shop.client, name=shop.products)
        self._name = shop.products
        self._found: dict[tuple[str, ...], dict[str, Mapping[str, Any] | None]] = {}

    def read_ahead(self, ids: Sequence[str], fields: Sequence[str], vectors: bool) -> None:
        """Read in one go what will be asked for, unless that is too many to hold."""
        if len(ids) <= _MOST_AHEAD:
            self.read(ids, fields, vectors)

    def read(self, ids: Sequence[str], fields: Sequence[str], vectors: bool) -> dict[str, Mapping[str, Any]]:
        """Sources by id, of those that are there."""
        found = self._found.setdefault(tuple(fields), {})
        missing = [id for id in dict.fromkeys(ids) if id not in found]
        if len(missing) > 0:
            stored = self._index.read(self._name, missing, fields=fields, vectors=vectors)
            found.update({id: stored[id][0] if id in stored else None for id in missing})
        return {id: source for id in ids if (source := found[id]) is not None}


def read_spaces(
    read: ReadProducts,
    acts: Sequence[Act],
    *,
    words: WordVectors,
    items: Sequence[str],
    boosts: Mapping[str, float],
    half_life_days: Mapping[str, float],
) -> list[Space]:
    """The vector spaces of a score, with the in-vectors of the acts and the out-vectors of the items.

    Args:
        read: reads the products.
        acts: what the score is made of.
        words: in-vectors by text and space.
        items: product ids of the answer.
        boosts: by space.
        half_life_days: by space, as the profile was folded.
    """
    if len(boosts) == 0:
        return []
    acted = sorted({act.product_id for act in acts if act.product_id is not None})
    ins = _vectors(read, acted, {space: IN_VECTOR_FIELDS[space] for space in boosts})
    outs = _vectors(read, items, {space: SPACE_FIELDS[space] for space in boosts})
    for text, vectors in words.items():
        for space in boosts:
            if space in vectors:
                ins[space][words_key(text)] = vectors[space]
    return [
        Space(
            in_vectors=ins[space],
            out_vectors={item: outs[space][key] for item in items if (key := product_key(item)) in outs[space]},
            half_life_days=half_life_days[space],
            boost=boost,
            cosine=space in _COSINE,
        )
        for space, boost in boosts.items()
    ]


def _vectors(read: ReadProducts, ids: Sequence[str], fields: Mapping[str, str]) -> Vectors:
    vectors: Vectors = {space: {} for space in fields}
    for id, source in read(ids, sorted(set(fields.values())), True).items():
        for space, name in fields.items():
            if source.get(name) is not None:
                vectors[space][product_key(id)] = decode_vector(source[name])
    return vectors


def product_key(product_id: str) -> str:
    """How the acts on a product name their source."""
    return f"p{product_id}"


def words_key(text: str) -> str:
    """Of another form than a product's, so that words that are some product's id are not taken for it."""
    return f"w{text}"
