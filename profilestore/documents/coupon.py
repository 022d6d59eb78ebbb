"""Coupons, one document each: of a pool of codes, or so many of one code. There are no more than the budget pays."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Literal

from profilestore.documents.base import Document

__all__ = ["CouponDocument", "code_id", "coupon_id", "pool_id"]


class CouponDocument(Document):
    """One coupon, the record of a campaign's pool of them, or which campaign has a code that is one for all.

    `kind` says which:

    - `coupon` (`_id` `CAMPAIGN:NUMBER`): free while `user_id` is missing; never given back once a user has it. An
      assignment names its coupon before the coupon names its user, so that no user can come to hold two. `value` is
      what it costs the shop at most, in the shop's currency. `forgotten`: who had it is forgotten; it stays given,
      so that no code is given twice and the budget holds. `product_ids` are what an imported coupon was good for.
    - `pool` (`_id` `CAMPAIGN:pool`): how many coupons there are (`size`), the one `code` if all have the same, and
      `digest`, the SHA-256 of all codes in their order. Written before the first of them, so that whoever goes on
      with a pool that was begun makes the same coupons and no others. Imported coupons have none.
    - `code` (`_id` `code:SHA256`): the campaign whose coupons all have this `code`. Written before its pool, so that of
      two campaigns that are started at once with one code one has it.
    """

    kind: Literal["coupon", "pool", "code"] = "coupon"
    campaign: str
    number: int | None = None
    code: str | None = None
    value: float | None = None
    # of a coupon
    user_id: str | None = None
    issued_at: datetime | None = None
    forgotten: bool | None = None
    product_ids: list[str] | None = None
    # of a pool
    size: int | None = None
    digest: str | None = None


def coupon_id(campaign: str, number: int) -> str:
    """The `_id` of a campaign's coupon; numbers count from 0."""
    return f"{campaign}:{number:09d}"


def pool_id(campaign: str) -> str:
    """The `_id` of the record of a campaign's pool; no number reads like it."""
    return f"{campaign}:pool"


def code_id(code: str) -> str:
    """The `_id` of the record of who has a code that is one for all; no number reads like it, and no pool."""
    return f"code:{hashlib.sha256(code.encode()).hexdigest()}"
