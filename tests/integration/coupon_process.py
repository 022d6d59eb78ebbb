"""One process that gives coupons out and may be killed, or kill itself: `python coupon_process.py VERB JSON`."""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from coupon_shop import add_campaign, codes, users
from fold_process import die_at, run_forked
from fold_runs import stand_in

from profilestore import CouponRefused, ProfileStore
from profilestore.campaigns.coupons.pool import Pool
from profilestore.settings import Settings


def give(settings: Settings, name: str, *, size: int, treated: Sequence[str], k: int = 0, before: bool = False) -> None:
    """What a start does with coupons, and then what a user does: each bulk request is a place to die at."""
    if k > 0:
        die_at(k, before=before)
    with ProfileStore.open(settings) as shop:
        shop.coupons.open_pool(name, Pool.of_codes(codes(size, prefix=f"{name}-")), value=5.0)
        half = len(treated) // 2
        shop.coupons.issue_many(name, treated[:half])
        shop.coupons.issue_many(name, treated[half:])
        claimed = shop.coupons.claim(name, treated[0])
        shop.coupons.redeem(claimed.code, treated[0], order_id="o1")


def kill_at_each_write(settings: Settings, *, size: int, treated: int) -> dict[str, Any]:
    """A campaign of its own for each k, whose start is killed at its k-th write, until one comes through."""
    names = []
    for before in (True, False):
        for k in range(1, 100):
            name = f"k{k}-{'before' if before else 'after'}"
            with ProfileStore.open(settings) as shop:
                add_campaign(shop, name, users(treated))
            names.append(name)
            status = run_forked(
                lambda name=name, k=k, before=before: give(  # type: ignore[misc]
                    settings, name, size=size, treated=users(treated), k=k, before=before
                )
            )
            if status == 0:
                break
            if not os.WIFSIGNALED(status):
                sys.exit(f"died otherwise at {k}: {status}")
    return {"names": names}


def claim(settings: Settings, name: str, *, treated: Sequence[str]) -> dict[str, Any]:
    """Claim for each of these users, as an app does: one after another."""
    told: dict[str, str | None] = {}
    with ProfileStore.open(settings) as shop:
        for user in treated:
            try:
                told[user] = shop.coupons.claim(name, user).code
            except CouponRefused as refused:
                if refused.reason != "none-left":
                    raise
                told[user] = None
    return told


def claim_and_be_killed(settings: Settings, name: str, *, treated: Sequence[str], seed: int, rounds: int) -> int:
    """The same again and again, killed at random moments; how often it was."""
    rng, killed = random.Random(seed), 0
    for _ in range(rounds):
        work = rng.sample(treated, len(treated))
        status = run_forked(partial(_claim_all, settings, name, work), kill_after_s=rng.uniform(0.1, 0.6))
        killed += os.WIFSIGNALED(status)
    return killed


def _claim_all(settings: Settings, name: str, treated: Sequence[str]) -> None:
    claim(settings, name, treated=treated)


def main() -> None:
    verb, given = sys.argv[1], json.loads(sys.argv[2])
    settings = Settings(**given.pop("settings"))
    with stand_in():
        if verb == "kill_at_each_write":
            found: Any = kill_at_each_write(settings, **given)
        elif verb == "claim":
            found = claim(settings, given.pop("name"), **given)
        elif verb == "claim_and_be_killed":
            found = claim_and_be_killed(settings, given.pop("name"), **given)
        elif verb == "issue":
            with ProfileStore.open(settings) as shop:
                found = {}
                for start in range(0, len(given["treated"]), given["at_once"]):
                    found |= shop.coupons.issue_many(given["name"], given["treated"][start : start + given["at_once"]])
                    if start == 0:
                        sys.stdout.write("begun\n")
                        sys.stdout.flush()
        else:
            sys.exit(f"no such verb: {verb}")
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
