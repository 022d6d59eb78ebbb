"""Who is flagged as odd, as it stands in the profiles, for a person to go through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from profilestore.errors import UsageError
from profilestore.indexing.parts import Parts
from profilestore.insight.odd.words import FLAGS, odd_reasons
from profilestore.insight.profiles import InsightProfiles

__all__ = ["FlaggedUser", "FlaggedUsers"]

_FIELDS: Final = ("odd_score", "odd_flags", "odd_facts", "insight_as_of")


@dataclass(frozen=True, slots=True)
class FlaggedUser:
    """A user with flags.

    Attributes:
        flags: of `FLAGS`.
        reasons: a sentence a flag, in their order.
        score: of the isolation forests, 0 to 1; None where too little is known of the user.
        facts: what the reasons are made of, a mapping a flag.
        as_of: the time it speaks of, ISO.
    """

    user_id: str
    flags: tuple[str, ...]
    reasons: tuple[str, ...]
    score: float | None
    facts: tuple[Mapping[str, Any], ...]
    as_of: str

    def to_row(self) -> dict[str, Any]:
        """As it is exported."""
        return {
            "odd_flags": list(self.flags),
            "reasons": list(self.reasons),
            "odd_score": self.score,
            "as_of": self.as_of,
        }


class FlaggedUsers:
    """The flagged users of one shop; who switched personalisation off is none of them."""

    def __init__(self, parts: Parts) -> None:
        self._profiles = InsightProfiles(parts.in_force.profiles)
        self._currency = parts.settings.currency
        self._language = parts.settings.language

    def all(self, *, flag: str | None = None, language: Literal["en", "zh"] | None = None) -> list[FlaggedUser]:
        """The users with any flag or with this one: those with most flags first, then by score.

        Args:
            flag: of `FLAGS`.
            language: of the reasons; the shop's when None.

        Raises:
            UsageError: there is no such flag.
        """
        if flag is not None and flag not in FLAGS:
            raise UsageError(f"there is no flag {flag}: there are {', '.join(FLAGS)}.")
        query: dict[str, Any] = {"exists": {"field": "odd_flags"}} if flag is None else {"term": {"odd_flags": flag}}
        pages = self._profiles.read(_FIELDS, query=query)
        found = [self._user(user_id, source, language or self._language) for page in pages for user_id, source in page]
        return sorted(found, key=lambda user: (-len(user.flags), -(user.score or 0.0), user.user_id))

    def _user(self, user_id: str, source: Mapping[str, Any], language: str) -> FlaggedUser:
        facts: Sequence[Mapping[str, Any]] = source.get("odd_facts") or ()
        return FlaggedUser(
            user_id=user_id,
            flags=tuple(source["odd_flags"]),
            reasons=tuple(odd_reasons(facts, language, currency=self._currency)),
            score=source.get("odd_score"),
            facts=tuple(facts),
            as_of=source["insight_as_of"]["odd"],
        )
