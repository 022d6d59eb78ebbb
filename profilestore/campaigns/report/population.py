"""Users who had acted before a time, in a campaign and not, with what was known of them then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["FIGURES", "INSIDE_LEAST", "MONEY", "OTHERS_LEAST", "Population"]

# Figures of a user before a campaign began, on which they are matched.
FIGURES: Final = ("spent_year", "spent_month", "orders_year", "recency_days", "campaigns")
MONEY: Final = ("spent_year", "spent_month")
# With fewer there is nothing to compare.
INSIDE_LEAST: Final = 10
OTHERS_LEAST: Final = 50
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Population:
    """Users who had acted before a time, and what each did from it on; (n,) each.

    Attributes:
        inside: was in the campaign.
        figures: by name of FIGURES, what was known before that time.
        traits: other numbers of users, such as their age, NaN where unknown: told, and not matched on.
        groups: name -> the group of each, "" where unknown: told, and not matched on.
        bought: has bought in the period.
        revenue: what they paid in it, less refunds.
        others: name of another campaign of the same weeks -> who was in it.
    """

    inside: Bools
    figures: Mapping[str, Floats]
    bought: Bools
    revenue: Floats
    traits: Mapping[str, Floats] = field(default_factory=dict)
    groups: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)
    others: Mapping[str, Bools] = field(default_factory=dict)

    @property
    def enough(self) -> bool:
        """Whether there is anything to compare."""
        return int(self.inside.sum()) >= INSIDE_LEAST and int((~self.inside).sum()) >= OTHERS_LEAST

    def even(self) -> Floats:
        """(n, p) the figures on scales on which a few large ones do not hide the rest."""
        columns = []
        for name in FIGURES:
            values = self.figures[name]
            if name in MONEY:
                typical = float(np.median(values[values > 0.0])) if (values > 0.0).any() else 1.0
                values = values / typical
            columns.append(values if name == "campaigns" else np.log1p(np.maximum(values, 0.0)))
        return np.column_stack(columns)
