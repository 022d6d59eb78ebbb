"""How small an effect could have been seen, and how large a control group would have been needed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from profilestore.campaigns.report.effects import ONE_SIDED
from profilestore.campaigns.report.estimators import power_of_shares
from profilestore.insight.intervals import settled

__all__ = ["DETECTED_LIFT", "POWER", "Sizes", "needed_sizes"]

POWER: Final = 0.8
# An effect worth knowing of, unless another is asked for: a fifth more buyers than without the campaign.
DETECTED_LIFT: Final = 0.2
_MOST: Final = 10**9


@dataclass(frozen=True, slots=True)
class Sizes:
    """What the sizes of the arms allow, with a power of 80 % and a one-sided test at 2.5 %.

    Attributes:
        lift: the effect that is to be seen, as a share of what the control group does.
        effect: the same in the share of users who buy.
        power: the chance to see it with the sizes there are.
        smallest: the smallest effect that is seen with that power; None where even everybody buying is not.
        control_needed: users in control that would have done, treatment as it is; None where no number does.
        each_needed: users in each arm that would have done.
    """

    lift: float
    effect: float
    power: float
    smallest: float | None
    control_needed: int | None
    each_needed: int

    @property
    def too_small(self) -> bool:
        """Whether the control group is too small to see that effect."""
        return self.power < POWER

    def to_json_dict(self) -> dict[str, Any]:
        """As printed by `--json`."""
        held = {name: settled(value) if isinstance(value, float) else value for name, value in asdict(self).items()}
        return held | {"wanted_power": POWER, "one_sided": ONE_SIDED, "too_small": self.too_small}


def needed_sizes(*, treatment: int, control: int, base: float, lift: float = DETECTED_LIFT) -> Sizes | None:
    """Sizes for a share of buyers; None where nothing can be said, since nobody or everybody buys without it.

    Args:
        treatment: users.
        control: users.
        base: the share that buys without the campaign.
        lift: of it, the effect to be seen; less where more than everybody would have to buy.
    """
    if treatment < 1 or control < 1 or not 0.0 < base < 1.0:
        return None
    effect = min(base * lift, (1.0 - base) / 2.0)
    return Sizes(
        lift=effect / base,
        effect=effect,
        power=_power(effect, base, treatment, control),
        smallest=_smallest(base, treatment, control),
        control_needed=_control(effect, base, treatment),
        each_needed=_each(effect, base),
    )


def _power(effect: float, base: float, treatment: float, control: float) -> float:
    return power_of_shares(effect, base, treatment, control, alpha=ONE_SIDED)


def _smallest(base: float, treatment: int, control: int) -> float | None:
    from scipy.optimize import brentq

    most = (1.0 - base) * (1.0 - 1e-6)
    if _power(most, base, treatment, control) < POWER:
        return None
    return float(brentq(lambda effect: _power(effect, base, treatment, control) - POWER, 1e-9, most))


def _control(effect: float, base: float, treatment: int) -> int | None:
    return _least(lambda control: _power(effect, base, treatment, control))


def _each(effect: float, base: float) -> int:
    return _least(lambda users: _power(effect, base, users, users)) or _MOST


def _least(power_of: Any) -> int | None:
    """The smallest number of users with the wanted power, to the user; None where a thousand million do not do."""
    low, high = 1, 2
    while power_of(high) < POWER:
        low, high = high, high * 2
        if high > _MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_of(middle) >= POWER else (middle, high)
    return high
