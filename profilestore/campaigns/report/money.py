"""What a campaign cost and what it earned, by user and in all."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profilestore.campaigns.report.effects import Difference, mean_difference
from profilestore.campaigns.report.outcomes import Outcomes
from profilestore.campaigns.report.participants import Participants
from profilestore.campaigns.report.terms import CampaignTerms
from profilestore.insight.intervals import settled

__all__ = ["Money", "Purse", "money_of", "purse_of"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Purse:
    """Money by user, (n,) each, in the shop's currency.

    Attributes:
        contacts: what writing to each cost.
        redemptions: what their redemptions cost, as the log says it, else the coupon's value.
        worth: what they bought before the campaign's own discount: that one is a cost, and is not taken off twice.
        profit: margin times worth, less both costs.
        guessed: whose redemption is counted at the coupon's value, since the log does not say it.
    """

    contacts: Floats
    redemptions: Floats
    worth: Floats
    profit: Floats
    guessed: NDArray[np.bool_]


def purse_of(people: Participants, outcomes: Outcomes, terms: CampaignTerms) -> Purse:
    """The money of each user. Users in control cost nothing, unless they redeemed all the same."""
    guessed = np.isnan(outcomes.discounts)
    redemptions = np.where(guessed, terms.coupon_value, outcomes.discounts)
    contacts = np.where(people.reached, terms.cost_per_contact, 0.0)
    worth = outcomes.revenue + np.where(outcomes.bought, outcomes.netted, 0.0)
    return Purse(contacts, redemptions, worth, terms.margin * worth - contacts - redemptions, guessed)


@dataclass(frozen=True, slots=True)
class Money:
    """What the campaign as a whole cost and earned, in the shop's currency.

    Attributes:
        contacts: users reached.
        contact_cost, redemption_cost: of the treatment arm; cost: both, and what the campaign cost as a whole.
        guessed: redemptions counted at the coupon's value.
        worth: what a user bought before the campaign's discount, treatment less control.
        margin: the share of it that is earned.
        earned: margin times that difference times the users in treatment, less the cost: value, low, high.
        roi: the same over the cost; None where it cost nothing, or nothing could be compared.
        over_budget: by how much the cost is above the budget; 0 where it is not.
    """

    contacts: int
    contact_cost: float
    redemption_cost: float
    cost: float
    guessed: int
    worth: Difference | None
    margin: float
    earned: tuple[float, float, float] | None
    roi: tuple[float, float, float] | None
    over_budget: float

    def to_json_dict(self) -> dict[str, Any]:
        """As printed by `--json`."""
        held = {name: settled(value) if isinstance(value, float) else value for name, value in asdict(self).items()}
        return held | {
            "worth": None if self.worth is None else self.worth.to_json_dict(),
            "earned": _plain(self.earned),
            "roi": _plain(self.roi),
        }


def money_of(people: Participants, outcomes: Outcomes, terms: CampaignTerms, purse: Purse) -> Money:
    """The campaign's balance. The interval of what it earned is that of the difference, by margin and users.

    What it cost is known and has none.
    """
    treated = people.treated
    contact_cost = float(purse.contacts[treated].sum())
    redemption_cost = float(purse.redemptions[treated].sum())
    cost = contact_cost + redemption_cost + terms.fixed_cost
    worth = mean_difference(purse.worth, treated, before=outcomes.spent_before, buyers=outcomes.bought)
    earned = roi = None
    if worth is not None:
        users = int(treated.sum())
        bounds = [terms.margin * users * value - cost for value in (worth.value, worth.low, worth.high)]
        earned = (bounds[0], bounds[1], bounds[2])
        if cost > 0.0:
            roi = (bounds[0] / cost, bounds[1] / cost, bounds[2] / cost)
    return Money(
        contacts=int(people.reached.sum()),
        contact_cost=contact_cost,
        redemption_cost=redemption_cost,
        cost=cost,
        guessed=int(purse.guessed[treated].sum()),
        worth=worth,
        margin=terms.margin,
        earned=earned,
        roi=roi,
        over_budget=0.0 if terms.budget is None else max(0.0, cost - terms.budget),
    )


def _plain(figure: tuple[float, float, float] | None) -> dict[str, float] | None:
    return None if figure is None else dict(zip(("value", "low", "high"), map(settled, figure), strict=True))
