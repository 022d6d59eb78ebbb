"""Odd users to plant in the generated shop: beside the others, drawn from a stream of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from profilestore.ingest.sample_events import HISTORY_DAYS, Dice, Item, Shelf, Shopper, act

__all__ = ["ODD_KINDS", "ODD_STREAM", "odd_acts", "odd_kinds"]

Acts = list[dict[str, Any]]

# Beside the seed, so that the users of the shop stay as they are.
ODD_STREAM: Final = 0x0DD
_A_GROUP: Final = 8
_PAY: Final = {"payment_method": "card"}


def odd_kinds(users: int) -> list[str]:
    """The kind of each odd user of a shop of so many others: one in 25, in whole groups of eight of each kind."""
    of_each = _A_GROUP * max(1, users // 25 // len(ODD_KINDS) // _A_GROUP)
    return [kind for kind in ODD_KINDS for _ in range(of_each)]


def odd_acts(
    shoppers: Sequence[Shopper], kinds: Sequence[str], shelf: Shelf, *, end: datetime, dice: Dice
) -> list[dict[str, Any]]:
    """What they do: as others do, and beside it what makes them odd."""
    acts: Acts = []
    script, start, copies = _script(shelf, dice), end, 0
    for shopper, kind in zip(shoppers, kinds, strict=True):
        if kind == "one pattern":
            if copies % _A_GROUP == 0:
                script, start = _script(shelf, dice), _day(end, dice)
            copies += 1
            acts += _play(shopper, script, start, dice)
        else:
            acts += act(shopper, shelf, quota=10 + int(dice.exponential(20)), end=end, dice=dice)
            acts += _MAKERS[kind](shopper, shelf, end, dice)
    return acts


def _day(end: datetime, dice: Dice) -> datetime:
    """A day well within the history, at an hour of daylight."""
    return end - timedelta(days=15 + dice.below(HISTORY_DAYS - 30), hours=4 + dice.below(12))


def _draw(shelf: Shelf, dice: Dice) -> Item:
    return shelf.draw(dice.pick(shelf.names), dice)


def _line(shopper: Shopper, item: Item, time: datetime, order: str, quantity: int) -> dict[str, Any]:
    return {"type": "purchase", "time": time, "user_id": shopper.user_id, "product_id": item.product_id,
            "quantity": quantity, "price": item.price, "order_id": f"{shopper.user_id}-{order}", **_PAY}  # fmt: skip


def _huge_orders(shopper: Shopper, shelf: Shelf, end: datetime, dice: Dice) -> Acts:
    """One or two orders of many pieces each of a few products."""
    acts: Acts = []
    for number in range(1 + dice.below(2)):
        time = _day(end, dice)
        for _ in range(2 + dice.below(4)):
            quantity = 60 + int(dice.exponential(80))
            acts.append(_line(shopper, _draw(shelf, dice), time, f"huge{number}", quantity))
    return acts


def _many_orders(shopper: Shopper, shelf: Shelf, end: datetime, dice: Dice) -> Acts:
    """Seven to sixteen orders within hours."""
    acts: Acts = []
    time = _day(end, dice)
    for number in range(7 + dice.below(10)):
        item = _draw(shelf, dice)
        acts.append({"type": "cart", "time": time, "user_id": shopper.user_id, "product_id": item.product_id,
                     "quantity": 1, "price": item.price})  # fmt: skip
        acts.append(_line(shopper, item, time + timedelta(seconds=20 + dice.below(60)), f"fast{number}", 1))
        time += timedelta(seconds=120 + int(dice.exponential(900)))
    return acts


def _refunds(shopper: Shopper, shelf: Shelf, end: datetime, dice: Dice) -> Acts:
    """Buys, and sends most of it back."""
    acts: Acts = []
    back = 0.7 + 0.3 * dice.roll()
    for number in range(12 + dice.below(16)):
        time = _day(end, dice)
        line = _line(shopper, _draw(shelf, dice), time, f"tried{number}", 1)
        acts.append(line)
        if dice.chance(back):
            later = time + timedelta(days=1 + dice.exponential(4))
            kept = {name: value for name, value in line.items() if name not in _PAY}
            acts.append({**kept, "type": "refund", "time": min(later, end), "purchase_time": time})
    return acts


def _crawls(shopper: Shopper, shelf: Shelf, end: datetime, dice: Dice) -> Acts:
    """Looks at hundreds of products, evenly, by day and by night, and buys none of them."""
    acts: Acts = []
    pause, time = 25.0 + 50.0 * dice.roll(), _day(end, dice)
    for _ in range(250 + dice.below(500)):
        acts.append({"type": "view", "time": time, "user_id": shopper.user_id, "dwell_s": 1.0,
                     "product_id": _draw(shelf, dice).product_id})  # fmt: skip
        time = min(time + timedelta(seconds=round(pause + 2.0 * dice.roll(), 1)), end)
    return acts


def _script(shelf: Shelf, dice: Dice) -> list[tuple[str, Item]]:
    """What a group of accounts does: five to nine products, looked at, bought and praised."""
    steps: list[tuple[str, Item]] = []
    for _ in range(5 + dice.below(5)):
        item = _draw(shelf, dice)
        steps += [(kind, item) for kind in ("view", "cart", "purchase")]
        if dice.chance(0.7):
            steps.append(("rate", item))
    return steps


def _play(shopper: Shopper, script: list[tuple[str, Item]], start: datetime, dice: Dice) -> Acts:
    """The script within a week of its first day, at hours of the account's own; one step in ten is left out."""
    acts: Acts = []
    time = start + timedelta(hours=24 * 7 * dice.roll())
    for kind, item in script:
        time += timedelta(seconds=5 + int(dice.exponential(90)))
        if dice.chance(0.1):
            continue
        if kind == "purchase":
            acts.append(_line(shopper, item, time, "same", 1))
            continue
        made = {"type": kind, "time": time, "user_id": shopper.user_id, "product_id": item.product_id}
        acts.append(made | {"rate": {"rating": 5.0}, "cart": {"quantity": 1, "price": item.price}}.get(kind, {}))
    return acts


_MAKERS: Final[dict[str, Callable[[Shopper, Shelf, datetime, Dice], Acts]]] = {
    "huge orders": _huge_orders,
    "many orders at once": _many_orders,
    "refunds": _refunds,
    "crawler": _crawls,
}
ODD_KINDS: Final = (*_MAKERS, "one pattern")
