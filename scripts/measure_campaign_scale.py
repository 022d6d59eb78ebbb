"""A campaign of many users: seconds and peak of resident memory to build its audience, to plan and to start it.

    python scripts/measure_campaign_scale.py --url URL --profiles 1000000 --members 100000 --home DIR
    python scripts/measure_campaign_scale.py --url URL --by lookalike --profiles 50000 --members 5000 --home DIR --keep

Profiles with tastes (see `scale_profiles.py`) are written straight into the indices of a shop of its own. The campaign
is for `--members` of them: by a rule, like twenty users, or the likeliest buyers of a product among those with a rule;
a tenth in control, with a cap of contacts, and a coupon for each in treatment. Every step runs in a process of its
own. Where vectors choose, a profile is written before planning and before starting, so that both work the audience out
anew. Afterwards all places, contacts and coupons are counted. Ends with exit code 1 when planning and starting
together take more than three minutes, or any step more than 1 GiB. The shop is removed at the end unless `--keep` is
given; a second run with `--keep` finds its profiles.
"""

from __future__ import annotations

import argparse
import json
import sys
import uuid
from typing import Any

from scale_profiles import PRODUCTS, Cost, add_options, erase, measured, settings_of, touch, write_shop

from profilestore.campaigns.audience.definition import definition_of
from profilestore.campaigns.running.campaign_file import campaign_of
from profilestore.store import ProfileStore

LIMIT_S = 180.0
LIMIT_MIB = 1024.0
SEEDS = 20
STEPS = ("build", "plan", "start")


def audience(given: argparse.Namespace) -> dict[str, Any]:
    """The tables of the audience's file."""
    match given.by:
        case "rule":
            return {"channel": "sms", "members": {"rule": "order_count == 0"}}
        case "lookalike":
            users = [f"u{n:08}" for n in range(1, given.profiles, given.profiles // SEEDS)]
            return {"channel": "sms", "members": {"lookalike": users, "top": given.members}}
        case _:
            members = {"and": [{"buyers": PRODUCTS[0]}, {"rule": 'country == "CN" and order_count >= 1'}]}
            return {"channel": "mail", "limit": given.members, "members": members}


def step(given: argparse.Namespace) -> dict[str, Any]:
    """One step, in this process."""
    definition = campaign_of(
        {"name": given.campaign, "audience": given.by, "ends": "2098-12-31", "budget": 5.0 * given.members,
         "control_share": 0.1, "contacts_per_week": 50, "quiet_hours": "21:00-08:00",
         "offer": {"kind": "coupon", "value": 5.0, "code": given.campaign}},
        time_zone="UTC",
    )  # fmt: skip
    with ProfileStore.open(settings_of(given)) as shop:
        if given.step == "build":
            return shop.audiences.build(given.by, definition_of(audience(given), source="measure")).size.to_json_dict()
        if given.step == "plan":
            plan = shop.campaigns.plan(definition)
            return {**plan.counts, "overlap": max(plan.overlaps.values(), default=0)}
        done = shop.campaigns.start(definition)
        return {"outcome": done.outcome, **{arm: done.campaign.counts[arm] for arm in ("treatment", "control")}}


def measure(given: argparse.Namespace) -> dict[str, Cost]:
    """What each step took."""
    campaign = ("--campaign", given.campaign)
    costs: dict[str, Cost] = {}
    told: dict[str, Any] = {}
    for name in STEPS:
        if given.by != "rule" and name != "build":
            touch(given)
        told, costs[name] = measured(name, *campaign)
    check(given, told)
    again, _ = measured("start", *campaign)
    assert again["outcome"] == "unchanged", again
    beside, _ = measured("plan", "--campaign", f"{given.campaign}-2")  # with the overlaps of one that runs
    assert beside["overlap"] == given.members, beside
    return costs


def check(given: argparse.Namespace, told: dict[str, Any]) -> None:
    """All that was to be written is there, once."""
    with ProfileStore.open(settings_of(given)) as shop:
        counts, coupons = shop.campaigns.counts(given.campaign), shop.coupons.counts(given.campaign)
    assert told["treatment"] + told["control"] == given.members, told
    assert counts["treatment"] == told["treatment"] and counts["control"] == told["control"], counts
    assert counts["withheld"] == {} and counts["with_code"] == told["treatment"], counts
    assert (coupons.size, coupons.issued, coupons.left) == (told["treatment"], told["treatment"], 0), coupons
    print(f"checked: {counts['with_code']:,} users have a code, {counts['control']:,} are in control")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser, prefix="measure-campaign", steps=STEPS)
    parser.add_argument("--by", choices=("rule", "lookalike", "buyers"), default="rule", help="who is in the audience")
    parser.add_argument("--campaign", default=f"m{uuid.uuid4().hex[:8]}", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step is not None:
        print(json.dumps(step(given)))
        return
    try:
        write_shop(given)
        costs = measure(given)
    finally:
        if not given.keep:
            erase(given)
        else:
            with ProfileStore.open(settings_of(given)) as shop:
                shop.audiences.remove(given.by)
    seconds, mib = costs["plan"].seconds + costs["start"].seconds, max(cost.peak_mib for cost in costs.values())
    print(
        f"by {given.by}: built in {costs['build'].seconds:.0f} s, planned and assigned in {seconds:.0f} s (at most "
        f"{LIMIT_S:.0f}), {mib:.0f} MiB (at most {LIMIT_MIB:.0f})"
    )
    sys.exit(0 if seconds <= LIMIT_S and mib <= LIMIT_MIB else 1)


if __name__ == "__main__":
    main()
