"""User rows in: each becomes an `attributes` event, so that the log can rebuild consent and opt-out too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from profilestore.documents import Event, User
from profilestore.elastic.event_log import EventLog
from profilestore.elastic.profile_index import ProfileIndex, StoredProfile
from profilestore.errors import ModelError
from profilestore.features.packing import unpack
from profilestore.indexing.counts import LoadCounts
from profilestore.indexing.events import admissible
from profilestore.indexing.folding import Folder, FoldReport

__all__ = ["load_users"]

_AT_ONCE: Final = 5000


def load_users(
    users: Iterable[User], *, log: EventLog, folder: Folder, profiles: ProfileIndex
) -> tuple[LoadCounts, FoldReport]:
    """Write what is new about these users. A row equal to what the profile has is `unchanged`."""
    counts = LoadCounts()
    report = folder.fold_pending()
    now = datetime.now(UTC)
    rows = iter(users)
    while len(batch := list(islice(rows, _AT_ONCE))) > 0:
        stored = profiles.read_now([user.user_id for user in batch])
        events: list[Event] = []
        for user in batch:
            held = stored.get(user.user_id)
            fields = user.fields()
            if held is not None and _says_nothing_new(fields, held.source) and not _confirms(user, fields, held):
                counts.unchanged += 1
                continue
            events.append(Event(user_id=user.user_id, type="attributes", time=user.time or now, user_fields=fields))
        events = admissible(events, log=log, counts=counts)
        _append(events, stored, counts, report, log, folder)
    return counts, report


def _says_nothing_new(fields: Mapping[str, Any], source: Mapping[str, Any]) -> bool:
    for name, value in fields.items():
        if name == "attributes":
            held = source.get("attributes", {})
            if any(held.get(key) != entry for key, entry in value.items()):
                return False
        elif source.get(name, [] if value == [] else None) != value:
            return False
    return True


def _confirms(user: User, fields: Mapping[str, Any], held: StoredProfile) -> bool:
    """Whether the row says at a later time what is known from an earlier one.

    It must go to the log: a row that says otherwise and is dated between the two may still come.
    """
    if user.time is None:
        return False
    names = {name for name in fields if name != "attributes"}
    names |= {f"attributes.{name}" for name in fields.get("attributes", {})}
    try:
        known = unpack(held.source.get("state", "")).user_fields
    except ModelError:
        return True  # of an older version or changed by hand: the log takes the row, and the fold begins anew
    said = user.time.timestamp()
    return any(name not in known or known[name][0] < said for name in names)


def _append(
    events: Sequence[Event],
    stored: Mapping[str, object],
    counts: LoadCounts,
    report: FoldReport,
    log: EventLog,
    folder: Folder,
) -> None:
    if len(events) == 0:
        return
    appended = log.append(events)
    for event, seq_no in zip(events, appended.seq_nos, strict=True):
        if seq_no is None:
            counts.unchanged += 1  # the log has this very row already, and perhaps a later one that won
        elif event.user_id in stored:
            counts.updated += 1
        else:
            counts.indexed += 1
    report.add(folder.fold_appended(appended, events))
