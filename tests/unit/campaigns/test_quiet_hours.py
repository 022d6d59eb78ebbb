"""Quiet hours on the shop's clock: over midnight, and when the clock is changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from profilestore.campaigns.running.campaign_file import campaign_of
from profilestore.campaigns.running.quiet_hours import QuietHours, minute_of, week_of
from profilestore.campaigns.running.timing import timing_of
from profilestore.errors import UsageError

LONDON, SHANGHAI, NEW_YORK = ZoneInfo("Europe/London"), ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")


def local(text: str, zone: ZoneInfo, *, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("hours", "asked", "opened"),
    [
        ("21:00-08:00", "2026-11-23T20:59:59", "2026-11-23T20:59:59"),
        ("21:00-08:00", "2026-11-23T21:00", "2026-11-24T08:00"),
        ("21:00-08:00", "2026-11-24T00:30", "2026-11-24T08:00"),
        ("21:00-08:00", "2026-11-24T07:59:59", "2026-11-24T08:00"),
        ("21:00-08:00", "2026-11-24T08:00", "2026-11-24T08:00"),
        ("12:00-14:30", "2026-11-24T13:10", "2026-11-24T14:30"),
        ("12:00-14:30", "2026-11-24T23:10", "2026-11-24T23:10"),
        ("22:00-00:00", "2026-11-24T22:10", "2026-11-25T00:00"),
        ("21:00-08:00", "2026-12-31T23:00", "2027-01-01T08:00"),
    ],
)
def test_the_first_moment_that_is_not_quiet(hours: str, asked: str, opened: str) -> None:
    for zone in (LONDON, SHANGHAI):
        found = QuietHours.parse(hours).next_open(local(asked, zone), zone=zone)
        assert found == local(opened, zone) and found.tzinfo is UTC


def test_what_the_clock_shows_counts_when_it_is_changed() -> None:
    night = QuietHours.parse("21:00-08:00")
    # Put forward on 29 March 2026: the night has nine hours on the clock, and eight pass.
    begins = local("2026-03-28T23:00", LONDON)
    assert night.next_open(begins, zone=LONDON) - begins == timedelta(hours=8)
    # Put back on 25 October 2026: ten pass.
    begins = local("2026-10-24T23:00", LONDON)
    assert night.next_open(begins, zone=LONDON) - begins == timedelta(hours=10)
    # Hours that end within the hour that is left out end as the clock jumps from 2:00 to 3:00.
    short = QuietHours.parse("01:00-02:30")
    found = short.next_open(local("2026-03-08T01:30", NEW_YORK), zone=NEW_YORK)
    assert found == local("2026-03-08T03:00", NEW_YORK)
    # The hour that is there twice is quiet twice.
    twice = QuietHours.parse("00:00-01:30")
    assert twice.next_open(local("2026-11-01T01:40", NEW_YORK), zone=NEW_YORK) == local("2026-11-01T01:40", NEW_YORK)
    second = local("2026-11-01T01:10", NEW_YORK, fold=1)
    assert twice.next_open(second, zone=NEW_YORK) == local("2026-11-01T01:30", NEW_YORK, fold=1)


def test_minutes_are_those_that_are_covered() -> None:
    for text in ("21:00-08:00", "12:00-14:30", "22:00-00:00", "00:00-06:00", "23:59-00:01"):
        hours = QuietHours.parse(text)
        held = {minute for each in hours.minutes() for minute in range(each["gte"], each["lt"])}
        midnight = datetime(2026, 1, 1)
        clocks = [(midnight + timedelta(minutes=minute)).time() for minute in range(24 * 60)]
        assert held == {minute_of(clock) for clock in clocks if hours.covers(clock)}
        assert QuietHours.parse(str(hours)) == hours


@pytest.mark.parametrize("text", ["", "21-8", "21:00", "24:00-08:00", "21:60-08:00", "21:00-21:00", "9:00-10:00"])
def test_what_cannot_be_read(text: str) -> None:
    with pytest.raises(UsageError):
        QuietHours.parse(text)


def test_weeks_are_those_of_the_shop() -> None:
    sunday_night = datetime(2026, 11, 22, 20, tzinfo=UTC)
    assert week_of(sunday_night, zone=LONDON) == "2026-W47"
    assert week_of(sunday_night, zone=SHANGHAI) == "2026-W48"
    assert week_of(datetime(2027, 1, 2, tzinfo=UTC), zone=LONDON) == "2026-W53"


def test_contacts_wait_for_the_end_of_quiet_hours_or_the_campaign_is_refused() -> None:
    given = {"name": "a", "audience": "b", "budget": 1.0, "offer": {"kind": "message"}, "quiet_hours": "21:00-08:00"}
    now = local("2026-11-29T22:00", SHANGHAI)
    whole = campaign_of({**given, "ends": "2026-11-30"}, time_zone="Asia/Shanghai")
    timing = timing_of(whole, now=now, time_zone="Asia/Shanghai")
    assert timing.contact_at == local("2026-11-30T08:00", SHANGHAI)
    assert timing.week == "2026-W49"  # of the contact, not of the start
    short = campaign_of({**given, "ends": "2026-11-30T07:00"}, time_zone="Asia/Shanghai")
    with pytest.raises(UsageError, match="before its quiet hours"):
        timing_of(short, now=now, time_zone="Asia/Shanghai")
