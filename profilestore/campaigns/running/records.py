"""A campaign as others read it: its definition, its state, and how many users came to which arm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from profilestore.campaigns.offering import PRODUCT_KEYS, ProductOffer
from profilestore.campaigns.running.definition import CampaignDefinition, Codes, OfferDefinition
from profilestore.campaigns.running.quiet_hours import QuietHours
from profilestore.documents import CampaignDocument

__all__ = ["Campaign", "definition_of_record"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A campaign of the shop. Times in UTC.

    Attributes:
        name: of it; its events have it as their `campaign`.
        definition: as it was asked for; None of one that was imported.
        state: `starting` until everybody has their place, `running` (or over, see `ends`), `stopped`.
        imported: it was run elsewhere.
        starts: when users began to have it.
        ends: when they do not any more.
        contact_at: not before, for quiet hours.
        counts: of the plan that was frozen when it started.
        created, created_by: when and by whom it was started.
        stopped: when it was stopped, if it was.
    """

    name: str
    definition: CampaignDefinition | None
    state: Literal["starting", "running", "stopped"]
    imported: bool
    description: str
    audience: str | None
    channel: str | None
    budget: float | None
    starts: datetime
    ends: datetime
    contact_at: datetime | None
    counts: Mapping[str, Any]
    created: datetime
    created_by: str
    stopped: datetime | None

    @classmethod
    def of(cls, document: CampaignDocument) -> Campaign:
        """From its document."""
        assert document.campaign is not None and document.state is not None and document.created is not None
        assert document.starts is not None and document.ends is not None
        held = document.definition
        return cls(
            name=document.campaign,
            definition=None if held is None or document.imported is True else definition_of_record(held),
            state=document.state,
            imported=document.imported is True,
            description=document.description or "",
            audience=document.audience,
            channel=document.channel,
            budget=document.budget,
            starts=document.starts,
            ends=document.ends,
            contact_at=document.contact_at,
            counts=document.counts or {},
            created=document.created,
            created_by=document.created_by or "",
            stopped=document.stopped,
        )

    def is_open(self, now: datetime) -> bool:
        """Whether users have places in it that count: it runs, or is being started, and is not over."""
        return not self.imported and self.state != "stopped" and now < self.ends

    def phase(self, now: datetime) -> str:
        """The state, and `over` where its time has passed."""
        return "over" if self.state == "running" and now >= self.ends else self.state


def definition_of_record(held: Mapping[str, Any]) -> CampaignDefinition:
    """The definition that `CampaignDefinition.to_json_dict` wrote."""
    offer: Mapping[str, Any] = held["offer"]
    codes, kind = offer.get("codes"), offer["kind"]
    product = {name: offer[name] for name in PRODUCT_KEYS if name in offer}
    starts, quiet = held.get("starts"), held.get("quiet_hours")
    own = {name: held[name] for name in _AS_IT_IS if name in held}
    return CampaignDefinition(
        **own,
        starts=None if starts is None else datetime.fromisoformat(starts),
        ends=datetime.fromisoformat(held["ends"]),
        quiet_hours=None if quiet is None else QuietHours.parse(quiet),
        offer=OfferDefinition(
            kind=kind,
            value=offer.get("value", 0.0),
            code=offer.get("code"),
            codes=None if codes is None else Codes(codes["count"], codes["sha256"]),
            issue=offer.get("issue", "start"),
            coupons=offer.get("coupons"),
            product=ProductOffer.of(product) if len(product) > 0 or kind == "product" else None,
        ),
    )


_AS_IT_IS = (
    "name", "audience", "channel", "budget", "cost_per_contact", "control_share", "contacts_per_week", "margin",
    "follow_days", "description",
)  # fmt: skip
