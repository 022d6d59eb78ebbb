"""What is known at a cut and what is asked for after it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from profilestore.documents import Event

__all__ = ["TimeSplit", "split_by_time"]


@dataclass(frozen=True, slots=True)
class TimeSplit:
    """Events before a cut, and by user the products new to them after it (of those known before)."""

    cut: datetime
    train: list[Event]
    relevant: dict[str, frozenset[str]]
    seen: dict[str, frozenset[str]]


def split_by_time(events: Iterable[Event], *, share: float = 0.8, types: frozenset[str] | None = None) -> TimeSplit:
    """Split at the time before which a share of the events lies.

    Asked for are the products that a user with a history takes up after the cut: not acted on before by
    this user, and known in the shop before. Users without any such product are not asked about.

    Args:
        events: of any order.
        share: of the events that are trained on, between 0 and 1.
        types: which events count as taking a product up; purchases when None.
    """
    ordered = sorted((event for event in events if event.product_id is not None), key=lambda event: event.time)
    if len(ordered) == 0:
        raise ValueError("no events with a product to split")
    wanted = frozenset(("purchase",)) if types is None else types
    cut = ordered[min(len(ordered) - 1, int(share * len(ordered)))].time
    train = [event for event in ordered if event.time < cut]
    seen: dict[str, set[str]] = {}
    for event in train:
        seen.setdefault(event.user_id, set()).add(str(event.product_id))
    known = frozenset(str(event.product_id) for event in train)
    fresh: dict[str, set[str]] = {}
    for event in ordered[len(train) :]:
        product_id = str(event.product_id)
        if event.type in wanted and event.user_id in seen and _is_new(product_id, known, seen[event.user_id]):
            fresh.setdefault(event.user_id, set()).add(product_id)
    return TimeSplit(
        cut=cut,
        train=train,
        relevant={user_id: frozenset(products) for user_id, products in fresh.items()},
        seen={user_id: frozenset(products) for user_id, products in seen.items()},
    )


def _is_new(product_id: str, known: frozenset[str], seen: set[str]) -> bool:
    return product_id in known and product_id not in seen
