"""What only a user's other acts tell of an act: orders in their order, and the recommendation a sale came of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from profilestore.dashboards.refresh.shelf import digest
from profilestore.documents import Event

__all__ = ["UNKNOWN", "WINDOW", "Sale", "order_key", "sales_of"]

# A purchase this long after a click on a recommendation of the product belongs to it.
WINDOW: Final = timedelta(days=7)
# A click that does not say by which method it was shown.
UNKNOWN: Final = "unknown"

Sale = tuple[str, int, str | None]


def order_key(event: Event) -> str:
    """The same for the lines of one order; lines without an order number bought at one instant are one order."""
    return digest(event.user_id, event.order_id or "", "" if event.order_id is not None else event.time)


def sales_of(events: Sequence[Event]) -> dict[str, Sale]:
    """By event id of each purchase: its order, the number of the order, and the method that it is attributed to.

    A purchase belongs to the last click on a recommendation of the same product within seven days before; a click
    at the same instant was before. A click that names no method has that of the impression of its request.

    Args:
        events: all acts of one user, in order of time.
    """
    shown: dict[tuple[str, str], str] = {}
    clicked: dict[str, Event] = {}
    numbers: dict[str, int] = {}
    found: dict[str, Sale] = {}
    for event in sorted(events, key=lambda each: (each.time, each.type == "purchase")):
        product_id = event.product_id
        if product_id is None:
            continue
        if event.type == "impression" and event.request_id is not None and event.method is not None:
            shown[event.request_id, product_id] = event.method
        elif event.type == "click":
            clicked[product_id] = event
        elif event.type == "purchase":
            key = order_key(event)
            found[event.event_id] = (key, numbers.setdefault(key, len(numbers) + 1), None)
            click = clicked.get(product_id)
            if click is not None and event.time - click.time <= WINDOW:
                method = click.method or shown.get((click.request_id or "", product_id), UNKNOWN)
                found[event.event_id] = (*found[event.event_id][:2], method)
    return found
