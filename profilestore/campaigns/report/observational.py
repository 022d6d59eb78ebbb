"""A campaign without a control group, against users who were not in it: who was chosen, and what is left of the
difference between users who were alike before. Pure; its words are in observational_telling.py.

Nobody was drawn by lot, so all that is found holds as far as what was known before tells the two apart, and no
further.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profilestore.campaigns.report.balance import Trait, traits_of
from profilestore.campaigns.report.effects import Difference, mean_difference, share_difference
from profilestore.campaigns.report.matching import MatchedDifference, Matches, match
from profilestore.campaigns.report.population import INSIDE_LEAST, MONEY, OTHERS_LEAST, Population
from profilestore.campaigns.report.sections import Language, Section
from profilestore.insight.intervals import settled

__all__ = ["Compared", "ObservationalComparison", "matches_of", "observe"]

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


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
        return self.inside >= INSIDE_LEAST and self.others >= OTHERS_LEAST

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
        from profilestore.campaigns.report.observational_telling import observational_sections

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
        traits=tuple(traits_of(population, matches)) if inside.any() and not inside.all() else (),
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
    found = match(population.even(), population.inside)
    return found if found.treated.size >= INSIDE_LEAST else None


def _matched(outcome: Floats, population: Population, matches: Matches | None) -> MatchedDifference | None:
    if matches is None or np.ptp(outcome) == 0.0:
        return None
    raw = [population.figures[name] for name in MONEY]
    return matches.difference(outcome, np.column_stack([population.even(), *raw]))


def _settled(held: dict[str, Any]) -> dict[str, Any]:
    return {name: settled(value) if isinstance(value, float) else value for name, value in held.items()}
