"""How often shuffled baskets yield a rule, and what rules are worth, on the server's shop or a file of sales.

    python scripts/measure_rules.py [FILE --columns PRESET] [--runs 400] [--baskets N] [--level 0.01] [--seed 7]

- shuffled: baskets of the same sizes with the same product frequencies and nothing else in common (swap
  randomisation, `Baskets.shuffled`), mined again and again; the share of runs that mine any rule, with its
  exact (Clopper-Pearson) interval. The promise is at most 5 % of 400 runs at a nominal level of 1 %.
- fisher: the same with Fisher's exact test in the place of ours, for comparison, on the first 3 runs (a minute each).
- worth: rules mined from the first 80 % of the baskets by time, asked with half of each later basket, by how much
  of the other half is among the first 20 (NDCG@20, bootstrap interval); beside it the popular products.

Without a file it takes the generated shop. Nothing is written.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array
from scipy.stats import binomtest, hypergeom

from profilestore.documents import Event
from profilestore.features.association import MinedRules, RuleSettings, mine_rules
from profilestore.features.baskets import BasketBuilder, Baskets
from profilestore.features.weights import FoldRules
from profilestore.ingest import load_columns, read_events
from profilestore.ingest.sample import generate_shop
from profilestore.settings import Settings

FISHER_RUNS = 3
BURN_IN, BETWEEN = 30, 5


def build(events: Sequence[Event]) -> Baskets:
    """All orders of these events."""
    zone = FoldRules.of(Settings.load()).zone
    builder = BasketBuilder(sorted({event.product_id for event in events if event.product_id is not None}), zone)
    builder.add(events)
    return builder.build()


def some(baskets: Baskets, count: int, rng: np.random.Generator) -> Baskets:
    """So many of these baskets, drawn at random."""
    if count >= len(baskets):
        return baskets
    number = np.full(len(baskets), -1, dtype=np.int32)
    chosen = np.sort(rng.permutation(len(baskets))[:count])
    number[chosen] = np.arange(count, dtype=np.int32)
    kept = number[baskets.basket] >= 0
    return Baskets(number[baskets.basket[kept]], baskets.product[kept], baskets.users[chosen], baskets.product_ids)


def fisher_rules(baskets: Baskets, *, level: float) -> int:
    """How many pairs pass Fisher's exact test with Bonferroni's correction."""
    frequencies = baskets.frequencies()
    columns = np.flatnonzero(frequencies >= RuleSettings().min_count)
    matrix = baskets.matrix()[:, columns]
    pairs = (matrix.T @ matrix).tocoo()
    i, j = pairs.coords
    n_i, n_j = frequencies[columns[i]], frequencies[columns[j]]
    expected = n_i * n_j / len(baskets)
    # What is less than four deviations off cannot pass after the correction, and each tail is a long sum.
    far = (i < j) & (pairs.data >= RuleSettings().min_count) & (pairs.data - expected >= 4.0 * np.sqrt(expected))
    tails = hypergeom.sf(pairs.data[far] - 1, len(baskets), n_i[far], n_j[far])
    return int((tails * (columns.size * (columns.size - 1) / 2) <= level).sum())


def measure_shuffled(baskets: Baskets, *, runs: int, level: float, rng: np.random.Generator) -> None:
    settings = RuleSettings(level=level)
    print(f"mined as they are: {len(mine_rules(baskets, settings)):,} rules")
    current = baskets.shuffled(rng, sweeps=BURN_IN)
    hits, fisher, started = 0, [], time.perf_counter()
    for run in range(runs):
        current = current.shuffled(rng, sweeps=BETWEEN)
        hits += len(mine_rules(current, settings)) > 0
        if run < FISHER_RUNS:
            fisher.append(fisher_rules(current, level=level))
    interval = binomtest(hits, runs).proportion_ci(0.95, method="exact")
    print(
        f"shuffled: {hits} of {runs} runs mine a rule at level {level:g}: {hits / runs:.2%} "
        f"(95 % {interval.low:.2%} to {interval.high:.2%}), {time.perf_counter() - started:.0f} s"
    )
    print(f"fisher: {sum(count > 0 for count in fisher)} of {len(fisher)} runs, {np.mean(fisher):,.0f} pairs a run")


def ndcg(scores: np.ndarray, wanted: Sequence[int], *, k: int = 20) -> float:
    """NDCG@k of one list against the products that were in the basket."""
    ranked = np.argsort(-scores, kind="stable")[:k]
    gains = 1.0 / np.log2(np.arange(2, k + 2))
    return float(gains[np.isin(ranked, wanted)].sum() / gains[: len(wanted)].sum())


def measure_worth(events: Sequence[Event], *, rng: np.random.Generator) -> None:
    cut = sorted(event.time for event in events)[int(0.8 * len(events))]
    early, late = ([e for e in events if (e.time < cut) == side] for side in (True, False))
    baskets, later = build(early), build(late)
    column = {product: at for at, product in enumerate(baskets.product_ids)}
    held: dict[int, list[int]] = {}
    for basket, product in zip(later.basket.tolist(), later.product.tolist(), strict=True):
        if (at := column.get(later.product_ids[product])) is not None:
            held.setdefault(basket, []).append(at)
    tried = [products for products in held.values() if len(products) >= 2]
    tried = [tried[at] for at in rng.permutation(len(tried))[:2000]]
    rules: MinedRules = mine_rules(baskets)
    shape = (len(column), len(column))
    ways = {
        name: csr_array((values, (rules.antecedent, rules.consequent)), shape=shape)
        for name, values in (("score", rules.score), ("confidence", rules.confidence), ("lift", rules.lift))
    }
    popular = baskets.frequencies().astype(float)
    figures: dict[str, list[float]] = {name: [] for name in (*ways, "popular")}
    for products in tried:
        order = rng.permutation(products)
        asked, wanted = order[: len(order) // 2], order[len(order) // 2 :]
        for name in figures:
            scores = popular.copy() if name == "popular" else np.asarray(ways[name][asked].sum(axis=0)).ravel()
            scores[asked] = -1.0
            figures[name].append(ndcg(scores, wanted))
    for name, values in figures.items():
        draws = rng.choice(values, size=(1000, len(values))).mean(axis=1)
        low, high = np.quantile(draws, (0.025, 0.975))
        print(
            f"worth by {name:10s} NDCG@20 {np.mean(values):.4f} (95 % {low:.4f} to {high:.4f}), {len(values)} baskets"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?")
    parser.add_argument("--columns", default="online-retail")
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--baskets", type=int, default=10**9, help="at most so many, drawn at random, for the shuffles")
    parser.add_argument("--level", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    if given.file is None:
        events = list(generate_shop(seed=given.seed).events)
    else:
        columns = load_columns(given.columns, kind="events")
        pages = read_events([given.file], columns=columns, settings=Settings.load())
        events = [event for page in pages for event in page if event.type in ("purchase", "refund")]
    baskets = build(events)
    sizes = baskets.sizes()
    print(
        f"{len(baskets):,} baskets of {len(baskets.product_ids):,} products, sizes {np.median(sizes):.0f} (median) "
        f"to {sizes.max()}"
    )
    measure_worth(events, rng=rng)
    measure_shuffled(some(baskets, given.baskets, rng), runs=given.runs, level=given.level, rng=rng)


if __name__ == "__main__":
    main()
