"""What the users of the generated shop do: sessions that follow each user's planted tastes."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any, Final, TypeVar

import numpy as np

__all__ = ["HISTORY_DAYS", "Dice", "Habits", "Item", "Shelf", "Shopper", "act"]

HISTORY_DAYS: Final = 180
# Bought again and again; of other clusters a product is mostly bought once.
_CONSUMED: Final = frozenset(("tea", "snacks", "newborn", "skincare"))
_COUPONS: Final = ("SPRING10", "WELCOME5", "VIP20")
_CAMPAIGNS: Final = ("spring-sale", "new-arrivals", "members-day", "618")
_GOOD: Final = (
    ("{noun}很满意，{benefit}，会回购", "Very happy with the {noun}: {benefit}, will buy again"),
    ("质量不错，{noun}{benefit}，推荐", "Good quality {noun}, {benefit}, recommended"),
    ("物流快，{noun}和描述一致，{benefit}", "Fast delivery, the {noun} is as described and {benefit}"),
)
_BAD: Final = (
    ("{noun}不太喜欢，和想象的不一样", "Not for me, the {noun} is not what I imagined"),
    ("有点失望，{noun}做工一般", "A bit disappointed, the {noun} is so-so"),
    ("不适合我，已经申请退货", "Does not suit me, I asked for a refund"),
)
T = TypeVar("T")


class Dice:
    """Fast single draws from a numpy Generator: uniforms are drawn in blocks, all else is made of them."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._block: list[float] = []

    def roll(self) -> float:
        """A uniform number in [0, 1)."""
        if len(self._block) == 0:
            self._block = self._rng.random(1 << 15).tolist()
        return self._block.pop()

    def chance(self, share: float) -> bool:
        """True with this probability."""
        return self.roll() < share

    def below(self, limit: int) -> int:
        """A whole number from 0 to limit - 1."""
        return int(self.roll() * limit)

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, each as likely as the others."""
        return options[self.below(len(options))]

    def pick_several(self, options: Sequence[T], *, n: int) -> list[T]:
        """Up to n different options, in random order."""
        rest = list(options)
        return [rest.pop(self.below(len(rest))) for _ in range(min(n, len(rest)))]

    def weighted(self, options: Sequence[T], cumulative: Sequence[float]) -> T:
        """One of the options, as likely as its step in the running sum of weights."""
        return options[min(bisect_right(cumulative, self.roll() * cumulative[-1]), len(options) - 1)]

    def exponential(self, mean: float) -> float:
        """A waiting time of this mean."""
        return -mean * math.log(1.0 - self.roll())


@dataclass(frozen=True)
class Item:
    """What acting needs to know of a product. Texts stand in the languages of the shop's users, zh and en."""

    product_id: str
    cluster: str
    brand: str
    price: float
    noun: tuple[str, str]
    benefit: tuple[str, str]
    searches: tuple[tuple[str, str], ...]


class Shelf:
    """The items of each cluster with their popularity, falling off as in Zipf's law."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.clusters: dict[str, list[Item]] = {}
        for item in items:
            self.clusters.setdefault(item.cluster, []).append(item)
        self.names = sorted(self.clusters)
        self._cumulative = {
            name: list(accumulate(1.0 / (rank + 3) ** 0.8 for rank in range(len(of_cluster))))
            for name, of_cluster in self.clusters.items()
        }

    def draw(self, cluster: str, dice: Dice) -> Item:
        """An item of a cluster, the popular ones more often."""
        return dice.weighted(self.clusters[cluster], self._cumulative[cluster])


@dataclass(frozen=True, slots=True)
class Habits:
    """How a user shops: the chance that a product looked at goes into the cart, the mean of further pieces of
    it, and the chance that an order is paid with a coupon."""

    buys: float = 0.28
    quantity: float = 0.4
    coupons: float = 0.12


@dataclass
class Shopper:
    """A user with planted tastes (cluster -> share), habits, and what they have looked at and bought."""

    user_id: str
    tastes: dict[str, float]
    language: int
    brands: frozenset[str]
    channel: str
    device: str
    payment_method: str
    hour: float
    weekend: bool
    habits: Habits = Habits()
    viewed: list[Item] = field(default_factory=list)
    bought: list[Item] = field(default_factory=list)


def act(shopper: Shopper, shelf: Shelf, *, quota: int, end: datetime, dice: Dice) -> list[dict[str, Any]]:
    """Exactly `quota` events of a shopper within HISTORY_DAYS before `end`, in the order they were made.

    Later acts (ratings, refunds) come after what they follow; the cut at the quota takes the last ones.
    """
    events: list[dict[str, Any]] = []
    visits = 0
    while len(events) < quota:
        visits += 1
        day = dice.below(HISTORY_DAYS - 1)
        if shopper.weekend and dice.chance(0.5):  # always the same day of the week, the one before the end's
            day -= day % 7
        hour = (shopper.hour + dice.exponential(1.5) - 1.0) % 24
        start = end - timedelta(days=day + 1) + timedelta(seconds=int(hour * 3600) % 86_400)
        events.extend(_Session(shopper, shelf, dice, start, end, visits).run())
    return events[:quota]


class _Session:
    """One visit: what is seen, bought, and later rated or sent back."""

    def __init__(self, shopper: Shopper, shelf: Shelf, dice: Dice, start: datetime, end: datetime, number: int) -> None:
        self.shopper, self.shelf, self.dice, self.now, self.end = shopper, shelf, dice, start, end
        self.events: list[dict[str, Any]] = []
        own = dice.chance(0.8)
        self.common = {
            "user_id": shopper.user_id,
            "session": f"{shopper.user_id}-s{number}",
            "channel": shopper.channel if own else dice.pick(("app", "web", "mini_program", "store")),
            "device": shopper.device if own else dice.pick(("ios", "android", "desktop")),
        }

    def run(self) -> list[dict[str, Any]]:
        dice, shopper = self.dice, self.shopper
        on_taste = dice.chance(0.88)
        cluster = self._taste() if on_taste else dice.pick(self.shelf.names)
        on_taste = cluster in shopper.tastes
        self._arrive(cluster)
        basket: list[tuple[Item, int]] = []
        for _ in range(1 + int(dice.exponential(1.6))):
            item = self._choose(cluster)
            self._look_at(item, on_taste)
            if dice.chance(shopper.habits.buys if on_taste else 0.06):
                quantity = 1 + int(dice.exponential(shopper.habits.quantity))
                self._add("cart", product_id=item.product_id, quantity=quantity, price=item.price)
                if dice.chance(0.12):
                    self._add("cart_remove", product_id=item.product_id, quantity=quantity)
                else:
                    basket.append((item, quantity))
        if len(basket) > 0 and dice.chance(0.75):
            self._buy(basket, on_taste)
        if dice.chance(0.01):
            self._add("contact", text=("请问什么时候发货", "When will it ship?")[shopper.language])
        if dice.chance(0.01):
            tier = dice.pick(("silver", "gold", "platinum"))
            self._add("attributes", plain=True, user_fields={"member_tier": tier})
        return self.events

    def _taste(self) -> str:
        names = list(self.shopper.tastes)
        return self.dice.weighted(names, list(accumulate(self.shopper.tastes.values())))

    def _choose(self, cluster: str) -> Item:
        dice, shopper = self.dice, self.shopper
        again = [item for item in shopper.bought if item.cluster == cluster] if cluster in _CONSUMED else []
        if len(again) > 0 and dice.chance(0.5):
            return dice.pick(again)
        recent = [item for item in shopper.viewed[-20:] if item.cluster == cluster]
        if len(recent) > 0 and dice.chance(0.25):
            return dice.pick(recent)
        item = self.shelf.draw(cluster, dice)
        if item.brand not in shopper.brands and dice.chance(0.4):  # a second look for a favourite brand
            item = self.shelf.draw(cluster, dice)
        return item

    def _arrive(self, cluster: str) -> None:
        dice = self.dice
        way = dice.roll()
        if way < 0.3:
            item = self.shelf.draw(cluster, dice)
            self._add("search", text=dice.pick(item.searches)[self.shopper.language])
        elif way < 0.45:
            request = f"{self.common['session']}-r"
            shown = [self.shelf.draw(cluster, dice) for _ in range(3)]
            for position, item in enumerate(shown):
                self._add("impression", product_id=item.product_id, position=position, request_id=request,
                          method="popular", experiment="home-2025")  # fmt: skip
            if dice.chance(0.4):
                position = dice.below(3)
                self._add("click", product_id=shown[position].product_id, position=position, request_id=request,
                          method="popular", experiment="home-2025")  # fmt: skip
        elif way < 0.52:
            self._add("open", campaign=dice.pick(_CAMPAIGNS))
            if dice.chance(0.4):
                self._add("coupon_claim", campaign=dice.pick(_COUPONS))

    def _look_at(self, item: Item, on_taste: bool) -> None:
        dice = self.dice
        dwell = round(5 + dice.exponential(60 if on_taste else 12), 1)
        self._add("view", product_id=item.product_id, dwell_s=dwell)
        self.shopper.viewed.append(item)
        if not on_taste:
            return
        for kind, share in (("favorite", 0.07), ("like", 0.05), ("share", 0.02), ("comment", 0.01)):
            if dice.chance(share):
                text = self._words(_GOOD, item) if kind == "comment" else None
                self._add(kind, product_id=item.product_id, text=text)
                if kind == "favorite" and dice.chance(0.08):
                    self._add("unfavorite", product_id=item.product_id)

    def _buy(self, basket: list[tuple[Item, int]], on_taste: bool) -> None:
        dice, shopper = self.dice, self.shopper
        order = f"{self.common['session']}-o"
        payment = shopper.payment_method if dice.chance(0.85) else dice.pick(("alipay", "wechat_pay", "card"))
        coupon = dice.pick(_COUPONS) if dice.chance(shopper.habits.coupons) else None
        if coupon is not None:
            self._add("coupon_redeem", campaign=coupon, order_id=order)
        bought_at = self.now
        for item, quantity in basket:
            discount = round(item.price * quantity * 0.1, 2) if coupon is not None else None
            line: dict[str, Any] = {
                "product_id": item.product_id,
                "quantity": quantity,
                "price": item.price,
                "order_id": order,
            }
            self._add("purchase", **line, discount=discount, payment_method=payment, campaign=coupon)
            shopper.bought.append(item)
            self._follow_up(item, line, on_taste, bought_at)

    def _follow_up(self, item: Item, line: dict[str, Any], on_taste: bool, bought_at: datetime) -> None:
        dice = self.dice
        days = 2 + dice.exponential(4)
        rated, refunded = dice.chance(0.35), dice.chance(0.03 if on_taste else 0.3)
        rating = (5 if dice.chance(0.6) else 4) if on_taste and not refunded else 1 + dice.below(2)
        wrote, words = dice.chance(0.4), self._words(_GOOD if rating > 3 else _BAD, item)
        visit, self.now = self.now, min(bought_at + timedelta(seconds=int(days * 86_400)), self.end)
        if self.now < self.end:  # what would come after the end is not known yet
            if rated:
                kind = "review" if wrote else "rate"
                self._add(kind, product_id=item.product_id, rating=float(rating), text=words if wrote else None)
            if refunded:
                self._add("refund", **line, purchase_time=visit)
        self.now = visit

    def _words(self, templates: tuple[tuple[str, str], ...], item: Item) -> str:
        language = self.shopper.language
        return self.dice.pick(templates)[language].format(noun=item.noun[language], benefit=item.benefit[language])

    def _add(self, kind: str, *, plain: bool = False, **fields: Any) -> None:
        common = {"user_id": self.shopper.user_id} if plain else self.common
        given = {name: value for name, value in fields.items() if value is not None}
        self.events.append({"type": kind, "time": self.now, **common, **given})
        if kind != "purchase":  # the lines of one order have one time
            self.now = min(self.now + timedelta(seconds=2 + self.dice.below(90)), self.end)
