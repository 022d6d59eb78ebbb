"""An event: one act of a user at a time. The event log holds these documents and nothing else."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Final, Literal, Self, get_args

import orjson
from pydantic import Field, model_validator

from profilestore.documents.base import Attributes, Document, Id, Money, Name, Time
from profilestore.documents.user import User

__all__ = ["EVENT_TYPES", "PRODUCT_TYPES", "Event", "EventType", "content_id"]

EventType = Literal[
    "attributes", "view", "favorite", "unfavorite", "like", "share", "comment", "cart", "cart_remove",
    "coupon_claim", "coupon_redeem", "purchase", "refund", "rate", "review", "search", "impression", "click",
    "contact", "open",
]  # fmt: skip
EVENT_TYPES: Final[tuple[str, ...]] = get_args(EventType)
# Acts on a product; without one they would say nothing.
PRODUCT_TYPES: Final = frozenset(
    ("view", "favorite", "unfavorite", "like", "cart", "cart_remove", "purchase", "refund", "rate", "review",
     "impression", "click")
)  # fmt: skip


def content_id(content: dict[str, Any]) -> str:
    """A stable id from content: the first 128 bits of SHA-256 of its canonical JSON, as 32 hex digits.

    Equal content has the same id in every run, on every machine and from every file format, so that
    a repeated load finds the event already there.
    """
    canonical = orjson.dumps(content, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC)
    return hashlib.sha256(canonical).hexdigest()[:32]


class Event(Document):
    """One act of a user at a time. Without an `event_id` it gets the hash of its content.

    Units: `price` and `discount` in the shop's currency, `price` a piece and `discount` for the whole
    line; `dwell_s` in seconds; `rating` on the shop's scale. `purchase_time` of a refund is when its
    purchase was made. `user_fields` are those of `User` and stand in an `attributes` event only.
    """

    event_id: Id = ""
    user_id: Id
    type: EventType
    time: Time
    product_id: Id | None = None
    quantity: Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)] | None = None
    price: Money | None = None
    discount: Money | None = None
    rating: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] | None = None
    text: Annotated[str, Field(min_length=1, max_length=100_000)] | None = None
    dwell_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    session: Name | None = None
    channel: Name | None = None
    device: Name | None = None
    payment_method: Name | None = None
    campaign: Name | None = None
    order_id: Name | None = None
    purchase_time: Time | None = None
    method: Name | None = None
    position: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    request_id: Name | None = None
    experiment: Name | None = None
    user_fields: dict[str, Any] | None = None
    attributes: Attributes | None = None

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        if self.type in PRODUCT_TYPES and self.product_id is None:
            raise ValueError(f"a {self.type} event needs product_id")
        if self.type == "search" and self.text is None:
            raise ValueError("a search event needs text")
        if self.type == "rate" and self.rating is None:
            raise ValueError("a rate event needs rating")
        if (self.type == "attributes") != (self.user_fields is not None):
            raise ValueError("user_fields belong to an attributes event, and an attributes event needs them")
        if self.user_fields is not None:
            if "user_id" in self.user_fields or "time" in self.user_fields:
                raise ValueError("user_fields say neither whose they are nor since when: the event does")
            # An app may write anything here, and what a profile cannot hold must not stop the fold.
            object.__setattr__(self, "user_fields", User(user_id=self.user_id, **self.user_fields).fields())
        if self.event_id == "":
            # After validation, so that 2 and 2.0 or two spellings of one time are one content.
            object.__setattr__(self, "event_id", content_id(self.model_dump(exclude_none=True, exclude={"event_id"})))
        return self

    @property
    def amount(self) -> float:
        """What the line cost, in the shop's currency: price times quantity less the discount, at least 0."""
        if self.price is None:
            return 0.0
        return max(0.0, self.price * (1.0 if self.quantity is None else self.quantity) - (self.discount or 0.0))
