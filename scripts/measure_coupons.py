"""Coupons for many users: seconds to make and to give them, beside a raw bulk of as many documents.

    python scripts/measure_coupons.py --url URL --coupons 100000 --home DIR

A campaign whose users have their places already gets its pool, a coupon for each user, the same again, and some
claims and redemptions, one after another. The raw bulk writes as many documents of a coupon's form in requests of
10,000, into the same index. Giving a coupon is three writes of a document each, since whoever dies in between must
leave no user with two. Ends with exit code 1 when making and giving take more than a minute, or when anybody has no
coupon of their own. The shop is removed at the end.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from elasticsearch import Elasticsearch

from profilestore.campaigns.coupons.pool import Pool
from profilestore.documents import CampaignDocument, CouponDocument
from profilestore.elastic.bulk import Operation, raise_failed, write_bulk
from profilestore.elastic.campaign_index import CampaignIndex
from profilestore.elastic.temporary import erase_shop
from profilestore.settings import Settings
from profilestore.store import ProfileStore

LIMIT_S = 60.0
AT_ONCE = 10_000
NAME = "measured"
CLAIMS = 200


@contextmanager
def measured(what: str, took: dict[str, float]) -> Iterator[None]:
    started = time.perf_counter()
    yield
    took[what] = round(time.perf_counter() - started, 2)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"step": what, "seconds": took[what], "peak_mib": round(peak_mib)}), flush=True)


def write_raw(shop: ProfileStore, coupons: int) -> None:
    """As many documents as there are coupons, and nothing asked of what is there."""
    alias = shop.settings.index("coupons")
    for start in range(0, coupons, AT_ONCE):
        operations = [
            Operation(
                "index", alias, f"raw-{n:09}",
                CouponDocument(campaign="raw", number=n, code=f"R{n:09}", value=5.0).to_source(),
            )
            for n in range(start, min(start + AT_ONCE, coupons))
        ]  # fmt: skip
        raise_failed(write_bulk(shop._client, operations, action="writing raw"), action="writing raw")


def write_places(shop: ProfileStore, users: list[str]) -> None:
    """The campaign and everybody's place in it, as a start writes them before it gives coupons."""
    now = datetime.now(UTC)
    index = CampaignIndex(shop._client, alias=shop.settings.index("campaigns"))
    index.create(
        CampaignDocument(
            kind="campaign", campaign=NAME, state="running", starts=now - timedelta(days=1),
            ends=now + timedelta(days=9), created=now, created_by="measurement",
        )
    )  # fmt: skip
    for start in range(0, len(users), AT_ONCE):
        index.write_assignments(
            [
                CampaignDocument(
                    kind="assignment", campaign=NAME, user_id=user, arm="treatment", channel="mail", offer="coupon",
                    assigned_at=now, contact_at=now, ends=now + timedelta(days=9), segment="regulars",
                )
                for user in users[start : start + AT_ONCE]
            ]
        )  # fmt: skip


def measure(shop: ProfileStore, coupons: int) -> bool:
    users = [f"u{n:08}" for n in range(coupons)]
    took: dict[str, float] = {}
    with measured("raw bulk", took):
        write_raw(shop, coupons)
    with measured("places", took):
        write_places(shop, users)
    pool = Pool.of_codes([f"C{n:09}" for n in range(coupons)])
    with measured("make", took):
        shop.coupons.open_pool(NAME, pool, value=5.0)
    with measured("give", took):
        told = shop.coupons.issue_many(NAME, users)
    with measured("give again", took):
        again = shop.coupons.issue_many(NAME, users)
    with measured("settle", took):
        shop.coupons.settle(NAME)
    with measured(f"{CLAIMS} claims", took):
        for user in users[:CLAIMS]:
            shop.coupons.claim(NAME, user)
    with measured(f"{CLAIMS} redemptions", took):
        for user in users[:CLAIMS]:
            shop.coupons.redeem(told[user] or "", user)
    with measured("count", took):
        counts = shop.coupons.counts(NAME)
    right = told == again and len(set(told.values()) - {None}) == coupons
    right = right and (counts.issued, counts.left, counts.claimed, counts.redeemed) == (coupons, 0, CLAIMS, CLAIMS)
    figures = {
        "coupons": coupons,
        "raw_s": took["raw bulk"],
        "make_to_raw": round(took["make"] / took["raw bulk"], 2),
        "give_to_raw": round(took["give"] / took["raw bulk"], 2),
        "claim_ms": round(1000 * took[f"{CLAIMS} claims"] / CLAIMS, 1),
        "redeem_ms": round(1000 * took[f"{CLAIMS} redemptions"] / CLAIMS, 1),
        "each_user_one": right,
    }
    print(json.dumps(figures))
    return right and took["make"] + took["give"] <= LIMIT_S


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--coupons", type=int, default=100_000)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--prefix", default="measure-coupons")
    given = parser.parse_args()
    settings = Settings(home=given.home, prefix=given.prefix, elasticsearch_url=given.url)
    try:
        with ProfileStore.open(settings) as shop:
            shop.init()
            within = measure(shop, given.coupons)
    finally:
        with Elasticsearch(given.url, request_timeout=60) as client:
            erase_shop(client, settings)
    sys.exit(0 if within else 1)


if __name__ == "__main__":
    main()
