"""Do the intervals of `campaign report` hold what they say? Campaigns with a known uplift, and without any, drawn anew.

    python scripts/measure_campaign_truth.py --seeds 1000
    python scripts/measure_campaign_truth.py --seeds 200 --only normal

Each seed draws users, the lot and what they do (`profilestore.ingest.sample_campaigns`, whose truth is exact), and
gives them to the functions that the served report is made of. Printed, with exact binomial 95 % intervals: how often
the 95 % intervals contain the truth, of the share of buyers, of revenue a user, and of what was bought before the
coupon (from which earnings and ROI follow); how often the verdict is `effective`; and how often the report warns.
Then the same by group, and how often a group is advised for without reason. Exit code 1 when a scenario of which the
report does not warn covers less than 93 % or more than 97 % (conversion and revenue), or a campaign of no effect is
called effective in more than 4 %.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from profilestore.campaigns.report.cautions import FEW_BUYERS
from profilestore.campaigns.report.effects import mean_difference, share_difference
from profilestore.campaigns.report.groups import group_effects
from profilestore.campaigns.report.money import purse_of
from profilestore.campaigns.report.outcomes import Outcomes
from profilestore.campaigns.report.participants import GROUP_FIELDS, Participants
from profilestore.campaigns.report.terms import CampaignTerms
from profilestore.ingest.sample import DEFAULT_END
from profilestore.ingest.sample_campaigns import BUYER_KINDS, Buyers, Period, draw_buyers, draw_period, true_effects

LOW, HIGH, FALSE_MOST = 0.93, 0.97, 0.04
TERMS = CampaignTerms(name="c", starts=DEFAULT_END, ends=DEFAULT_END, cost_per_contact=0.2, margin=0.3)


@dataclass(frozen=True)
class Scenario:
    """`scale` lowers all chances to buy; `groups`: also measured by group."""

    name: str
    users: int
    control: float
    strength: float
    scale: float = 1.0
    groups: bool = False


SCENARIOS = (
    Scenario("normal", 4000, 0.3, 1.0, groups=True),
    Scenario("normal, no effect", 4000, 0.3, 0.0, groups=True),
    Scenario("half and half", 2000, 0.5, 1.0),
    Scenario("control a tenth", 4000, 0.1, 1.0),
    Scenario("control a tenth, no effect", 4000, 0.1, 0.0),
    Scenario("strong effect", 4000, 0.1, 3.0),
    Scenario("large", 50_000, 0.1, 1.0),
    Scenario("large, no effect", 50_000, 0.1, 0.0),
    Scenario("rare buying", 20_000, 0.2, 1.0, 0.05),
    Scenario("rare buying, no effect", 20_000, 0.2, 0.0, 0.05),
    Scenario("small", 600, 0.3, 1.0),
    Scenario("small, no effect", 600, 0.3, 0.0),
    Scenario("small control", 1000, 0.05, 1.0),
    Scenario("small control, no effect", 1000, 0.05, 0.0),
    Scenario("tiny control", 1000, 0.02, 1.0),
    Scenario("tiny control, no effect", 1000, 0.02, 0.0),
    Scenario("very rare, small control", 20_000, 0.05, 1.0, 0.02),
    Scenario("very rare, no effect", 20_000, 0.05, 0.0, 0.02),
)


def participants(buyers: Buyers, treated: np.ndarray, rng: np.random.Generator) -> Participants:
    count = len(buyers)
    kinds = np.array([kind.name for kind in BUYER_KINDS], dtype=object)[buyers.kinds]
    nothing = np.full(count, "", dtype=object)
    chance = np.array([kind.buys for kind in BUYER_KINDS])[buyers.kinds] * rng.lognormal(0.0, 0.3, size=count)
    return Participants(
        user_ids=("",) * count, treated=treated, reached=treated, coded=treated, withheld=nothing,
        opted_out=np.zeros(count, dtype=bool), groups={**dict.fromkeys(GROUP_FIELDS, nothing), "segment": kinds},
        purchase_30d=np.clip(chance, 0.0, 1.0),
    )  # fmt: skip


def outcomes(buyers: Buyers, period: Period) -> Outcomes:
    none = np.zeros(0, dtype=np.int64)
    return Outcomes(
        bought=period.bought, orders=period.bought.astype(np.int64), revenue=period.paid, first_day=period.first_day,
        opened=period.opened, clicked=period.clicked, claimed=period.redeemed, redeemed=period.redeemed,
        discounts=period.discount, netted=period.discount, order_users=none, order_days=none,
        order_amounts=np.zeros(0), spent_before=buyers.spent_before, orders_before=buyers.orders_before,
        recency_days=buyers.recency_days,
    )  # fmt: skip


def run(scenario: Scenario, seed: int, tally: dict[str, list[float]]) -> None:
    rng = np.random.default_rng([seed, 0x7E57])
    buyers = draw_buyers(scenario.users, rng)
    treated = rng.random(scenario.users) >= scenario.control
    period = draw_period(buyers, treated, rng, strength=scenario.strength, scale=scenario.scale)
    people, done = participants(buyers, treated, rng), outcomes(buyers, period)
    purse = purse_of(people, done, TERMS)
    truth = true_effects(strength=scenario.strength, scale=scenario.scale)
    shares = share_difference(done.bought, treated)
    assert shares is not None
    tally["conversion"].append(shares.low <= truth[""].conversion <= shares.high)
    tally["effective"].append(shares.is_gain)
    for name, values, wanted in (("revenue", done.revenue, truth[""].revenue), ("worth", purse.worth, truth[""].worth)):
        found = mean_difference(values, treated, before=done.spent_before, buyers=done.bought)
        if found is not None:
            tally[name].append(found.low <= wanted <= found.high)
            tally[f"{name} width"].append(found.high - found.low)
            plain = mean_difference(values, treated, buyers=done.bought)
            assert plain is not None
            tally[f"{name} unadjusted"].append(plain.high - plain.low)
    in_control = int(done.bought[~treated].sum())
    tally["buyers"].append(in_control)
    tally["warned"].append(min(in_control, int(done.bought[treated].sum())) < FEW_BUYERS)
    if scenario.groups:
        found_groups = group_effects(people, done, purse)
        for each in found_groups:
            if each.by != "segment":
                continue
            own = truth[each.group]
            tally[f"{each.group}: conversion"].append(each.bought.low <= own.conversion <= each.bought.high)
            if each.revenue is not None:
                tally[f"{each.group}: revenue"].append(each.revenue.low <= own.revenue <= each.revenue.high)
            tally[f"{each.group}: {each.advice}"].append(True)
        tally["any group moved or paying"].append(any(each.advice in ("moves", "pays") for each in found_groups))


def shown(hits: list[float]) -> str:
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(int(sum(hits)), len(hits), method="beta")
    return f"{100 * np.mean(hits):5.1f} [{100 * low:4.1f}, {100 * high:5.1f}]"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--only", help="scenarios whose name begins so")
    given = parser.parse_args()
    bad: list[str] = []
    by_group: list[tuple[str, dict[str, list[float]]]] = []
    print(f"{'scenario':28} {'users':>7} {'control':>7} {'buyers':>6}  {'conversion %':>20}  {'revenue %':>20}  "
          f"{'worth (ROI) %':>20}  {'called effective %':>20}  {'warned':>6}  narrower")  # fmt: skip
    for scenario in SCENARIOS:
        if given.only is not None and not scenario.name.startswith(given.only):
            continue
        tally: dict[str, list[float]] = defaultdict(list)
        begin = time.monotonic()
        for seed in range(given.seeds):
            run(scenario, seed, tally)
        narrower = 1.0 - np.mean(tally["revenue width"]) / np.mean(tally["revenue unadjusted"])
        print(f"{scenario.name:28} {scenario.users:7,} {scenario.control:7.0%} {np.mean(tally['buyers']):6.0f}  "
              f"{shown(tally['conversion']):>20}  {shown(tally['revenue']):>20}  {shown(tally['worth']):>20}  "
              f"{shown(tally['effective']):>20}  {np.mean(tally['warned']):6.0%}  {narrower:.1%}  "
              f"({time.monotonic() - begin:.0f} s)", flush=True)  # fmt: skip
        if np.mean(tally["warned"]) < 0.5:
            bad += [f"{scenario.name}: {name} covers {np.mean(tally[name]):.1%}" for name in ("conversion", "revenue")
                    if not LOW <= np.mean(tally[name]) <= HIGH]  # fmt: skip
        if scenario.strength == 0.0 and np.mean(tally["effective"]) > FALSE_MOST:
            bad.append(f"{scenario.name}: called effective in {np.mean(tally['effective']):.1%}")
        if scenario.groups:
            by_group.append((scenario.name, tally))
    for name, tally in by_group:
        print(f"\nby group, {name}: conversion, revenue; advice")
        for kind in BUYER_KINDS:
            advice = {key.split(": ")[1]: len(hits) for key, hits in tally.items()
                      if key.startswith(f"{kind.name}: ") and not key.endswith(("conversion", "revenue"))}  # fmt: skip
            conversion, revenue = tally[f"{kind.name}: conversion"], tally[f"{kind.name}: revenue"]
            print(f"  {kind.name:12} {shown(conversion):>20}  {shown(revenue):>20}  {advice}")
            bad += [f"{name}: {kind.name} {what} covers {np.mean(hits):.1%}"
                    for what, hits in (("conversion", conversion), ("revenue", revenue))
                    if not LOW <= np.mean(hits) <= HIGH]  # fmt: skip
        print(f"  any group said to buy more or to pay: {shown(tally['any group moved or paying'])}")
    print("\n" + ("all as wanted" if len(bad) == 0 else "; ".join(bad)))
    return 0 if len(bad) == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
