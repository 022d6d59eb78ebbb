"""One document of the event log as it is read: checked, since apps write too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from profilestore.documents import Event

__all__ = ["Logged", "read_logged"]


@dataclass(frozen=True, slots=True)
class Logged:
    """One document of the log as read. `event` is None where it is invalid, with the reason's type."""

    event_id: str
    user_id: str | None
    seq_no: int
    changed: bool
    event: Event | None
    problem: str | None
    claimed_user: str | None = None
    # when an event that is dated too far ahead will count
    due: datetime | None = None

    @property
    def concerns(self) -> set[str]:
        """The users whose profile may hold an earlier version of this document."""
        return {user_id for user_id in (self.user_id, self.claimed_user) if user_id}


def read_logged(hit: dict[str, Any], *, latest: datetime, limit: timedelta) -> Logged:
    """Check one document of the log: apps write too, so nothing is taken on trust."""
    source: dict[str, Any] = hit["_source"]
    routing = hit.get("_routing")
    problem = due = event = None
    try:
        event = Event.model_validate({"event_id": hit["_id"], **source})
        if event.event_id != hit["_id"]:
            problem = "event_id is not the document's id"
        elif event.user_id != source["user_id"] or event.product_id != source.get("product_id"):
            problem = "user_id or product_id has blanks around it"  # searches would not find it
        elif event.user_id != routing:
            problem = "routing is not user_id"
        elif event.time > latest:
            problem = "time is in the future"
            due = event.time - limit
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        problem = f"{'.'.join(str(part) for part in first['loc']) or 'event'}: {first['type']}"
    return Logged(
        event_id=hit["_id"],
        user_id=routing,
        seq_no=hit["sort"][0],
        changed=hit["_version"] > 1,
        event=event if problem is None else None,
        problem=problem,
        due=due,
        claimed_user=claimed if isinstance(claimed := source.get("user_id"), str) else None,
    )
