"""What `lookalike` and `buyers` answer. Frozen; `to_json_dict` has exactly the keys that the commands print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["PeopleAnswer", "Person"]


@dataclass(frozen=True, slots=True)
class Person:
    """A user of an answer, with the score that the module tells of."""

    user_id: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleAnswer:
    """Users, best first. `asked` is the product, the users or the segment; `seeds` how many profiles were compared
    with; `method` the space; `fallback` why there is nobody."""

    asked: Mapping[str, Any]
    method: str
    took_ms: float
    users: tuple[Person, ...]
    seeds: int = 1
    fallback: str | None = None

    @property
    def user_ids(self) -> list[str]:
        """The ids, best first."""
        return [person.user_id for person in self.users]

    def to_json_dict(self) -> dict[str, Any]:
        """What was asked, then method, took_ms and users."""
        users = [{"user_id": person.user_id, "score": person.score} for person in self.users]
        return {**self.asked, "method": self.method, "took_ms": round(self.took_ms, 3), "users": users}
