"""Coupons with the server as the victim: killed while two processes give them out, which finish by themselves."""

from __future__ import annotations

import time

from coupon_shop import assert_agree, users, with_pool
from fold_runs import finish, small, stand_in
from test_coupon_processes import start
from test_fold_restart import kill, own_server

from profilestore import ProfileStore, Settings
from profilestore.elastic.local_server import ensure_server

__all__ = ["own_server"]  # a fixture


def test_issuing_outlasts_a_kill_of_the_server(own_server: Settings) -> None:
    url = ensure_server(own_server).url
    settings = small(Settings(home=own_server.home, prefix="restart", elasticsearch_url=url))
    with stand_in(), ProfileStore.open(settings) as shop:
        shop.init()
        with_pool(shop, "spring", users(400), size=300)
        processes = [start("issue", shop, name="spring", treated=users(400)[::step], at_once=3) for step in (1, -1)]
        while shop.coupons.counts("spring").issued < 60:
            time.sleep(0.05)
        assert all(process.poll() is None for process in processes), "all is given before the server was hurt"
        kill(own_server)
        assert ensure_server(own_server).url == url
        results = [finish(process, timeout_s=240) for process in processes]
        told = assert_agree(shop, "spring", size=300)
        assert len(told) == 300
        assert all(told.get(user) == code for result in results for user, code in result.items())
