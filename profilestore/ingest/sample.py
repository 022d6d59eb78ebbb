"""A shop of our own, made from a seed: products, users and events with planted tastes, and the truth of them.

The Chinese and the English shop are one shop in two languages: ids, categories, prices, tastes and events
are the same, only texts differ. `mixed` gives each product both languages.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
import orjson

from profilestore.documents import Event, Product, User
from profilestore.errors import UsageError
from profilestore.ingest.sample_campaign_acts import CAMPAIGN_STREAM, campaign_acts, campaign_buyers
from profilestore.ingest.sample_churn import CHURN_STREAM, churn_acts, rhythm_users
from profilestore.ingest.sample_events import HISTORY_DAYS, Dice, Habits, Shelf, Shopper, act
from profilestore.ingest.sample_odd import ODD_STREAM, odd_acts, odd_kinds
from profilestore.ingest.sample_products import Language, MadeProduct, make_products
from profilestore.ingest.sample_seasons import SEASON_STREAM, season_acts
from profilestore.ingest.sample_segments import ARCHETYPES, Archetype
from profilestore.ingest.sample_words import CITIES

__all__ = ["DEFAULT_END", "Language", "SampleShop", "SampleTruth", "generate_shop", "write_shop"]

DEFAULT_END: Final = datetime(2025, 6, 30, tzinfo=UTC)
QUERIES: Final = 200


@dataclass(frozen=True)
class SampleTruth:
    """What was planted. `queries` are (product_id, Chinese words, English words): each should find its product.
    `user_segments` is empty where no segments were planted, `odd_users` (user -> kind) where no odd ones were.
    `churn_users` are customers with a rhythm: user -> day of the last order where they stopped, None where not.
    `campaigns`: what was planted of each, its true effects, and under `kinds` the kind of each of their users."""

    user_clusters: dict[str, dict[str, float]]
    product_clusters: dict[str, str]
    product_categories: dict[str, str]
    product_subcategories: dict[str, str]
    queries: list[tuple[str, str, str]]
    user_segments: dict[str, str] = field(default_factory=dict)
    odd_users: dict[str, str] = field(default_factory=dict)
    churn_users: dict[str, str | None] = field(default_factory=dict)
    seasonal_products: dict[str, int] = field(default_factory=dict)
    campaigns: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SampleShop:
    """A generated shop. Events are in the order of their times.

    `campaign_files` are the rows of `campaigns` and of their `members`; empty where none were planted.
    """

    products: list[Product]
    users: list[User]
    events: list[Event]
    truth: SampleTruth
    campaign_files: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def generate_shop(
    *,
    seed: int = 7,
    users: int = 2000,
    products: int = 1500,
    events: int = 60_000,
    language: Language = "mixed",
    end: datetime = DEFAULT_END,
    segments: bool = False,
    odd: bool = False,
    churn: bool = False,
    seasons: bool = False,
    campaigns: bool = False,
) -> SampleShop:
    """Make a shop; equal arguments give equal shops.

    Args:
        seed: of all random draws.
        users: how many users, at least 1.
        products: how many products, at least 1.
        events: exactly how many events.
        language: of titles, descriptions, searches and reviews.
        end: the time before which everything happened; the history is 180 days long.
        segments: plant segments too: each user is one of a few kinds of shopper. Without, tastes are mixed freely.
        odd: plant odd users too, beside the `users` and with events beside the `events`.
        churn: plant customers with a rhythm too, half of whom stop; beside the others as the odd ones are.
        seasons: plant products with a season too, and others without: two years of purchases beside the `events`. Where
            something else is planted, as many users again make them, so that each truth stays true: who stopped buys
            nothing later, who is odd or of a segment does nothing else.
        campaigns: plant campaigns too, one of a known effect, one of none, one with a tiny control group, with users
            of their own beside the others, who do nothing else.

    Raises:
        UsageError: a number or language that cannot be meant.
    """
    if users < 1 or products < 1 or events < 0 or seed < 0:
        raise UsageError("a sample shop needs at least 1 user, 1 product, 0 events and a seed of at least 0")
    if language not in get_args(Language):
        raise UsageError(f"language of a sample shop must be one of {', '.join(get_args(Language))}")
    # Streams of their own: another number of products leaves the users as they are.
    product_rng, user_rng, event_rng, query_rng = np.random.default_rng(seed).spawn(4)
    made = make_products(products, Dice(product_rng), end)
    shelf = Shelf([product.to_item() for product in made])
    kinds = _kinds(users, user_rng, segments)
    rows, shoppers = _make_users(users, Dice(user_rng), shelf, language, end, kinds)
    quotas = event_rng.multinomial(events, _activity(users, event_rng))
    dice = Dice(event_rng)
    acts = [
        event
        for shopper, quota in zip(shoppers, quotas.tolist(), strict=True)
        for event in act(shopper, shelf, quota=quota, end=end, dice=dice)
    ]
    odd_users: dict[str, str] = {}
    if odd:
        odd_rows, odd_users, odd_events = _plant_odd(users, shelf, seed=seed, language=language, end=end)
        rows += odd_rows
        acts += odd_events
    churn_users: dict[str, str | None] = {}
    if churn:
        churn_rows, churn_users, churn_events = _plant_churn(len(rows), shelf, seed=seed, language=language, end=end)
        rows += churn_rows
        acts += churn_events
    seasonal_products: dict[str, int] = {}
    if seasons:
        rng = np.random.default_rng([seed, SEASON_STREAM])
        buyers = rows
        if segments or odd or churn:
            buyers, _ = _make_users(users, Dice(rng), shelf, language, end, [], first=len(rows) + 1)
            rows = rows + buyers
        season_events, seasonal_products = season_acts(shelf, [row.user_id for row in buyers], end=end, rng=rng)
        acts += season_events
    planted: dict[str, Any] = {}
    campaign_files: dict[str, list[dict[str, Any]]] = {}
    if campaigns:
        rng = np.random.default_rng([seed, CAMPAIGN_STREAM])
        first = len(rows) + 1
        buyers, _ = _make_users(campaign_buyers(users), Dice(rng), shelf, language, end, [], first=first)
        rows = rows + buyers
        items = [item for name in shelf.names for item in shelf.clusters[name]]
        made_acts, planted, campaign_files = campaign_acts([row.user_id for row in buyers], items, end=end, rng=rng)
        acts += made_acts
    acts.sort(key=lambda event: (event["time"], event["user_id"]))
    return SampleShop(
        products=[product.to_product(language) for product in made],
        users=rows,
        events=[Event(event_id=f"e{number:07d}", **event) for number, event in enumerate(acts, start=1)],
        truth=SampleTruth(
            user_clusters={shopper.user_id: shopper.tastes for shopper in shoppers},
            product_clusters={product.product_id: product.kind.cluster for product in made},
            product_categories={product.product_id: product.kind.category for product in made},
            product_subcategories={product.product_id: product.kind.key for product in made},
            queries=_plant_queries(made, Dice(query_rng)),
            user_segments={row.user_id: kind.name for row, kind in zip(rows, kinds, strict=False)},
            odd_users=odd_users,
            churn_users=churn_users,
            seasonal_products=seasonal_products,
            campaigns=planted,
        ),
        campaign_files=campaign_files,
    )


def _activity(users: int, rng: np.random.Generator) -> np.ndarray[Any, np.dtype[np.float64]]:
    weights = rng.lognormal(0.0, 1.1, size=users)
    return np.asarray(weights / weights.sum())


def _kinds(users: int, rng: np.random.Generator, segments: bool) -> list[Archetype]:
    if not segments:
        return []
    weights = np.arange(len(ARCHETYPES) + 4, 4, -1, dtype=np.float64)  # segments are not of one size
    return [ARCHETYPES[kind] for kind in rng.choice(len(ARCHETYPES), size=users, p=weights / weights.sum()).tolist()]


def _plant_odd(
    users: int, shelf: Shelf, *, seed: int, language: Language, end: datetime
) -> tuple[list[User], dict[str, str], list[dict[str, Any]]]:
    """Odd users, their kinds, and what they do; none of them opted out, or nobody could find them."""
    dice = Dice(np.random.default_rng([seed, ODD_STREAM]))
    kinds = odd_kinds(users)
    rows, shoppers = _make_users(len(kinds), dice, shelf, language, end, [], first=users + 1)
    rows = [row.model_copy(update={"personalisation": "on"}) for row in rows]
    acts = odd_acts(shoppers, kinds, shelf, end=end, dice=dice)
    return rows, {row.user_id: kind for row, kind in zip(rows, kinds, strict=True)}, acts


def _plant_churn(
    users: int, shelf: Shelf, *, seed: int, language: Language, end: datetime
) -> tuple[list[User], dict[str, str | None], list[dict[str, Any]]]:
    """Customers with a rhythm, who of them stopped when, and what they do; none of them opted out."""
    dice = Dice(np.random.default_rng([seed, CHURN_STREAM]))
    rows, shoppers = _make_users(rhythm_users(users), dice, shelf, language, end, [], first=users + 1)
    rows = [row.model_copy(update={"personalisation": "on"}) for row in rows]
    acts, stopped = churn_acts(shoppers, shelf, end=end, dice=dice)
    return rows, stopped, acts


def _make_users(
    count: int, dice: Dice, shelf: Shelf, language: Language, end: datetime, kinds: list[Archetype], first: int = 1
) -> tuple[list[User], list[Shopper]]:
    rows: list[User] = []
    shoppers: list[Shopper] = []
    since = end - timedelta(days=HISTORY_DAYS)
    city_weights = list(accumulate(1.0 / (rank + 2) for rank in range(len(CITIES))))
    for number in range(first, first + count):
        user_id = f"u{number:05d}"
        clusters = dice.pick_several(shelf.names, n=1 + dice.below(3))
        shares = [0.3 + dice.roll() for _ in clusters]
        tastes = {name: round(share / sum(shares), 4) for name, share in zip(clusters, shares, strict=True)}
        habits = Habits()
        if len(kinds) > 0:
            kind = kinds[number - first]
            # A very small shop has not all the clusters.
            planted = {name: share for name, share in kind.draw_tastes(dice).items() if name in shelf.clusters}
            tastes = planted or tastes
            clusters = list(tastes)
            habits = kind.habits
        english = dice.chance(0.3)
        city, province = dice.weighted(CITIES, city_weights)
        brands = sorted({item.brand for cluster in clusters for item in shelf.clusters[cluster]})
        rows.append(
            User(
                user_id=user_id, time=since,
                age=18 + int(dice.exponential(14)) % 60 if dice.chance(0.95) else None,
                gender=dice.pick(("female", "male")) if dice.chance(0.95) else None,
                occupation=dice.pick(("student", "engineer", "teacher", "nurse", "sales", "manager", "retired")),
                income=round(40_000 + dice.exponential(90_000), -2) if dice.chance(0.85) else None,
                city=city, province=province, country="CN",
                member_tier=dice.weighted(("basic", "silver", "gold", "platinum"), (0.6, 0.85, 0.96, 1.0)),
                signup_date=(since - timedelta(days=dice.below(1000))).date(),
                consent=[channel for channel in ("mail", "sms", "push") if dice.chance(0.55)],
                personalisation="off" if dice.chance(0.03) else "on",
            )
        )  # fmt: skip
        shoppers.append(
            Shopper(
                user_id=user_id,
                tastes=tastes,
                language={"zh": 0, "en": 1, "mixed": int(english)}[language],
                brands=frozenset(dice.pick_several(brands, n=2)),
                channel=dice.weighted(("app", "mini_program", "web", "store"), (0.5, 0.75, 0.95, 1.0)),
                device=dice.pick(("ios", "android", "desktop")),
                payment_method=dice.pick(("alipay", "wechat_pay", "card")),
                hour=dice.pick((8.0, 12.0, 13.0, 20.0, 21.0, 22.0)), weekend=dice.chance(0.3), habits=habits,
            )
        )  # fmt: skip
    return rows, shoppers


def _plant_queries(made: list[MadeProduct], dice: Dice) -> list[tuple[str, str, str]]:
    wanted = dice.pick_several(made, n=QUERIES)
    return [(product.product_id, *dice.pick(product.searches())) for product in wanted]


def write_shop(shop: SampleShop, folder: Path) -> dict[str, Path]:
    """Write products.csv, users.csv, events.jsonl and truth.json into a folder; headers are our field names.

    Where campaigns were planted, campaigns.csv and campaign_members.csv too, as `campaign import` takes them. Lists in
    a cell of the CSV files are JSON. Returns the path of each file by its name without suffix.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"{name}.{suffix}" for name, suffix in
             (("products", "csv"), ("users", "csv"), ("events", "jsonl"), ("truth", "json"))}  # fmt: skip
    _write_csv(paths["products"], [product.model_dump(mode="json") for product in shop.products])
    _write_csv(paths["users"], [user.model_dump(mode="json") for user in shop.users])
    with paths["events"].open("wb") as file:
        for event in shop.events:
            file.write(orjson.dumps(event.to_source(), option=orjson.OPT_APPEND_NEWLINE))
    truth = shop.truth.__dict__ | {
        "queries": [{"product_id": product_id, "zh": zh, "en": en} for product_id, zh, en in shop.truth.queries]
    }
    paths["truth"].write_bytes(orjson.dumps(truth, option=orjson.OPT_INDENT_2))
    for name, file_name in (("campaigns", "campaigns.csv"), ("members", "campaign_members.csv")):
        if name in shop.campaign_files:
            paths[name] = folder / file_name
            _write_csv(paths[name], shop.campaign_files[name])
    return paths


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    columns = [name for name in rows[0] if any(row[name] is not None for row in rows)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows:
            cells = (row[name] for name in columns)
            writer.writerow("" if cell is None else orjson.dumps(cell).decode() if isinstance(cell, list) else cell
                            for cell in cells)  # fmt: skip
