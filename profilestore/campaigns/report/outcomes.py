"""What users did in a campaign's period, and before it, as arrays beside its participants."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from profilestore.campaigns.report.campaign_log import ACT_TYPES, LOOKED_BACK_DAYS, CampaignActs, CampaignLog
from profilestore.insight.history import DAY_S

__all__ = ["Outcomes", "outcomes_of"]

_CODE: Final = {type: code for code, type in enumerate(ACT_TYPES)}

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Outcomes:
    """Of n users, what counts of one campaign; (n,) each unless it says otherwise.

    In the period, [starts, counted until):

    Attributes:
        bought: has an order of which something is left after refunds.
        orders: how many such.
        revenue: what they paid, less refunds known by now, in the shop's currency.
        first_day: whole days from the start to the first order, -1 without any.
        opened, clicked, claimed, redeemed: did so with this campaign.
        discounts: what their redemptions cost as the log says it; NaN of who redeemed and it does not say.
        netted: as much of `discounts` as `revenue` has been lowered by already (discounts of the lines bought).
        order_users, order_days, order_amounts: (orders in all,) rows of users, whole days from the start, net money.

    Before the start (a year back, and nothing that became known later):
        spent_before, orders_before: net of refunds made before the start.
        recency_days: since the last order; infinite without any.
    """

    bought: Bools
    orders: Ints
    revenue: Floats
    first_day: Ints
    opened: Bools
    clicked: Bools
    claimed: Bools
    redeemed: Bools
    discounts: Floats
    netted: Floats
    order_users: Ints
    order_days: Ints
    order_amounts: Floats
    spent_before: Floats
    orders_before: Ints
    recency_days: Floats

    def __len__(self) -> int:
        return int(self.bought.size)


def outcomes_of(
    log: CampaignLog,
    *,
    campaign: str,
    starts: datetime,
    until: datetime,
    looked_back_days: int = LOOKED_BACK_DAYS,
) -> Outcomes:
    """What the log's users did from `starts` up to `until`, and before `starts`; rows as `log.user_ids`."""
    count = len(log.user_ids)
    begin, end = starts.timestamp(), until.timestamp()
    row_of = {user_id: row for row, user_id in enumerate(log.user_ids)}
    rows = np.array([row_of[user_id] for user_id in log.trades.user_ids], dtype=np.int64)
    within = log.trades.orders.between(begin, end)
    users = rows[within.users]
    days = np.floor((within.times - begin) / DAY_S).astype(np.int64)
    first = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(first, users, days)
    orders = np.bincount(users, minlength=count).astype(np.int64)
    known = log.trades.before(begin).orders.between((starts - timedelta(days=looked_back_days)).timestamp(), begin)
    earlier = rows[known.users]
    last = np.full(count, -np.inf)
    np.maximum.at(last, earlier, known.times)
    acts = _Acts(log.acts, campaign, begin, end, count)
    discounts, netted = acts.discounts()
    return Outcomes(
        bought=orders > 0,
        orders=orders,
        revenue=_sums(users, within.amounts, count),
        first_day=np.where(orders > 0, first, -1),
        opened=acts.did("open"),
        clicked=acts.did("click", "view"),
        claimed=acts.did("coupon_claim"),
        redeemed=acts.did("coupon_redeem"),
        discounts=discounts,
        netted=netted,
        order_users=users,
        order_days=days,
        order_amounts=within.amounts,
        spent_before=_sums(earlier, known.amounts, count),
        orders_before=np.bincount(earlier, minlength=count).astype(np.int64),
        recency_days=(begin - last) / DAY_S,
    )


def _sums(users: Ints, amounts: Floats, count: int) -> Floats:
    return np.bincount(users, weights=amounts, minlength=count).astype(np.float64)


class _Acts:
    """The acts with one campaign in its period, and the lines of the orders in which its coupons were used."""

    def __init__(self, acts: CampaignActs, campaign: str, begin: float, end: float, count: int) -> None:
        number = acts.names.index(campaign) if campaign in acts.names else -2
        within = (acts.times >= begin) & (acts.times < end)
        own = within & (acts.campaigns == number)
        redeemed = own & (acts.types == _CODE["coupon_redeem"]) & (acts.orders != 0)
        # An order id is a user's own: mixed with the user, two of 64 bits do not meet by chance.
        orders = acts.orders ^ (acts.users.astype(np.int64) << 32)
        kept = np.flatnonzero(own | (within & (acts.campaigns == -1) & np.isin(orders, orders[redeemed])))
        self._users, self._types = acts.users[kept].astype(np.int64), acts.types[kept]
        self._discounts, self._count = acts.discounts[kept], count

    def _of(self, *types: str) -> NDArray[np.bool_]:
        return np.isin(self._types, [_CODE[type] for type in types])

    def did(self, *types: str) -> Bools:
        done = np.zeros(self._count, dtype=bool)
        done[self._users[self._of(*types)]] = True
        return done

    def discounts(self) -> tuple[Floats, Floats]:
        """What redemptions cost by user, and how much of it the revenue has in it.

        The lines bought with the campaign, or in the order of the redemption, say it best; else the act of redeeming
        does.
        """
        told = ~np.isnan(self._discounts)
        lines, redeems = self._of("purchase") & told, self._of("coupon_redeem") & told
        netted = _sums(self._users[lines], self._discounts[lines], self._count)
        said = _sums(self._users[redeems], self._discounts[redeems], self._count)
        spoke = np.zeros(self._count, dtype=bool)
        spoke[self._users[lines | redeems]] = True
        unknown = self.did("coupon_redeem") & ~spoke
        return np.where(netted > 0.0, netted, np.where(unknown, np.nan, said)), netted
