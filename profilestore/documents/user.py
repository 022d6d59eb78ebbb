"""A user as the shop knows them: static attributes, consent by channel, and whether to personalise."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from profilestore.documents.base import Attributes, Document, Id, Money, Name, Time

__all__ = ["USER_FIELDS", "User"]


class User(Document):
    """A row of user attributes. `time` is when it held; without one, the time of loading.

    `consent` lists the channels the user agreed to; absent means none. `personalisation` off means
    that no vector of this user is served to anybody.
    """

    user_id: Id
    time: Time | None = None
    age: Annotated[int, Field(ge=0, le=130)] | None = None
    gender: Literal["female", "male", "other"] | None = None
    occupation: Name | None = None
    education: Name | None = None
    income: Money | None = None
    income_band: Name | None = None
    city: Name | None = None
    province: Name | None = None
    country: Name | None = None
    member_tier: Name | None = None
    signup_date: date | None = None
    consent: list[Name] | None = None
    personalisation: Literal["on", "off"] | None = None
    attributes: Attributes | None = None

    def fields(self) -> dict[str, Any]:
        """What an `attributes` event carries of this row, as JSON values: given fields without id and time."""
        return self.model_dump(mode="json", exclude_none=True, exclude={"user_id", "time"})


USER_FIELDS: Final[tuple[str, ...]] = tuple(name for name in User.model_fields if name not in ("user_id", "time"))
