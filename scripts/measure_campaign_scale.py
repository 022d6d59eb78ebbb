"""A campaign of many users: seconds and peak of resident memory to plan and to start it, coupons included.

    python scripts/measure_campaign_scale.py --url URL --profiles 1000000 --members 100000 --home DIR
    python scripts/measure_campaign_scale.py --url URL --profiles 50000 --members 5000 --home DIR --keep

Slim profiles, without vectors, are written straight into the indices of a shop of its own. The campaign is for
`--members` of them by a rule and consent, a tenth in control, with a cap of contacts, and a coupon for each in
treatment. Every step runs in a process of its own. Afterwards all places, contacts and coupons are counted. Ends with
exit code 1 when planning and starting together take more than three minutes, or either more than 1 GiB. The shop is
removed at the end unless `--keep` is given; a second run with `--keep` finds its profiles.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from elasticsearch import Elasticsearch

from profilestore.campaigns.audience.definition import definition_of
from profilestore.campaigns.running.campaign_file import campaign_of
from profilestore.elastic.indices import init
from profilestore.elastic.temporary import erase_shop
from profilestore.settings import Settings
from profilestore.store import ProfileStore

LIMIT_S = 180.0
LIMIT_MIB = 1024.0
AT_ONCE = 5000
AUDIENCE = "measured"


def settings_of(given: argparse.Namespace) -> Settings:
    return Settings(home=given.home, prefix=given.prefix, elasticsearch_url=given.url)


def profiles(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One of `profiles / members` is in the audience; two of a hundred switched personalisation off."""
    rng = np.random.default_rng(7)
    every = given.profiles // given.members
    for n in range(given.profiles):
        yield {
            "user_id": f"u{n:08}", "generation": "000001", "order_count": n % every, "consent": ["mail", "sms"],
            "last_purchase": f"2026-{1 + n % 11:02}-15T12:00:00Z", "country": "CN" if n % 5 > 0 else "FR",
            **({"personalisation": "off"} if n // every % 50 == 0 else
               {"purchase_30d": round(float(rng.beta(1, 9)), 4), "value_tier": ("low", "middle", "high")[n % 3],
                "segment": f"segment {n % 6}", "lifecycle": "active", "churn_band": "low"}),
        }  # fmt: skip


def write_shop(given: argparse.Namespace) -> None:
    """The shop, unless its profiles are there already."""
    settings = settings_of(given)
    with Elasticsearch(given.url, request_timeout=300) as client:
        made = init(client, settings)
        if len(made) == 0 and client.count(index=settings.index("profiles"))["count"] == given.profiles:
            return
        lines: list[bytes] = []
        for source in profiles(given):
            lines += [orjson.dumps({"index": {"_id": source["user_id"]}}), orjson.dumps(source)]
            if len(lines) >= 2 * AT_ONCE:
                _send(client, settings.index("profiles"), lines)
        _send(client, settings.index("profiles"), lines)
        client.indices.refresh(index=settings.index("profiles"))
    with ProfileStore.open(settings) as shop:
        everybody = {"members": {"rule": "order_count == 0"}, "channel": "mail"}
        shop.audiences.build(AUDIENCE, definition_of(everybody, source="measure"))


def _send(client: Elasticsearch, index: str, lines: list[bytes]) -> None:
    if len(lines) > 0:
        answer = client.perform_request(
            "POST", f"/{index}/_bulk?filter_path=errors", body=b"\n".join(lines) + b"\n",
            headers={"content-type": "application/x-ndjson", "accept": "application/json"},
        )  # fmt: skip
        assert answer.body == {"errors": False}
    lines.clear()


def step(given: argparse.Namespace) -> dict[str, Any]:
    """One step, in this process."""
    definition = campaign_of(
        {"name": given.campaign, "audience": AUDIENCE, "ends": "2098-12-31", "budget": 5.0 * given.members,
         "control_share": 0.1, "contacts_per_week": 50, "quiet_hours": "21:00-08:00",
         "offer": {"kind": "coupon", "value": 5.0, "code": given.campaign}},
        time_zone="UTC",
    )  # fmt: skip
    with ProfileStore.open(settings_of(given)) as shop:
        if given.step == "plan":
            plan = shop.campaigns.plan(definition)
            return {**plan.counts, "overlap": max(plan.overlaps.values(), default=0)}
        done = shop.campaigns.start(definition)
        return {"outcome": done.outcome, **{arm: done.campaign.counts[arm] for arm in ("treatment", "control")}}


def measured(given: argparse.Namespace, name: str) -> dict[str, Any]:
    """What a step says, in a process of its own, with its seconds and its peak of memory."""
    command = [sys.executable, __file__, "--step", name, "--url", given.url, "--home", str(given.home),
               "--profiles", str(given.profiles), "--members", str(given.members), "--prefix", given.prefix,
               "--campaign", given.campaign]  # fmt: skip
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{name} ended with {process.returncode}")
    seconds, mib = time.perf_counter() - started, usage.ru_maxrss / 1024
    print(f"{name:14} {seconds:7.1f} s  {mib:6.0f} MiB  {said.strip()}", flush=True)
    return {"seconds": seconds, "mib": mib, **json.loads(said)}


def check(given: argparse.Namespace, told: dict[str, Any]) -> None:
    """All that was to be written is there, once."""
    with ProfileStore.open(settings_of(given)) as shop:
        counts, coupons = shop.campaigns.counts(given.campaign), shop.coupons.counts(given.campaign)
    assert counts["treatment"] == told["treatment"] and counts["control"] == told["control"], counts
    assert counts["withheld"] == {} and counts["with_code"] == told["treatment"], counts
    assert (coupons.size, coupons.issued, coupons.left) == (told["treatment"], told["treatment"], 0), coupons
    print(f"checked: {counts['with_code']:,} users have a code, {counts['control']:,} are in control")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--profiles", type=int, default=1_000_000)
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--prefix", default="measure-campaign")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--step", choices=("plan", "start"), help=argparse.SUPPRESS)
    parser.add_argument("--campaign", default=f"m{uuid.uuid4().hex[:8]}", help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.home.mkdir(parents=True, exist_ok=True)
    if given.step is not None:
        print(json.dumps(step(given)))
        return
    try:
        write_shop(given)
        print(f"{given.profiles:,} profiles, {given.members:,} in the audience")
        steps = {name: measured(given, name) for name in ("plan", "start")}
        check(given, steps["start"])
        measured(given, "start")
        given.campaign = f"{given.campaign}-2"
        beside = measured(given, "plan")  # with the overlaps of one that runs
        assert beside["overlap"] == given.members, beside
    finally:
        if not given.keep:
            with Elasticsearch(given.url, request_timeout=300) as client:
                erase_shop(client, settings_of(given))
    seconds, mib = sum(each["seconds"] for each in steps.values()), max(each["mib"] for each in steps.values())
    print(f"planned and assigned in {seconds:.0f} s (at most {LIMIT_S:.0f}), {mib:.0f} MiB (at most {LIMIT_MIB:.0f})")
    sys.exit(0 if seconds <= LIMIT_S and mib <= LIMIT_MIB else 1)


if __name__ == "__main__":
    main()
