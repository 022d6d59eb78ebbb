"""How often two products would be bought together if nothing but chance brought them together.

Baskets differ in size, and who buys much at once buys many pairs: of the baskets of Online Retail, shuffled so
that nothing but sizes and frequencies is left of them, 2,700 pairs pass Fisher's exact test after Bonferroni's
correction at 1 %. So the null here keeps both margins: all baskets of the same sizes with the same product
frequencies are equally likely. With x and y solved for the margins, a basket of size s has a product of
frequency f with probability

    p(s, f) = x_s y_f / (1 + x_s y_f)

(the bipartite configuration model; Saracco et al. 2015, "Randomizing bipartite networks: the case of the
World Trade Web"), and since a basket's size is given and not its expectation, two products at once with

    q = p_i p_j (1 - (1 - p_i)(1 - p_j) / d_s),   d_s = sum over products of p (1 - p)

(Hájek 1964, "Asymptotic theory of rejective sampling"); 0 for baskets of one product. The count of a pair is
then a sum of independent draws of different probabilities, n of them with mean lambda; at and above its mean
the tail of any such sum is at most that of Binomial(n, lambda / n) (Hoeffding 1956, "On the distribution of the
number of successes in independent trials"). That bound is the p-value: given margins make counts vary less
than independent draws, so the test errs on the safe side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["PairNull", "fit_null"]

_ROUNDS: Final = 5000
_TOLERANCE: Final = 1e-9

Vector = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PairNull:
    """The null of one set of baskets.

    `expected` (levels, levels) is the expected count of a pair by the levels of its products; `level`
    (products,) is each product's, the same for products of the same frequency; `trials` is the number of
    baskets with room for two.
    """

    expected: NDArray[np.float64]
    level: Index
    trials: int

    def expected_counts(self, i: Index, j: Index) -> Vector:
        """How often these pairs are in one basket by chance."""
        found: Vector = self.expected[self.level[i], self.level[j]]
        return found

    def p_values(self, i: Index, j: Index, counts: Index) -> Vector:
        """The chance of at least so many baskets with both; 1 where there are no more than expected."""
        from scipy.stats import binom

        expected = self.expected_counts(i, j)
        tail = binom.sf(counts - 1, max(1, self.trials), np.minimum(1.0, expected / max(1, self.trials)))
        # Below a count of lambda + 1 the bound does not hold, and nobody asks.
        return np.where(counts >= expected + 1.0, tail, 1.0)


def fit_null(sizes: Index, frequencies: Index) -> PairNull:
    """Solve for the margins: how many products each basket has, and how many baskets each product.

    Takes (distinct sizes) x (distinct frequencies) numbers, however many baskets there are.
    """
    rows, row_count = np.unique(sizes, return_counts=True)
    columns, level, column_count = np.unique(frequencies, return_inverse=True, return_counts=True)
    inside = _probabilities(rows, row_count, columns, column_count)
    spread = (inside * (1.0 - inside)) @ column_count
    # A basket of one product holds no pair; one without any spread (it has all of them) needs no correction.
    pairs = np.where(rows >= 2, row_count, 0).astype(np.float64)
    together = (inside * pairs[:, None]).T @ inside
    varied = inside * (1.0 - inside)
    share = np.divide(pairs, spread, out=np.zeros_like(pairs), where=spread > 0)
    expected = np.maximum(together - (varied * share[:, None]).T @ varied, 0.0)
    return PairNull(expected, level.reshape(frequencies.shape), int(pairs.sum()))


def _probabilities(rows: Index, row_count: Index, columns: Index, column_count: Index) -> Vector:
    """p(s, f) for distinct sizes and frequencies; (sizes, frequencies).

    What is in every basket, and baskets that hold everything, are certain; they are set aside, then again
    among the rest, and the rest is found by fixed-point iteration.
    """
    certain = np.zeros((rows.size, columns.size))
    left_rows, left_columns = rows.astype(np.float64), columns.astype(np.float64)
    row_in, column_in = rows > 0, columns > 0
    while True:
        full_rows = row_in & (left_rows >= column_count[column_in].sum()) & bool(column_in.any())
        certain[np.ix_(full_rows, column_in)] = 1.0
        left_columns[column_in] -= row_count[full_rows].sum()
        row_in = row_in & ~full_rows
        full_columns = column_in & (left_columns >= row_count[row_in].sum()) & bool(row_in.any())
        certain[np.ix_(row_in, full_columns)] = 1.0
        left_rows[row_in] -= column_count[full_columns].sum()
        column_in = column_in & ~full_columns
        if not full_rows.any() and not full_columns.any():
            break
        row_in, column_in = row_in & (left_rows > 0), column_in & (left_columns > 0)
    if row_in.any() and column_in.any():
        certain[np.ix_(row_in, column_in)] = _solved(
            left_rows[row_in], row_count[row_in], left_columns[column_in], column_count[column_in]
        )
    return certain


def _solved(sizes: Vector, row_count: Index, frequencies: Vector, column_count: Index) -> Vector:
    total = float(sizes @ row_count)
    x, y = sizes / np.sqrt(total), frequencies / np.sqrt(total)
    for _ in range(_ROUNDS):
        odds = 1.0 + np.outer(x, y)
        new_x = sizes / ((y * column_count / odds).sum(axis=1))
        odds = 1.0 + np.outer(new_x, y)
        new_y = frequencies / ((new_x * row_count) @ (1.0 / odds))
        moved = max(float(np.abs(new_x / x - 1.0).max()), float(np.abs(new_y / y - 1.0).max()))
        x, y = new_x, new_y
        if moved < _TOLERANCE:
            break
    product = np.outer(x, y)
    found: Vector = product / (1.0 + product)
    return found
