"""Is it more than chance? Intervals of rates, differences between arms, sample sizes, sample-ratio mismatch.

Users are the unit throughout: one user's impressions are alike, and taking them for independent would make
intervals too narrow. Only where there is too little for that, an interval is Wilson's (1927) of the impressions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

__all__ = ["RatioSums", "difference", "ratio_mismatch_p", "users_needed", "wilson"]

NORMAL: Final = NormalDist()


@dataclass(slots=True)
class RatioSums:
    """Sums over users of a rate's parts, y (clicks) over x (impressions): all that its variance needs.

    The variance is the delta method's of a ratio of means (Deng, Knoblich and Lu 2018).
    """

    users: int = 0
    x: float = 0.0
    y: float = 0.0
    xx: float = 0.0
    yy: float = 0.0
    xy: float = 0.0

    def add(self, x: float, y: float) -> None:
        """Count one user."""
        self.users += 1
        self.x += x
        self.y += y
        self.xx += x * x
        self.yy += y * y
        self.xy += x * y

    @property
    def rate(self) -> float:
        """y over x; 0 where nothing was shown."""
        return self.y / self.x if self.x > 0 else 0.0

    @property
    def variance_per_user(self) -> float | None:
        """The rate's variance times the number of users; None below two users."""
        if self.users < 2 or self.x <= 0:
            return None
        n, rate, mean_x = self.users, self.rate, self.x / self.users
        squares = self.yy - 2 * rate * self.xy + rate * rate * self.xx
        return max(0.0, squares / (n - 1)) / mean_x**2

    def interval(self, *, level: float = 0.95) -> tuple[float, float]:
        """The rate's interval; Wilson's where users are too few or none ever clicked."""
        variance = self.variance_per_user
        if variance is None or variance == 0.0:
            return wilson(self.y, self.x, level=level)
        half = _z(level) * math.sqrt(variance / self.users)
        return max(0.0, self.rate - half), min(1.0, self.rate + half)


def wilson(successes: float, trials: float, *, level: float = 0.95) -> tuple[float, float]:
    """The score interval of a share (Wilson 1927); (0, 1) without trials."""
    if trials <= 0:
        return 0.0, 1.0
    z, share = _z(level), successes / trials
    centre = share + z * z / (2 * trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    below = 1 + z * z / trials
    return max(0.0, (centre - half) / below), min(1.0, (centre + half) / below)


@dataclass(frozen=True, slots=True)
class Difference:
    """How much one arm's rate is above the other's, with its interval and two-sided p-value."""

    value: float
    low: float
    high: float
    p: float


def difference(ours: RatioSums, theirs: RatioSums, *, level: float = 0.95) -> Difference | None:
    """Between two arms of different users; None where there is too little to tell a variance."""
    first, second = ours.variance_per_user, theirs.variance_per_user
    if first is None or second is None or first + second == 0.0:
        return None
    error = math.sqrt(first / ours.users + second / theirs.users)
    value = ours.rate - theirs.rate
    p = math.erfc(abs(value) / error / math.sqrt(2))
    return Difference(value, value - _z(level) * error, value + _z(level) * error, p)


def users_needed(
    ours: RatioSums,
    theirs: RatioSums,
    *,
    effect: float,
    shares: tuple[float, float],
    level: float = 0.95,
    power: float = 0.8,
) -> int | None:
    """Users of both arms together who show a difference of `effect` with this power; None where nothing is known.

    Args:
        ours: the arm that is compared.
        theirs: the control, whose rate the effect is relative to.
        effect: relative, 0.1 for a tenth more.
        shares: of the users, of the two arms, in the same order; normalised here.
        level: of the test, two-sided.
        power: the chance that a difference of that size is found.
    """
    first, second = ours.variance_per_user, theirs.variance_per_user
    if first is None or second is None or theirs.rate <= 0 or first + second == 0.0:
        return None
    z = _z(level) + NORMAL.inv_cdf(power)
    total = sum(shares)
    spread = first * total / shares[0] + second * total / shares[1]
    return math.ceil(spread * (z / (effect * theirs.rate)) ** 2)


def ratio_mismatch_p(users: Sequence[int], shares: Sequence[float]) -> float:
    """How likely users fall into the arms like this by chance (chi-squared); 1 where there are none.

    A tiny value (below 0.001) means that something but chance removed users from an arm, and no figure of
    the experiment can be believed (Fabijan et al. 2019).
    """
    total = sum(users)
    if total == 0:
        return 1.0
    from scipy.special import chdtrc

    expected = [total * share / sum(shares) for share in shares]
    squares = sum((n - e) ** 2 / e for n, e in zip(users, expected, strict=True))
    return float(chdtrc(len(users) - 1, squares))


def _z(level: float) -> float:
    return NORMAL.inv_cdf((1.0 + level) / 2.0)
