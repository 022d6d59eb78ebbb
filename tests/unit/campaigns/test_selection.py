"""Who is in a campaign and in which arm: stable, fair, and never more than the budget pays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from profilestore.campaigns.running.campaign_file import campaign_of
from profilestore.campaigns.running.selection import Selection, select
from profilestore.elastic.member_pages import Member

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def members(n: int, **fields: Any) -> list[Member]:
    return [Member(f"u{number:06d}", fields, number % 10 == 0) for number in range(n)]


def chosen(rows: Sequence[Member], used_up: Sequence[str] = (), **given: Any) -> Selection:
    made = campaign_of(
        {"name": "spring", "audience": "all", "ends": NOW + timedelta(days=15), "budget": 1000.0,
         "offer": {"kind": "message"}, **given},
        time_zone="UTC",
    )  # fmt: skip
    return select(made, rows, used_up=iter(used_up), contact_at=NOW)


def arms(found: Selection) -> dict[str, bool]:
    return dict(zip(found.user_ids, found.treated.tolist(), strict=True))


def test_a_lot_is_the_users_own_whoever_else_is_in() -> None:
    whole = arms(chosen(members(2000), control_share=0.3))
    part = arms(chosen(members(2000)[500:900], control_share=0.3))
    assert part == {user: treated for user, treated in whole.items() if user in part}
    assert 520 <= list(whole.values()).count(False) <= 680
    other = arms(chosen(members(2000), control_share=0.3, name="summer"))
    assert 0.5 < np.mean([whole[user] == other[user] for user in whole]) < 0.66  # 0.58 of independent lots


def test_the_budget_keeps_the_shares_and_says_who_is_left_out() -> None:
    rows = members(5000)
    found = chosen(rows, control_share=0.2, cost_per_contact=2.0)
    assert found.treatment == 500
    assert len(found.user_ids) + found.over_budget == 5000
    assert 90 <= found.control <= 165  # a fifth of all who are in, as without a budget
    whole = arms(chosen(rows, control_share=0.2))
    assert all(whole[user] == treated for user, treated in arms(found).items())
    assert found.user_ids == sorted(found.user_ids)
    # More money adds users and takes none out.
    wider = arms(chosen(rows, control_share=0.2, cost_per_contact=1.0))
    assert wider.keys() > set(found.user_ids)


def test_who_stays_out_for_the_budget_has_nothing_to_do_with_the_arm() -> None:
    rows = members(20_000)
    found = arms(chosen(rows, control_share=0.5, cost_per_contact=0.2))
    whole = arms(chosen(rows, control_share=0.5))
    kept = [user in found for user in whole]
    treated = list(whole.values())
    assert abs(np.corrcoef(kept, treated)[0, 1]) < 0.03


def test_contacts_that_are_used_up_are_left_out_of_both_arms() -> None:
    rows = members(100)
    done = ["a", "u000003", "u000003", "u000050", "u000099", "z"]
    found = chosen(rows, used_up=done, control_share=0.5)
    assert found.used_up == 3 and len(found.user_ids) == 97
    assert not {"u000003", "u000050", "u000099"} & set(found.user_ids)


def test_ids_too_long_to_stand_beside_the_name_are_counted() -> None:
    rows = [Member("u" * 480, {}, False), Member("u" * 506, {}, False), Member("汉" * 164, {}, False)]
    found = chosen(rows)
    assert (len(found.user_ids), found.unwritable) == (2, 1)
    assert chosen(rows, name="a long name").unwritable == 1
    assert chosen(rows, name="a" * 100).unwritable == 3
    # Fewer characters than stand in the id of a contact, and more bytes.
    assert chosen([Member("u" * 490, {}, False), Member("u" * 466, {}, False)], name="汉" * 15).unwritable == 1


@pytest.mark.parametrize(("chance", "expected"), [(0.0, 0.0), (0.36, 0.2), (1.0, 1.0)])
def test_likely_in_the_period(chance: float, expected: float) -> None:
    found = chosen(members(3, purchase_30d=chance))  # half of 30 days
    assert found.likely == pytest.approx([expected] * 3)
    assert np.isnan(chosen(members(3)).likely).all()


def test_who_bought_in_as_many_days_before() -> None:
    assert chosen(members(2, last_purchase="2026-11-09T12:00:00Z")).bought_before.all()
    assert not chosen(members(2, last_purchase="2026-11-08T11:00:00Z")).bought_before.any()
    assert not chosen(members(2)).bought_before.any()


def test_nobody() -> None:
    found = chosen([])
    assert (found.treatment, found.control, found.over_budget) == (0, 0, 0)


def test_a_period_longer_than_the_years_before_it() -> None:
    found = chosen(members(10, last_purchase="2026-11-01T00:00:00+00:00"), ends=datetime(5000, 1, 1, tzinfo=UTC))
    assert found.bought_before.all()
