"""What each campaign of The Complete Journey earned, as far as households not in it can tell: one line a campaign.

    python scripts/measure_campaigns.py --url URL --data ../shared/data --home DIR [--keep] [--markdown]

Loads households, purchases, redemptions and campaigns into a shop of its own (which is removed at the end unless
`--keep`; a second run with it finds it), twice, since a second import changes nothing. Of each campaign: households,
how many redeemed a coupon, the difference in what a household paid in its weeks, plain and after matching on what was
known before, each with its 95 % interval; the standardised difference of a year's spending before and after matching,
and how many of its households nobody was like. Money is that of the sample of lines, a twentieth of all.
"""

from __future__ import annotations

import argparse
import resource
import time
from datetime import UTC, datetime
from pathlib import Path

from elasticsearch import Elasticsearch
from scipy.stats import t

from profilestore.campaigns.importing.options import ImportFiles, ImportOptions
from profilestore.campaigns.report.effects import Difference
from profilestore.campaigns.report.known_users import KnownUsers, read_known_users
from profilestore.campaigns.report.matching import MatchedDifference
from profilestore.elastic.temporary import erase_shop
from profilestore.features.holm import holm
from profilestore.indexing.loading import LoadOptions
from profilestore.settings import Settings
from profilestore.store import ProfileStore

HEADINGS = (
    "campaign", "type", "weeks", "households", "redeemed", "known", "plain difference", "matched", "after matching",
    "bought, after matching", "SMD before", "SMD after", "left out", "in another",
)  # fmt: skip


def load(shop: ProfileStore, folder: Path, rejects: Path) -> None:
    """The files, the campaigns twice."""
    shop.init()
    for kind, file, columns in (
        ("users", "demographics", "complete-journey"),
        ("events", "transactions_sample", "complete-journey"),
        ("events", "coupon_redemptions", "complete-journey-redemptions"),
    ):
        counts = shop.load(
            kind,  # type: ignore[arg-type]  # one of the kinds
            [folder / f"{file}.csv.gz"],
            LoadOptions(columns=columns, rejects_folder=rejects),
        )
        print(f"{file}: {counts.read:,} read, {counts.indexed:,} indexed, {counts.rejected:,} rejected, "
              f"{counts.seconds:.1f} s")  # fmt: skip
    files = ImportFiles(
        campaigns=[folder / "campaign_descriptions.csv.gz"],
        members=[folder / "campaigns.csv.gz"],
        coupons=[folder / "coupons.csv.gz"],
    )
    for _ in range(2):
        report = shop.campaigns.import_past(files, ImportOptions(columns="complete-journey", rejects_folder=rejects))
        told = {
            kind: f"{each.read:,} read, {each.indexed:,} indexed, {each.updated:,} updated, {each.unchanged:,} "
            f"unchanged, {each.duplicate:,} repeated, {each.rejected:,} rejected"
            for kind, each in report.rows.items()
        }
        print(f"import: {told}; {report.coupons:,} coupons, {report.contacts:,} contacts, "
              f"{report.without_profile} without a profile, {report.seconds:.1f} s")  # fmt: skip


def line(shop: ProfileStore, known: KnownUsers, name: str, redeemed: int) -> tuple[tuple[str, ...], float | None]:
    """What is found of one campaign, and the two-sided p of the matched difference in money."""
    campaign = shop.campaigns.get(name)
    users = [each["user_id"] for each in shop.campaigns.assignments(name, fields=("user_id",))]
    found = known.compare(name, users, starts=campaign.starts, ends=campaign.ends, currency="USD")
    spent = next((trait for trait in found.traits if trait.name == "spent_year"), None)
    plain, matched, bought = found.revenue.plain, found.revenue.matched, found.bought.matched
    cells = (
        name,
        campaign.description,
        f"{campaign.starts:%m-%d} to {campaign.ends:%m-%d}",
        str(len(users)),
        str(redeemed),
        f"{found.inside} / {found.others}",
        "" if plain is None else between(plain),
        "" if matched is None else str(found.compared),
        "" if matched is None else between(matched),
        "" if bought is None else between(bought, 100.0),
        "" if spent is None else f"{spent.before:+.2f}",
        "" if spent is None or spent.after is None else f"{spent.after:+.2f}",
        "" if matched is None else f"{found.left_out / found.inside:.0%}",
        f"{max((inside for inside, _ in found.concurrent.values()), default=0.0):.0%}",
    )
    if matched is None:
        return cells, None
    return cells, float(2.0 * t.sf(abs(matched.value / matched.standard_error), found.compared - 1))


def between(found: Difference | MatchedDifference, factor: float = 1.0) -> str:
    """A difference with its interval."""
    value, low, high = (factor * each for each in (found.value, found.low, found.high))
    return f"{value:+.2f} [{low:+.2f}, {high:+.2f}]"


def redeemed_by_campaign(client: Elasticsearch, settings: Settings) -> dict[str, int]:
    """How many households redeemed a coupon of each."""
    answer = client.search(
        index=settings.index("events"),
        size=0,
        query={"term": {"type": "coupon_redeem"}},
        aggs={
            "campaigns": {
                "terms": {"field": "campaign", "size": 1000},
                "aggs": {"users": {"cardinality": {"field": "user_id", "precision_threshold": 40_000}}},
            }
        },
    )
    return {each["key"]: each["users"]["value"] for each in answer["aggregations"]["campaigns"]["buckets"]}


def print_table(rows: list[tuple[str, ...]], *, markdown: bool) -> None:
    """All lines under their headings."""
    if markdown:
        print("| " + " | ".join(HEADINGS) + " |")
        print("| " + " | ".join("---" for _ in HEADINGS) + " |")
        for row in rows:
            print("| " + " | ".join(row) + " |")
        return
    widths = [max(map(len, column)) for column in zip(HEADINGS, *rows, strict=True)]
    for row in (HEADINGS, *rows):
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--prefix", default="measure-campaigns")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    settings = Settings(
        home=given.home, prefix=given.prefix, elasticsearch_url=given.url, time_zone="America/New_York", currency="USD"
    )
    with Elasticsearch(given.url, request_timeout=300) as client:
        try:
            with ProfileStore.open(settings) as shop:
                load(shop, given.data / "complete_journey", given.home)
                started = time.monotonic()
                known = read_known_users(shop._parts, now=datetime.now(UTC))
                redeemed = redeemed_by_campaign(client, settings)
                names = sorted((each.name for each in shop.campaigns.all()), key=int)
                found = [line(shop, known, name, redeemed.get(name, 0)) for name in names]
                seconds = time.monotonic() - started
            rows = [cells for cells, _ in found]
            print_table(rows, markdown=given.markdown)
            tested = [(cells[0], p) for cells, p in found if p is not None]
            corrected = holm([p for _, p in tested])
            left = [f"{name} (p {p:.3f})" for (name, _), p in zip(tested, corrected, strict=True) if p < 0.05]
            print(
                f"of {len(tested)} matched differences in money, beyond chance after Holm: {', '.join(left) or 'none'}"
            )
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"{len(rows)} campaigns compared in {seconds:.1f} s, {peak:.0f} MiB at the most")
        finally:
            if not given.keep:
                erase_shop(client, settings)


if __name__ == "__main__":
    main()
