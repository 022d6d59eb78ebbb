"""A large shop for measurements of insight, written straight into the indices: no fold, no vectors of users.

Folding a million events of 100,000 users is measured elsewhere (`measure_loading.py`). Here each event is a document of
the log as the loader writes it, and each profile has the fields that insight reads, with the position in the log up to
which it counts as folded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profilestore import Product, ProfileStore

__all__ = ["write_scale_shop"]

DAYS = 730
START_S = datetime(2024, 7, 1, tzinfo=UTC).timestamp()
PRODUCTS = 2000
CATEGORIES = (
    "Kitchen", "Garden", "Tea", "Books", "Toys", "Sport", "Beauty", "Office", "Travel", "Music", "Pets", "Baby",
)  # fmt: skip
TYPES = ("view", "purchase", "cart", "favorite", "search", "rate", "review", "refund")
SHARES = (0.56, 0.2, 0.1, 0.03, 0.04, 0.03, 0.03, 0.01)
AGES, PROVINCES = (18, 75), ("north", "south", "east", "west", "centre")
GOOD = ("very good", "works well", "great quality", "arrived fast", "would buy again", "lovely colour", "fair price")
BAD = ("broke at once", "poor quality", "came late", "not as described", "a waste of money", "too small", "smells bad")
BATCH = 10_000


@dataclass(frozen=True)
class Acts:
    """All events as columns, (n,) each, by user and time."""

    users: NDArray[np.int32]
    times: NDArray[np.float64]
    types: NDArray[np.int8]
    products: NDArray[np.int32]
    quantities: NDArray[np.int8]
    prices: NDArray[np.float64]


def write_scale_shop(shop: ProfileStore, *, users: int, events: int, seed: int = 7) -> None:
    """Write products by the loader, then the log, then the profiles; every 33rd user has personalisation off."""
    rng = np.random.default_rng(seed)
    shop.index_products(_product(number) for number in range(PRODUCTS))
    acts = _acts(rng, users, events)
    people = _people(rng, users)
    side = shop._parts.in_force
    for batch in _batched(_log_documents(acts, people, rng)):
        side.log.append_raw(batch)
    log = side.log.identity()
    folded = side.log.checkpoints(log)
    target = side.profiles.identity()
    position = {"generation": target.meta.generation, "log_uuid": log.uuid, "log_shard": 0, "folded_upto": folded[0]}
    for batch in _batched(_profiles(acts, people, position)):
        outcomes = side.profiles.write(target.index, [(source["user_id"], source, None) for source in batch])
        assert all(outcome.ok for outcome in outcomes)
    side.folder.start_at(log, folded)
    side.profiles.refresh(target.index)


def _product(number: int) -> Product:
    category = CATEGORIES[number % len(CATEGORIES)]
    brand = f"brand {number % 37}"
    title = f"{category} thing {number % 71} of {brand}"
    return Product(product_id=f"p{number:05d}", title=title, category=category, brand=brand, price=5.0 + number % 90)


def _acts(rng: np.random.Generator, users: int, events: int) -> Acts:
    """Each user has two favourite categories, a staple that is bought again, a rhythm, and may stay away."""
    weights = rng.lognormal(0.0, 0.9, users)
    counts = np.maximum(1, rng.poisson(weights / weights.sum() * events))
    who = np.repeat(np.arange(users, dtype=np.int32), counts)
    begun = rng.uniform(0.0, 0.8 * DAYS, users)
    active = np.minimum(DAYS - begun, 20.0 + rng.exponential(300.0, users))
    times = START_S + 86_400.0 * (begun[who] + active[who] * rng.random(who.size))
    order = np.lexsort((times, who))
    favourites = rng.integers(0, len(CATEGORIES), (users, 2))
    category = np.where(
        rng.random(who.size) < 0.85,
        favourites[who, rng.integers(0, 2, who.size)],
        rng.integers(0, len(CATEGORIES), who.size),
    )
    shelf = PRODUCTS // len(CATEGORIES)
    product = np.minimum(shelf - 1, rng.exponential(30.0, who.size).astype(np.int64)) * len(CATEGORIES) + category
    types = rng.choice(len(TYPES), who.size, p=SHARES)
    staples = rng.integers(0, PRODUCTS, users)
    again = (types == TYPES.index("purchase")) & (rng.random(who.size) < 0.3)
    product = np.where(again, staples[who], product)
    prices = (5.0 + product % 90) * rng.lognormal(0.0, 0.2, users)[who]
    return Acts(
        who[order], times[order], types[order].astype(np.int8), product[order].astype(np.int32),
        rng.integers(1, 4, who.size).astype(np.int8), np.round(prices[order], 2),
    )  # fmt: skip


def _people(rng: np.random.Generator, users: int) -> list[dict[str, Any]]:
    ages = rng.integers(*AGES, users).tolist()
    return [
        {"gender": ("female", "male")[number % 2], "age": age, "country": "CN", "province": PROVINCES[number % 5],
         "personalisation": "off" if number % 33 == 0 else "on"}
        for number, age in enumerate(ages)
    ]  # fmt: skip


def _log_documents(
    acts: Acts, people: list[dict[str, Any]], rng: np.random.Generator
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for number, fields in enumerate(people):
        user, id = f"u{number:06d}", f"a{number:06d}"
        yield (
            id,
            user,
            {"event_id": id, "user_id": user, "type": "attributes", "time": _iso(START_S), "user_fields": fields},
        )
    words = rng.integers(0, len(GOOD), (acts.users.size, 3))
    good = rng.random(acts.users.size) < 0.7
    for place in range(acts.users.size):
        yield _event(acts, place, bool(good[place]), words[place].tolist())


def _event(acts: Acts, place: int, good: bool, words: list[int]) -> tuple[str, str, dict[str, Any]]:
    kind, user, id = TYPES[int(acts.types[place])], f"u{int(acts.users[place]):06d}", f"e{place:08d}"
    event: dict[str, Any] = {"event_id": id, "user_id": user, "type": kind, "time": _iso(float(acts.times[place]))}
    product = int(acts.products[place])
    if kind == "search":
        return id, user, event | {"text": f"{CATEGORIES[product % len(CATEGORIES)]} thing"}
    event["product_id"] = f"p{product:05d}"
    if kind in ("purchase", "refund", "cart"):
        event |= {
            "quantity": float(acts.quantities[place]),
            "price": float(acts.prices[place]),
            "order_id": f"o{place}",
        }
    if kind in ("rate", "review"):
        event["rating"] = float((4, 5)[words[0] % 2] if good else (1, 2)[words[0] % 2])
    if kind == "review":
        said = ", ".join((GOOD if good else BAD)[word] for word in words)
        event["text"] = f"{said}, thing {product % 71} of brand {product % 37}"
    return id, user, event


def _profiles(acts: Acts, people: list[dict[str, Any]], position: dict[str, Any]) -> Iterator[dict[str, Any]]:
    bounds = np.searchsorted(acts.users, np.arange(len(people) + 1))
    bought = acts.types == TYPES.index("purchase")
    money = np.where(bought, acts.quantities * acts.prices, 0.0)
    for number, fields in enumerate(people):
        rows = slice(int(bounds[number]), int(bounds[number + 1]))
        orders = int(bought[rows].sum())
        figures: dict[str, Any] = {
            "events_total": rows.stop - rows.start,
            "order_count": orders,
            "purchase_count": orders,
            "spend_total": round(float(money[rows].sum()), 2),
        }
        if orders > 0:
            figures["last_purchase"] = _iso(float(acts.times[rows][bought[rows]].max()))
        yield {"user_id": f"u{number:06d}", **position, **fields, **figures}


def _iso(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _batched(rows: Iterator[Any]) -> Iterator[list[Any]]:
    held: list[Any] = []
    for row in rows:
        held.append(row)
        if len(held) == BATCH:
            yield held
            held = []
    if len(held) > 0:
        yield held
