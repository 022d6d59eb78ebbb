"""How campaigns are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from profilestore.campaigns.running.records import Campaign

__all__ = ["plain_campaign"]


def plain_campaign(campaign: Campaign, now: datetime) -> dict[str, Any]:
    """As printed by `--json`."""
    return {
        "name": campaign.name,
        "state": campaign.phase(now),
        "imported": campaign.imported,
        "description": campaign.description,
        "audience": campaign.audience,
        "channel": campaign.channel,
        "starts": campaign.starts,
        "ends": campaign.ends,
        "contact_at": campaign.contact_at,
        "budget": campaign.budget,
        "counts": dict(campaign.counts),
        "created": campaign.created,
        "created_by": campaign.created_by,
        "stopped": campaign.stopped,
        "definition": None if campaign.definition is None else campaign.definition.to_json_dict(),
    }
