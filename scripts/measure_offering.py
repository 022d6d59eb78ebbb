#!/usr/bin/env python3
"""What filling an offer in over an audience costs beside asking `recommend_many` for the same users alone.

    scripts/measure_offering.py [--users 10000] [--category NAME] [--rounds 3] [--page 5000]

For the shop of the settings: its first users by id are given their own best product within a category (the largest
where none is named), a page at a time, with and without reasons; beside it `recommend_many` answers the same users
with the same filters. Printed are users a second and the ratio of the times, rounds in turn, since other programs run
here too; and how many users got which: a product of their own, a popular one (personalisation off, or nothing known),
or none.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections import Counter
from itertools import islice
from statistics import median

from profilestore import ProfileStore
from profilestore.campaigns.offering import OfferFilling, ProductOffer
from profilestore.elastic.member_pages import Member, MemberPages


def largest_category(shop: ProfileStore) -> str:
    names = {"names": {"terms": {"field": "category", "size": 1}}}
    answer = shop._client.search(index=shop.settings.index("products"), size=0, aggs=names)
    return str(answer["aggregations"]["names"]["buckets"][0]["key"])


def members_of(shop: ProfileStore, n: int) -> list[Member]:
    pages = MemberPages(shop._client, alias=shop.settings.index("profiles"))
    return list(islice((member for page in pages.read({"match_all": {}}) for member in page), n))


def filled(shop: ProfileStore, members: list[Member], offer: ProductOffer, *, page: int) -> Counter[str]:
    filling = OfferFilling(shop._parts, recommend=shop.recommend_many)
    filling.check(offer)
    kinds: Counter[str] = Counter()
    for start in range(0, len(members), page):
        for each in filling.fill(members[start : start + page], offer).values():
            kinds["none" if each is None else "their own" if each.chosen else "popular"] += 1
    return kinds


def asked(shop: ProfileStore, members: list[Member], offer: ProductOffer) -> Counter[str]:
    answers = shop.recommend_many([each.user_id for each in members], n=1, explain=offer.explain, **offer.options())
    return Counter(answer.method for answer in answers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--category")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--page", type=int, default=5_000)
    given = parser.parse_args()
    with ProfileStore.open() as shop:
        members = members_of(shop, given.users)
        category = given.category or largest_category(shop)
        off = sum(member.opted_out for member in members)
        print(f"{len(members):,} users, {off:,} with personalisation off; category {category}")
        for explain in (False, True):
            offer = ProductOffer(category=(category,), explain=explain)
            asked(shop, members[:500], offer)  # what only the first answers pay for
            raw: list[float] = []
            own: list[float] = []
            kinds: Counter[str] = Counter()
            for _ in range(given.rounds):
                started = time.perf_counter()
                asked(shop, members, offer)
                raw.append(time.perf_counter() - started)
                started = time.perf_counter()
                kinds = filled(shop, members, offer, page=given.page)
                own.append(time.perf_counter() - started)
            ratios = [each / one for each, one in zip(own, raw, strict=True)]
            print(
                f"{'with' if explain else 'without'} reasons: {median(own):.1f} s, {len(members) / median(own):,.0f} "
                f"users/s; {median(ratios):.2f} of recommend_many ({min(ratios):.2f} to {max(ratios):.2f}); "
                + ", ".join(f"{kind} {count:,}" for kind, count in sorted(kinds.items()))
            )
    print(f"peak of resident memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
