"""How often users will buy: the BG/NBD model (Fader, Hardie and Lee 2005, "Counting your customers the easy way").

While active a user buys at random at a rate of their own, lambda ~ Gamma(r, alpha), and after each purchase leaves
for good with a chance of their own, p ~ Beta(a, b). All that the past says of a user is x, how many repeat
purchases, t_x, when the last was, and T, how long ago the first was. Fitted by maximum likelihood with scipy: of
the libraries that had it, lifetimes and btyd are kept no longer, and pymc-marketing brings a compiler along.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import TooLittleData

__all__ = ["BuyingModel", "Repeats", "fit_buying"]

# Enough that the expectation is exact to four digits.
_NODES: Final = 200
_USERS_AT_ONCE: Final = 5_000
_RIDGE: Final = 1e-3
_BOUNDS: Final = (-8.0, 8.0)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Repeats:
    """What the past says of users, (n,) each: `x` repeat purchases, `last` and `age`, the times from the first
    purchase to the last one and to the end, in weeks."""

    x: Floats
    last: Floats
    age: Floats

    def __len__(self) -> int:
        return int(self.x.size)

    def part(self, chosen: Any) -> Repeats:
        """Some of the users."""
        return Repeats(self.x[chosen], self.last[chosen], self.age[chosen])


@dataclass(frozen=True, slots=True)
class BuyingModel:
    """A fitted BG/NBD model; rates are a week."""

    r: float
    alpha: float
    a: float
    b: float

    def alive(self, past: Repeats) -> Floats:
        """The chance that each user is still active."""
        x, odds = past.x, np.zeros(len(past))
        again = x > 0
        odds[again] = np.exp(
            np.log(self.a / (self.b + x[again] - 1.0))
            + (self.r + x[again]) * np.log((self.alpha + past.age[again]) / (self.alpha + past.last[again]))
        )
        return 1.0 / (1.0 + odds)

    def expected(self, past: Repeats, *, weeks: float) -> Floats:
        """How many purchases each user is expected to make in the next weeks.

        The expectation given p, E = (1 - ((alpha + T) / (alpha + T + p t))^(r + x)) / p, over p ~ Beta(a, b + x),
        taken at 200 quantiles of it: the closed form with a hypergeometric function is not defined at a = 1 and
        overflows for users with many purchases.
        """
        from scipy.special import betaincinv

        found = np.empty(len(past))
        nodes = (np.arange(_NODES) + 0.5) / _NODES
        levels, level_of = np.unique(past.x, return_inverse=True)
        chances = np.maximum(betaincinv(self.a, self.b + levels[:, None], nodes[None, :]), 1e-12)
        for start in range(0, len(past), _USERS_AT_ONCE):
            rows = slice(start, start + _USERS_AT_ONCE)
            p, age = chances[level_of[rows]], self.alpha + past.age[rows, None]
            stays = -np.expm1(-(self.r + past.x[rows, None]) * np.log1p(p * weeks / age))
            found[rows] = (stays / p).mean(axis=1)
        result: Floats = found * self.alive(past)
        return result

    def drawn(self, past: Repeats, *, weeks: float, draws: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draws of how many purchases each user makes in the next weeks; (users, draws)."""
        shape = (len(past), draws)
        alive = rng.random(shape) < self.alive(past)[:, None]
        rate = rng.gamma(np.broadcast_to(self.r + past.x[:, None], shape)) / (self.alpha + past.age[:, None])
        leaving = np.maximum(rng.beta(self.a, np.broadcast_to(self.b + past.x[:, None], shape)), 1e-9)
        # The purchase after which they leave is the last one.
        return np.where(alive, np.minimum(rng.poisson(rate * weeks), rng.geometric(leaving)), 0)


def fit_buying(past: Repeats) -> BuyingModel:
    """Fit by maximum likelihood, with a slight ridge on the logarithms so that thin data have an optimum too.

    Raises:
        TooLittleData: nobody has bought twice, or the search does not settle.
    """
    from scipy.optimize import minimize

    if not (past.x > 0).any():
        raise TooLittleData("nobody has bought on two days yet: there is no rhythm to learn.")
    # Users with the same past are one term; days make many of them.
    rows = np.column_stack([past.x, np.round(past.last * 7.0), np.round(past.age * 7.0)])
    distinct, counts = np.unique(rows, axis=0, return_counts=True)
    groups = Repeats(distinct[:, 0], distinct[:, 1] / 7.0, distinct[:, 2] / 7.0)

    def loss(logs: Floats) -> float:
        likelihood = _log_likelihood(BuyingModel(*np.exp(logs).tolist()), groups)
        return float(-(counts @ likelihood) / counts.sum() + _RIDGE * float(logs @ logs) / 2.0)

    start = np.log([1.0, max(1.0, float(np.median(past.age))), 1.0, 3.0])
    found = minimize(loss, start, method="L-BFGS-B", bounds=[_BOUNDS] * 4)
    if not np.isfinite(found.fun):
        raise TooLittleData("the rhythm of purchases cannot be learned from these data.")
    return BuyingModel(*np.exp(found.x).tolist())


def _log_likelihood(model: BuyingModel, past: Repeats) -> Floats:
    """Of each user's past; the paper's equation (6), in logarithms."""
    from scipy.special import betaln, gammaln

    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    x = past.x
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x) - betaln(a, b)
    stayed = -(r + x) * np.log(alpha + past.age)
    left = np.full(x.size, -np.inf)
    again = x > 0
    left[again] = np.log(a / (b + x[again] - 1.0)) - (r + x[again]) * np.log(alpha + past.last[again])
    found: Floats = common + np.logaddexp(stayed, left)
    return found
