"""The event log read into a `History`, page by page."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from profilestore.documents import EVENT_TYPES, Event
from profilestore.features.weights import effective_time
from profilestore.indexing.parts import Parts
from profilestore.insight.history import History, Shelf, type_code
from profilestore.insight.sales import Sales

__all__ = ["HISTORY_TYPES", "HistoryBuilder", "read_history"]

# What a shop showed is not what a user did.
HISTORY_TYPES: Final = frozenset(EVENT_TYPES) - {"attributes", "impression"}
_TRADES: Final = frozenset(("purchase", "refund"))
_TOLD_EVERY: Final = 500_000


def read_history(
    parts: Parts,
    *,
    as_of: datetime | None = None,
    types: frozenset[str] = HISTORY_TYPES,
    progress: Callable[[str], None] = lambda step: None,
) -> History:
    """All acts in the log before a time, of users with personalisation on; about 60 bytes an act are kept.

    Who switched personalisation off is told from the whole log, whatever `as_of` is: consent holds at once.
    Where a purchase has no price, the product's price of today stands in, as in the fold.

    Args:
        parts: of the shop.
        as_of: only acts before it; None for a millisecond after the last act (but not after now), so that a
            shop whose log ended last year is described as it was then.
        types: which event types are kept.
        progress: is told how far it is.
    """
    side = parts.in_force
    target = side.products.identity()
    side.products.refresh(target.index)
    builder = HistoryBuilder(types)
    for page in side.products.scan(target.index, fields=["product_id", "price", "category", "brand"]):
        for product_id, source, _ in page:
            builder.add_product(product_id, source)
    log = side.log.identity()
    checkpoints = side.log.checkpoints(log)
    side.log.refresh(log)
    read = 0
    for shard, upto in checkpoints.items():
        for logged in side.log.read(log, shard=shard, after=-1, upto=upto):
            builder.add(entry.event for entry in logged if entry.event is not None)
            read += len(logged)
            if read // _TOLD_EVERY != (read - len(logged)) // _TOLD_EVERY:
                progress(f"read {read:,} events")
    return builder.build(as_of=None if as_of is None else as_of.timestamp())


class HistoryBuilder:
    """Takes events in any order and gives the same history for the same events."""

    def __init__(self, types: frozenset[str] = HISTORY_TYPES) -> None:
        self._types = types
        self._catalogue: dict[str, tuple[float | None, str, str]] = {}
        self._users: dict[str, int] = {}
        self._products: dict[str, int] = {}
        self._choices: dict[str, tuple[datetime, str, str]] = {}
        self._user_column, self._product_column, self._type_column = array("i"), array("i"), array("b")
        self._times, self._purchase_times = array("d"), array("d")
        self._quantities, self._amounts = array("d"), array("d")
        self._order_column = array("q")

    def add_product(self, product_id: str, source: Mapping[str, Any]) -> None:
        """What is known of a product today: price, category, brand."""
        self._catalogue[product_id] = (source.get("price"), source.get("category") or "", source.get("brand") or "")

    def add(self, events: Iterable[Event]) -> None:
        """Take valid events in."""
        for event in events:
            if event.type == "attributes":
                self._note_choice(event)
            elif event.type in self._types:
                self._note_act(event)

    def _note_choice(self, event: Event) -> None:
        choice = (event.user_fields or {}).get("personalisation")
        if choice is None:
            return
        held = self._choices.get(event.user_id)
        if held is None or (event.time, event.event_id) > held[:2]:
            self._choices[event.user_id] = (event.time, event.event_id, choice)

    def _note_act(self, event: Event) -> None:
        product_id = event.product_id
        self._user_column.append(self._users.setdefault(event.user_id, len(self._users)))
        self._product_column.append(
            -1 if product_id is None else self._products.setdefault(product_id, len(self._products))
        )
        self._type_column.append(type_code(event.type))
        time = event.time.timestamp()
        self._times.append(time)
        self._purchase_times.append(effective_time(event))
        self._quantities.append(1.0 if event.quantity is None else event.quantity)
        self._amounts.append(self._amount(event) if event.type in _TRADES else 0.0)
        self._order_column.append(_order_key(event, time) if event.type == "purchase" else 0)

    def _amount(self, event: Event) -> float:
        if event.price is not None or event.product_id not in self._catalogue:
            return event.amount
        price = self._catalogue[event.product_id][0]
        quantity = 1.0 if event.quantity is None else event.quantity
        return 0.0 if price is None else max(0.0, price * quantity - (event.discount or 0.0))

    def build(self, *, as_of: float | None = None) -> History:
        """The history of all that was taken in."""
        off = {user_id for user_id, (_, _, choice) in self._choices.items() if choice == "off"}
        user_ids, users = _renumbered(self._users, np.frombuffer(self._user_column, dtype=np.int32))
        product_ids, products = _renumbered(self._products, np.frombuffer(self._product_column, dtype=np.int32))
        times = np.frombuffer(self._times, dtype=np.float64)
        if as_of is None:
            now = datetime.now(UTC).timestamp()
            as_of = now if times.size == 0 else min(now, float(times.max()) + 0.001)
        known = np.array([user_id not in off for user_id in user_ids], dtype=bool)
        kept = np.flatnonzero((times < as_of) & known[users])
        aside = np.flatnonzero((times < as_of) & ~known[users])
        order_column = np.frombuffer(self._order_column, dtype=np.int64)
        type_column = np.frombuffer(self._type_column, dtype=np.int8)
        quantities = np.frombuffer(self._quantities, dtype=np.float64)
        amounts = np.frombuffer(self._amounts, dtype=np.float64)
        # All columns, so that ties of time come in one order whatever order they were read in.
        columns = (amounts, quantities, order_column, products, type_column, times, users)
        kept = kept[np.lexsort(tuple(column[kept] for column in columns))]
        # Who opted out has no number at all, so that nobody can say anything of them by mistake.
        number = np.cumsum(known) - 1
        facts = [self._catalogue.get(product_id, (None, "", "")) for product_id in product_ids]
        return History(
            user_ids=tuple(user_id for user_id in user_ids if user_id not in off),
            shelf=Shelf(product_ids, tuple(fact[1] for fact in facts), tuple(fact[2] for fact in facts)),
            users=number[users[kept]].astype(np.int32),
            products=products[kept],
            types=type_column[kept],
            times=times[kept],
            purchase_times=np.frombuffer(self._purchase_times, dtype=np.float64)[kept],
            quantities=quantities[kept],
            amounts=amounts[kept],
            order_keys=order_column[kept],
            as_of=as_of,
            left_out=len(off),
            unnamed=_unnamed(users[aside], products[aside], type_column[aside], times[aside], quantities[aside]),
        )


def _unnamed(users: Any, products: Any, types: Any, times: Any, quantities: Any) -> Sales:
    """Lines of these users, in an order and with numbers that say of none of them which lines are theirs."""
    bought, refunded = types == type_code("purchase"), types == type_code("refund")
    kept = np.flatnonzero((bought | refunded) & (products >= 0))
    pieces = np.where(bought[kept], quantities[kept], -quantities[kept])
    order = np.lexsort((pieces, times[kept], products[kept]))
    kept, pieces = kept[order], pieces[order]
    pair = users[kept].astype(np.int64) * (int(products.max(initial=0)) + 1) + products[kept]
    _, first, pairs = np.unique(pair, return_index=True, return_inverse=True)
    return Sales(first[pairs].astype(np.int64), products[kept], np.asarray(times[kept], dtype=np.float64), pieces)


def _order_key(event: Event, time: float) -> int:
    """Equal for the lines of one order; lines without an order number bought at one instant are one order."""
    key = f"t{time!r}" if event.order_id is None else f"o{event.order_id}"
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def _renumbered(numbers: Mapping[str, int], column: np.ndarray[Any, Any]) -> tuple[tuple[str, ...], Any]:
    """Ids in order, and the column in their numbering (-1 stays), whatever order they came in."""
    ids = tuple(sorted(numbers))
    new = np.empty(len(ids) + 1, dtype=np.int32)
    new[-1] = -1
    for place, id in enumerate(ids):
        new[numbers[id]] = place
    return ids, new[column]
