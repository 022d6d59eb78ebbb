"""What a report needs to know of a campaign: its period, what a contact and a coupon cost, what revenue is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from profilestore.documents import CampaignDocument
from profilestore.errors import UsageError

__all__ = ["CampaignTerms"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignTerms:
    """The terms of one campaign; money in the shop's currency.

    Attributes:
        name: of the campaign.
        starts: from when on acts count; never before the lot was drawn.
        ends: until when it was to run.
        follow_days: how long after `ends` acts still count.
        stopped: when it was stopped; what counts is not cut there, or stopping at a good moment would make it good.
        imported: it was run elsewhere.
        offer: message, coupon or product.
        channel: by which it was sent.
        margin: the share of revenue that is earned, 0 to 1.
        cost_per_contact: of each user reached.
        fixed_cost: of the campaign as a whole, beside.
        coupon_value: what a redemption costs where the log does not say it.
        budget: what it might cost at most; None where nobody said.
        control_share: that was planned; None where nobody said.
        drawn: how many users the plan had by arm; {} where nobody kept it.
    """

    name: str
    starts: datetime
    ends: datetime
    follow_days: int = 0
    stopped: datetime | None = None
    imported: bool = False
    offer: str = "message"
    channel: str = ""
    margin: float = 1.0
    cost_per_contact: float = 0.0
    fixed_cost: float = 0.0
    coupon_value: float = 0.0
    budget: float | None = None
    control_share: float | None = None
    drawn: Mapping[str, int] = field(default_factory=dict)

    @property
    def counted_until(self) -> datetime:
        """The end of the period in which acts count."""
        return self.ends + timedelta(days=self.follow_days)

    @classmethod
    def of(cls, document: CampaignDocument) -> CampaignTerms:
        """The terms of a stored campaign.

        Raises:
            UsageError: it has no period.
        """
        definition = document.definition or {}
        if document.campaign is None or document.starts is None or document.ends is None:
            raise UsageError("the campaign has no period: nothing can be told of it.")
        offer: Mapping[str, Any] = definition.get("offer") or {}
        imported = document.imported is True
        # Nobody was drawn before the campaign was started, whenever it was to begin.
        drawn_at = document.starts if imported or document.created is None else document.created
        counts = document.counts or {}
        return cls(
            name=document.campaign,
            starts=max(document.starts, drawn_at),
            ends=document.ends,
            follow_days=int(definition.get("follow_days") or 0),
            stopped=None if imported else document.stopped,
            imported=imported,
            offer=document.offer or offer.get("kind") or "message",
            channel=document.channel or definition.get("channel") or "",
            margin=_number(definition.get("margin"), 1.0),
            cost_per_contact=_number(definition.get("cost_per_contact"), 0.0),
            fixed_cost=_number(definition.get("cost"), 0.0),
            coupon_value=_number(offer.get("value"), 0.0),
            budget=document.budget,
            control_share=None if imported else definition.get("control_share"),
            drawn={arm: int(counts[arm]) for arm in ("treatment", "control") if isinstance(counts.get(arm), int)},
        )


def _number(value: Any, otherwise: float) -> float:
    return otherwise if value is None else float(value)
