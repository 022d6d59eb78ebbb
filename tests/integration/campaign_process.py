"""Processes that start campaigns and are killed, or meet others: `python campaign_process.py VERB JSON`."""

from __future__ import annotations

import json
import os
import random
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from campaign_shop import COUPON, campaign
from fold_process import die_at, run_forked

from profilestore.campaigns.coupons import coupons
from profilestore.errors import UsageError
from profilestore.settings import Settings
from profilestore.store import ProfileStore


def start(settings: Settings, name: str, *, k: int = 0, before: bool = False, **more: Any) -> None:
    """Start a campaign; with k, die at the k-th write."""
    if k > 0:
        die_at(k, before=before)
    with ProfileStore.open(settings) as shop:
        shop.campaigns.start(campaign(name, **more))


def start_with_others(settings: Settings, name: str, *, others: list[str], **more: Any) -> str:
    """Start a campaign; whenever its codes have been found free, wait until the others have found the same of theirs.

    Returns:
        What was said against it; nothing where it runs.
    """
    real, looked = coupons.check_pool, 0

    def check_pool(*given: Any, **named: Any) -> None:
        nonlocal looked
        real(*given, **named)
        looked += 1
        (settings.home / f"{name}.{looked}").touch()
        until = time.monotonic() + 60.0
        while not all((settings.home / f"{other}.{looked}").exists() for other in others):
            if time.monotonic() > until:
                sys.exit("the others did not come")
            time.sleep(0.01)

    coupons.check_pool = check_pool
    try:
        start(settings, name, **more)
    except UsageError as error:
        return str(error)
    return ""


def kill_at_each_write(settings: Settings, *, budget: float) -> dict[str, Any]:
    """For each k a campaign of its own, killed at its k-th write and started again, until one comes through alive.

    Of those killed before a write the second start is killed, too, at a random one, and a third one ends it.
    """
    died, names = 0, []
    rng = random.Random(7)
    for before in (True, False):
        for k in range(1, 60):
            name = f"{'before' if before else 'after'}-{k}"
            # A week of its own, so that none has more contacts to pass by than another.
            week = date(2050 if before else 2060, 1, 3) + timedelta(weeks=k)
            more = {"offer": {**COUPON, "code": f"C{name}"}, "budget": budget, "starts": week.isoformat()}
            status = run_forked(lambda name=name, more=more, k=k, before=before: start(  # type: ignore[misc]  # lambda with defaults
                settings, name, k=k, before=before, **more))  # fmt: skip
            if status == 0:
                break
            if not os.WIFSIGNALED(status):
                sys.exit(f"died otherwise at {k}: {status}")
            died += 1
            if before:
                at = rng.randint(1, 8)
                run_forked(lambda name=name, more=more, at=at: start(settings, name, k=at, before=True, **more))  # type: ignore[misc]  # lambda with defaults
            if run_forked(lambda name=name, more=more: start(settings, name, **more)) != 0:  # type: ignore[misc]  # lambda with defaults
                sys.exit(f"could not go on after {k}")
            names.append(name)
    return {"died": died, "campaigns": names}


def main() -> None:
    verb, given = sys.argv[1], json.loads(sys.argv[2])
    settings = Settings(**given.pop("settings"))
    if verb == "kill_at_each_write":
        sys.stdout.write(json.dumps(kill_at_each_write(settings, **given)))
    elif verb == "start_with_others":
        sys.stdout.write(start_with_others(settings, given.pop("name"), **given))
    elif verb == "start":
        start(settings, given.pop("name"), **given)
    else:
        sys.exit(f"no such verb: {verb}")


if __name__ == "__main__":
    main()
