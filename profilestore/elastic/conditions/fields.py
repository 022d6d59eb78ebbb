"""The fields that a condition may name: those of the mapping that can be searched, and names for elapsed days."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from profilestore.documents import ProfileDocument
from profilestore.elastic.conditions.tree import FieldName
from profilestore.elastic.indices import template
from profilestore.errors import ConditionError
from profilestore.settings import Settings

__all__ = ["ALIASES", "ELAPSED", "Field", "Fields", "profile_fields"]

# What a marketer calls them.
ALIASES: Final = {"monetary": "spend_total", "frequency": "order_count"}
# Days since a date, counted in midnights.
ELAPSED: Final = {
    "recency_days": "last_purchase",
    "tenure_days": "first_purchase",
    "silent_days": "last_seen",
    "known_days": "first_seen",
    "member_days": "signup_date",
}
# Of a day without a time, midnight UTC is stored, whatever the shop's zone is.
_WHOLE_DAYS: Final = frozenset(
    name for name, info in ProfileDocument.model_fields.items() if info.annotation == date | None
)
# Acts that never happened are not in the map of counts.
_COUNTED: Final = "event_counts."
_NUMBERS: Final = frozenset(("byte", "short", "integer", "long", "half_float", "float", "double", "scaled_float"))
_KINDS: Final[dict[str, Kind]] = {"keyword": "text", "flattened": "text", "date": "date", "boolean": "truth"}

Kind = Literal["text", "number", "date", "truth", "days"]


@dataclass(frozen=True, slots=True)
class Field:
    """Where a named field stands, and of what kind its values are.

    `days`: whole days since the date at `path`. `missing_is_zero`: who has no value has a count of 0.
    `whole_days`: a date without a time. `largest`: of the numbers that the field can hold.
    """

    path: str
    kind: Kind
    missing_is_zero: bool = False
    whole_days: bool = False
    largest: float = 1.7e308


class Fields:
    """The fields of one index by the names that conditions may use."""

    def __init__(
        self, properties: Mapping[str, Any], *, aliases: Mapping[str, str], elapsed: Mapping[str, str]
    ) -> None:
        self._fields: dict[str, Field] = {}
        self._unsearchable: set[str] = set()
        self._keyed: set[str] = set()
        self._add(properties, "")
        self._fields |= {name: self._fields[path] for name, path in aliases.items()}
        self._fields |= {
            name: Field(path, "days", whole_days=self._fields[path].whole_days) for name, path in elapsed.items()
        }

    def _add(self, properties: Mapping[str, Any], before: str) -> None:
        for name, mapping in properties.items():
            path = before + name
            kind: Kind | None = "number" if mapping.get("type") in _NUMBERS else _KINDS.get(mapping.get("type", ""))
            if "properties" in mapping and mapping.get("enabled", True):
                self._add(mapping["properties"], path + ".")
            elif kind is None or mapping.get("index", True) is False:
                self._unsearchable.add(path)
            elif mapping["type"] == "flattened":
                self._keyed.add(path)
            else:
                self._fields[path] = Field(
                    path,
                    kind,
                    missing_is_zero=path.startswith(_COUNTED),
                    whole_days=path in _WHOLE_DAYS,
                    largest={"byte": 127.0, "short": 32767.0, "integer": 2.0**31 - 1, "long": 2.0**63 - 1024}.get(
                        mapping["type"], 1.7e308
                    ),
                )

    @property
    def names(self) -> list[str]:
        """All names that a condition may use, in order."""
        return sorted([*self._fields, *(f"{path}.NAME" for path in self._keyed)])

    def find(self, name: FieldName, *, condition: str) -> Field:
        """The field of this name.

        Raises:
            ConditionError: there is none, or it cannot be searched.
        """
        field = self._look_up(name, condition)
        if not name.since:
            return field
        if field.kind != "date":
            raise ConditionError(f"`{name.name}` is no date: days_since needs one.", condition=condition, at=name.at)
        return Field(field.path, "days", whole_days=field.whole_days)

    def _look_up(self, name: FieldName, condition: str) -> Field:
        root, _, rest = name.name.partition(".")
        if root in self._keyed:
            key = ".".join(part for part in (rest, name.key) if part)
            if key != "":
                return Field(f"{root}.{key}", "text")
            problem = f'`{root}` has fields of your own: name one, such as {root}.size or {root}["shoe size"].'
        elif name.key is not None:
            problem = f"`{name.name}` has no keys; only {', '.join(sorted(self._keyed))} has."
        elif name.name in self._fields:
            return self._fields[name.name]
        elif name.name in self._unsearchable or root in self._unsearchable:
            problem = f"`{name.name}` is stored and cannot be searched."
        else:
            near = difflib.get_close_matches(name.name, self.names, n=1)
            meant = "" if len(near) == 0 else f" Did you mean {near[0]}?"
            problem = f"there is no field `{name.name}`.{meant}"
        raise ConditionError(f"{problem} Fields: {', '.join(self.names)}.", condition=condition, at=name.at)


def profile_fields(settings: Settings) -> Fields:
    """The fields of profiles."""
    properties = template("profiles", settings)["template"]["mappings"]["properties"]
    return Fields(properties, aliases=ALIASES, elapsed=ELAPSED)
