"""Association rules: who buys i buys j in the same order.

Of N baskets, n_i with product i and c with both:

    support = c / N,    confidence(i -> j) = c / n_i,    lift = c N / (n_i n_j)

(Agrawal, Imielinski and Swami 1993; Brin et al. 1997). A rule is kept only where its pair is in more baskets
than chance explains at the given family-wise level, given the sizes of the baskets and the frequencies of the
products (`margins.py`). Tested are all pairs of products that are in enough baskets each, counted by the
margins alone and never by what was found; p-values are corrected for that many tests (Holm 1979).

The orders of one customer are not independent, so a rule also needs `min_users` different customers: what one
customer orders every week is a habit.

The score of a rule is what it serves by: c / n_i less what chance explains, so the share of the orders with i
that have j on account of i.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import UsageError
from profilestore.features.baskets import Baskets
from profilestore.features.holm import holm
from profilestore.features.margins import PairNull, fit_null

__all__ = ["MinedRules", "RuleSettings", "mine_rules"]

# Cells of the matrix of counts that are held at once.
_CELLS: Final = 20_000_000

# scipy ships no types: a csr_array
Sparse = Any
Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSettings:
    """What a rule must reach. `min_support` is a share of all baskets, and `min_count` baskets in any case;
    `level` is the chance that baskets without any pattern yield a rule at all.

    Raises:
        UsageError: a number that cannot be meant.
    """

    min_support: float = 0.0
    min_confidence: float = 0.0
    min_lift: float = 1.0
    level: float = 0.01
    min_count: int = 3
    min_users: int = 2
    per_product: int = 100

    def __post_init__(self) -> None:
        for name in ("min_support", "min_confidence"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise UsageError(f"{name} is a share from 0 to 1.")
        if not (math.isfinite(self.min_lift) and self.min_lift >= 0.0):
            raise UsageError("min_lift is a number of at least 0.")
        if not 0.0 < self.level < 1.0:
            raise UsageError("level is a probability between 0 and 1.")
        if min(self.min_count, self.min_users, self.per_product) < 1:
            raise UsageError("min_count, min_users and per_product are at least 1.")

    def count_needed(self, baskets: int) -> int:
        """In how many of so many baskets a pair must be."""
        # 0.1 of 30 is 3 and not 4, whatever floating point makes of it.
        return max(self.min_count, math.ceil(self.min_support * baskets - 1e-9))


@dataclass(frozen=True, slots=True)
class MinedRules:
    """Rules i -> j, by antecedent and falling score; all arrays (rules,). `p_value` is corrected for the tests."""

    antecedent: Index
    consequent: Index
    count: Index
    support: NDArray[np.float64]
    confidence: NDArray[np.float64]
    lift: NDArray[np.float64]
    p_value: NDArray[np.float64]
    score: NDArray[np.float64]
    product_ids: tuple[str, ...]
    baskets: int
    products: int
    tests: int

    def __len__(self) -> int:
        return int(self.antecedent.size)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Pairs i < j of products and in how many baskets they are together."""

    i: Index
    j: Index
    count: Index

    def kept(self, chosen: NDArray[Any]) -> _Pairs:
        return _Pairs(self.i[chosen], self.j[chosen], self.count[chosen])


def mine_rules(baskets: Baskets, settings: RuleSettings | None = None) -> MinedRules:
    """All rules that these baskets give; none where there are too few of them."""
    wanted = RuleSettings() if settings is None else settings
    frequencies = baskets.frequencies()
    needed = wanted.count_needed(len(baskets))
    columns = np.flatnonzero(frequencies >= needed)
    tests = columns.size * (columns.size - 1) // 2
    matrix = baskets.matrix()
    pairs = _pairs_together(matrix, columns, least=needed)
    null = fit_null(baskets.sizes(), frequencies)
    p_values = null.p_values(pairs.i, pairs.j, pairs.count)
    chosen = np.flatnonzero(p_values <= wanted.level)
    pairs, p_values = pairs.kept(chosen), holm(p_values[chosen], tests=tests)
    chosen = np.flatnonzero((p_values <= wanted.level) & _has_customers(matrix, baskets.users, pairs, wanted.min_users))
    found = _both_ways(pairs.kept(chosen), p_values[chosen], null, baskets, frequencies)
    found = _picked(found, (found.confidence >= wanted.min_confidence) & (found.lift >= wanted.min_lift))
    return _replaced(_picked(found, _first(found, wanted.per_product)), products=int(columns.size), tests=tests)


def _pairs_together(matrix: Sparse, columns: Index, *, least: int) -> _Pairs:
    """Pairs of these products that are in at least so many baskets together, a block of products at a time."""
    part = matrix[:, columns].tocsc()
    step = max(1, _CELLS // max(1, columns.size))
    blocks: list[tuple[Index, Index, Index]] = [(np.zeros(0, np.int64),) * 3]
    rows = part.tocsr()
    for start in range(0, columns.size, step):
        block = (part[:, start : start + step].T @ rows).tocoo()
        i, j = block.coords[0].astype(np.int64) + start, block.coords[1].astype(np.int64)
        kept = np.flatnonzero((i < j) & (block.data >= least))
        blocks.append((columns[i[kept]], columns[j[kept]], block.data[kept].astype(np.int64)))
    i, j, count = (np.concatenate([block[place] for block in blocks]) for place in range(3))
    order = np.lexsort((j, i))
    return _Pairs(i[order], j[order], count[order])


def _has_customers(matrix: Sparse, users: NDArray[np.int32], pairs: _Pairs, least: int) -> NDArray[np.bool_]:
    """Whether the baskets with both are of at least so many customers."""
    columns = matrix.tocsc()
    columns.sort_indices()

    def of(product: int) -> NDArray[np.int32]:
        found: NDArray[np.int32] = columns.indices[columns.indptr[product] : columns.indptr[product + 1]]
        return found

    enough = np.zeros(pairs.i.size, dtype=bool)
    for place, (i, j) in enumerate(zip(pairs.i.tolist(), pairs.j.tolist(), strict=True)):
        both = np.intersect1d(of(i), of(j), assume_unique=True)
        enough[place] = np.unique(users[both]).size >= least
    return enough


def _both_ways(
    pairs: _Pairs, p_values: NDArray[np.float64], null: PairNull, baskets: Baskets, frequencies: Index
) -> MinedRules:
    i, j = np.concatenate([pairs.i, pairs.j]), np.concatenate([pairs.j, pairs.i])
    count = np.concatenate([pairs.count, pairs.count])
    total = max(1, len(baskets))
    confidence = count / frequencies[i]
    by_chance = null.expected_counts(i, j) / frequencies[i]
    return MinedRules(
        i, j, count, count / total, confidence, confidence * total / frequencies[j],
        np.concatenate([p_values, p_values]), confidence - by_chance, baskets.product_ids, len(baskets), 0, 0,
    )  # fmt: skip


def _first(rules: MinedRules, most: int) -> Index:
    """Positions of the best rules of each product, by product and falling score; equal scores by consequent."""
    order = np.lexsort((rules.consequent, -rules.score, rules.antecedent))
    ordered = rules.antecedent[order]
    rank = np.arange(order.size) - np.searchsorted(ordered, ordered, side="left")
    return order[rank < most]


def _picked(rules: MinedRules, chosen: NDArray[Any]) -> MinedRules:
    return MinedRules(
        rules.antecedent[chosen], rules.consequent[chosen], rules.count[chosen], rules.support[chosen],
        rules.confidence[chosen], rules.lift[chosen], rules.p_value[chosen], rules.score[chosen],
        rules.product_ids, rules.baskets, rules.products, rules.tests,
    )  # fmt: skip


def _replaced(rules: MinedRules, *, products: int, tests: int) -> MinedRules:
    from dataclasses import replace

    return replace(rules, products=products, tests=tests)
