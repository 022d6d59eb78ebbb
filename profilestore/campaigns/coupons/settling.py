"""Make coupons and assignments agree where processes were killed between two writes."""

from __future__ import annotations

from dataclasses import dataclass

from profilestore.campaigns.coupons.issuing import Documents, Issuing
from profilestore.documents import assignment_id
from profilestore.elastic.coupon_index import CouponIndex, without_holder

__all__ = ["Settled", "settle"]


@dataclass(frozen=True, slots=True)
class Settled:
    """How many users were told the code of the coupon they had, and how many coupons named users that are forgotten."""

    finished: int
    released: int


def settle(campaign: str, *, index: CouponIndex, assignments: Documents, issuing: Issuing) -> Settled:
    """See `Coupons.settle`."""
    finished = released = 0
    for page in index.given(campaign):
        holders = {str(coupon.source["user_id"]): coupon for coupon in page}
        ids = {assignment_id(campaign, user_id): user_id for user_id in holders}
        places = assignments.read(list(ids))
        gone = [holders[user_id] for id, user_id in ids.items() if id not in places]
        released += sum(
            done is not None for done in index.write([(each, without_holder(each.source)) for each in gone])
        )
        untold = [ids[id] for id, place in places.items() if place.source.get("code") is None]
        finished += sum(code is not None for code in issuing.issue(campaign, untold).values())
    return Settled(finished, released)
