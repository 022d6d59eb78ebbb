"""What a reader must know before they believe a campaign's report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from profilestore.campaigns.report.effects import Difference
from profilestore.campaigns.report.outcomes import Outcomes
from profilestore.campaigns.report.participants import Participants
from profilestore.campaigns.report.power import Sizes
from profilestore.campaigns.report.terms import CampaignTerms

__all__ = ["FEW_BUYERS", "Caution", "cautions_of"]

# Below so many buyers in an arm the intervals of money were measured to hold less often than they say.
FEW_BUYERS: Final = 10
# What is shown less clearly would have been missed by more than one campaign in five, and is seen mostly where chance
# made it larger (Gelman and Carlin 2014, errors of type M): 2.8 standard errors, one-sided.
_SURE: Final = 0.0026
# Of the sum of squares of revenue. Measured on Online Retail, whose largest customer has 14 % of it: intervals of
# revenue cover 93 to 99.8 % and a campaign of no effect seems to earn up to 7 % of the time.
_ONE_USER: Final = 0.5
# So unlikely that the lot was not drawn as planned.
_UNLIKELY: Final = 0.001


@dataclass(frozen=True, slots=True)
class Caution:
    """One of them: what it is (`words.CAUTIONS` has the sentences) and the numbers in it."""

    key: str
    facts: dict[str, Any] = field(default_factory=dict)

    def to_json_dict(self) -> dict[str, Any]:
        """As printed by `--json`."""
        return {"caution": self.key, **self.facts}


def cautions_of(
    terms: CampaignTerms,
    people: Participants,
    outcomes: Outcomes,
    *,
    bought: Difference | None,
    sizes: Sizes | None,
    early: bool,
) -> Iterator[Caution]:
    """All that apply, the gravest first."""
    control = ~people.treated
    if early:
        yield Caution("early", {"until": terms.counted_until.isoformat()})
    if not people.has_control:
        yield Caution("no_control")
    elif sizes is None:
        yield Caution("nobody_bought", {"control": int(control.sum())})
    elif sizes.too_small:
        facts = {"control": int(control.sum()), **sizes.to_json_dict()}
        if bought is None or not (bought.is_gain or bought.is_loss):
            yield Caution("small_control", facts)
        elif min(bought.p, 1.0 - bought.p) > _SURE:
            yield Caution("overstated", facts)
    if people.has_control:
        fewest = min(int(outcomes.bought[arm].sum()) for arm in (people.treated, control))
        if fewest < FEW_BUYERS:
            yield Caution("few_buyers", {"buyers": fewest, "least": FEW_BUYERS})
        yield from _one_user(outcomes)
    if people.has_control and terms.imported:
        spent = outcomes.spent_before
        yield Caution(
            "imported_arms",
            {"treated": f"{spent[people.treated].mean():,.2f}", "control": f"{spent[control].mean():,.2f}"},
        )
    yield from _drawing(terms, people)
    crossed = int((control & (outcomes.opened | outcomes.claimed | outcomes.redeemed)).sum())
    if crossed > 0:
        yield Caution("crossed", {"users": crossed, "control": int(control.sum())})
    if not people.reached.any():
        yield Caution("nobody_reached")
    if terms.stopped is not None and terms.stopped < terms.ends:
        yield Caution("stopped", {"stopped": terms.stopped.isoformat()})


def _one_user(outcomes: Outcomes) -> Iterator[Caution]:
    """Whether the spread of the revenue is mostly one user's, so that the arm this one is in decides."""
    squares = outcomes.revenue**2
    if squares.sum() > 0.0 and squares.max() > _ONE_USER * squares.sum() and int(outcomes.bought.sum()) > 2:
        yield Caution("one_user", {"share": float(outcomes.revenue.max() / outcomes.revenue.sum())})


def _drawing(terms: CampaignTerms, people: Participants) -> Iterator[Caution]:
    """Whether the arms are those of the plan."""
    ours, theirs = int(people.treated.sum()), int((~people.treated).sum())
    if terms.control_share is not None and 0.0 < terms.control_share < 1.0 and theirs > 0:
        from scipy.stats import binomtest

        p = float(binomtest(theirs, ours + theirs, terms.control_share).pvalue)
        if p < _UNLIKELY:
            share = theirs / (ours + theirs)
            yield Caution("lot", {"share": share, "planned": terms.control_share, "p": p})
    gone = sum(terms.drawn.values()) - len(people) if len(terms.drawn) == 2 else 0
    if gone > 0:
        yield Caution("gone", {"users": gone})
