"""Made participants of a campaign and what they did, for tests of its report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from profilestore.campaigns.report.outcomes import Outcomes
from profilestore.campaigns.report.participants import GROUP_FIELDS, Participants
from profilestore.campaigns.report.terms import CampaignTerms

STARTS = datetime(2026, 3, 1, tzinfo=UTC)
AFTER = STARTS + timedelta(days=30)


def terms(**changed: Any) -> CampaignTerms:
    """A campaign of two weeks."""
    made = CampaignTerms(name="spring", starts=STARTS, ends=STARTS + timedelta(days=14), offer="coupon")
    return replace(made, **changed)


def people(treated: Sequence[bool], **groups: Sequence[str]) -> Participants:
    """Participants u0, u1, … with these arms and groups; everybody in treatment was reached."""
    arm = np.array(treated, dtype=bool)
    count = arm.size
    named = {name: np.array(groups.get(name, [""] * count), dtype=object) for name in GROUP_FIELDS}
    return Participants(
        user_ids=tuple(f"u{n}" for n in range(count)), treated=arm, reached=arm.copy(),
        coded=np.zeros(count, dtype=bool), withheld=np.full(count, "", dtype=object),
        opted_out=np.zeros(count, dtype=bool), groups=named, purchase_30d=np.full(count, np.nan),
    )  # fmt: skip


def outcomes(revenue: Sequence[float], **changed: Any) -> Outcomes:
    """Who has revenue bought once, on the first day; nothing is known from before, unless `changed` says it."""
    money = np.array(revenue, dtype=np.float64)
    bought, none = money > 0.0, np.zeros(money.size, dtype=bool)
    made = Outcomes(
        bought=bought, orders=bought.astype(np.int64), revenue=money, first_day=np.where(bought, 0, -1), opened=none,
        clicked=none, claimed=none, redeemed=none, discounts=np.zeros(money.size), netted=np.zeros(money.size),
        order_users=np.flatnonzero(bought), order_days=np.zeros(int(bought.sum()), dtype=np.int64),
        order_amounts=money[bought], spent_before=np.zeros(money.size),
        orders_before=np.zeros(money.size, dtype=np.int64), recency_days=np.full(money.size, np.inf),
    )  # fmt: skip
    return replace(made, **changed)


def shares(*arms: tuple[bool, int, int]) -> tuple[list[bool], list[float]]:
    """Arms and revenue of users: (treated, users, of whom bought for 10.0) each."""
    treated: list[bool] = []
    revenue: list[float] = []
    for arm, users, bought in arms:
        treated += [arm] * users
        revenue += [10.0] * bought + [0.0] * (users - bought)
    return treated, revenue
