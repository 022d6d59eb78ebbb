"""A line of the audit: who did what with whose data, and how many they were. Never who they were."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from profilestore.documents.base import Document

__all__ = ["AuditDocument"]


class AuditDocument(Document):
    """One act. `subject` is what it was done with, such as an audience's name; `details` how, without ids or values.

    `state` is `started` from before anything left the shop until it is known how it ended; `count` are users,
    `error` the type of what went wrong.
    """

    action: str
    subject: str
    who: str
    when: datetime
    state: Literal["started", "done", "failed"]
    finished: datetime | None = None
    count: int | None = None
    error: str | None = None
    details: dict[str, Any] | None = None
