"""The file in which a marketer writes a campaign down.

# spring.toml
audience = "launch"
channel = "mail"                # else the audience's own
starts = 2026-12-01             # a date, or a date and time on the shop's clock; else when it is started
ends = 2026-12-14               # that day included
budget = 5000.0
cost_per_contact = 0.02
control_share = 0.1
contacts_per_week = 2
quiet_hours = "21:00-08:00"

[offer]
kind = "coupon"                 # or message, product
value = 5.0
codes = "codes.csv"             # or code = "SPRING10"
category = "Shoes"              # with it, each user's own best product of these
explain = true                  # and why, in words for them; it takes longer
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from profilestore.campaigns.running.definition import CampaignDefinition
from profilestore.campaigns.running.offer_table import read_offer
from profilestore.campaigns.running.quiet_hours import QuietHours
from profilestore.campaigns.running.table import Table
from profilestore.campaigns.running.timing import YEARS
from profilestore.campaigns.toml_file import read_toml
from profilestore.documents.base import to_utc
from profilestore.errors import UsageError

__all__ = ["campaign_of", "read_campaign"]

_FIELDS: Final = (
    "name", "audience", "channel", "starts", "ends", "budget", "cost_per_contact", "control_share",
    "contacts_per_week", "quiet_hours", "margin", "follow_days", "description", "offer",
)  # fmt: skip


def read_campaign(path: Path, *, time_zone: str, name: str | None = None) -> CampaignDefinition:
    """The campaign in a TOML file. A file of codes that it names is looked for beside it.

    Args:
        path: of the file.
        time_zone: of the shop.
        name: of the campaign; else the one in the file, else that of the file.

    Raises:
        InputError: there is no such file, or it is no text.
        UsageError: it is no TOML, or not of this form; tells all that is wrong with it.
    """
    given = read_toml(path)
    named = {"name": path.stem, **given} if name is None else {**given, "name": name}
    return campaign_of(named, time_zone=time_zone, folder=path.parent, source=path.name)


def campaign_of(
    given: Mapping[str, Any], *, time_zone: str, folder: Path | None = None, source: str = "campaign"
) -> CampaignDefinition:
    """A campaign from its tables.

    Args:
        given: as in the file.
        time_zone: of the shop.
        folder: where a file of codes is; the working folder when None.
        source: what to call it in errors.

    Raises:
        UsageError: see `read_campaign`.
        InputError: a file of codes that cannot be read.
    """
    table = Table(given, known=_FIELDS)
    zone = ZoneInfo(time_zone)
    held: dict[str, Any] = {
        "name": table.text("name", required=True),
        "audience": table.text("audience", required=True),
        "channel": table.text("channel"),
        "description": table.text("description") or "",
        "budget": table.number("budget", required=True),
        "cost_per_contact": table.number("cost_per_contact", default=0.0),
        "control_share": table.number("control_share", default=0.1),
        "contacts_per_week": table.whole("contacts_per_week", default=2),
        "margin": table.number("margin", default=1.0),
        "follow_days": table.whole("follow_days", default=0),
        "starts": _moment(table, "starts", zone=zone, end=False),
        "ends": _moment(table, "ends", zone=zone, end=True, required=True),
        "quiet_hours": _quiet(table),
        "offer": read_offer(table, folder=folder or Path()),
    }
    if len(table.problems) > 0:
        raise UsageError(f"{source}: {'; '.join(table.problems)}.")
    definition = CampaignDefinition(**held)
    problems = definition.problems()
    if len(problems) > 0:
        raise UsageError(f"{source}: {'; '.join(problems)}.")
    return definition


def _quiet(table: Table) -> QuietHours | None:
    text = table.text("quiet_hours")
    if text is None:
        return None
    try:
        return QuietHours.parse(text)
    except UsageError as error:
        table.problems.append(str(error).rstrip("."))
        return None


def _moment(table: Table, key: str, *, zone: ZoneInfo, end: bool, required: bool = False) -> datetime | None:
    """A time in UTC. A date is its first moment, as an end the first one after it."""
    value = table.value(key, required=required)
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, date):
        table.problems.append(f"`{key}` is a date such as 2026-12-01, or a date and time such as 2026-12-01T09:00")
        return None
    try:
        if not isinstance(value, datetime):
            value = datetime.combine(value + timedelta(days=1 if end else 0), datetime.min.time())
        moment = to_utc(value.replace(tzinfo=zone) if value.tzinfo is None else value)
        if not YEARS[0] <= moment.year <= YEARS[1]:
            raise ValueError(key)
        return moment
    except (ValueError, OverflowError):
        table.problems.append(f"`{key}` is in no year that there is")
        return None
