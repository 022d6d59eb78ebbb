"""Past campaigns -> the documents that campaigns of the shop have, so that whoever reads those reads these."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from profilestore.campaigns.importing.past import PastCampaign, PastMember
from profilestore.documents import CampaignDocument

__all__ = ["KEPT", "assignment_record", "campaign_record"]


# Of a record that is held: when and by whom it was first imported, and how many users and coupons it has.
KEPT: Final = ("created", "created_by", "counts")


def campaign_record(campaign: PastCampaign, *, now: datetime, created_by: str) -> CampaignDocument:
    """The record of a campaign; its counts come when its users are there."""
    told: dict[str, Any] = {
        "name": campaign.name,
        "campaign_type": campaign.campaign_type,
        "cost": campaign.cost,
        "cost_per_contact": campaign.cost_per_contact,
    }
    return CampaignDocument(
        kind="campaign",
        campaign=campaign.name,
        state="stopped",
        imported=True,
        description=campaign.description or campaign.campaign_type,
        channel=campaign.channel,
        starts=campaign.starts,
        ends=campaign.ends,
        contact_at=campaign.starts,
        stopped=campaign.ends,
        budget=campaign.budget,
        definition={name: value for name, value in told.items() if value is not None},
        created=now,
        created_by=created_by,
    )


def assignment_record(campaign: PastCampaign, user_id: str, member: PastMember) -> CampaignDocument:
    """A user's place in it. Who was contacted at a time that nobody wrote down was so when the campaign began."""
    contact_at = None if member.arm == "control" else member.contact_at or campaign.starts
    return CampaignDocument(
        kind="assignment",
        campaign=campaign.name,
        user_id=user_id,
        arm=member.arm or "treatment",
        channel=campaign.channel,
        assigned_at=campaign.starts if contact_at is None else min(contact_at, campaign.starts),
        contact_at=contact_at,
        ends=campaign.ends,
    )
