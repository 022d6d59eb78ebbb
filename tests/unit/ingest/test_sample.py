"""The generated shop: deterministic, one shop in three languages, and true to what it says it planted."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from profilestore.documents import EVENT_TYPES, Event, Product, User
from profilestore.errors import UsageError
from profilestore.features.tokens import chinese_share
from profilestore.ingest.sample import DEFAULT_END, SampleShop, generate_shop, write_shop
from profilestore.ingest.sample_events import HISTORY_DAYS


@pytest.fixture(scope="module")
def shop() -> SampleShop:
    return generate_shop(users=300, products=300, events=12_000, language="zh")


def test_equal_arguments_give_equal_shops_and_another_seed_another(shop: SampleShop) -> None:
    assert generate_shop(users=300, products=300, events=12_000, language="zh") == shop
    assert generate_shop(users=300, products=300, events=12_000, language="zh", seed=8).events != shop.events


def test_the_languages_are_one_shop(shop: SampleShop) -> None:
    english = generate_shop(users=300, products=300, events=12_000, language="en")
    assert english.truth == shop.truth
    assert english.users == shop.users
    untold = {"title": None, "description": None, "brand": None, "category": None}
    assert [p.model_copy(update=untold) for p in english.products] == [
        p.model_copy(update=untold) for p in shop.products
    ]
    assert [e.model_copy(update={"text": None}) for e in english.events] == [
        e.model_copy(update={"text": None}) for e in shop.events
    ]
    assert chinese_share(p.full_text() for p in english.products) == 0.0
    assert chinese_share(p.full_text() for p in shop.products) > 0.95


def test_as_many_as_asked_for_within_the_history_and_in_order(shop: SampleShop) -> None:
    assert (len(shop.users), len(shop.products), len(shop.events)) == (300, 300, 12_000)
    times = [event.time for event in shop.events]
    assert times == sorted(times)
    assert times[0] >= DEFAULT_END - timedelta(days=HISTORY_DAYS)
    assert times[-1] < DEFAULT_END
    assert len({event.event_id for event in shop.events}) == 12_000


def test_all_types_of_events_occur(shop: SampleShop) -> None:
    assert {event.type for event in shop.events} == set(EVENT_TYPES)


def test_events_follow_the_planted_tastes(shop: SampleShop) -> None:
    def on_taste(event: Event) -> bool:
        return shop.truth.product_clusters[event.product_id or ""] in shop.truth.user_clusters[event.user_id]

    bought = [on_taste(event) for event in shop.events if event.type == "purchase"]
    assert sum(bought) / len(bought) > 0.9
    ratings = defaultdict(list)
    for event in shop.events:
        if event.rating is not None:
            ratings[on_taste(event)].append(event.rating)
    assert sum(ratings[True]) / len(ratings[True]) > 4 > 2.5 > sum(ratings[False]) / len(ratings[False])


def test_activity_has_a_heavy_tail(shop: SampleShop) -> None:
    counts = [count for _, count in Counter(event.user_id for event in shop.events).most_common()]
    assert sum(counts[:60]) > 0.45 * 12_000


def test_a_refund_names_its_purchase(shop: SampleShop) -> None:
    purchases = {(e.order_id, e.product_id, e.time): e for e in shop.events if e.type == "purchase"}
    refunds = [event for event in shop.events if event.type == "refund"]
    assert len(refunds) > 0
    for refund in refunds:
        purchase = purchases[(refund.order_id, refund.product_id, refund.purchase_time)]
        assert (purchase.user_id, purchase.quantity, purchase.price) == (refund.user_id, refund.quantity, refund.price)
        assert purchase.time < refund.time


def test_products_read_like_a_catalogue(shop: SampleShop) -> None:
    titles = [product.title for product in shop.products]
    assert len(set(titles)) == len(titles)
    assert 0 < sum(product.stock == 0 for product in shop.products) < 60
    assert all(product.price is not None and product.price > 0 for product in shop.products)
    assert {user.personalisation for user in shop.users} == {"on", "off"}


def test_each_query_is_of_words_of_its_product(shop: SampleShop) -> None:
    texts = {product.product_id: product.full_text() for product in shop.products}
    assert len(shop.truth.queries) == 200
    for product_id, chinese, _ in shop.truth.queries:
        assert all(word in texts[product_id] for word in chinese.split())


def test_written_files_hold_the_shop(shop: SampleShop, tmp_path: Path) -> None:
    paths = write_shop(shop, tmp_path / "new" / "folder")
    with paths["products"].open(encoding="utf-8", newline="") as file:
        products = [Product(**{k: v for k, v in row.items() if v != ""}) for row in csv.DictReader(file)]
    assert products == shop.products
    with paths["users"].open(encoding="utf-8", newline="") as file:
        rows = [{k: v for k, v in row.items() if v != ""} for row in csv.DictReader(file)]
    assert [User(**(row | {"consent": json.loads(row["consent"])})) for row in rows] == shop.users
    assert [Event(**json.loads(line)) for line in paths["events"].read_text("utf-8").splitlines()] == shop.events
    truth = json.loads(paths["truth"].read_text("utf-8"))
    assert [tuple(query.values()) for query in truth["queries"]] == shop.truth.queries
    assert replace(shop.truth, queries=[]).__dict__ == truth | {"queries": []}


@pytest.mark.parametrize("size", [{"products": 1}, {"users": 1}, {"events": 0}])
def test_small_shops(size: dict[str, int]) -> None:
    shop = generate_shop(**({"users": 20, "products": 20, "events": 200} | size))
    assert len(shop.events) == size.get("events", 200)


@pytest.mark.parametrize("wrong", [{"users": 0}, {"products": 0}, {"events": -1}, {"language": "fr"}, {"seed": -1}])
def test_what_cannot_be_meant(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        generate_shop(**wrong)  # type: ignore[arg-type]


def test_planted_segments_are_kinds_of_shopper() -> None:
    plain = generate_shop(users=200, products=300, events=4000)
    assert plain.truth.user_segments == {}
    shop = generate_shop(users=200, products=300, events=4000, segments=True)
    assert set(shop.truth.user_segments) == {user.user_id for user in shop.users}
    assert len(set(shop.truth.user_segments.values())) == 7
    assert shop.products == plain.products
    hunters = {user for user, kind in shop.truth.user_segments.items() if kind == "beauty bargain hunters"}
    readers = {user for user, kind in shop.truth.user_segments.items() if kind == "readers"}
    assert all(set(shop.truth.user_clusters[user]) == {"reading", "stationery"} for user in readers)

    def coupons(users: set[str]) -> float:
        orders = {(event.order_id, event.campaign is not None) for event in shop.events
                  if event.type == "purchase" and event.user_id in users}  # fmt: skip
        return sum(with_coupon for _, with_coupon in orders) / len(orders)

    assert coupons(hunters) > 2 * coupons(readers)


def test_seasons_leave_the_other_truths_true() -> None:
    """Who stopped buys nothing later, who is odd or of a segment does nothing else: others buy what has a season."""
    size = {"users": 60, "products": 80, "events": 900, "segments": True, "odd": True, "churn": True}
    plain, seasons = generate_shop(**size), generate_shop(**size, seasons=True)  # type: ignore[arg-type]  # of mixed types
    assert len(seasons.truth.seasonal_products) == 24
    assert seasons.users[: len(plain.users)] == plain.users
    known = {user.user_id for user in plain.users}
    of_known = [event.model_dump(exclude={"event_id"}) for event in seasons.events if event.user_id in known]
    assert of_known == [event.model_dump(exclude={"event_id"}) for event in plain.events]
    last = {event.user_id: event.time.date().isoformat() for event in seasons.events if event.type == "purchase"}
    assert {user: last[user] for user, day in seasons.truth.churn_users.items() if day is not None} == {
        user: day for user, day in seasons.truth.churn_users.items() if day is not None
    }


def test_planted_odd_users_stand_beside_the_others_and_change_nothing_of_them() -> None:
    plain = generate_shop(users=200, products=300, events=4000)
    assert plain.truth.odd_users == {}
    shop = generate_shop(users=200, products=300, events=4000, odd=True)
    assert len(shop.truth.odd_users) == 40
    assert len(set(shop.truth.odd_users.values())) == 5
    assert [user for user in shop.users if user.user_id not in shop.truth.odd_users] == plain.users
    assert all(user.personalisation == "on" for user in shop.users if user.user_id in shop.truth.odd_users)
    before = [event.model_dump(exclude={"event_id"}) for event in plain.events]
    of_others = [event for event in shop.events if event.user_id not in shop.truth.odd_users]
    assert [event.model_dump(exclude={"event_id"}) for event in of_others] == before
    assert {event.user_id for event in shop.events} >= set(shop.truth.odd_users)
    assert shop.events == generate_shop(users=200, products=300, events=4000, odd=True).events
