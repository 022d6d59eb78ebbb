"""Does the search for odd users find any? Tried on a copy of the shop's own history with odd users planted.

Nobody has told the shop which of its users are odd, so there is no truth to compare with. But of behaviour planted
into a copy of its own history it is known: users who were not flagged are copied, and each copy does one odd thing
more, made of the shop's own orders, products and times. The baseline flags as many users by the largest
deviation of any one figure from its mean (a z-score). Nothing of the copy is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.insight.history import DAY_S, History, type_code
from profilestore.insight.intervals import mean_interval
from profilestore.insight.odd.finding import OddUsers, find_odd
from profilestore.insight.odd.forest import LEAST_ACTS, Unusual
from profilestore.insight.odd.rules import Limits

__all__ = ["Trial", "farthest", "judge", "plant_odd", "try_planted"]

Floats = NDArray[np.float64]

_OF_EACH: Final = 8
_COLUMNS: Final = ("users", "products", "types", "times", "purchase_times", "quantities", "amounts", "order_keys")


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of the planted users.

    Attributes:
        figures: `recall` of the planted users, that of the `baseline` with as many flags, and their difference `gain`;
            how many were planted, and how many others were flagged beside them; empty where nothing could be planted.
        rows: recall by kind.
        beats: whether more are found than by the baseline, its interval above zero.
    """

    figures: dict[str, Any]
    rows: list[dict[str, Any]]
    beats: bool


@dataclass
class _Planter:
    """Adds acts of new users to a history."""

    history: History
    rng: np.random.Generator
    added: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in _COLUMNS})

    def __post_init__(self) -> None:
        history = self.history
        self.lines = np.flatnonzero((history.types == type_code("purchase")) & (history.products >= 0))
        self.seen = np.flatnonzero((history.types == type_code("view")) & (history.products >= 0))
        orders = history.orders.amounts
        self.usual = float(np.median(orders[orders > 0.0])) if (orders > 0.0).any() else 0.0
        self.first = float(history.times.min())

    def time(self) -> float:
        """Some time that leaves two weeks to the end, where there are as many."""
        last = max(self.first, self.history.as_of - 14.0 * DAY_S)
        return float(self.rng.uniform(self.first, last))

    def copy(self, user: int, template: int) -> None:
        """All that a user did, as another's."""
        start, stop = np.searchsorted(self.history.users, [template, template + 1])
        for name in _COLUMNS[1:]:
            self.added[name] += getattr(self.history, name)[start:stop].tolist()
        self.added["users"] += [user] * int(stop - start)

    def act(self, user: int, type: str, time: float, line: int, *, order: int = 0, times: float = 1.0) -> None:
        """One act on the product, and of the amount, of a purchase there was."""
        time = min(time, self.history.as_of - 0.001)
        worth = type in ("purchase", "refund")
        values = (user, int(self.history.products[line]), type_code(type), time, time,
                  float(self.history.quantities[line]) * times,
                  float(self.history.amounts[line]) * times if worth else 0.0, order)  # fmt: skip
        for name, value in zip(_COLUMNS, values, strict=True):
            self.added[name].append(value)

    def back(self, place: int, time: float) -> None:
        """One refund of an added purchase."""
        bought = {name: self.added[name][place] for name in _COLUMNS}
        changed = {"types": type_code("refund"), "times": min(time, self.history.as_of - 0.001), "order_keys": 0}
        for name in _COLUMNS:
            self.added[name].append({**bought, **changed}[name])

    def line(self) -> int:
        """A purchase of the shop, any as likely."""
        return int(self.rng.choice(self.lines))

    def planted(self, user_ids: list[str]) -> History:
        """The history with all that was added."""
        columns: dict[str, Any] = {}
        for name in _COLUMNS:
            old = getattr(self.history, name)
            columns[name] = np.concatenate([old, np.array(self.added[name], dtype=old.dtype)])
        order = np.lexsort((columns["products"], columns["times"], columns["users"]))
        columns = {name: column[order] for name, column in columns.items()}
        return replace(self.history, user_ids=(*self.history.user_ids, *user_ids), **columns)


def _huge_order(plant: _Planter, users: list[int]) -> None:
    for user in users:
        line, time = plant.line(), plant.time()
        amount = max(1e-9, float(plant.history.amounts[line]))
        plant.act(user, "purchase", time, line, order=1, times=plant.usual * plant.rng.uniform(100, 400) / amount)


def _many_orders(plant: _Planter, users: list[int]) -> None:
    for user in users:
        time = plant.time()
        for order in range(int(plant.rng.integers(8, 17))):
            plant.act(user, "purchase", time, plant.line(), order=order + 1)
            time += float(plant.rng.exponential(900.0)) + 60.0


def _refunds(plant: _Planter, users: list[int]) -> None:
    for user in users:
        for order in range(int(plant.rng.integers(8, 17))):
            plant.act(user, "purchase", plant.time(), plant.line(), order=order + 1)
        lines = [place for place, owner in enumerate(plant.added["users"]) if owner == user]
        for place in lines:
            if plant.added["types"][place] == type_code("purchase") and plant.rng.random() < 0.85:
                plant.back(place, plant.added["times"][place] + float(plant.rng.uniform(1, 10)) * DAY_S)


def _crawler(plant: _Planter, users: list[int]) -> None:
    for user in users:
        time, pause = plant.time(), float(plant.rng.uniform(20, 60))
        for line in plant.rng.choice(plant.seen, size=int(plant.rng.integers(300, 700))).tolist():
            plant.act(user, "view", time, line)
            time += pause + float(plant.rng.uniform(0, 2))


def _pattern(plant: _Planter, users: list[int]) -> None:
    script = [plant.line() for _ in range(int(plant.rng.integers(7, 11)))]
    start = plant.time()
    for user in users:
        time = start + float(plant.rng.uniform(0, 7)) * DAY_S
        bought = [line for line in script if plant.rng.random() < 0.9]
        for line in bought if plant.seen.size > 0 else ():
            plant.act(user, "view", time, line)
            time += float(plant.rng.exponential(90.0)) + 5.0
        for line in bought:  # the lines of one order, at one moment
            plant.act(user, "purchase", time, line, order=1)


_KINDS: Final[dict[str, Callable[[_Planter, list[int]], None]]] = {
    "huge order": _huge_order,
    "many orders at once": _many_orders,
    "refunds": _refunds,
    "crawler": _crawler,
    "one pattern": _pattern,
}


def plant_odd(history: History, *, seed: int) -> tuple[History, dict[int, str]]:
    """A copy with eight users of each kind more, and the kind of each by its row.

    A shop without purchases has crawlers alone, one without views no crawlers; an empty kind is no kind.
    """
    rng = np.random.default_rng(seed)
    known = np.flatnonzero(np.bincount(history.users, minlength=len(history.user_ids)) >= LEAST_ACTS)
    if known.size == 0:
        return history, {}
    plant = _Planter(history, rng)
    sold, seen = plant.lines.size > 0 and plant.usual > 0.0, plant.seen.size > 0
    kinds = [kind for kind in _KINDS if (seen if kind == "crawler" else sold)]
    truth: dict[int, str] = {}
    for kind in kinds:
        users = [len(history.user_ids) + len(truth) + number for number in range(_OF_EACH)]
        if kind != "one pattern":  # accounts made for it do nothing else
            for user in users:
                plant.copy(user, int(rng.choice(known)))
        _KINDS[kind](plant, users)
        truth |= dict.fromkeys(users, kind)
    return plant.planted([f"planted {kind} {user}" for user, kind in truth.items()]), truth


def try_planted(odd: OddUsers, *, limits: Limits, seed: int) -> Trial:
    """Plant odd users among those who were not found odd, and look for them.

    Who was flagged is left out: the baseline, too, would spend its flags on them.
    """
    recent, time_zone = odd.acts.history, odd.acts.time_zone
    flagged = np.isin(recent.users, list(odd.facts))
    copy, truth = plant_odd(recent.picked(np.flatnonzero(~flagged)), seed=seed)
    if len(truth) == 0:
        return Trial({}, [], beats=True)
    found = find_odd(copy, limits=limits, time_zone=time_zone, seed=seed, kept_out=odd.acts.kept_out)
    return judge(found, truth, seed=seed)


def judge(found: OddUsers, truth: Mapping[int, str], *, seed: int) -> Trial:
    """Compare who was found with who was planted, and with the baseline's as many."""
    ours = np.array([float(row in found.facts) for row in truth])
    plain = farthest(found.unusual, len(found.facts))
    theirs = np.array([float(row in plain) for row in truth])
    gain = mean_interval(ours - theirs, seed=seed)
    kinds = np.array(list(truth.values()))
    rows = [
        {"kind": kind, "planted": int((kinds == kind).sum()), "found": int(ours[kinds == kind].sum()),
         "found by the largest deviation": int(theirs[kinds == kind].sum())}
        for kind in dict.fromkeys(truth.values())
    ]  # fmt: skip
    figures = {
        "planted": len(truth),
        "recall": mean_interval(ours, seed=seed),
        "baseline": mean_interval(theirs, seed=seed),
        "gain": gain,
        "others_flagged": len(set(found.facts) - set(truth)),
    }
    return Trial(figures, rows, beats=gain["low"] > 0.0)


def farthest(unusual: Unusual, count: int) -> set[int]:
    """The baseline: the `count` users of whom any one figure is farthest from the mean, in standard deviations."""
    points = unusual.points
    deviations = np.abs(points - points.mean(axis=0)) / points.std(axis=0)
    order = np.lexsort((unusual.rows, -deviations.max(axis=1)))
    return set(unusual.rows[order[:count]].tolist())
