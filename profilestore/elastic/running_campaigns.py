"""The document that names the campaigns that run: what an app's one request looks up, so that a stop holds at once."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from elasticsearch import Elasticsearch, NotFoundError

from profilestore.documents import CampaignDocument, Revision
from profilestore.elastic.bulk import Operation, raise_failed, write_through_switch
from profilestore.elastic.campaign_index import CampaignIndex
from profilestore.elastic.index_identity import resolve_index
from profilestore.elastic.retry import patient, wait
from profilestore.errors import UpdateGaveUp

__all__ = ["RUNNING_ID", "renew_running"]

RUNNING_ID: Final = "running"
_ATTEMPTS: Final = 20
_ACTION: Final = "writing what runs"


def renew_running(client: Elasticsearch, *, alias: str, now: datetime) -> list[str]:
    """Write the names of all campaigns that run and are not over; what is there already is not written again.

    It follows from the campaigns alone and is read before they are, so that whoever comes last writes what is true,
    and what somebody who died left undone is mended by the next start or stop.

    Raises:
        UpdateGaveUp: others kept changing it.
    """
    for attempt in range(_ATTEMPTS):
        held, revision = _read(client, alias)
        campaigns = CampaignIndex(client, alias=alias).running(now)
        names = [each.campaign for each in campaigns if each.campaign is not None]
        if held is not None and (held.running or []) == names:
            return names
        index = resolve_index(client, alias).index
        source = CampaignDocument(kind="running", running=names).to_source()
        operation = Operation("create" if revision is None else "index", index, RUNNING_ID, source, expected=revision)
        (outcome,) = write_through_switch(client, [operation], action=_ACTION)
        if outcome.ok:
            patient("refreshing the campaigns", lambda: client.indices.refresh(index=alias))
            return names
        if not outcome.index_moved:
            raise_failed([outcome], action=_ACTION)
        wait(attempt)
    raise UpdateGaveUp("what runs kept being changed by others: try again.", ids=[RUNNING_ID], attempts=_ATTEMPTS)


def _read(client: Elasticsearch, alias: str) -> tuple[CampaignDocument | None, Revision | None]:
    def call() -> tuple[CampaignDocument | None, Revision | None]:
        try:
            body = client.get(index=alias, id=RUNNING_ID).body
        except NotFoundError as error:
            if error.body.get("found") is False:
                return None, None
            raise
        return CampaignDocument(**body["_source"]), Revision(body["_seq_no"], body["_primary_term"])

    return patient("reading what runs", call)
