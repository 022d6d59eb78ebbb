"""Cell -> time: ISO first, then the usual spellings; an ambiguous one only with an explicit format."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from typing import Any, Final

from profilestore.ingest.values import Bad, Changed

__all__ = ["parse_time"]

_CLOCK: Final = r"(?:[ T,]\s*(\d{1,2})[:时点](\d{1,2})(?:[:分](\d{1,2})(?:\.(\d{1,6})\d*)?秒?)?\s*([AaPp][Mm])?)?"
_YEAR_FIRST: Final = re.compile(r"(\d{4})[/.\-年](\d{1,2})[/.\-月](\d{1,2})日?" + _CLOCK)
_YEAR_LAST: Final = re.compile(r"(\d{1,2})([/.\-])(\d{1,2})\2(\d{4})" + _CLOCK)
_DAY_MONTH: Final = re.compile(r"(\d{1,2})[ \-]([A-Za-z]{3,9})\.?,?[ \-](\d{4})" + _CLOCK)
_MONTH_DAY: Final = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2}),? (\d{4})" + _CLOCK)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_AMBIGUOUS: Final = 'may be day/month or month/day: map the column with format = "%d/%m/%Y" or "%m/%d/%Y"'


def parse_time(cell: Any, *, zone: tzinfo, formats: Sequence[str] = (), clean: bool = True) -> Any:
    """A time in UTC; one without a zone is of `zone`.

    Takes ISO 8601, each of `formats` (strptime), and with `clean` also 2020/1/31 8:05, 2020年1月31日,
    31 Jan 2020, Jan 31, 2020, 31/01/2020 where it can mean one day only, RFC 2822, 20200131, and seconds,
    milliseconds or microseconds since 1970.
    """
    try:
        if isinstance(cell, datetime):
            return _to_utc(cell, zone)
        if isinstance(cell, date):
            return _to_utc(datetime(cell.year, cell.month, cell.day), zone)
        if isinstance(cell, (int, float)) and not isinstance(cell, bool):
            return _from_epoch(float(cell)) if clean else Bad("is a number where a date is expected")
        if not isinstance(cell, str):
            return Bad("is not a date")
        return _parse_text(cell.strip(), zone, formats, clean=clean)
    except (ValueError, OverflowError):
        return Bad("is not a date that exists")


def _parse_text(text: str, zone: tzinfo, formats: Sequence[str], *, clean: bool) -> Any:
    for pattern in formats:
        try:
            return _to_utc(datetime.strptime(text, pattern), zone)
        except ValueError:
            continue
    if len(text) >= 10 and text[4] == "-" and text.isascii():
        try:
            return _to_utc(datetime.fromisoformat(text), zone)
        except ValueError:
            pass  # 2020-1-31 is no ISO but clear enough
    if not clean:
        return Bad("is not an ISO date")
    text = unicodedata.normalize("NFKC", text)
    found = _spelled_out(text)
    if found is None or isinstance(found, Bad):
        return found or Bad("is not a date in a known spelling: map the column with a format")
    return Changed(_to_utc(found, zone), "dates")


def _spelled_out(text: str) -> datetime | Bad | None:
    if text.isascii() and re.fullmatch(r"\d{10}(\.\d+)?|\d{13}|\d{16}", text) is not None:
        return _from_epoch(float(text))
    if text.isascii() and re.fullmatch(r"\d{8}|\d{14}", text) is not None:
        return datetime.strptime(text, "%Y%m%d" if len(text) == 8 else "%Y%m%d%H%M%S")
    if (found := _YEAR_FIRST.fullmatch(text)) is not None:
        return _build(found[1], found[2], found[3], found.groups()[3:])
    if (found := _YEAR_LAST.fullmatch(text)) is not None:
        first, second = int(found[1]), int(found[3])
        if first <= 12 and second <= 12 and first != second:
            return Bad(_AMBIGUOUS)
        day, month = (first, second) if first > 12 or first == second else (second, first)
        return _build(found[4], month, day, found.groups()[4:])
    if (found := _DAY_MONTH.fullmatch(text)) is not None:
        return _build(found[3], _month(found[2]), found[1], found.groups()[3:])
    if (found := _MONTH_DAY.fullmatch(text)) is not None:
        return _build(found[3], _month(found[1]), found[2], found.groups()[3:])
    if re.match(r"[A-Z][a-z]{2}, \d", text) is not None:
        return parsedate_to_datetime(text)
    return None


def _month(name: str) -> int:
    return _MONTHS.index(name[:3].lower()) + 1


def _build(year: str, month: str | int, day: str | int, clock: Sequence[str | None]) -> datetime:
    hour, minute, second, fraction, half = clock
    hours = int(hour or 0)
    if half is not None:
        if not 1 <= hours <= 12:
            raise ValueError("no such hour")
        hours = hours % 12 + (12 if half.lower() == "pm" else 0)
    micros = int((fraction or "0").ljust(6, "0"))
    return datetime(int(year), int(month), int(day), hours, int(minute or 0), int(second or 0), micros)


def _from_epoch(number: float) -> datetime | Bad:
    """Seconds, milliseconds or microseconds since 1970, told apart by size (1973 to 5138 in each)."""
    for limit, per_second in ((1e11, 1), (1e14, 1000), (1e17, 1_000_000)):
        if limit / 1000 <= number < limit:
            return _EPOCH + timedelta(microseconds=round(number * (1_000_000 // per_second)))
    return Bad("is a number that is no time since 1970")


def _to_utc(time: datetime, zone: tzinfo) -> datetime:
    # Through the zone and back: what a zone cannot reach (year 1, year 9999) raises OverflowError.
    return (time.replace(tzinfo=zone) if time.tzinfo is None else time).astimezone(UTC)
