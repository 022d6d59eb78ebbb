"""Stopping a campaign: its state first, then what runs, from which apps find nothing of it any more.

Where nobody was contacted yet, the contacts of the week are given back: others may write to those users.
"""

from __future__ import annotations

from datetime import UTC, datetime

from profilestore.campaigns.running.lists import list_name
from profilestore.campaigns.running.records import Campaign
from profilestore.documents import CampaignDocument
from profilestore.elastic.audience_index import AudienceIndex
from profilestore.elastic.audit_log import AuditLog
from profilestore.elastic.campaign_index import CampaignIndex
from profilestore.elastic.contact_places import ContactPlaces
from profilestore.elastic.running_campaigns import renew_running
from profilestore.errors import UsageError
from profilestore.indexing.parts import Parts

__all__ = ["after_stop", "stop_campaign"]


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
        after_stop(parts, before)  # in case that who stopped it died over it
        return before
    entry = audit.begin("campaign-stop", subject=before.name, details={"state": before.state})
    document = index.change(before.name, stopped)
    after = Campaign.of(document)
    after_stop(parts, after)
    audit.finish(entry, count=int(after.counts.get("treatment", 0)))
    return after


def after_stop(parts: Parts, stopped: Campaign) -> None:
    """What follows from a stop; it may be repeated."""
    client, alias = parts.client, parts.settings.index("campaigns")
    renew_running(client, alias=alias, now=datetime.now(UTC))
    # Of a start that died; one that is under way ends, too.
    AudienceIndex(client, alias=parts.settings.index("audiences")).remove(list_name(stopped.name))
    if stopped.contact_at is not None and stopped.stopped is not None and stopped.stopped < stopped.contact_at:
        ContactPlaces(client, alias=alias).give_back(stopped.name)
