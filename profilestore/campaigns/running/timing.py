"""When a campaign may first contact anybody, and in which week that is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from profilestore.campaigns.running.definition import CampaignDefinition
from profilestore.campaigns.running.quiet_hours import week_of
from profilestore.errors import UsageError

__all__ = ["YEARS", "Timing", "timing_of"]

# Dates beyond cannot be counted with: days are added to them, and other zones' clocks read.
YEARS: Final = (1900, 9000)


@dataclass(frozen=True, slots=True)
class Timing:
    """Times in UTC.

    Attributes:
        starts: when the campaign begins: as it says, or now where that is past.
        contact_at: the first moment from then on that is not quiet.
        week: of that moment, ISO 8601, on the shop's clock; its contacts are those that are capped.
    """

    starts: datetime
    contact_at: datetime
    week: str


def timing_of(definition: CampaignDefinition, *, now: datetime, time_zone: str) -> Timing:
    """When a campaign that is started now has its first contact.

    Raises:
        UsageError: it would be over by then.
    """
    if definition.ends <= now:
        raise UsageError(f"the period of campaign {definition.name} is over: it ended {_told(definition, time_zone)}.")
    zone = ZoneInfo(time_zone)
    starts = now if definition.starts is None else max(now, definition.starts)
    quiet = definition.quiet_hours
    contact_at = starts if quiet is None else quiet.next_open(starts, zone=zone)
    if contact_at >= definition.ends:
        raise UsageError(
            f"campaign {definition.name} would be over before its quiet hours ({quiet}) are: it ends "
            f"{_told(definition, time_zone)}."
        )
    return Timing(starts, contact_at, week_of(contact_at, zone=zone))


def _told(definition: CampaignDefinition, time_zone: str) -> str:
    return f"{definition.ends.astimezone(ZoneInfo(time_zone)):%Y-%m-%d %H:%M} ({time_zone})"
