"""The report of a campaign of many users: seconds, and the peak of resident memory.

    python scripts/measure_campaign_report.py --url URL --users 100000 --home DIR
    python scripts/measure_campaign_report.py --url URL --users 20000 --orders 3 --home DIR --keep

Assignments and purchases (of each user, and of others who are not in it) are written straight into the indices of a
shop of its own. The report runs in a process of its own. Ends with exit code 1 when it takes more
than a minute or 1 GiB. The shop is removed at the end unless `--keep` is given; a second run with `--keep` finds it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from elasticsearch.helpers import parallel_bulk

from profilestore.elastic.indices import init
from profilestore.elastic.temporary import erase_shop
from profilestore.settings import Settings

LIMIT_S, LIMIT_MIB = 60.0, 1024.0
STARTS = datetime(2026, 6, 1, tzinfo=UTC)
NAME = "measured"
REPORT = """
import json, resource, sys, time
from profilestore.settings import Settings
from profilestore.store import ProfileStore
given = json.loads(sys.argv[1])
begin = time.monotonic()
with ProfileStore.open(Settings(**given)) as shop:
    report = shop.campaigns.report("measured")
print(json.dumps({"seconds": time.monotonic() - begin, "verdict": report.verdict, "users": report.treatment.users,
                  "control": report.control.users, "bought": report.treatment.bought,
                  "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def documents(settings: Settings, users: int, others: int, orders: int) -> Iterator[dict[str, Any]]:
    """The campaign, its assignments, and purchases; of those, others have some too who are not in it."""
    rng = np.random.default_rng(7)
    campaigns, events = settings.index("campaigns"), settings.index("events")
    period = {"starts": STARTS.isoformat(), "ends": (STARTS + timedelta(days=30)).isoformat()}
    yield {
        "_index": campaigns, "_id": f"campaign:{NAME}", "kind": "campaign", "campaign": NAME, "state": "running",
        "created": STARTS.isoformat(), "budget": 1e6, "definition": {"cost_per_contact": 0.1, "margin": 0.3}, **period,
    }  # fmt: skip
    for number in range(users + others):
        user = f"u{number:08}"
        if number < users:
            yield {
                "_index": campaigns, "_id": f"{NAME}:{user}", "kind": "assignment", "campaign": NAME, "user_id": user,
                "arm": "control" if number % 10 == 0 else "treatment", "contact_at": period["starts"],
                "ends": period["ends"], "segment": f"segment {number % 14}",
                "value_tier": ("high", "mid", "low")[number % 3], "purchase_30d": float(number % 97) / 100,
            }  # fmt: skip
        for order in range(orders):
            day = float(rng.uniform(-300.0, 30.0))
            yield {
                "_index": events, "_id": f"{user}-{order}", "_routing": user, "user_id": user, "type": "purchase",
                "time": (STARTS + timedelta(days=day)).isoformat(), "product_id": f"p{number % 500}",
                "price": round(float(rng.lognormal(3.0, 1.0)), 2), "order_id": f"{user}-{order}",
            }  # fmt: skip


def write_shop(settings: Settings, users: int, others: int, orders: int) -> None:
    with Elasticsearch(settings.elasticsearch_url or "", request_timeout=300) as client:
        if client.indices.exists_alias(name=settings.index("campaigns")):
            return
        init(client, settings)
        begin = time.monotonic()
        done = sum(
            1
            for _ in parallel_bulk(client, documents(settings, users, others, orders), thread_count=2, chunk_size=5000)
        )
        client.indices.refresh(index=f"{settings.prefix}-*")
        print(f"wrote {done:,} documents in {time.monotonic() - begin:.0f} s", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--others", type=int, default=25_000, help="users who are not in it")
    parser.add_argument("--orders", type=int, default=4, help="of each user, in 330 days")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--prefix", default="measure-campaign-report")
    parser.add_argument("--keep", action="store_true")
    given = parser.parse_args()
    settings = Settings(home=given.home, prefix=given.prefix, elasticsearch_url=given.url)
    write_shop(settings, given.users, given.others, given.orders)
    try:
        flags = {"home": str(given.home), "prefix": given.prefix, "elasticsearch_url": given.url}
        done = subprocess.run(
            [sys.executable, "-c", REPORT, json.dumps(flags)], capture_output=True, text=True, check=True
        )
        found = json.loads(done.stdout)
    finally:
        if not given.keep:
            with Elasticsearch(given.url, request_timeout=300) as client:
                erase_shop(client, settings)
    print(f"report of {found['users'] + found['control']:,} users ({found['control']:,} in control, "
          f"{found['bought']:,} bought): {found['seconds']:.1f} s, {found['mib']:.0f} MiB")  # fmt: skip
    return 0 if found["seconds"] <= LIMIT_S and found["mib"] <= LIMIT_MIB else 1


if __name__ == "__main__":
    sys.exit(main())
