"""The difference between the arms, with its interval and a one-sided test. Pure; intention to treat.

Shares: Newcombe's interval of a difference of proportions (1998, method 10), which holds for rare buying and small
groups where the usual one does not. Means: a linear model of the value on the arm and on spending before the
campaign (which the campaign cannot have changed), where that narrows the interval; CUPED by another name (Deng et
al. 2013). With enough buyers in each arm each has a spread of its own (HC3), else both share one: the spread of a
dozen buyers says less of theirs than that of a thousand like them. `scripts/measure_campaign_truth.py` measures all.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.campaigns.report.estimators import least_squares, newcombe_interval
from profilestore.insight.intervals import settled

__all__ = ["LEVEL", "ONE_SIDED", "Difference", "mean_difference", "share_difference"]

LEVEL: Final = 0.95
# What a one-sided test may err, which is what a two-sided interval of 95 % errs on either side.
ONE_SIDED: Final = 0.025
# From so many buyers in the smaller arm on, each arm has a spread of its own.
_OWN_SPREAD_FROM: Final = 50
# Few spend so much more than all others that they would draw the line alone.
_CUT_AT: Final = 0.99
_LEAST_P: Final = 1e-12
# Below these, beside 1, is the noise of floating point.
_DEPENDENT: Final = 1e-9
_NO_SPREAD: Final = 1e-12

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difference:
    """Treatment less control.

    Attributes:
        treatment, control: the share or mean of each arm, as they are.
        value, low, high: the difference with its 95 % interval; of an adjusted one `value` need not be the difference
            of the two.
        p: of the one-sided test that treatment is not better; below 0.025 where `low` is above zero.
        method: `newcombe`, `own-spread` or `pooled-spread`.
        adjusted: whether spending before the campaign is accounted for.
    """

    treatment: float
    control: float
    value: float
    low: float
    high: float
    p: float
    method: str
    adjusted: bool = False

    @property
    def is_gain(self) -> bool:
        """Whether treatment is better for all that the interval allows."""
        return self.low > 0.0

    @property
    def is_loss(self) -> bool:
        """Whether it is worse for all that the interval allows."""
        return self.high < 0.0

    def to_json_dict(self) -> dict[str, Any]:
        """As printed by `--json`."""
        held = asdict(self)
        return {name: settled(value) if isinstance(value, float) else value for name, value in held.items()}


def share_difference(happened: Bools, treated: Bools) -> Difference | None:
    """The difference of two shares; None where an arm has nobody.

    Args:
        happened: (n,) whether it did.
        treated: (n,) the arm.
    """
    ours, theirs = int(treated.sum()), int((~treated).sum())
    if ours == 0 or theirs == 0:
        return None
    hits, control_hits = int(happened[treated].sum()), int(happened[~treated].sum())

    def bounds(alpha: float) -> tuple[float, float]:
        return newcombe_interval(hits, ours, control_hits, theirs, alpha=alpha)

    low, high = bounds(1.0 - LEVEL)
    share, control = hits / ours, control_hits / theirs
    return Difference(share, control, share - control, low, high, _p_of(share - control, bounds), "newcombe")


def _p_of(value: float, bounds: Any) -> float:
    """The one-sided p whose interval just reaches zero, so that test and interval never disagree."""
    from scipy.optimize import brentq

    if value == 0.0:
        return 0.5
    side = 0 if value > 0.0 else 1

    def reaches(log_alpha: float) -> float:
        return float(bounds(float(np.exp(log_alpha)))[side])

    lowest, highest = np.log(2.0 * _LEAST_P), np.log(1.0 - 1e-9)
    if (reaches(lowest) > 0.0) == (value > 0.0):
        p = _LEAST_P
    elif (reaches(highest) > 0.0) != (value > 0.0):
        p = 0.5  # it reaches zero however narrow: nearly no difference
    else:
        p = float(np.exp(brentq(reaches, lowest, highest))) / 2.0
    return p if value > 0.0 else 1.0 - p


def mean_difference(
    values: Floats, treated: Bools, *, before: Floats | None = None, buyers: Bools | None = None
) -> Difference | None:
    """The difference of two means; None where an arm has fewer than two users or within it all have the same value.

    Args:
        values: (n,) money a user.
        treated: (n,) the arm.
        before: (n,) what each spent before; used where it narrows the interval.
        buyers: (n,) who bought, by whom is told whether an arm's own spread is known well enough; who has a value
            other than zero when None.
    """
    ours, theirs = int(treated.sum()), int((~treated).sum())
    if ours < 2 or theirs < 2 or np.ptp(values) == 0.0:
        return None
    active = values != 0.0 if buyers is None else buyers
    own = min(int(active[treated].sum()), int(active[~treated].sum())) >= _OWN_SPREAD_FROM
    found = _fit(values, [treated.astype(np.float64)], own=own)
    if found is None:
        return None
    adjusted = False
    if before is not None:
        capped = np.minimum(before, np.quantile(before, _CUT_AT))
        if np.ptp(capped) > 0.0 and values.size > 4:
            other = _fit(values, [treated.astype(np.float64), capped - capped.mean()], own=own)
            if other is not None and other[1] - other[0] < found[1] - found[0]:
                found, adjusted = other, True
    low, high, value, p = found
    method = "own-spread" if own else "pooled-spread"
    return Difference(
        float(values[treated].mean()), float(values[~treated].mean()), value, low, high, p, method, adjusted
    )


def _fit(values: Floats, columns: list[Floats], *, own: bool) -> tuple[float, float, float, float] | None:
    """Bounds, estimate and one-sided p of the first column's coefficient; None where nothing tells its spread.

    Nothing does where a column follows from the others (who was treated are just those who spent before: the effect
    could be either's), where one user alone decides a coefficient, and where all of an arm are the same.
    """
    from scipy.stats import t as student

    # Each column within [-1, 1]: what is dependent shows whatever the currency.
    scaled = [column / float(np.abs(column).max()) for column in columns]
    design = np.column_stack([np.ones(values.size), *scaled])
    leverage = np.square(np.linalg.qr(design).Q).sum(axis=1)
    if np.linalg.matrix_rank(design, tol=_DEPENDENT * np.sqrt(values.size)) < design.shape[1] or (
        own and float(leverage.max()) > 1.0 - _DEPENDENT
    ):
        return None
    scale = float(np.abs(values).max())
    fitted = least_squares(values / scale, design, own_spread=own)
    value, error = float(fitted.params[1]), float(fitted.bse[1])
    if not np.isfinite(error) or error < _NO_SPREAD:
        return None
    freedom = float(fitted.df_resid)
    reach = float(student.ppf(0.5 + LEVEL / 2.0, freedom)) * error
    p = float(student.sf(value / error, freedom))
    return (value - reach) * scale, (value + reach) * scale, value * scale, p
