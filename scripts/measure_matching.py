"""Do the intervals after matching hold? Campaigns whose households are chosen by what they spent, effect known.

    python scripts/measure_matching.py [--seeds 1000] [--users 2400]

Each seed is a shop of households with rates and baskets of their own, seen through a thin sample of their lines for
the months before. A campaign goes to those the more likely the more they spent (as far as the sample tells it, or as
they are in truth, which no matching can see), and adds a known amount to what they spend. Printed: how often the
95 % interval of the difference holds the true effect on those compared, plain and matched, with its own interval.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

from profilestore.campaigns.report.observational import matches_of, observe
from profilestore.campaigns.report.population import Population


def shop(rng: np.random.Generator, users: int, *, effect: float, seen: bool) -> tuple[Population, Any]:
    """The population of a campaign, and the expected effect on each household."""
    rate = rng.gamma(1.2, 0.35, users)  # orders a week of the sample
    basket = rng.lognormal(1.2, 0.5, users)
    weeks = 26
    orders = rng.poisson(rate[:, None], (users, weeks + 5))
    # The amount of each week: as many baskets as orders, each of a size of its own.
    paid = basket[:, None] * np.where(orders > 0, rng.gamma(np.maximum(orders, 1) * 2.0, 0.5), 0.0)
    spent = paid[:, :weeks].sum(axis=1)
    known = orders[:, :weeks].sum(axis=1) > 0
    pull = np.log1p(spent) if seen else np.log1p(rate * basket * weeks)
    pull = (pull - pull.mean()) / pull.std()
    earlier_campaigns = rng.poisson(np.exp(-1.0 + 0.4 * pull)).astype(float)
    chosen = rng.random(users) < 1 / (1 + np.exp(1.0 - 1.1 * pull - 0.4 * earlier_campaigns))
    gain = effect * basket * rng.poisson(0.5, users)  # more, and not alike
    revenue = paid[:, weeks:].sum(axis=1) + np.where(chosen, gain, 0.0)

    ever = orders[:, :weeks] > 0
    figures = {
        "spent_year": spent,
        "spent_month": paid[:, weeks - 4 : weeks].sum(axis=1),
        "orders_year": orders[:, :weeks].sum(axis=1).astype(float),
        "recency_days": ever[:, ::-1].argmax(axis=1) * 7.0,
        "campaigns": earlier_campaigns,
    }
    held = {name: values[known] for name, values in figures.items()}
    population = Population(inside=chosen[known], figures=held, bought=revenue[known] > 0, revenue=revenue[known])
    return population, (effect * basket * 0.5)[known]


def share(hits: list[bool]) -> str:
    """A share with its interval (Wilson)."""
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(sum(hits), len(hits), method="wilson")
    return f"{np.mean(hits):6.1%} [{low:.1%}, {high:.1%}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--users", type=int, default=2400)
    options = parser.parse_args()
    for label, seen, effect in (
        ("chosen by what they spent, effect 1.5", True, 1.5),
        ("chosen by what they spent, no effect", True, 0.0),
        ("chosen by what they are, no effect", False, 0.0),
    ):
        started = time.monotonic()
        plain, matched, false, bias, left, wide = [], [], [], [], [], []
        for seed in range(options.seeds):
            population, gain = shop(np.random.default_rng(seed), options.users, effect=effect, seen=seen)
            found = observe(population, currency="GBP", days=35)
            after, first, matches = found.revenue.matched, found.revenue.plain, matches_of(population)
            assert after is not None and first is not None and matches is not None
            truth = float(gain[matches.treated].mean())  # on those who are compared
            plain.append(first.low <= truth <= first.high)
            matched.append(after.low <= truth <= after.high)
            bias.append(after.value - truth)
            false.append(after.low > 0)
            left.append(found.left_out / found.inside)
            wide.append(after.high - after.low)
        print(
            f"{label}: plain {share(plain)}, matched {share(matched)}; bias {np.mean(bias):+.3f}, width "
            f"{np.mean(wide):.2f}, above zero {share(false)}, left out {np.mean(left):.1%}, "
            f"{(time.monotonic() - started) / options.seeds * 1000:.0f} ms a seed",
            flush=True,
        )


if __name__ == "__main__":
    main()
