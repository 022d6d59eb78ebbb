"""Where users claim and redeem coupons: what both work with, and the events they leave."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from profilestore.campaigns.coupons.issuing import Documents, Issuing
from profilestore.documents import Event
from profilestore.elastic.coupon_index import CouponIndex
from profilestore.indexing.counts import LoadCounts

__all__ = ["CouponCounter", "coupon_event"]

_LONGEST_BYTES: Final = 512


@dataclass(frozen=True, slots=True)
class CouponCounter:
    """What claims and redemptions of one shop work with.

    Attributes:
        index: the coupons.
        campaigns: campaigns and assignments.
        issuing: gives coupons, and finishes what a killed process began.
        record: an event in the log and in its user's profile.
    """

    index: CouponIndex
    campaigns: Documents
    issuing: Issuing
    record: Callable[[Event], LoadCounts]


def coupon_event(
    kind: Literal["coupon_claim", "coupon_redeem"],
    campaign: str,
    user_id: str,
    *,
    time: datetime,
    order_id: str | None = None,
) -> Event:
    """The event of a claim or redemption. Its id follows from campaign and user: there is one, however often it is
    recorded."""
    id = f"{kind}:{campaign}:{user_id}"
    if len(id.encode(errors="surrogatepass")) > _LONGEST_BYTES:
        id = f"{kind}:{campaign}:{hashlib.sha256(user_id.encode(errors='surrogatepass')).hexdigest()}"
    return Event(event_id=id, user_id=user_id, type=kind, time=time, campaign=campaign, order_id=order_id)
