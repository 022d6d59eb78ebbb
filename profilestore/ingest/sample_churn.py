"""Customers with a rhythm to plant in the generated shop, beside the others: some keep to it, some fade and stop."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from profilestore.ingest.sample_events import HISTORY_DAYS, Dice, Shelf, Shopper

__all__ = ["CHURN_STREAM", "churn_acts", "rhythm_users"]

Acts = list[dict[str, Any]]

# Beside the seed, so that the users of the shop stay as they are.
CHURN_STREAM: Final = 0xC4
_LEAST: Final = 40
_GAP_DAYS: Final = (5.0, 10.0)
# Erlang: a user's gaps are about the same, with a spread of half the mean.
_STEADINESS: Final = 4
_KNOWN_DAYS: Final = 50
# Four of the longest own gaps before the end: who stopped can be known to have.
_QUIET_DAYS: Final = 40
_FADING_DAYS: Final = 30
_FADING: Final = 1.6


def rhythm_users(users: int) -> int:
    """How many are planted beside so many users: one in five, an even number."""
    return 2 * (max(_LEAST, users // 5) // 2)


def churn_acts(
    shoppers: Sequence[Shopper], shelf: Shelf, *, end: datetime, dice: Dice
) -> tuple[Acts, dict[str, str | None]]:
    """What they do, and the truth: user -> day of the last order, None for who goes on.

    Every second one stops, on a day between the 50th and the 40th before the end. In the month before it the gaps grow
    and the visits without an order become fewer.
    """
    acts: Acts = []
    truth: dict[str, str | None] = {}
    for number, shopper in enumerate(shoppers):
        stop = None
        if number % 2 == 1:
            stop = end - timedelta(days=_QUIET_DAYS + dice.below(HISTORY_DAYS - _KNOWN_DAYS - _QUIET_DAYS))
        orders, visits = _times(end, stop, dice)
        acts += _visits(shopper, shelf, orders, visits, dice)
        truth[shopper.user_id] = None if stop is None else _day(orders)
    return acts, truth


def _day(orders: list[datetime]) -> str:
    last: date = max(orders).date()
    return last.isoformat()


def _times(end: datetime, stop: datetime | None, dice: Dice) -> tuple[list[datetime], list[datetime]]:
    """When one user orders, and when they only look."""
    low, high = _GAP_DAYS
    gap = low + (high - low) * dice.roll()
    time = end - timedelta(days=HISTORY_DAYS - 1 - dice.below(15), hours=dice.below(12))
    until = end if stop is None else stop
    orders, visits = [time], []
    while True:
        fading = stop is not None and time > stop - timedelta(days=_FADING_DAYS)
        wait = gap * (_FADING if fading else 1.0)
        days = sum(dice.exponential(wait / _STEADINESS) for _ in range(_STEADINESS))
        if not fading and dice.chance(0.8):
            visits.append(time + timedelta(days=days * dice.roll()))
        time += timedelta(days=days)
        if time >= until:
            return orders, [visit for visit in visits if visit < until]
        orders.append(time)


def _visits(shopper: Shopper, shelf: Shelf, orders: list[datetime], visits: list[datetime], dice: Dice) -> Acts:
    """A view for each visit; for each order a view and one to three lines."""
    acts: Acts = []
    tastes = list(shopper.tastes)
    for number, time in enumerate(orders):
        for _ in range(1 + dice.below(3)):
            item = shelf.draw(dice.pick(tastes), dice)
            line = {"user_id": shopper.user_id, "product_id": item.product_id}
            acts.append({"type": "view", "time": time - timedelta(seconds=60 + dice.below(600)), **line})
            paid = {"quantity": 1, "price": item.price, "payment_method": shopper.payment_method}
            acts.append({"type": "purchase", "time": time, **line, **paid, "order_id": f"{shopper.user_id}-r{number}"})
    for time in visits:
        acts.append({"type": "view", "time": time, "user_id": shopper.user_id,
                     "product_id": shelf.draw(dice.pick(tastes), dice).product_id})  # fmt: skip
    return acts
