"""What counts of a campaign: its period and no more, refunds, discounts, arms as drawn; nothing before sees later."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from campaign_arms import STARTS

from profilestore.campaigns.report.campaign_log import CampaignLog, CampaignLogBuilder
from profilestore.campaigns.report.outcomes import Outcomes, outcomes_of
from profilestore.campaigns.report.participants import participants_of
from profilestore.documents import Event

ENDS = STARTS + timedelta(days=14)
NOW = STARTS + timedelta(days=40)


def act(user: str, type: str, days: float, **fields: Any) -> Event:
    """An act so many days after the start."""
    if type in ("purchase", "refund", "click", "view"):
        fields.setdefault("product_id", "p")
    return Event(user_id=user, type=type, time=STARTS + timedelta(days=days), **fields)  # type: ignore[arg-type]  # tested


def log_of(events: list[Event], *, until: datetime = NOW, users: tuple[str, ...] = ("a", "b", "c")) -> CampaignLog:
    builder = CampaignLogBuilder(users, ["spring"])
    builder.add_product("p", {"price": 7.0})
    builder.add(events)
    return builder.build(until=until)


def counted(events: list[Event], **named: Any) -> Outcomes:
    return outcomes_of(log_of(events, **named), campaign="spring", starts=STARTS, until=ENDS)


def test_orders_of_the_period_count_from_its_start_and_not_from_its_end_on() -> None:
    found = counted([
        act("a", "purchase", 0.0, price=10.0, order_id="1"), act("a", "purchase", 13.9, price=20.0, order_id="2"),
        act("b", "purchase", -0.001, price=40.0), act("c", "purchase", 14.0, price=80.0),
        act("stranger", "purchase", 1.0, price=1000.0),
    ])  # fmt: skip
    assert found.bought.tolist() == [True, False, False]
    assert found.revenue.tolist() == [30.0, 0.0, 0.0]
    assert found.orders.tolist() == [2, 0, 0]
    assert found.first_day.tolist() == [0, -1, -1]
    assert sorted(found.order_days.tolist()) == [0, 13]


def test_lines_of_one_order_are_one_and_a_purchase_without_price_has_the_products() -> None:
    found = counted([
        act("a", "purchase", 1.0, quantity=2, price=5.0, discount=1.0, order_id="1"),
        act("a", "purchase", 1.0, product_id="q", price=3.0, order_id="1"), act("b", "purchase", 2.0, quantity=3),
    ])  # fmt: skip
    assert (found.orders.tolist(), found.revenue.tolist()) == ([1, 1, 0], [12.0, 21.0, 0.0])


def test_a_refund_takes_its_purchase_back_even_after_the_period_and_not_before_it_is_known() -> None:
    events = [act("a", "purchase", 3.0, price=10.0), act("a", "refund", 20.0, price=10.0)]
    assert counted(events).bought.tolist() == [False, False, False]
    then = counted(events, until=STARTS + timedelta(days=15))
    assert (then.bought.tolist(), then.revenue[0]) == ([True, False, False], 10.0)


def test_a_refund_of_what_was_bought_before_lowers_nothing_in_the_period() -> None:
    found = counted([
        act("a", "purchase", -5.0, price=10.0), act("a", "purchase", 3.0, product_id="q", price=4.0),
        act("a", "refund", 2.0, price=10.0),
    ])  # fmt: skip
    assert found.revenue[0] == 4.0


def test_what_was_known_before_sees_nothing_later() -> None:
    before = [
        act("a", "purchase", -10.0, price=10.0), act("a", "purchase", -5.0, product_id="q", price=6.0),
        act("a", "refund", -1.0, product_id="q", price=6.0), act("b", "purchase", -400.0, price=99.0),
    ]  # fmt: skip
    later = [
        act("a", "refund", 0.5, price=10.0), act("a", "purchase", 1.0, price=500.0),
        act("b", "purchase", 2.0, price=5.0),
    ]  # fmt: skip
    known, seen = counted(before), counted(before + later)
    for name in ("spent_before", "orders_before", "recency_days"):
        assert getattr(seen, name).tolist() == getattr(known, name).tolist(), name
    assert known.spent_before.tolist() == [10.0, 0.0, 0.0]
    assert known.orders_before.tolist() == [1, 0, 0]
    assert known.recency_days.tolist() == [10.0, np.inf, np.inf]


def test_only_acts_with_this_campaign_in_its_period_are_responses() -> None:
    found = counted([
        act("a", "open", 1.0, campaign="spring"), act("a", "click", 1.0, campaign="spring"),
        act("b", "open", 1.0, campaign="autumn"), act("b", "view", 1.0),
        act("b", "coupon_claim", 15.0, campaign="spring"),
        act("c", "view", 2.0, campaign="spring"), act("c", "coupon_claim", 2.0, campaign="spring"),
        act("c", "coupon_redeem", 3.0, campaign="spring"),
    ])  # fmt: skip
    assert found.opened.tolist() == [True, False, False]
    assert found.clicked.tolist() == [True, False, True]
    assert found.claimed.tolist() == [False, False, True]
    assert found.redeemed.tolist() == [False, False, True]


def test_what_a_redemption_cost_is_told_by_the_lines_else_by_the_act_else_unknown() -> None:
    found = counted([
        act("a", "coupon_redeem", 1.0, campaign="spring", discount=9.0),
        act("a", "purchase", 1.0, price=50.0, discount=5.0, campaign="spring", order_id="1"),
        act("a", "purchase", 1.0, product_id="q", price=20.0, discount=2.0, campaign="spring", order_id="1"),
        act("b", "coupon_redeem", 1.0, campaign="spring", discount=4.0), act("b", "purchase", 1.0, price=30.0),
        act("c", "coupon_redeem", 1.0, campaign="spring"), act("c", "purchase", 1.0, price=30.0, discount=3.0),
    ])  # fmt: skip
    assert found.discounts[:2].tolist() == [7.0, 4.0]
    assert np.isnan(found.discounts[2])
    assert found.netted.tolist() == [7.0, 0.0, 0.0]
    assert found.revenue.tolist() == [63.0, 30.0, 27.0]


def test_no_line_costs_more_than_its_price_however_much_its_coupon_was_worth() -> None:
    found = counted([
        act("a", "purchase", 1.0, price=3.0, quantity=2, discount=10.0, campaign="spring", order_id="1"),
        act("b", "coupon_redeem", 1.0, campaign="spring", order_id="2"),
        act("b", "purchase", 1.0, price=4.0, discount=10.0, order_id="2"),
    ])  # fmt: skip
    assert found.revenue.tolist() == [0.0, 0.0, 0.0]
    assert found.netted.tolist() == found.discounts.tolist() == [6.0, 4.0, 0.0]


def test_a_redemption_costs_what_the_lines_of_its_order_say_though_they_name_no_campaign() -> None:
    found = counted([
        act("a", "coupon_redeem", 1.0, campaign="spring", order_id="1"),
        act("a", "purchase", 1.0, price=50.0, discount=5.0, order_id="1"),
        act("a", "purchase", 1.0, product_id="q", price=20.0, discount=1.0, order_id="1"),
        act("a", "purchase", 2.0, price=20.0, discount=2.0, order_id="2"),
        act("b", "purchase", 1.0, price=30.0, discount=3.0, order_id="1"),
        act("c", "coupon_redeem", 1.0, campaign="spring", order_id="3"),
        act("c", "purchase", 1.0, price=30.0, discount=4.0, order_id="3", campaign="autumn"),
    ])  # fmt: skip
    assert found.discounts[:2].tolist() == [6.0, 0.0]
    assert np.isnan(found.discounts[2])
    assert found.netted.tolist() == [6.0, 0.0, 0.0]
    assert found.redeemed.tolist() == [True, False, True]


def test_events_in_any_order_are_the_same_log() -> None:
    events = [
        act(user, type, day, price=float(10 + day), **({"campaign": "spring"} if day % 2 == 0 else {}))
        for user in "abc" for day in range(-6, 20, 3) for type in ("purchase", "refund", "purchase")
    ]  # fmt: skip
    first = counted(events)
    random.Random(4).shuffle(events)
    again = counted(events)
    for name in ("bought", "orders", "revenue", "discounts", "spent_before", "first_day"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))


def test_a_log_of_nobodys_acts_is_all_zeros() -> None:
    found = counted([])
    assert (len(found), found.bought.any(), found.revenue.sum()) == (3, False, 0.0)
    assert np.isinf(found.recency_days).all()


def assignment(user: str, arm: str = "treatment", **fields: Any) -> dict[str, Any]:
    return {"user_id": user, "arm": arm, "segment": "gifts", "purchase_30d": 0.25, **fields}


def test_participants_are_as_they_were_drawn_whoever_was_reached() -> None:
    later = (NOW + timedelta(hours=1)).isoformat()
    pages = [
        [assignment("a", contact_at=STARTS.isoformat(), code="X1"), assignment("b", withheld="cap"),
         assignment("c", contact_at=later)],
        [assignment("d", "control"), assignment("e", contact_at="2026-03-01T00:00:00.000Z"), {"user_id": "f"}],
    ]  # fmt: skip
    found = participants_of(pages, now=NOW, opted_out=frozenset("ad"))
    assert found.user_ids == ("a", "b", "c", "d", "e")
    assert found.treated.tolist() == [True, True, True, False, True]
    assert found.reached.tolist() == [True, False, False, False, True]
    assert found.coded.tolist() == [True, False, False, False, False]
    assert found.withheld.tolist() == ["", "cap", "", "", ""]
    assert found.opted_out.tolist() == [True, False, False, True, False]
    assert found.groups["segment"].tolist() == ["", "gifts", "gifts", "", "gifts"]
    assert np.isnan(found.purchase_30d).tolist() == [True, False, False, True, False]
    assert found.has_control


@pytest.mark.parametrize("arm", ["control", "treatment"])
def test_one_arm_alone(arm: str) -> None:
    found = participants_of([[assignment("a", arm)]], now=datetime(2026, 1, 1, tzinfo=UTC))
    assert found.has_control == (arm == "control")
