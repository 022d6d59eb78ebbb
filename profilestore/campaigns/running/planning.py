"""What would come of a campaign if it were started now. Nothing of it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from profilestore.campaigns.report.power import needed_sizes
from profilestore.campaigns.running.pools import pool_of
from profilestore.campaigns.running.preparing import Prepared
from profilestore.campaigns.running.selection import Selection

__all__ = ["Expected", "Plan", "plan_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What is to be expected of those who are to be written to.

    Attributes:
        days: from the first contact to the end.
        known: of how many users there is a `purchase_30d`.
        buyers: of these, how many buy in the period of themselves, were every day like the 30 that was foretold;
            None where it is known of nobody.
        share: the share of users that buys without the campaign: by `purchase_30d` of both arms where there is one,
            else the share that bought in as many days before.
        from_propensity: which of the two.
        smallest_effect: the smallest difference in that share that the arms show, four times in five; None where no
            difference could be shown.
        cost: what is spent if those who buy use their coupon; None where nobody knows how many buy.
        cost_at_most: what is spent if everybody does.
    """

    days: float
    known: int
    buyers: float | None
    share: float
    from_propensity: bool
    smallest_effect: float | None
    cost: float | None
    cost_at_most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A campaign as it would be. Money in the shop's currency, times in UTC.

    Attributes:
        campaign: its name.
        state: of the campaign of this name and definition, if it was started already: a start would change nothing.
        audience, channel: whom it is for, and by which channel.
        starts, ends: its period; `ends` is not in it any more.
        contact_at: the first contact.
        week: whose contacts are capped.
        counts: users: matched; left out for no consent, the audience's limit, contacts that are used up, ids that are
            too long, the budget; in treatment and control; with personalisation off in treatment, who get a plain
            offer.
        overlaps: users in both arms who have a place in other campaigns that run, by campaign.
        expected: what is to come of it.
        notes: what whoever starts it should know.
    """

    campaign: str
    state: str | None
    audience: str
    channel: str
    starts: datetime
    ends: datetime
    contact_at: datetime
    week: str
    counts: Mapping[str, int]
    overlaps: Mapping[str, int]
    expected: Expected
    notes: Sequence[str]

    def to_json_dict(self) -> dict[str, Any]:
        """As printed by `--json`."""
        held = {name: getattr(self, name) for name in self.__slots__ if name != "expected"}
        expected = {name: getattr(self.expected, name) for name in self.expected.__slots__}
        return held | {"expected": expected}


def plan_of(prepared: Prepared, *, overlaps: Mapping[str, int], state: str | None) -> Plan:
    """The plan of a campaign that could be started."""
    expected = _expected(prepared)
    return Plan(
        campaign=prepared.definition.name,
        state=state,
        audience=prepared.definition.audience,
        channel=prepared.channel,
        starts=prepared.timing.starts,
        ends=prepared.definition.ends,
        contact_at=prepared.timing.contact_at,
        week=prepared.timing.week,
        counts=prepared.counts(),
        overlaps=dict(overlaps),
        expected=expected,
        notes=_notes(prepared, expected),
    )


def _expected(prepared: Prepared) -> Expected:
    definition, chosen = prepared.definition, prepared.selection
    likely = chosen.likely[chosen.treated]
    known = int(np.isfinite(likely).sum())
    buyers = float(np.nansum(likely)) if known > 0 else None
    share, from_propensity = _share(chosen)
    sizes = needed_sizes(treatment=chosen.treatment, control=chosen.control, base=share)
    contacts = chosen.treatment * definition.cost_per_contact
    given = chosen.treatment if definition.offer.given_at_start else definition.offer.coupons or 0
    used = None if buyers is None or known == 0 else min(float(given), buyers / known * chosen.treatment)
    value = definition.offer.value
    return Expected(
        days=(definition.ends - prepared.timing.contact_at) / timedelta(days=1),
        known=known,
        buyers=buyers,
        share=share,
        from_propensity=from_propensity,
        smallest_effect=None if sizes is None else sizes.smallest,
        cost=contacts if value == 0 else None if used is None else contacts + used * value,
        cost_at_most=contacts + given * value,
    )


def _share(chosen: Selection) -> tuple[float, bool]:
    """Who buys without the campaign, and whether the propensity says so."""
    if bool(np.isfinite(chosen.likely).any()):
        return float(np.nanmean(chosen.likely)), True
    return float(chosen.bought_before.mean()), False


def _notes(prepared: Prepared, expected: Expected) -> list[str]:
    definition, counts = prepared.definition, prepared.counts()
    notes: list[str] = []
    if definition.control_share == 0:
        notes.append("there is no control group: no report can say what the campaign changed")
    elif counts["control"] == 0:
        notes.append("by lot nobody is in the control group: no report can say what the campaign changed")
    elif not 0.0 < expected.share < 1.0:
        notes.append("nobody would buy without it, or everybody: no smallest difference can be named")
    elif expected.smallest_effect is None:
        notes.append("the control group is too small to show any difference")
    if not expected.from_propensity:
        notes.append("nothing foretells purchases yet: `profilestore insight run propensity` does")
    if prepared.timing.contact_at > prepared.timing.starts:
        notes.append("it would begin in quiet hours: the first contact is when they are over")
    pool = pool_of(definition.offer, treatment=None)
    if pool is not None and pool.caution is not None:
        notes.append(pool.caution)
    return notes
