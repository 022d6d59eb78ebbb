"""Position bias: what stands first is looked at more, whoever put it there.

The examination model (Richardson et al. 2007; as used for propensities by Joachims et al. 2017 and Wang
et al. 2018): P(click | method m, position k) = theta_k * gamma_m, the chance that position k is looked at
times the appeal of what method m shows. Both are fitted to the counts by setting the expected clicks of
each position and of each method equal to those counted, in turn (iterative proportional fitting), which
has the same solution for any scale of theta. An inverse-propensity rate, clicks over the sum of theta of
what was shown, is then comparable between methods, where the plain rate depends on who got the better
places. What the model cannot tell apart: that a method's best products stand first by its own choice.
Compared are methods that share positions, directly or over a third.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["components", "fit_propensities", "relative_to_first"]

Array = NDArray[np.float64]

_ROUNDS: Final = 60
# As if each position had so many clicks more, at the rate it would have without any bias: a position shown
# three times and never clicked is no proof that nobody looks at it.
_PRIOR_CLICKS: Final = 1.0


def fit_propensities(shown: Array, clicks: Array) -> Array:
    """How much each position is looked at, 1.0 being the average of what was shown.

    Args:
        shown: impressions, shape (..., methods, positions); leading axes are fitted apart, as of resamples.
        clicks: of these, the same shape.

    Returns:
        theta, shape (..., positions), on each component of methods and positions of a scale on which its
        mean over the impressions is 1.
    """
    by_position, by_method = clicks.sum(axis=-2), clicks.sum(axis=-1)
    theta = np.ones(by_position.shape)
    for _ in range(_ROUNDS):
        exposure = (shown * theta[..., None, :]).sum(axis=-1)
        gamma = _ratio(by_method, exposure)
        expected = (shown * gamma[..., None]).sum(axis=-2)
        theta = (by_position + _PRIOR_CLICKS) / (expected + _PRIOR_CLICKS)
    seen = shown.sum(axis=-2)
    for _, positions in components(shown.reshape(-1, *shown.shape[-2:]).sum(axis=0)):
        mean = _ratio((seen[..., positions] * theta[..., positions]).sum(axis=-1), seen[..., positions].sum(axis=-1))
        theta[..., positions] = _ratio(theta[..., positions], mean[..., None], otherwise=1.0)
    return theta


def relative_to_first(theta: Array) -> Array:
    """The propensities on a scale on which the first position has 1, for a reader."""
    return theta / theta[..., :1]


def components(shown: Array) -> list[tuple[list[int], list[int]]]:
    """Methods that can be compared: (methods, positions) connected by impressions, largest first.

    Args:
        shown: impressions, shape (methods, positions).
    """
    left = {method for method in range(shown.shape[0]) if shown[method].sum() > 0}
    found: list[tuple[list[int], list[int]]] = []
    while len(left) > 0:
        methods, positions = {min(left)}, set[int]()
        while True:
            reached = {int(k) for k in np.flatnonzero(shown[sorted(methods)].sum(axis=0))}
            others = {m for m in left if shown[m, sorted(reached)].sum() > 0}
            if reached == positions and others == methods:
                break
            positions, methods = reached, others
        left -= methods
        found.append((sorted(methods), sorted(positions)))
    return sorted(found, key=lambda each: -shown[each[0]].sum())


def _ratio(above: Array, below: Array, *, otherwise: float = 0.0) -> Array:
    above, below = np.broadcast_arrays(above, below)
    result: Array = np.full(above.shape, otherwise)
    np.divide(above, below, out=result, where=below > 0)
    return result
