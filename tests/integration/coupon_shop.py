"""A campaign of some users and its coupons, written as `campaign start` does, and what must hold of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch
from fold_runs import documents, small, stand_in

from profilestore import ProfileStore, Settings
from profilestore.campaigns.coupons.pool import Pool
from profilestore.documents import CampaignDocument
from profilestore.elastic.campaign_index import CampaignIndex
from profilestore.elastic.temporary import erase_shop

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


@contextmanager
def fresh_shop(url: str, home: Path) -> Iterator[ProfileStore]:
    """A shop for all tests of a module, each with campaigns of its own; removed afterwards."""
    settings = small(Settings(home=home, prefix=f"t-{uuid.uuid4().hex[:12]}", elasticsearch_url=url))
    try:
        with stand_in(), ProfileStore.open(settings) as shop:
            shop.init()
            yield shop
    finally:
        with Elasticsearch(url, request_timeout=60) as client:
            erase_shop(client, settings)


def users(n: int) -> list[str]:
    return [f"u{number:03d}" for number in range(n)]


def codes(n: int, prefix: str = "C") -> list[str]:
    return [f"{prefix}{number:04d}" for number in range(n)]


def add_campaign(shop: ProfileStore, name: str, treated: Sequence[str], **changes: Any) -> CampaignIndex:
    """A campaign that runs since yesterday, without coupons yet; `changes` are of its record."""
    index = CampaignIndex(shop._client, alias=shop.settings.index("campaigns"))
    held = {"state": "running", "starts": NOW - DAY, "ends": NOW + DAY, "created": NOW, "created_by": "test"} | changes
    assert index.create(CampaignDocument(kind="campaign", campaign=name, **held))
    index.write_assignments([place(name, user) for user in treated])
    return index


def place(name: str, user: str, **changes: Any) -> CampaignDocument:
    """A user's place in a campaign."""
    held = {"arm": "treatment", "channel": "mail", "assigned_at": NOW, "contact_at": NOW, "ends": NOW + DAY,
            "offer": "coupon", "segment": "regulars"}  # fmt: skip
    return CampaignDocument(kind="assignment", campaign=name, user_id=user, **held | changes)


def with_pool(shop: ProfileStore, name: str, treated: Sequence[str], *, size: int, **changes: Any) -> CampaignIndex:
    """The same with so many coupons of 5 each, every one with a code of its own."""
    index = add_campaign(shop, name, treated, **changes)
    assert shop.coupons.open_pool(name, Pool.of_codes(codes(size, prefix=f"{name}-")), value=5.0) == size
    return index


def assert_agree(shop: ProfileStore, name: str, *, size: int) -> dict[str, str]:
    """No user has two coupons, no more were made, and each who has one is known by both sides; user -> code."""
    coupons = {
        id: hit["_source"]
        for id, hit in documents(shop.settings, "coupons").items()
        if hit["_source"]["campaign"] == name and hit["_source"]["kind"] == "coupon"
    }
    assert sorted(source["number"] for source in coupons.values()) == list(range(size))
    holders = [source["user_id"] for source in coupons.values() if "user_id" in source]
    assert len(holders) == len(set(holders)), "a user has two coupons"
    places = {
        hit["_source"]["user_id"]: hit["_source"]
        for hit in documents(shop.settings, "campaigns").values()
        if hit["_source"]["kind"] == "assignment" and hit["_source"]["campaign"] == name
    }
    for id, source in coupons.items():
        if "user_id" in source:
            assert places[source["user_id"]]["coupon"] == id
    told = {user: source["code"] for user, source in places.items() if "code" in source}
    for user, code in told.items():
        coupon = coupons[places[user]["coupon"]]
        assert (coupon["user_id"], coupon["code"]) == (user, code)
    return told
