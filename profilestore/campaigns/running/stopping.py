"""Stopping a campaign: its state first, then what runs, from which apps find nothing of it any more."""

from __future__ import annotations

from datetime import UTC, datetime

from profilestore.campaigns.running.records import Campaign
from profilestore.campaigns.running.starting import list_name
from profilestore.documents import CampaignDocument
from profilestore.elastic.audience_index import AudienceIndex
from profilestore.elastic.audit_log import AuditLog
from profilestore.elastic.campaign_index import CampaignIndex
from profilestore.elastic.running_campaigns import renew_running
from profilestore.errors import UsageError
from profilestore.indexing.parts import Parts

__all__ = ["stop_campaign"]


def stop_campaign(parts: Parts, before: Campaign, *, index: CampaignIndex, audit: AuditLog) -> Campaign:
    """Stop a campaign for good; one that is stopped stays as it is.

    Raises:
        UsageError: it was imported.
    """
    if before.imported:
        raise UsageError(f"campaign {before.name} was imported: it is over.")
    now = datetime.now(UTC)

    def stopped(held: CampaignDocument) -> CampaignDocument:
        if held.state == "stopped":
            return held
        return held.model_copy(update={"state": "stopped", "stopped": now, "lists": None})

    if before.state == "stopped":
        _end(parts, before.name, now)  # in case that who stopped it died over it
        return before
    entry = audit.begin("campaign-stop", subject=before.name, details={"state": before.state})
    after = index.change(before.name, stopped)
    _end(parts, before.name, now)
    audit.finish(entry, count=int((after.counts or {}).get("treatment", 0)))
    return Campaign.of(after)


def _end(parts: Parts, name: str, now: datetime) -> None:
    renew_running(parts.client, alias=parts.settings.index("campaigns"), now=now)
    # Of a start that died; one that is under way ends, too.
    AudienceIndex(parts.client, alias=parts.settings.index("audiences")).remove(list_name(name))
