"""Conditions of panels: one definition, as KQL for Kibana and as a query for Elasticsearch."""

from __future__ import annotations

from typing import Any, TypeAlias

from pydantic import BaseModel, ConfigDict

__all__ = ["Condition", "Every", "Exists", "Is", "Not", "Part", "Within", "kql_of", "query_of"]

Scalar: TypeAlias = str | bool | int | float


class Part(BaseModel):
    """A piece of a dashboard: frozen, and with no field that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Is(Part):
    """The field has this value."""

    field: str
    value: Scalar


class Within(Part):
    """The field lies within bounds; one of them at least."""

    field: str
    gte: int | float | str | None = None
    gt: int | float | str | None = None
    lt: int | float | str | None = None
    lte: int | float | str | None = None

    def bounds(self) -> dict[str, int | float | str]:
        """The bounds that were given, by Elasticsearch's names."""
        return {name: value for name in ("gte", "gt", "lt", "lte") if (value := getattr(self, name)) is not None}


class Exists(Part):
    """The field has any value."""

    field: str


class Not(Part):
    """The condition does not hold."""

    condition: Condition


class Every(Part):
    """All of them hold."""

    conditions: tuple[Condition, ...]


Condition: TypeAlias = Is | Within | Exists | Not | Every
Not.model_rebuild()
Every.model_rebuild()

_OPERATORS = {"gte": ">=", "gt": ">", "lt": "<", "lte": "<="}


def kql_of(condition: Condition | None) -> str:
    """The condition in Kibana's query language; empty for None, which means everything."""
    match condition:
        case None:
            return ""
        case Is(field=field, value=value):
            return f"{field}: {_literal(value)}"
        case Within(field=field):
            return " and ".join(f"{field} {_OPERATORS[name]} {_literal(v)}" for name, v in condition.bounds().items())
        case Exists(field=field):
            return f"{field}: *"
        case Not(condition=inner):
            return f"not ({kql_of(inner)})"
        case Every(conditions=parts):
            return " and ".join(kql_of(part) for part in parts)


def query_of(condition: Condition | None) -> dict[str, Any]:
    """The condition as an Elasticsearch query for a filter."""
    match condition:
        case None:
            return {"match_all": {}}
        case Is(field=field, value=value):
            return {"term": {field: value}}
        case Within(field=field):
            return {"range": {field: condition.bounds()}}
        case Exists(field=field):
            return {"exists": {"field": field}}
        case Not(condition=inner):
            return {"bool": {"must_not": [query_of(inner)]}}
        case Every(conditions=parts):
            return {"bool": {"filter": [query_of(part) for part in parts]}}


def _literal(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
