"""What users spend a purchase: the Gamma-Gamma model (Fader and Hardie 2013, "The Gamma-Gamma model").

Purchases of a user vary around a mean of their own, z ~ Gamma(p, nu), and users' nu ~ Gamma(q, gamma); how much and
how often are taken to be independent, which `correlation` in the figures lets one judge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import TooLittleData

__all__ = ["SpendingModel", "fit_spending"]

_RIDGE: Final = 1e-3
_BOUNDS: Final = (-10.0, 20.0)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SpendingModel:
    """A fitted Gamma-Gamma model, in units of `scale`, the shop's mean purchase."""

    p: float
    q: float
    gamma: float
    scale: float

    def expected(self, count: Floats, mean: Floats) -> Floats:
        """The mean of a user's future purchases, from how many there were and their mean: the user's own and
        the shop's, the more of the user's own the more there were. Zero counts have the shop's.

        q is above 1 by the bounds of the fit, so that the mean is finite.
        """
        found: Floats = self.scale * (self.gamma + count * mean / self.scale) * self.p / (self.p * count + self.q - 1.0)
        return found

    def drawn(self, purchases: NDArray[np.int64], count: Floats, mean: Floats, *, rng: np.random.Generator) -> Floats:
        """Draws of what so many purchases cost; (users, draws) like `purchases`."""
        shape = np.broadcast_to(self.q + self.p * count[:, None], purchases.shape)
        nu = rng.gamma(shape) / (self.gamma + (count * mean / self.scale)[:, None])
        total = rng.gamma(np.maximum(self.p * purchases, 1e-9)) / np.maximum(nu, 1e-12)
        found: Floats = np.where(purchases > 0, total * self.scale, 0.0)
        return found


def fit_spending(count: Floats, mean: Floats) -> SpendingModel:
    """Fit by maximum likelihood to users with purchases of a price.

    Args:
        count: purchases of each user, at least 1.
        mean: what they cost on average, above 0.

    Raises:
        TooLittleData: no purchase has a price.
    """
    from scipy.optimize import minimize
    from scipy.special import gammaln

    priced = (count > 0) & (mean > 0)
    if not priced.any():
        raise TooLittleData("lifetime value needs prices: no purchase has one, nor has its product.")
    n, scale = count[priced], float((count[priced] * mean[priced]).sum() / count[priced].sum())
    m = mean[priced] / scale

    def loss(logs: Floats) -> float:
        p, q, gamma = np.exp(logs[0]), 1.0 + np.exp(logs[1]), np.exp(logs[2])
        likelihood = (
            gammaln(p * n + q) - gammaln(p * n) - gammaln(q) + q * np.log(gamma) + (p * n - 1.0) * np.log(m)
            + p * n * np.log(n) - (p * n + q) * np.log(gamma + n * m)
        )  # fmt: skip
        return float(-likelihood.mean() + _RIDGE * float(logs @ logs) / 2.0)

    found = minimize(loss, np.zeros(3), method="L-BFGS-B", bounds=[_BOUNDS] * 3)
    p, q, gamma = np.exp(found.x[0]), 1.0 + np.exp(found.x[1]), np.exp(found.x[2])
    return SpendingModel(float(p), float(q), float(gamma), scale)
