"""Coupons, one document each: of a pool of codes, or so many of one code. There are no more than the budget pays."""

from __future__ import annotations

from datetime import datetime

from profilestore.documents.base import Document

__all__ = ["CouponDocument", "coupon_id"]


class CouponDocument(Document):
    """One coupon (`_id` `CAMPAIGN:NUMBER`). Free while `user_id` is missing; never given back once a user has it.

    An assignment names its coupon before the coupon names its user, so that no user can come to hold two. `value` is
    what it costs the shop at most, in the shop's currency. `product_ids` are what an imported coupon was good for.
    """

    campaign: str
    number: int
    code: str
    value: float | None = None
    user_id: str | None = None
    issued_at: datetime | None = None
    product_ids: list[str] | None = None


def coupon_id(campaign: str, number: int) -> str:
    """The `_id` of a campaign's coupon; numbers count from 0."""
    return f"{campaign}:{number:09d}"
