"""What each part of insight found, as a record in `{prefix}-models`: data, settings, figures, and a card."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from profilestore.elastic.model_store import ModelStore
from profilestore.errors import NotFound
from profilestore.insight.history import History

__all__ = ["InsightRecord", "InsightRecords", "window_of"]

_KIND: Final = "insight-"


@dataclass(frozen=True, slots=True)
class InsightRecord:
    """The result of one model.

    Attributes:
        name: of the step that made it.
        window: `as_of`, `first_act`, `last_act`, `acts`, `users`, `opted_out` of the data.
        settings: that it was made under.
        figures: of the validation, with intervals and the baseline's.
        tables: what `insight show` prints: heading -> rows, each row column -> value.
        card: plain language, by language (`en`, `zh`): what it is, what from, how good, what it is not for.
        by_group: its figures by gender, age band and region, as `fairness.by_group` gives them; empty where it has
            nothing to do with users.
        accepted: whether it beat its baseline; False where it was written since it was forced.
        created: when, ISO; set when it is stored.
    """

    name: str
    window: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    card: dict[str, str] = field(default_factory=dict)
    by_group: dict[str, Any] = field(default_factory=dict)
    accepted: bool = True
    created: str = ""

    def to_body(self) -> dict[str, Any]:
        """As it is stored."""
        names = ("window", "settings", "figures", "tables", "card", "by_group", "accepted")
        return {name: getattr(self, name) for name in names}


def window_of(history: History) -> dict[str, Any]:
    """The data window of a record."""
    window = history.window
    return {
        "as_of": history.as_of_time.isoformat(timespec="milliseconds"),
        "first_act": None if window is None else window[0].isoformat(timespec="seconds"),
        "last_act": None if window is None else window[1].isoformat(timespec="seconds"),
        "acts": len(history),
        "users": len(history.user_ids),
        "opted_out": history.left_out,
    }


class InsightRecords:
    """The records of one shop; the latest of each name is kept."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store

    def save(self, record: InsightRecord) -> None:
        """Store a record in place of the one of its name."""
        self._store.put(f"{_KIND}{record.name}", f"{_KIND}{record.name}", record.to_body())

    def find(self, name: str) -> InsightRecord | None:
        """The record of a name, or None."""
        found = self._store.get(f"{_KIND}{name}")
        if found is None:
            return None
        source, _ = found
        return InsightRecord(name=name, created=source["created"], **source["body"])

    def get(self, name: str) -> InsightRecord:
        """The record of a name.

        Raises:
            NotFound: there is none yet.
        """
        record = self.find(name)
        if record is None:
            raise NotFound(
                f"there is no result of {name} yet: `profilestore insight run {name}` makes one.",
                kind="insight",
                id=name,
            )
        return record

    def created(self, name: str) -> datetime | None:
        """When the record of a name was made."""
        record = self.find(name)
        return None if record is None else datetime.fromisoformat(record.created)
