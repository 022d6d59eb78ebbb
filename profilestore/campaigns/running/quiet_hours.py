"""Hours in which nobody is contacted, on the clock of the shop's time zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from profilestore.errors import UsageError

__all__ = ["QuietHours", "minute_of", "week_of"]

_DAY: Final = 24 * 60
_FORM: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `begins` until before `ends`, every day; over midnight where it ends before it begins."""

    begins: time
    ends: time

    @classmethod
    def parse(cls, text: str) -> QuietHours:
        """Read `21:00-08:00`.

        Raises:
            UsageError: it is not of this form, or all of the day would be quiet.
        """
        found = _FORM.fullmatch(text.strip())
        if found is None:
            raise UsageError("quiet hours are written 21:00-08:00.")
        hours = [int(part) for part in found.groups()]
        read = cls(time(hours[0], hours[1]), time(hours[2], hours[3]))
        if read.begins == read.ends:
            raise UsageError("quiet hours end at another time than they begin.")
        return read

    def __str__(self) -> str:
        return f"{self.begins:%H:%M}-{self.ends:%H:%M}"

    def minutes(self) -> list[dict[str, int]]:
        """The quiet minutes of a day, as ranges from `gte` to below `lt`."""
        begins, ends = minute_of(self.begins), minute_of(self.ends)
        if begins < ends:
            return [{"gte": begins, "lt": ends}]
        before = [{"gte": 0, "lt": ends}] if ends > 0 else []
        return [*before, {"gte": begins, "lt": _DAY}]

    def covers(self, clock: time) -> bool:
        """Whether that time of day is quiet."""
        if self.begins < self.ends:
            return self.begins <= clock < self.ends
        return clock >= self.begins or clock < self.ends

    def next_open(self, moment: datetime, *, zone: ZoneInfo) -> datetime:
        """The first moment from this one on that is not quiet, in UTC.

        What the clock shows counts: where it is put forward over the end of the quiet hours they end as it jumps, and
        where it is put back into them they are quiet again.
        """
        at = moment.astimezone(UTC)
        if not self.covers(at.astimezone(zone).time()):
            return at
        # Minute by minute: that way no rule of any zone, past or to come, is guessed at.
        at = at.replace(second=0, microsecond=0)
        while self.covers(at.astimezone(zone).time()):
            at += timedelta(minutes=1)
        return at


def minute_of(clock: time) -> int:
    """The minute of the day, from 0."""
    return clock.hour * 60 + clock.minute


def week_of(moment: datetime, *, zone: ZoneInfo) -> str:
    """The ISO 8601 week of a moment, such as 2026-W48."""
    year, week, _ = moment.astimezone(zone).isocalendar()
    return f"{year}-W{week:02d}"
