"""The fold: events to a state, and a state merged with another. Pure arithmetic.

    profile_s(u, t) = sum over events e of u:  w(e) * 2^(-(t - time(e)) / h_s) * in_s(p(e))

`state_of` takes a user's events at once, with numpy; it equals merging the states of the single
events, which is tested as a law.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from profilestore.documents import Event
from profilestore.features import state as states
from profilestore.features.catalogue import Catalogue
from profilestore.features.state import SPACES, DecayedShares, DecayedSum, State
from profilestore.features.weights import FoldRules, effective_time, event_weight

__all__ = ["TEXT_TYPES", "WordVectors", "event_amount", "merge_states", "needs_words", "state_of"]

# What users write: its embedding is folded like a product's.
TEXT_TYPES: Final = frozenset(("search", "review", "comment"))
# Not acts of the user at that hour.
_NO_HABIT: Final = frozenset(("attributes", "impression"))

# text -> space -> in-vector (dims,)
WordVectors = Mapping[str, Mapping[str, NDArray[np.float32]]]


def needs_words(event: Event, rules: FoldRules) -> bool:
    """Whether the event's text has an in-vector of its own that the fold must be given."""
    return event.type in TEXT_TYPES and event.text is not None and event_weight(event, rules) != 0.0


def merge_states(a: State, b: State, rules: FoldRules) -> State:
    """`state.merge` under these rules."""
    return states.merge(
        a,
        b,
        half_life_s=rules.half_life_s,
        interest_half_life_s=rules.interest_half_life_s,
        seen_limit=rules.seen_limit,
        words_limit=rules.words_limit,
    )


def event_amount(event: Event, catalogue: Catalogue) -> float:
    """What the line cost; where the event has no price, the product's price of today stands in."""
    if event.price is not None:
        return event.amount
    product = catalogue.get(event.product_id)
    if product is None or product.price is None:
        return 0.0
    quantity = 1.0 if event.quantity is None else event.quantity
    return max(0.0, product.price * quantity - (event.discount or 0.0))


def state_of(events: Sequence[Event], *, catalogue: Catalogue, words: WordVectors, rules: FoldRules) -> State:
    """The state of these events of one user, in any order; EMPTY for none."""
    if len(events) == 0:
        return states.EMPTY
    tally = _Tally(rules)
    weights = np.empty(len(events))
    times = np.empty(len(events))
    for position, event in enumerate(events):
        weights[position] = event_weight(event, rules)
        times[position] = effective_time(event)
        tally.count(event, event.time.timestamp(), event_amount(event, catalogue))
    sums = {space: _decayed_sum(space, events, weights, times, catalogue, words, rules) for space in SPACES}
    products = [catalogue.get(event.product_id) for event in events]
    categories = _shares([None if p is None else p.category for p in products], weights, times, rules)
    brands = _shares([None if p is None else p.brand for p in products], weights, times, rules)
    return tally.state(sums, categories, brands)


def _decayed_sum(
    space: str,
    events: Sequence[Event],
    weights: NDArray[np.float64],
    times: NDArray[np.float64],
    catalogue: Catalogue,
    words: WordVectors,
    rules: FoldRules,
) -> DecayedSum:
    terms: list[tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]] = []
    of_products = catalogue.in_vectors(space, [event.product_id for event in events])
    if of_products is not None:
        vectors, norms = of_products
        told = (norms > 0.0) & (weights != 0.0)
        if told.any():
            terms.append((vectors[told], norms[told], weights[told], times[told]))
    spoken = [
        (words[event.text][space], position)
        for position, event in enumerate(events)
        if event.text is not None
        and event.type in TEXT_TYPES
        and weights[position] != 0.0
        and space in words.get(event.text, {})
    ]
    if len(spoken) > 0:
        vectors = np.stack([vector for vector, _ in spoken])
        norms = np.linalg.norm(vectors.astype(np.float64), axis=1)
        positions = np.array([position for _, position in spoken])
        told = norms > 0.0
        if told.any():
            terms.append((vectors[told], norms[told], weights[positions][told], times[positions][told]))
    if len(terms) == 0:
        return states.NO_SUM
    anchor = max(float(when.max()) for _, _, _, when in terms)
    vector = np.zeros(terms[0][0].shape[1])
    norm = 0.0
    for vectors, norms, weight, when in terms:
        scaled = weight * np.exp2(-(anchor - when) / rules.half_life_s[space])
        vector += scaled @ vectors.astype(np.float64)
        norm += float(np.abs(scaled) @ norms)
    return DecayedSum(anchor, vector, norm)


def _shares(
    names: Sequence[str | None], weights: NDArray[np.float64], times: NDArray[np.float64], rules: FoldRules
) -> DecayedShares:
    told = [i for i, name in enumerate(names) if name is not None and weights[i] != 0.0]
    if len(told) == 0:
        return DecayedShares()
    anchor = max(float(times[i]) for i in told)
    sums: dict[str, float] = {}
    for i in told:
        name = names[i]
        assert name is not None
        share = float(weights[i]) * states.decay(anchor - float(times[i]), rules.interest_half_life_s)
        sums[name] = sums.get(name, 0.0) + share
    return DecayedShares(anchor, sums)


def _order_hash(event: Event) -> int:
    # Lines without an order number that were bought at one instant are one order.
    key = f"o{event.order_id}" if event.order_id is not None else f"t{event.time.timestamp()!r}"
    return int.from_bytes(hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


class _Tally:
    """The sums that need no vectors, counted event by event."""

    def __init__(self, rules: FoldRules) -> None:
        self._rules = rules
        self._counts: dict[str, int] = {}
        self._uses: dict[str, dict[str, int]] = {"channel": {}, "device": {}, "payment_method": {}}
        self._hours: list[int] = []
        self._orders: set[int] = set()
        self._purchased: dict[str, float] = {}
        self._seen: dict[str, float] = {}
        self._words: dict[str, float] = {}
        self._fields: dict[str, tuple[float, str, object]] = {}
        self._acts: list[float] = []
        self._purchases: list[float] = []
        self._ratings: list[float] = []
        self._purchase_count = 0
        self._quantity = self._spend = self._turnover = 0.0

    def count(self, event: Event, time: float, amount: float) -> None:
        """Take one event in. `time` in epoch seconds, `amount` in the shop's currency."""
        if event.type == "attributes":
            self._set_fields(event, time)
            return
        self._counts[event.type] = self._counts.get(event.type, 0) + 1
        self._acts.append(time)
        if event.type not in _NO_HABIT:
            local = datetime.fromtimestamp(time, self._rules.zone)
            self._hours.append(local.weekday() * 24 + local.hour)
        for name, uses in self._uses.items():
            value = getattr(event, name)
            if value is not None:
                uses[value] = uses.get(value, 0) + 1
        if event.type in ("purchase", "refund"):
            self._trade(event, time, amount)
        if event.rating is not None:
            self._ratings.append(event.rating)
        if event.product_id is not None and event.type in self._rules.seen_types:
            self._seen[event.product_id] = max(time, self._seen.get(event.product_id, time))
        if event.type == "search" and event.text is not None:
            self._words[event.text] = max(time, self._words.get(event.text, time))

    def _trade(self, event: Event, time: float, amount: float) -> None:
        sign = 1 if event.type == "purchase" else -1
        quantity = 1.0 if event.quantity is None else event.quantity
        if sign > 0:
            self._orders.add(_order_hash(event))
            self._purchases.append(time)
        self._purchase_count += sign
        self._quantity += sign * quantity
        self._spend += sign * amount
        self._turnover += amount + quantity
        if event.product_id is not None:
            self._purchased[event.product_id] = self._purchased.get(event.product_id, 0.0) + sign * quantity

    def _set_fields(self, event: Event, time: float) -> None:
        given = dict(event.user_fields or {})
        extra = given.pop("attributes", None)
        if isinstance(extra, dict):
            given |= {f"attributes.{name}": value for name, value in extra.items()}
        for name, value in given.items():
            held = self._fields.get(name)
            if held is None or (time, event.event_id) > held[:2]:
                self._fields[name] = (time, event.event_id, value)

    def state(self, sums: Mapping[str, DecayedSum], categories: DecayedShares, brands: DecayedShares) -> State:
        """The state of all events taken in."""
        orders = np.array(sorted(self._orders)[: states.ORDERS_KEPT], dtype=np.uint64)
        return State(
            counts=self._counts,
            first_seen=min(self._acts, default=float("inf")),
            last_seen=max(self._acts, default=float("-inf")),
            first_purchase=min(self._purchases, default=float("inf")),
            last_purchase=max(self._purchases, default=float("-inf")),
            purchase_count=self._purchase_count,
            quantity=self._quantity,
            spend=self._spend,
            turnover=self._turnover,
            rating_sum=sum(self._ratings),
            rating_count=len(self._ratings),
            orders=orders if orders.size > 0 else states.NO_ORDERS,
            hours=np.bincount(self._hours, minlength=states.HOURS_OF_WEEK) if self._hours else states.NO_HOURS,
            channels=self._uses["channel"],
            devices=self._uses["device"],
            payments=self._uses["payment_method"],
            categories=categories,
            brands=brands,
            purchased=self._purchased,
            seen=states.latest(self._seen, self._rules.seen_limit),
            words=states.latest(self._words, self._rules.words_limit),
            user_fields=self._fields,
            sums=sums,
        )
