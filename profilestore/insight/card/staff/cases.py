"""What waits for the shop: refunds that are open, and questions to the service without an answer.

The rule, from the log alone:

- A refund event takes money back, so it is settled unless it says otherwise. It is open while the last word on it is
  one of an open state (`states.py`: requested, pending, processing, 退款中 …): its own `status` or `refund_status`, or
  a later `refund_status` of the same order (and product, where the later event names one).
- A purchase whose own state or `refund_status` is such a word ("return requested", 申请退款) is an open refund too,
  until a refund event of it comes that is not open itself, or a later word on the same order closes it.
- A question (a `contact` event from the customer) is open while its state says so, for a year; one that says nothing
  is told for 30 days as "no answer on file", until a later contact answers it: one that went out, or is closed. Of two
  contacts with numbers of orders, only one of the same order answers.

What the shop settled elsewhere and never wrote to the log stands here as open: the card says "as the log has it".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from profilestore.documents import Event
from profilestore.insight.card.staff.states import is_closed, is_open, is_outgoing, refund_state, state, topic

__all__ = ["Case", "last_refund", "open_cases"]

_KEPT_OPEN: Final = timedelta(days=365)
_UNANSWERED: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Case:
    """Something that waits.

    Attributes:
        kind: a refund or a question.
        time: since when.
        amount: of a refund, in the shop's currency; None where the log does not say.
        product_id, order_id: what it is about, where the log says.
        state: in the shop's words; None of a question that says nothing.
        topic: of a question, in the shop's words.
    """

    kind: Literal["refund", "question"]
    time: datetime
    amount: float | None = None
    product_id: str | None = None
    order_id: str | None = None
    state: str | None = None
    topic: str | None = None


def open_cases(events: Iterable[Event], *, now: datetime) -> list[Case]:
    """What waits, refunds before questions, the oldest first.

    Args:
        events: the user's purchases, refunds and contacts.
        now: the time of the card.
    """
    by_time = [event for event in sorted(events, key=lambda event: (event.time, event.event_id)) if event.time <= now]
    refunds = [case for place, event in enumerate(by_time) if (case := _refund(event, by_time[place + 1 :], now))]
    contacts = [event for event in by_time if event.type == "contact"]
    asked = [case for place, event in enumerate(contacts) if (case := _question(event, contacts[place + 1 :], now))]
    return [*refunds, *asked]


def last_refund(events: Iterable[Event]) -> Event | None:
    """The latest refund event."""
    return max(
        (event for event in events if event.type == "refund"),
        key=lambda event: (event.time, event.event_id),
        default=None,
    )


def _refund(event: Event, later: Sequence[Event], now: datetime) -> Case | None:
    if event.type not in ("refund", "purchase") or now - event.time > _KEPT_OPEN:
        return None
    said = refund_state(event.attributes, is_refund=event.type == "refund")
    for other in later:
        # A refund event speaks for itself, and settles the wish for one that a purchase told of.
        if event.type == "purchase" and other.type == "refund" and _same_line(event, other):
            return None
        if event.order_id is not None and other.order_id == event.order_id and other.type != "refund":
            word = refund_state(other.attributes, is_refund=False)
            if word is not None and other.product_id in (None, event.product_id):
                said = word
    if not is_open(said):
        return None
    amount = None if event.price is None else event.amount
    return Case("refund", event.time, amount, event.product_id, event.order_id, said)


def _same_line(bought: Event, refund: Event) -> bool:
    if bought.product_id != refund.product_id:
        return False
    return bought.order_id is None or refund.order_id is None or bought.order_id == refund.order_id


def _question(event: Event, later: Sequence[Event], now: datetime) -> Case | None:
    said = _word(event)
    if is_outgoing(event.attributes) or is_closed(said):
        return None
    waits = is_open(said)
    if now - event.time > (_KEPT_OPEN if waits else _UNANSWERED) or (said is not None and not waits):
        return None
    for other in later:
        about = event.order_id is None or other.order_id is None or event.order_id == other.order_id
        if about and (is_outgoing(other.attributes) or is_closed(_word(other))):
            return None
    return Case("question", event.time, None, event.product_id, event.order_id, said, topic(event.attributes))


def _word(contact: Event) -> str | None:
    """What a contact says of itself; one that tells how a refund stands says that."""
    return state(contact.attributes) or refund_state(contact.attributes, is_refund=False)
