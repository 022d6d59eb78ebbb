"""What a card is made of: blocks of entries and commands, as plain words that any renderer can set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from profilestore.insight.records import InsightRecord

__all__ = ["Block", "Command", "Entry", "Known"]


@dataclass(frozen=True, slots=True)
class Known:
    """What a card is made from.

    Attributes:
        profile: the user's, as stored.
        records: of the models that say something of the user, by group of `insight_as_of`.
        titles: of the products that the profile names, as far as they are known.
        currency, time_zone, half_life_days: the shop's; the last is how fast interests fade.
    """

    profile: Mapping[str, Any]
    records: Mapping[str, InsightRecord] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""
    time_zone: str = "UTC"
    half_life_days: float = 90.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that is known or believed.

    Attributes:
        label: what it is about, in a word or two.
        said: sentences, at least one.
        basis: from what: which data, of which time, by which model; "" for what speaks for itself.
        sure: how sure it is; "" likewise.
    """

    label: str
    said: tuple[str, ...]
    basis: str = ""
    sure: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """What can be asked for, and the command that the shop's staff run for it."""

    what: str
    command: str


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a card: `key` names it for programs, `title` for people; `lead` are sentences before its entries.

    `brief`: for a look of ten seconds. It stands beside others on a page, and is all that a screen shows of a card
    that has such blocks.
    """

    key: str
    title: str
    lead: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    commands: tuple[Command, ...] = ()
    brief: bool = False
