"""P1 with the server itself as the victim: stopped and killed under a load, which finishes by itself."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fold_runs import assert_exact, finish, make_events, make_products, small, stand_in, start, stop

from profilestore import ProfileStore, Settings
from profilestore.elastic.local_server import ensure_server, erase, stop_server


@pytest.fixture
def own_server() -> Iterator[Settings]:
    """A server of this test alone, which may be stopped."""
    home = Path(tempfile.mkdtemp(prefix="profilestore-restart-"))
    settings = Settings(home=home, server="embedded", heap="512m", elasticsearch_url=None)
    try:
        ensure_server(settings)
        yield settings
    finally:
        erase(settings)
        shutil.rmtree(home, ignore_errors=True)


def test_a_load_outlasts_a_stop_and_a_kill_of_the_server(own_server: Settings) -> None:
    rows = 1500
    url = ensure_server(own_server).url
    settings = small(Settings(home=own_server.home, prefix="restart", elasticsearch_url=url))
    with stand_in(), ProfileStore.open(settings) as shop:
        shop.init()
        shop.index_products(make_products(30))
        slow = settings.model_copy(update={"batch_size": 10})
        loads = [start("load", slow, events=rows, seed=1, order=order) for order in (1, 2)]
        folder = start("follow", settings)
        for end, logged in ((stop_server, rows // 5), (kill, rows // 2)):
            while documents_logged(shop) < logged:
                time.sleep(0.05)
            assert all(load.poll() is None for load in loads), "the load is over before the server was hurt"
            end(own_server)
            time.sleep(0.5)
            assert ensure_server(own_server).url == url
        results = [finish(load, timeout_s=240) for load in loads]
        code, err = stop(folder)
        assert code == -signal.SIGTERM, err
        for result in results:
            assert result["indexed"] + result["duplicate"] == result["read"] == rows
        # An answer that was lost leaves an event counted as a duplicate by its own writer: never more than one batch.
        assert rows - 100 <= sum(result["indexed"] for result in results) <= rows
        shop.fold()
        assert_exact(shop, make_events(rows, seed=1, texts=False))


def documents_logged(shop: ProfileStore) -> int:
    log = shop._parts.in_force.log
    identity = log.identity()
    log.refresh(identity)
    return log.count(identity)


def kill(settings: Settings) -> None:
    """As a power cut."""
    pid = ensure_server(settings).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
