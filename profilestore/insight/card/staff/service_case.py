"""What the staff's view is made from, and how its entries are put."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from profilestore.documents import Event
from profilestore.insight.card.parts import Entry, Known
from profilestore.insight.card.staff.cases import Case
from profilestore.insight.card.staff.orders import Order
from profilestore.insight.card.staff.words import DETAILS, WORDS

__all__ = ["ServiceCase", "entry_of", "joined", "nothing"]


@dataclass(frozen=True, slots=True)
class ServiceCase:
    """What the staff's view is made from, beside what every card is made from.

    Attributes:
        known: the profile, records of insight, currency and time zone.
        orders: the latest first.
        cases: what waits.
        last_refund: the latest refund event.
        titles: of the products named here.
    """

    known: Known
    orders: list[Order] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    last_refund: Event | None = None
    titles: Mapping[str, str] = field(default_factory=dict)

    @property
    def off(self) -> bool:
        """Whether this user switched personalisation off."""
        return self.known.profile.get("personalisation") == "off"


def entry_of(detail: str, language: str, *said: str) -> Entry:
    return Entry(DETAILS[detail][1 if language == "zh" else 0], said)


def nothing(case: ServiceCase, language: str) -> Entry:
    return entry_of("nothing", language, WORDS[language]["nothing_off" if case.off else "nothing_yet"])


def joined(language: str, *parts: str | None) -> str:
    return ("；" if language == "zh" else "; ").join(part for part in parts if part is not None and part != "")
