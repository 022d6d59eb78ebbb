"""What an app asks Elasticsearch for a user: one request, that honours all that holds a campaign back at that moment.

A stop, consent that was withdrawn and personalisation that was switched off hold at once, since the server looks them
up as it answers: in the document of what runs, and in the user's own profile.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from profilestore.campaigns.running.quiet_hours import minute_of
from profilestore.elastic.running_campaigns import RUNNING_ID
from profilestore.settings import Settings

__all__ = ["FIELDS", "WITHOUT_PRODUCT", "offers_request"]

FIELDS: Final = (
    "campaign", "channel", "offer", "product_id", "product_title", "reasons", "code", "contact_at", "ends",
)  # fmt: skip
# A product that was chosen for a user goes when they switch personalisation off, and does not come back.
WITHOUT_PRODUCT: Final[dict[str, Any]] = {
    "bool": {"filter": [{"term": {"offer": "product"}}], "must_not": [{"exists": {"field": "product_id"}}]}
}
_MOST: Final = 100


def offers_request(settings: Settings, user_id: str, *, now: datetime) -> dict[str, Any]:
    """The body to send to `{prefix}-campaigns/_search`: what a user may be contacted with.

    Times are the server's (`now`), but for the minute of the day on the clock of the shop's time zone, which an app
    puts in itself (`quiet`, from 0 to 1439). An app that does not contact anybody, but shows what a user who is there
    has been offered, leaves that clause away.

    Args:
        settings: of the shop.
        user_id: whom it is about.
        now: for the minute of the day.
    """
    profile = {"index": settings.index("profiles"), "id": user_id}
    running = {"index": settings.index("campaigns"), "id": RUNNING_ID, "path": "running"}
    return {
        "size": _MOST,
        "_source": list(FIELDS),
        "sort": [{"contact_at": "asc"}, {"campaign": "asc"}],
        "query": {
            "bool": {
                "filter": [
                    {"term": {"user_id": user_id}},
                    {"term": {"arm": "treatment"}},
                    {"range": {"contact_at": {"lte": "now"}}},
                    {"range": {"ends": {"gt": "now"}}},
                    {"terms": {"campaign": running}},
                    {"terms": {"channel": {**profile, "path": "consent"}}},
                ],
                "must_not": [
                    {"exists": {"field": "withheld"}},
                    WITHOUT_PRODUCT,
                    {"terms": {"unless": {**profile, "path": "personalisation"}}},
                    {"term": {"quiet": minute_of(now.astimezone(ZoneInfo(settings.time_zone)).time())}},
                ],
            }
        },
    }
