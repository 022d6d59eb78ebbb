"""What a profile is made of, read for `explain`: its events, in-vectors and the items' out-vectors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from profilestore.documents import Event
from profilestore.elastic.product_index import IN_VECTOR_FIELDS, ProductIndex
from profilestore.features.fold import TEXT_TYPES, WordVectors
from profilestore.features.served import decode_vector
from profilestore.features.weights import FoldRules, effective_time, event_weight
from profilestore.recommend.answers import Reason
from profilestore.recommend.asking import Shop
from profilestore.recommend.bodies import SPACE_FIELDS
from profilestore.recommend.reasons import Act, Space, explain

__all__ = ["Evidence", "acts_of", "reasons_of"]

# The events that a user's profile holds, and the in-vectors of the words that the user wrote.
Evidence = Callable[[str], tuple[Sequence[Event], WordVectors]]

_COSINE: Final = frozenset(("text", "topics"))
_DAY_S: Final = 86_400.0

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
        sources = [] if event.product_id is None else [_product_key(event.product_id)]
        if event.text is not None and event.type in TEXT_TYPES:
            sources.append(_words_key(event.text))
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


def reasons_of(
    shop: Shop,
    *,
    events: Sequence[Event],
    words: WordVectors,
    items: Sequence[str],
    boosts: Mapping[str, float],
    rules: FoldRules,
) -> dict[str, tuple[Reason, ...]]:
    """The reasons of each item of an answer, by product id.

    Args:
        shop: where the products are.
        events: all that the profile was folded from.
        words: in-vectors by text and space.
        items: product ids of the answer.
        boosts: the spaces of the method that gave it.
        rules: what the profile was folded by.
    """
    acts = acts_of(events, rules=rules)
    bought = sorted({act.product_id for act in acts if act.product_id is not None})
    in_fields = {space: IN_VECTOR_FIELDS[space] for space in boosts}
    ins, titles = _read(shop, bought, in_fields)
    outs, _ = _read(shop, items, {space: SPACE_FIELDS[space] for space in boosts})
    for text, vectors in words.items():
        for space in boosts:
            if space in vectors:
                ins[space][_words_key(text)] = vectors[space]
    spaces = [
        Space(
            in_vectors=ins[space],
            out_vectors={item: outs[space][key] for item in items if (key := _product_key(item)) in outs[space]},
            half_life_days=rules.half_life_s[space] / _DAY_S,
            boost=boost,
            cosine=space in _COSINE,
        )
        for space, boost in boosts.items()
    ]
    return explain(acts, items=items, spaces=spaces, titles=titles)


def _read(shop: Shop, ids: Sequence[str], fields: Mapping[str, str]) -> tuple[Vectors, dict[str, str | None]]:
    wanted = [*sorted(set(fields.values())), "title"]
    products = ProductIndex(shop.client, name=shop.products).read(shop.products, ids, fields=wanted, vectors=True)
    vectors: Vectors = {space: {} for space in fields}
    for id, (source, _) in products.items():
        for space, name in fields.items():
            if source.get(name) is not None:
                vectors[space][_product_key(id)] = decode_vector(source[name])
    return vectors, {id: source.get("title") for id, (source, _) in products.items()}


def _product_key(product_id: str) -> str:
    return f"p{product_id}"


def _words_key(text: str) -> str:
    """Of another form than a product's, so that words that are some product's id are not taken for it."""
    return f"w{text}"
