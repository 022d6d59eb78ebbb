"""What tells the users of a campaign from the others, before matching and after. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.campaigns.report.matching import ROUNDED, Matches
from profilestore.campaigns.report.population import FIGURES, Population
from profilestore.insight.intervals import settled

__all__ = ["Trait", "traits_of"]

# Of groups, those levels are shown that hold at least this share of either side.
_LEVEL_LEAST: Final = 0.05
_LEVELS_MOST: Final = 4

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Trait:
    """What tells those in a campaign from the others, in spreads of the two (standardised difference).

    Attributes:
        name: a figure, or `GROUP=LEVEL` with shares for means.
        inside, others: means before the campaign.
        compared, matched: means of the users of the campaign who have somebody like them, and of those like them;
            None without any.
        before, after: standardised differences of either pair, in the same spreads.
    """

    name: str
    inside: float
    others: float
    before: float
    compared: float | None = None
    matched: float | None = None
    after: float | None = None

    def to_json_dict(self) -> dict[str, Any]:
        """As printed by `--json`."""
        held = asdict(self)
        return {name: settled(value) if isinstance(value, float) else value for name, value in held.items()}


def traits_of(population: Population, matches: Matches | None) -> list[Trait]:
    """The figures, then other numbers and the levels that differ most, each by how much it tells."""
    inside = population.inside
    found = [_trait(name, population.figures[name], inside, matches) for name in FIGURES]
    told = [_trait(name, values, inside, matches) for name, values in population.traits.items()]
    for name, group in population.groups.items():
        known = group != ""
        levels = [
            _trait(f"{name}={level}", np.where(known, group == level, np.nan), inside, matches)
            for level in sorted(set(group[known].tolist()))
        ]
        large = [each for each in levels if max(each.inside, each.others) >= _LEVEL_LEAST]
        told += sorted(large, key=lambda each: -abs(each.before))[:_LEVELS_MOST]
    kept = [each for each in [*found, *told] if np.isfinite(each.before)]
    return sorted(kept, key=lambda each: -abs(each.before))


def _trait(name: str, values: NDArray[Any], inside: Bools, matches: Matches | None) -> Trait:
    """Means and standardised differences (Austin 2009) over those of whom it is known."""
    values = values.astype(np.float64)
    known = np.isfinite(values)
    ours, theirs = values[inside & known], values[~inside & known]
    if ours.size < 2 or theirs.size < 2:
        return Trait(name, np.nan, np.nan, np.nan)
    spread = float(np.sqrt((ours.var(ddof=1) + theirs.var(ddof=1)) / 2.0))
    least = ROUNDED * float(np.abs(values[known]).max())

    def apart(left: float, right: float) -> float:
        return (left - right) / spread if spread > least else 0.0

    first = Trait(name, float(ours.mean()), float(theirs.mean()), apart(float(ours.mean()), float(theirs.mean())))
    if matches is None:
        return first
    weights = np.where(known, matches.weights(values.size), 0.0)
    compared = values[matches.treated][known[matches.treated]]
    if compared.size == 0 or weights.sum() == 0.0:
        return first
    mean, like = float(compared.mean()), float(np.average(values[weights > 0], weights=weights[weights > 0]))
    return Trait(name, first.inside, first.others, first.before, mean, like, apart(mean, like))
