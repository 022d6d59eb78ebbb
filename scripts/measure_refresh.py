#!/usr/bin/env python3
"""How long `dashboards refresh` takes, beside a raw bulk of the very documents that it writes.

    scripts/measure_refresh.py [FILE] [--columns online-retail] [--late 1000]

Loads the file as products and events into a temporary shop on the server of the settings, which is erased at the
end. Then: the first refresh; the same documents written by a bare bulk into an empty index of the same mapping; a
refresh with nothing new; one after some events more of users chosen at random; a rebuild. Without a file the shop of
the settings is rebuilt. Other programs run here too, so believe the ratio before the seconds.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

from profilestore import Event, ProfileStore, Settings
from profilestore.dashboards.refresh.refreshing import RefreshReport
from profilestore.elastic.activity_index import ActivityIndex
from profilestore.elastic.bulk import Operation, write_bulk
from profilestore.elastic.index_identity import resolve_index
from profilestore.elastic.indices import create_index, delete_index
from profilestore.elastic.temporary import erase_shop
from profilestore.indexing.loading import LoadOptions

PAGE = 10_000


def refreshed(shop: ProfileStore, what: str, *, rebuild: bool = False) -> RefreshReport:
    started, cpu = time.perf_counter(), time.process_time()
    report = shop.dashboards.refresh(rebuild=rebuild)
    seconds, own = time.perf_counter() - started, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{what:20} {seconds:7.1f} s ({own:.1f} s of it this process), {report.written:,} acts written for "
          f"{report.derived:,} of {report.users:,} users; peak {peak:,} MB", flush=True)  # fmt: skip
    return report


def raw_bulk(shop: ProfileStore) -> float:
    """Seconds to write all acts there are into an empty index, bulk after bulk; reading them does not count."""
    alias = shop.settings.index("activity")
    held = ActivityIndex(shop._client, name=alias)
    identity = resolve_index(shop._client, alias)
    name = f"{alias}-999999"
    create_index(shop._client, shop.settings, "activity", name=name, meta=identity.meta)
    seconds = 0.0
    for page in held.read(identity.index, {"match_all": {}}, page=PAGE):
        operations = [Operation("index", name, id, source) for id, source, _ in page]
        started = time.perf_counter()
        write_bulk(shop._client, operations, action="raw bulk")
        seconds += time.perf_counter() - started
    delete_index(shop._client, name)
    return seconds


def compared(shop: ProfileStore, what: str, *, rebuild: bool) -> None:
    report = refreshed(shop, what, rebuild=rebuild)
    bare = raw_bulk(shop)
    print(f"{'raw bulk':20} {bare:7.1f} s, so the refresh takes {report.seconds / bare:.2f} of it", flush=True)
    shop.dashboards.refresh()
    refreshed(shop, "nothing new")


def measured(shop: ProfileStore, file: Path, *, columns: str, late: int) -> None:
    with tempfile.TemporaryDirectory() as rejects:
        options = LoadOptions(columns=columns, rejects_folder=Path(rejects))
        shop.init()
        shop.load("products", [file], options)
        counts = shop.load("events", [file], options)
    print(f"{counts.indexed:,} events loaded in {counts.seconds:.0f} s", flush=True)
    compared(shop, "first refresh", rebuild=False)
    rng = random.Random(7)
    log = shop._parts.in_force.log
    users = [user for page in log.users(log.identity()) for user, _ in page]
    now = datetime.now(UTC)
    shop.index_events(
        Event(user_id=rng.choice(users), type="open", time=now, session=str(number)) for number in range(late)
    )
    refreshed(shop, f"{late:,} events more")
    refreshed(shop, "rebuild", rebuild=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--columns", default="online-retail")
    parser.add_argument("--late", type=int, default=1000)
    given = parser.parse_args()
    settings = Settings.load()
    if given.file is None:
        with ProfileStore.open(settings) as shop:
            compared(shop, "rebuild", rebuild=True)
        return
    settings = settings.model_copy(update={"prefix": f"measure-{uuid.uuid4().hex[:8]}"})
    with ProfileStore.open(settings) as shop:
        try:
            measured(shop, given.file, columns=given.columns, late=given.late)
        finally:
            erase_shop(shop._client, settings)


if __name__ == "__main__":
    main()
