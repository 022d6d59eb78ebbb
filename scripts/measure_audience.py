"""An audience of many users: seconds and peak of resident memory to build, count, read and export it.

    python scripts/measure_audience.py --url URL --profiles 1000000 --members 100000 --home DIR
    python scripts/measure_audience.py --url URL --profiles 200000 --members 20000 --dims 32 --home DIR --keep

Profiles with tastes (see `scale_profiles.py`) and a list of products for each are written straight into the indices of
a shop of its own. The audience is the `--members` likeliest buyers of a product among those with a rule, so that
vectors of all profiles are scored in batches, the limit is far beyond what one search lists, and the ids stand in
pieces. Every step runs in a process of its own. Ends with exit code 1 when building, reading and exporting together
take more than three minutes, or any of them more than 1 GiB. The shop is removed at the end unless `--keep` is given;
a second run with `--keep` finds it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from scale_profiles import PRODUCTS, Row, add_options, erase, measured, settings_of, write_shop

from profilestore.campaigns.audience.definition import definition_of
from profilestore.campaigns.audience.exporting import ExportOptions
from profilestore.store import ProfileStore

LIMIT_S = 180.0
LIMIT_MIB = 1024.0
NAME = "measured"
STEPS = ("build", "count", "read", "export")


def lists(profiles: int) -> Iterator[Row]:
    """A list of products with a reason for each profile."""
    items = [{"product_id": product, "title": f"product {place}", "price": 9.5, "score": 0.9,
              "reasons": [{"type": "view", "share": 0.5, "words": "because you looked at another"}]}
             for place, product in enumerate(PRODUCTS)]  # fmt: skip
    for n in range(profiles):
        user = f"u{n:08}"
        yield "recommendations", user, {
            "user_id": user, "as_of": "2026-01-01T00:00:00Z", "method": "taste", "run": "r", "generation": "000001",
            "products": list(PRODUCTS), "items": items,
        }  # fmt: skip


def step(given: argparse.Namespace) -> dict[str, Any]:
    """One step, in this process."""
    with ProfileStore.open(settings_of(given)) as shop:
        audiences = shop.audiences
        if given.step == "build":
            members = {"and": [{"buyers": PRODUCTS[0]}, {"rule": 'country == "CN" and order_count >= 1'}]}
            definition = definition_of({"channel": "mail", "limit": given.members, "members": members}, source="m")
            return audiences.build(NAME, definition).size.to_json_dict()
        if given.step == "count":
            return {"members": audiences.count(NAME)}
        if given.step == "read":
            return {"members": sum(1 for _ in audiences.members(NAME, fields=["city", "order_count"]))}
        path = given.home / f"{NAME}.csv"
        path.unlink(missing_ok=True)  # of a run that was broken off
        report = audiences.export(NAME, path, ExportOptions(fields=("city", "spend_total"), offers=3))
        found = {"members": report.members, "mib": round(path.stat().st_size / 2**20, 1)}
        path.unlink()
        return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser, prefix="measure-audience", steps=STEPS)
    given = parser.parse_args()
    if given.step is not None:
        print(json.dumps(step(given)))
        return 0
    try:
        write_shop(given, beside=lists(given.profiles))
        costs = [measured(name)[1] for name in STEPS]
    finally:
        if given.keep:
            with ProfileStore.open(settings_of(given)) as shop:
                shop.audiences.remove(NAME)
        else:
            erase(given)
    total, peak = sum(cost.seconds for cost in costs), max(cost.peak_mib for cost in costs)
    print(f"{total:.0f} s in all (at most {LIMIT_S:.0f}), {peak:.0f} MiB at most (at most {LIMIT_MIB:.0f})")
    return 0 if total <= LIMIT_S and peak <= LIMIT_MIB else 1


if __name__ == "__main__":
    sys.exit(main())
