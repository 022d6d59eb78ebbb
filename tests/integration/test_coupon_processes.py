"""Coupons with real processes: at once, and killed between any two writes. At most one a user, never more than made."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from coupon_shop import assert_agree, codes, fresh_shop, users, with_pool
from fold_runs import arguments, finish

from profilestore import ProfileStore
from profilestore.campaigns.coupons.pool import Pool
from profilestore.elastic import bulk


@pytest.fixture(scope="module")
def shop(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProfileStore]:
    with fresh_shop(server_url, tmp_path_factory.mktemp("coupons")) as store:
        yield store


def start(verb: str, shop: ProfileStore, **more: Any) -> subprocess.Popen[str]:
    """Start a process of `coupon_process.py`."""
    here = Path(__file__).resolve().parent
    return subprocess.Popen(
        [sys.executable, str(here / "coupon_process.py"), verb, arguments(shop.settings, **more)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(here.parent.parent), "PATH": "/usr/bin:/bin"},
    )


def test_a_start_killed_at_each_single_write(shop: ProfileStore) -> None:
    names = finish(start("kill_at_each_write", shop, size=8, treated=10))["names"]
    # Pool, coupons, two parts of three writes, and the events of claim and redemption: each before and after.
    assert len(names) >= 20
    for name in names:
        if shop.coupons.pool(name) is not None and shop.coupons.counts(name).made == 8:
            assert_agree(shop, name, size=8)
        shop.coupons.open_pool(name, Pool.of_codes(codes(8, prefix=f"{name}-")), value=5.0)
        told = shop.coupons.issue_many(name, users(10))
        assert sum(code is not None for code in told.values()) == 8
        assert assert_agree(shop, name, size=8) == {user: code for user, code in told.items() if code is not None}
        with_code = next(user for user, code in told.items() if code is not None)
        claimed = shop.coupons.claim(name, with_code)
        assert claimed.code == told[with_code]
        shop.coupons.redeem(claimed.code, with_code, order_id="o1")
        counts = shop.coupons.counts(name)
        assert (counts.issued, counts.left) == (8, 0)
        assert counts.claimed in (1, 2)  # this one, and that of a process that came so far
    assert shop.verify_all().users == {}


def test_four_processes_claim_for_the_same_users_with_too_few_coupons(shop: ProfileStore) -> None:
    with_pool(shop, "spring", users(40), size=25)
    processes = [
        start("claim", shop, name="spring", treated=random.Random(seed).sample(users(40), 32)) for seed in range(4)
    ]
    results = [finish(process) for process in processes]
    told = assert_agree(shop, "spring", size=25)
    assert len(told) == 25
    for result in results:
        # Each was told what stands there, and who was told that none is left has none.
        assert all(told.get(user) == code for user, code in result.items())
    counts = shop.coupons.counts("spring")
    assert (counts.issued, counts.left, counts.claimed) == (25, 0, 25)
    assert shop.verify_all().users == {}


def test_four_starts_at_once_give_each_user_one(shop: ProfileStore) -> None:
    with_pool(shop, "summer", users(200), size=150)
    processes = [
        start("issue", shop, name="summer", treated=random.Random(seed).sample(users(200), 200), at_once=30)
        for seed in range(4)
    ]
    results = [finish(process) for process in processes]
    told = assert_agree(shop, "summer", size=150)
    assert len(told) == 150
    assert all(told.get(user) == code for result in results for user, code in result.items())


def test_processes_killed_at_random_leave_nothing_stuck(shop: ProfileStore) -> None:
    with_pool(shop, "autumn", users(60), size=50)
    processes = [
        start("claim_and_be_killed", shop, name="autumn", treated=users(60), seed=seed, rounds=6) for seed in range(2)
    ]
    assert sum(finish(process) for process in processes) >= 4
    assert_agree(shop, "autumn", size=50)
    told = shop.coupons.issue_many("autumn", users(60))
    assert sum(code is not None for code in told.values()) == 50
    assert assert_agree(shop, "autumn", size=50) == {user: code for user, code in told.items() if code is not None}
    assert shop.verify_all().users == {}


def move_both(shop: ProfileStore) -> None:
    """As `migrate` does where a mapping cannot be changed in place."""
    generations = shop._parts.generations
    with generations.building():
        for kind in ("campaigns", "coupons"):
            generations.move(kind)


def test_issuing_outlasts_a_move_of_both_indices(shop: ProfileStore) -> None:
    with_pool(shop, "winter", users(300), size=260)
    process = start("issue", shop, name="winter", treated=users(300), at_once=2)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    move_both(shop)
    assert process.poll() is None  # it was at it all the time
    result = finish(process)
    told = assert_agree(shop, "winter", size=260)
    assert len(told) == 260
    assert all(told.get(user) == code for user, code in result.items())


@pytest.mark.parametrize("k", [1, 2, 3])
def test_a_move_between_any_two_writes(shop: ProfileStore, monkeypatch: pytest.MonkeyPatch, k: int) -> None:
    """Revisions of the former indices are worth nothing in the new ones."""
    with_pool(shop, f"moved{k}", users(6), size=5)
    real, writes = bulk._send, 0

    def send(client: Any, lines: list[bytes], action: str) -> list[dict[str, Any]]:
        nonlocal writes
        writes += 1
        if writes == k:
            monkeypatch.setattr(bulk, "_send", real)
            move_both(shop)
        return real(client, lines, action)

    monkeypatch.setattr(bulk, "_send", send)
    told = shop.coupons.issue_many(f"moved{k}", users(6))
    assert writes == k
    assert sum(code is not None for code in told.values()) == 5
    assert assert_agree(shop, f"moved{k}", size=5) == {user: code for user, code in told.items() if code is not None}
