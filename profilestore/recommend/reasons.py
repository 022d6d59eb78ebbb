"""Why a product is recommended: each past event's exact share of its score.

The profile is linear, so with e over the user's events, w its weight, h the half-life and t the
latest time, the score of item i in space s is a sum of known terms:

    P_s = sum_e  w(e) * 2^(-(t - time(e)) / h_s) * in_s(e)
    score_s(i) = P_s . out_s(i) / norm_s(i) = sum_e term_s(e, i)

`norm_s(i)` is |P_s| * |out_s(i)| where the server compares by cosine (text, topics) and |P_s| where
by inner product (taste), so that term_s is on the scale on which the server adds up several spaces:
term(e, i) = sum_s boost_s * term_s(e, i).

**Points** of e are term(e, i): the points of all events add up to the item's score, which is what the
server's `_score` says of it (`dot_of_score`), to 1e-3 in the dense spaces (float32 and the rounding of
stored vectors) and to 1 % where weights are stored sparse (9 bits each).

**Share** of e is term(e, i) / sum of the positive terms of i. The shares of all events that speak for
an item sum to 1; an event that speaks against it (a refund, a low rating, a text of another kind)
has a negative term and a negative share, and is told only where all are asked for. The affine map from
cosine to `_score`, (1 + cos) / 2, is the same for all events and changes no share.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from profilestore.recommend.answers import Reason
from profilestore.recommend.phrases import Language, phrase_act

__all__ = ["Act", "Space", "TokenSpace", "contributions", "dot_of_score", "explain", "token_contributions"]

Array = NDArray[np.float64]
_DAY_S: Final = 86_400.0
_TOP: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What one event added to a profile: `weight` times the in-vector of `source`, decayed from `time`.

    `source` is a key of the space's in-vectors: the product id, or for the words of a search or
    review whatever key they are handed in by. An event that added two vectors is two acts with one
    `event_id`. What is not in the log (a product of a session) has an id for telling it apart only, and
    `logged` is false.
    """

    event_id: str
    type: str
    time: datetime
    weight: float
    source: str
    product_id: str | None = None
    logged: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """One space of a score.

    `in_vectors` by source and `out_vectors` by item have shape (dims,). A source or item without a
    vector counts as zero. `cosine` says how the server compares.
    """

    in_vectors: Mapping[str, NDArray[np.float32]]
    out_vectors: Mapping[str, NDArray[np.float32]]
    half_life_days: float
    boost: float = 1.0
    cosine: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSpace:
    """A space of weights by product, asked by `sparse_vector`: score(i) = sum_t tokens(t) * weights(i, t).

    `tokens` by source are as asked; a token's part is divided among the acts on its source by their decayed
    weights. `weights` by item and source are as stored.
    """

    tokens: Mapping[str, float]
    weights: Mapping[str, Mapping[str, float]]
    half_life_days: float
    boost: float = 1.0


def contributions(acts: Sequence[Act], *, items: Sequence[str], space: Space, normalise: bool = True) -> Array:
    """Each act's term of each item's score in one space; with `normalise` false, of the raw dot product.

    Returns:
        Shape (acts, items). The sum over acts is the boosted score (cosine, or dot product of the
        unit profile) of each item.
    """
    sources = sorted({act.source for act in acts if act.source in space.in_vectors})
    if len(sources) == 0 or len(items) == 0:
        return np.zeros((len(acts), len(items)))
    row_of = {source: row for row, source in enumerate(sources)}
    ins = np.stack([space.in_vectors[source] for source in sources]).astype(np.float64)
    outs = np.stack([space.out_vectors.get(item, np.zeros(ins.shape[1])) for item in items]).astype(np.float64)
    rows = np.fromiter((row_of.get(act.source, -1) for act in acts), dtype=np.int64, count=len(acts))
    weights = np.where(rows >= 0, _decayed_weights(acts, half_life_days=space.half_life_days), 0.0)
    # By source first: 50,000 events are of far fewer products, and a dot product costs dims.
    terms: Array = weights[:, None] * (ins @ outs.T)[rows]
    if not normalise:
        return terms
    profile = np.bincount(rows[rows >= 0], weights=weights[rows >= 0], minlength=len(sources)) @ ins
    norm = np.full(len(items), float(np.linalg.norm(profile)))
    if space.cosine:
        norm = norm * np.linalg.norm(outs, axis=1)
    scaled: Array = space.boost * np.divide(terms, norm, out=np.zeros_like(terms), where=norm > 0)
    return scaled


def token_contributions(acts: Sequence[Act], *, items: Sequence[str], space: TokenSpace) -> Array:
    """As `contributions`, shape (acts, items), of a space of weights by product.

    Acts on a source that was not asked with have none; where the decayed weights of a source's acts do not
    add up to more than nothing, it was not.
    """
    decayed = _decayed_weights(acts, half_life_days=space.half_life_days)
    totals: dict[str, float] = {}
    for act, weight in zip(acts, decayed.tolist(), strict=True):
        totals[act.source] = totals.get(act.source, 0.0) + weight
    terms = np.zeros((len(acts), len(items)))
    for row, (act, weight) in enumerate(zip(acts, decayed.tolist(), strict=True)):
        token = space.tokens.get(act.source, 0.0)
        if token > 0.0 and totals[act.source] > 0.0:
            part = space.boost * token * weight / totals[act.source]
            terms[row] = [part * space.weights.get(item, {}).get(act.source, 0.0) for item in items]
    return terms


def explain(
    acts: Sequence[Act],
    *,
    items: Sequence[str],
    spaces: Sequence[Space | TokenSpace],
    titles: Mapping[str, str | None],
    top: int | None = _TOP,
    language: Language = "en",
) -> dict[str, tuple[Reason, ...]]:
    """The events that speak most for each item, with their shares, largest first (ties by event id).

    Args:
        acts: what the user's events added, in any order.
        items: product ids of the answer.
        spaces: those that the score is made of.
        titles: of the products of the acts, by id.
        top: how many reasons an item gets at most; None gives all events that have a part in the score,
            also those that speak against it.
        language: of the words.
    """
    if len(acts) == 0:
        return dict.fromkeys(items, ())
    terms = np.zeros((len(acts), len(items)))
    for space in spaces:
        if isinstance(space, TokenSpace):
            terms += token_contributions(acts, items=items, space=space)
        else:
            terms += contributions(acts, items=items, space=space)
    first_of: dict[str, int] = {}
    event_rows = np.fromiter(
        (first_of.setdefault(act.event_id, len(first_of)) for act in acts), dtype=np.int64, count=len(acts)
    )
    by_event = np.zeros((len(first_of), len(items)))
    np.add.at(by_event, event_rows, terms)
    first_act = {row: act for act, row in zip(reversed(acts), reversed(event_rows.tolist()), strict=True)}
    return {
        item: tuple(
            _told(first_act[row], points, share, titles=titles, language=language)
            for row, points, share in _ranked(by_event[:, column], first_act, top=top)
        )
        for column, item in enumerate(items)
    }


def dot_of_score(score: float, *, cosine: bool) -> float:
    """The cosine or dot product that a `_score` of one vector space stands for.

    Elasticsearch: (1 + cos) / 2 for cosine; for max_inner_product 1 + s above 0 and 1 / (1 - s) below.
    """
    if cosine:
        return 2.0 * score - 1.0
    return score - 1.0 if score >= 1.0 else 1.0 - 1.0 / score


def _ranked(terms: Array, acts: Mapping[int, Act], *, top: int | None) -> list[tuple[int, float, float]]:
    """Rows with their terms and shares, largest first."""
    speaking = np.flatnonzero(terms > 0)
    total = float(terms[speaking].sum())
    if top is None:  # of an item that nothing speaks for, what speaks against it too
        speaking = np.flatnonzero(terms)
        total = total if total > 0.0 else math.inf
    elif total <= 0.0:
        return []
    elif len(speaking) > top:
        # All that tie with the last one are kept until ids decide, so that the answer is the same each time.
        last = np.partition(terms[speaking], len(speaking) - top)[len(speaking) - top]
        speaking = speaking[terms[speaking] >= last]
    chosen = sorted(speaking.tolist(), key=lambda row: (-terms[row], acts[row].event_id))[:top]
    return [(row, float(terms[row]), float(terms[row]) / total) for row in chosen]


def _told(act: Act, points: float, share: float, *, titles: Mapping[str, str | None], language: Language) -> Reason:
    title = None if act.product_id is None else titles.get(act.product_id)
    named = None if act.product_id is None else title or act.product_id
    return Reason(
        event_id=act.event_id if act.logged else None,
        type=act.type,
        time=act.time if act.logged else None,
        share=share,
        points=points,
        product_id=act.product_id,
        title=title,
        words=phrase_act(act.type, named, language=language, against=act.weight < 0),
    )


def _decayed_weights(acts: Sequence[Act], *, half_life_days: float) -> Array:
    times = np.fromiter((act.time.timestamp() for act in acts), dtype=np.float64, count=len(acts))
    weights = np.fromiter((act.weight for act in acts), dtype=np.float64, count=len(acts))
    decayed: Array = weights * np.exp2((times - times.max(initial=-np.inf)) / (_DAY_S * half_life_days))
    return decayed
