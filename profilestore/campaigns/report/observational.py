"""A campaign without a control group, against users who were not in it: who was chosen, and what is left of the
difference between users who were alike before. Pure; its words are in observational_words.py.

Nobody was drawn by lot, so all that is found holds as far as what was known before tells the two apart, and no
further.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.campaigns.report.effects import Difference, mean_difference, share_difference
from profilestore.campaigns.report.matching import MatchedDifference, Matches, match
from profilestore.campaigns.report.sections import Language, Section
from profilestore.insight.intervals import settled

__all__ = ["FIGURES", "Compared", "ObservationalComparison", "Population", "Trait", "matches_of", "observe"]

# Figures of a user before a campaign began, on which they are matched.
FIGURES: Final = ("spent_year", "spent_month", "orders_year", "recency_days", "campaigns")
_MONEY: Final = ("spent_year", "spent_month")
# With fewer there is nothing to compare.
_INSIDE_LEAST: Final = 10
_OTHERS_LEAST: Final = 50
# Of groups, those levels are shown that hold at least this share of either side.
_LEVEL_LEAST: Final = 0.05
_LEVELS_MOST: Final = 4

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
        return int(self.inside.sum()) >= _INSIDE_LEAST and int((~self.inside).sum()) >= _OTHERS_LEAST


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
        return _settled(asdict(self))


@dataclass(frozen=True, slots=True)
class Compared:
    """One outcome: against all the others, and against those who were alike (None where nobody was)."""

    plain: Difference | None
    matched: MatchedDifference | None

    def to_json_dict(self) -> dict[str, Any]:
        """As printed by `--json`."""
        return {
            "plain": None if self.plain is None else self.plain.to_json_dict(),
            "matched": None if self.matched is None else _settled(asdict(self.matched)),
        }


@dataclass(frozen=True, kw_only=True)
class ObservationalComparison:
    """What may be said of a campaign for which nobody was drawn by lot.

    Attributes:
        currency: of money.
        days: how long the campaign was.
        inside, others: users who had acted before it began, in it and not.
        unknown: users in it who had not, or have personalisation off: they are in nothing else here.
        compared: of those inside, users who have somebody like them.
        traits: what tells the two apart, the most telling first.
        bought, revenue: the outcomes.
        concurrent: other campaigns of the same weeks -> share of those inside and of the others who were in them.
        cut_short: days of the campaign that the log does not reach to.
        looked_back: days before it from which the log knows anything, a year at most.
    """

    currency: str
    days: float
    inside: int
    others: int
    unknown: int
    compared: int
    traits: tuple[Trait, ...]
    bought: Compared
    revenue: Compared
    concurrent: Mapping[str, tuple[float, float]]
    cut_short: float = 0.0
    looked_back: float = 365.0

    @property
    def enough(self) -> bool:
        """Whether there is anything to compare."""
        return self.inside >= _INSIDE_LEAST and self.others >= _OTHERS_LEAST

    @property
    def left_out(self) -> int:
        """Users of the campaign with nobody like them."""
        return self.inside - self.compared

    def to_json_dict(self) -> dict[str, Any]:
        """As printed by `--json`."""
        return {
            "method": "nearest-neighbours",
            "inside": self.inside,
            "others": self.others,
            "unknown": self.unknown,
            "compared": self.compared,
            "left_out": self.left_out,
            "chosen": [trait.to_json_dict() for trait in self.traits],
            "bought": self.bought.to_json_dict(),
            "revenue": self.revenue.to_json_dict(),
            "concurrent": {name: [settled(share) for share in shares] for name, shares in self.concurrent.items()},
            "cut_short_days": settled(self.cut_short),
            "looked_back_days": settled(self.looked_back),
        }

    def sections(self, language: Language) -> list[Section]:
        """As a person reads it."""
        from profilestore.campaigns.report.observational_words import observational_sections

        return observational_sections(self, language)


def observe(
    population: Population,
    *,
    currency: str,
    days: float,
    unknown: int = 0,
    cut_short: float = 0.0,
    looked_back: float = 365.0,
) -> ObservationalComparison:
    """Compare those in a campaign with those who were not.

    Args:
        population: of the campaign.
        currency: of the shop.
        days: how long the campaign was.
        unknown: users in it who are not in the population.
        cut_short: days of the campaign that the log does not reach to.
        looked_back: days before it from which the log knows anything.
    """
    inside = population.inside
    matches = matches_of(population)
    return ObservationalComparison(
        currency=currency,
        days=days,
        inside=int(inside.sum()),
        others=int((~inside).sum()),
        unknown=unknown,
        compared=0 if matches is None else int(matches.treated.size),
        traits=tuple(_traits(population, matches)) if inside.any() and not inside.all() else (),
        bought=Compared(
            share_difference(population.bought, inside),
            _matched(population.bought.astype(np.float64), population, matches),
        ),
        revenue=Compared(
            mean_difference(population.revenue, inside), _matched(population.revenue, population, matches)
        ),
        concurrent={
            name: (float(members[inside].mean()), float(members[~inside].mean()))
            for name, members in population.others.items()
            if inside.any() and not inside.all()
        },
        cut_short=cut_short,
        looked_back=looked_back,
    )


def matches_of(population: Population) -> Matches | None:
    """Who is compared with whom; None where there are too few."""
    if not population.enough:
        return None
    found = match(_even(population), population.inside)
    return found if found.treated.size >= _INSIDE_LEAST else None


def _matched(outcome: Floats, population: Population, matches: Matches | None) -> MatchedDifference | None:
    if matches is None or np.ptp(outcome) == 0.0:
        return None
    raw = [population.figures[name] for name in _MONEY]
    return matches.difference(outcome, np.column_stack([_even(population), *raw]))


def _even(population: Population) -> Floats:
    """The figures on scales on which a few large ones do not hide the rest."""
    columns = []
    for name in FIGURES:
        values = population.figures[name]
        if name in _MONEY:
            typical = float(np.median(values[values > 0.0])) if (values > 0.0).any() else 1.0
            values = values / typical
        columns.append(values if name == "campaigns" else np.log1p(np.maximum(values, 0.0)))
    return np.column_stack(columns)


def _traits(population: Population, matches: Matches | None) -> list[Trait]:
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

    def apart(left: float, right: float) -> float:
        return (left - right) / spread if spread > 0.0 else 0.0

    first = Trait(name, float(ours.mean()), float(theirs.mean()), apart(float(ours.mean()), float(theirs.mean())))
    if matches is None:
        return first
    weights = np.where(known, matches.weights(values.size), 0.0)
    compared = values[matches.treated][known[matches.treated]]
    if compared.size == 0 or weights.sum() == 0.0:
        return first
    mean, like = float(compared.mean()), float(np.average(values[weights > 0], weights=weights[weights > 0]))
    return Trait(name, first.inside, first.others, first.before, mean, like, apart(mean, like))


def _settled(held: dict[str, Any]) -> dict[str, Any]:
    return {name: settled(value) if isinstance(value, float) else value for name, value in held.items()}
