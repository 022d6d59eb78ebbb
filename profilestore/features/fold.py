"""The fold: events to a state, and a state merged with another. Pure arithmetic.

    profile_s(u, t) = sum over events e of u:  w(e) * 2^(-(t - time(e)) / h_s) * in_s(p(e))

`state_of` takes a user's events at once, with numpy; it equals merging the states of the single
events, which is tested as a law.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

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
# Characters of a search that a profile shows; an index takes no term of more than 32,766 bytes.
_WORDS_KEPT: Final = 200
# Not acts of the user at that hour.
_NO_HABIT: Final = frozenset(("attributes", "impression"))

_TRADES: Final = frozenset(("purchase", "refund"))
# type -> whether it takes the product out of the cart
_CART_ACTS: Final = {"cart": False, "cart_remove": True, "purchase": True}

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
        cart_limit=rules.cart_limit,
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
        time = event.time.timestamp()
        times[position] = effective_time(event) if event.type == "refund" else time
        tally.count(event, time, event_amount(event, catalogue) if event.type in _TRADES else 0.0)
    rows = catalogue.rows([event.product_id for event in events])
    spoken = [
        (position, words[event.text])
        for position, event in enumerate(events)
        if event.text is not None and event.type in TEXT_TYPES and event.text in words and weights[position] != 0.0
    ]
    weighed = _Weighed(weights, times, np.where(weights != 0.0, rows, -1), spoken)
    sums = {space: _decayed_sum(space, weighed, catalogue, rules) for space in SPACES}
    products = [catalogue.get(event.product_id) for event in events]
    interest, taste = rules.interest_half_life_s, rules.half_life_s["taste"]
    categories = _shares([None if p is None else p.category for p in products], weights, times, interest)
    brands = _shares([None if p is None else p.brand for p in products], weights, times, interest)
    items = _shares([e.product_id for e in events], weights, times, taste) if rules.keep_items else DecayedShares()
    return tally.state(sums, categories, brands, items)


@dataclass(frozen=True, slots=True)
class _Weighed:
    """Events as arrays: weights (n,), times (n,) in epoch seconds, rows (n,) of their products, -1 where
    there is nothing to add; and (position, in-vectors by space) of those whose words count."""

    weights: NDArray[np.float64]
    times: NDArray[np.float64]
    rows: NDArray[np.int64]
    spoken: Sequence[tuple[int, Mapping[str, NDArray[np.float32]]]]


def _decayed_sum(space: str, events: _Weighed, catalogue: Catalogue, rules: FoldRules) -> DecayedSum:
    terms: list[tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]] = []
    of_products = catalogue.in_vectors(space, events.rows)
    if of_products is not None:
        told, vectors, lengths = of_products
        terms.append((vectors, lengths, events.weights[told], events.times[told]))
    said = [(position, vectors[space]) for position, vectors in events.spoken if space in vectors]
    said = [(position, vector) for position, vector in said if vector.any()]
    if len(said) > 0:
        positions = np.array([position for position, _ in said])
        vectors = np.stack([vector for _, vector in said])
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
        terms.append((vectors, lengths, events.weights[positions], events.times[positions]))
    if len(terms) == 0:
        return states.NO_SUM
    anchor = max(float(times.max()) for _, _, _, times in terms)
    vector = np.zeros(terms[0][0].shape[1])
    norm = 0.0
    for vectors, lengths, weights, times in terms:
        scaled = weights * np.exp2(-(anchor - times) / rules.half_life_s[space])
        vector += scaled @ vectors.astype(np.float64)
        norm += float(np.abs(scaled) @ lengths)
    return DecayedSum(anchor, vector, norm)


def _shares(
    names: Sequence[str | None], weights: NDArray[np.float64], times: NDArray[np.float64], half_life_s: float
) -> DecayedShares:
    told = [i for i, name in enumerate(names) if name is not None and weights[i] != 0.0]
    if len(told) == 0:
        return DecayedShares()
    anchor = max(float(times[i]) for i in told)
    sums: dict[str, float] = {}
    for i in told:
        name = names[i]
        assert name is not None
        share = float(weights[i]) * states.decay(anchor - float(times[i]), half_life_s)
        sums[name] = sums.get(name, 0.0) + share
    return DecayedShares(anchor, sums)


@lru_cache(maxsize=4096)
def _order_hash(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


@lru_cache(maxsize=65_536)
def _hour_of_week(quarter: int, zone: ZoneInfo) -> int:
    # No zone has an offset that is not a multiple of a quarter of an hour since 1972.
    local = datetime.fromtimestamp(quarter * 900, zone)
    return local.weekday() * 24 + local.hour


class _Tally:
    """The sums that need no vectors, counted event by event."""

    def __init__(self, rules: FoldRules) -> None:
        self._rules = rules
        self._counts: dict[str, int] = {}
        self._channels: dict[str, int] = {}
        self._devices: dict[str, int] = {}
        self._payments: dict[str, int] = {}
        self._hours: list[int] = []
        self._orders: set[int] = set()
        self._purchased: dict[str, float] = {}
        self._seen: dict[str, float] = {}
        self._words: dict[str, float] = {}
        self._cart: dict[str, tuple[float, bool]] = {}
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
            self._hours.append(_hour_of_week(int(time // 900), self._rules.zone))
        for uses, value in (
            (self._channels, event.channel),
            (self._devices, event.device),
            (self._payments, event.payment_method),
        ):
            if value is not None:
                uses[value] = uses.get(value, 0) + 1
        if event.type in _TRADES:
            self._trade(event, time, amount)
        if event.rating is not None:
            self._ratings.append(event.rating)
        if event.product_id is not None and event.type in self._rules.seen_types:
            self._seen[event.product_id] = max(time, self._seen.get(event.product_id, time))
        if event.product_id is not None and event.type in _CART_ACTS:
            # Of two acts at one instant, what takes out comes last: carted and bought is bought.
            act = (time, _CART_ACTS[event.type])
            self._cart[event.product_id] = max(act, self._cart.get(event.product_id, act))
        if event.type == "search" and event.text is not None:
            words = event.text[:_WORDS_KEPT]
            self._words[words] = max(time, self._words.get(words, time))

    def _trade(self, event: Event, time: float, amount: float) -> None:
        sign = 1 if event.type == "purchase" else -1
        quantity = 1.0 if event.quantity is None else event.quantity
        if sign > 0:
            # Lines without an order number that were bought at one instant are one order.
            self._orders.add(_order_hash(f"t{time!r}" if event.order_id is None else f"o{event.order_id}"))
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

    def state(
        self,
        sums: Mapping[str, DecayedSum],
        categories: DecayedShares,
        brands: DecayedShares,
        items: DecayedShares,
    ) -> State:
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
            channels=self._channels,
            devices=self._devices,
            payments=self._payments,
            categories=categories,
            brands=brands,
            purchased=self._purchased,
            seen=states.latest(self._seen, self._rules.seen_limit),
            words=states.latest(self._words, self._rules.words_limit),
            cart=states.latest(self._cart, self._rules.cart_limit),
            items=items,
            user_fields=self._fields,
            sums=sums,
        )
