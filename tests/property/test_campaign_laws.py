"""Laws of campaigns: money is never overspent, lots are the users' own, and quiet hours are quiet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from profilestore.campaigns.running.definition import CampaignDefinition, OfferDefinition, exact
from profilestore.campaigns.running.quiet_hours import QuietHours
from profilestore.campaigns.running.selection import is_control, select
from profilestore.elastic.member_pages import Member

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ZONES = ("UTC", "Europe/London", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
MONEY = st.decimals(min_value="0.001", max_value="50", places=3).map(float)
USERS = st.sets(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=5), max_size=60)


@given(budget=MONEY, contact=MONEY | st.just(0.0), value=MONEY, share=st.floats(0, 0.95), users=USERS, done=USERS)
def test_never_more_than_the_budget_pays(
    budget: float, contact: float, value: float, share: float, users: set[str], done: set[str]
) -> None:
    made = CampaignDefinition(
        name="law", audience="all", ends=NOW + timedelta(days=9), budget=budget, cost_per_contact=contact,
        control_share=share, offer=OfferDefinition(kind="coupon", value=value, code="A"),
    )  # fmt: skip
    found = select(
        made, [Member(user, {}, False) for user in sorted(users)], used_up=iter(sorted(done)), contact_at=NOW
    )
    assert found.treatment * (exact(contact) + exact(value)) <= exact(budget)
    left = users - done
    assert set(found.user_ids) <= left and found.user_ids == sorted(found.user_ids)
    assert found.used_up == len(users & done)
    assert len(found.user_ids) + found.over_budget == len(left)
    arms = dict(zip(found.user_ids, found.treated.tolist(), strict=True))
    assert all(treated != is_control(made, user) for user, treated in arms.items())
    # Nobody is left out who could be paid.
    unpaid = left - set(found.user_ids)
    if len(unpaid) > 0:
        assert (found.treatment + 1) * (exact(contact) + exact(value)) > exact(budget)
    assert isinstance(made.unit_cost, Fraction)


@given(
    begins=st.integers(0, 1439), length=st.integers(1, 1439), zone=st.sampled_from(ZONES),
    moment=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),
)  # fmt: skip
def test_the_next_open_moment_is_the_first(begins: int, length: int, zone: str, moment: datetime) -> None:
    clocks = [f"{minute // 60:02d}:{minute % 60:02d}" for minute in (begins, (begins + length) % 1440)]
    hours, place = QuietHours.parse("-".join(clocks)), ZoneInfo(zone)
    asked = moment.replace(tzinfo=UTC)
    found = hours.next_open(asked, zone=place)
    assert found >= asked and not hours.covers(found.astimezone(place).time())
    step = asked
    while step < found:  # all before it is quiet
        assert hours.covers(step.astimezone(place).time())
        step = min(found, step + timedelta(minutes=7))
