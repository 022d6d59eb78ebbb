"""A user's last orders, from the lines in the log, with what was sent back of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from profilestore.documents import Event
from profilestore.insight.card.staff.states import state

__all__ = ["Order", "order_key", "orders_of"]

_NOTHING = 1e-9


@dataclass(slots=True)
class _Line:
    event: Event
    left: float
    back: float = 0.0


@dataclass(frozen=True, slots=True)
class Order:
    """One order.

    Attributes:
        key: that its lines share, see `order_key`.
        order_id: None where the shop's log has no numbers of orders.
        time: of its first line.
        products: the ids of its lines, by what they cost, the dearest first.
        pieces, amount: as bought, in pieces and in the shop's currency.
        back: money of what refund events took back.
        sent_back: "none", "part" or "all" of its pieces.
        state: what its latest line that says anything says, None where none does.
    """

    key: str
    order_id: str | None
    time: datetime
    products: tuple[str, ...]
    pieces: float
    amount: float
    back: float
    sent_back: str
    state: str | None


def order_key(event: Event) -> str:
    """Equal for the lines of one order: those of one number, without one those of one instant, as insight counts."""
    return f"t{event.time.timestamp()!r}" if event.order_id is None else f"o{event.order_id}"


def orders_of(events: Iterable[Event]) -> list[Order]:
    """The orders among some acts of one user, the latest first.

    A refund is taken from the lines of its product: those of its order where it has a number, else the latest up to
    the purchase time that it says, else up to its own time.
    """
    by_time = sorted(events, key=lambda event: (event.time, event.event_id))
    lines = [_Line(event, _pieces(event)) for event in by_time if event.type == "purchase"]
    for refund in by_time:
        if refund.type == "refund":
            _take_back(refund, lines)
    grouped: dict[str, list[_Line]] = {}
    for line in lines:
        grouped.setdefault(order_key(line.event), []).append(line)
    orders = [_order(key, held) for key, held in grouped.items()]
    return sorted(orders, key=lambda order: (order.time, order.key), reverse=True)


def _take_back(refund: Event, lines: Sequence[_Line]) -> None:
    until = refund.purchase_time or refund.time
    own = [line for line in lines if line.event.product_id == refund.product_id]
    if refund.order_id is not None and any(line.event.order_id == refund.order_id for line in own):
        own = [line for line in own if line.event.order_id == refund.order_id]
    else:
        own = [line for line in own if line.event.time <= until]
    pieces = _pieces(refund)
    paid = refund.amount / pieces if refund.price is not None else None
    for line in reversed(own):
        taken = min(pieces, line.left)
        if taken <= _NOTHING:
            continue
        each = line.event.amount / _pieces(line.event) if paid is None else paid
        line.left -= taken
        line.back = min(line.event.amount, line.back + taken * each)
        pieces -= taken


def _order(key: str, lines: Sequence[_Line]) -> Order:
    bought, left = sum(_pieces(line.event) for line in lines), sum(line.left for line in lines)
    dearest = sorted(lines, key=lambda line: (-line.event.amount, line.event.product_id or ""))
    said = [told for line in lines if (told := state(line.event.attributes)) is not None]
    return Order(
        key=key,
        order_id=lines[0].event.order_id,
        time=lines[0].event.time,
        products=tuple(dict.fromkeys(line.event.product_id for line in dearest if line.event.product_id is not None)),
        pieces=bought,
        amount=sum(line.event.amount for line in lines),
        back=sum(line.back for line in lines),
        sent_back="all" if left <= _NOTHING else "part" if left < bought - _NOTHING else "none",
        state=said[-1] if len(said) > 0 else None,
    )


def _pieces(event: Event) -> float:
    return 1.0 if event.quantity is None else event.quantity
