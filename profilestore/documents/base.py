"""What all documents share: frozen, nothing unknown, ids of a form that Elasticsearch takes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

__all__ = ["Attributes", "Document", "Id", "Money", "Name", "Time", "to_utc"]


def to_utc(time: datetime) -> datetime:
    """A time without a zone is taken as UTC; readers that know the shop's zone set it before."""
    # A day from either end of what Python can tell, so that every zone has a name for the hour.
    if not 1 < time.year < 9999:
        raise ValueError("is not in the years 2 to 9998")
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _no_control_characters(text: str) -> str:
    if "\x00" in text:
        raise ValueError("holds a NUL character")
    return text


# Elasticsearch takes ids of up to 512 bytes.
def _fits_id(text: str) -> str:
    if len(text.encode("utf-8", errors="surrogatepass")) > 512:
        raise ValueError("is longer than 512 bytes")
    return _no_control_characters(text)


Id = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(_fits_id)]
# A keyword: Lucene refuses terms of more than 32,766 bytes, and nobody filters on longer than this.
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=1000),
    AfterValidator(_no_control_characters),
]
# Sums of what is bounded stay finite, and JSON knows no infinity.
Money = Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)]
Time = Annotated[datetime, AfterValidator(to_utc)]
# The shop's own fields, one level deep, as Elasticsearch's `flattened` takes them.
_Key = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_no_control_characters)]
_Value = Annotated[str, AfterValidator(_no_control_characters)]
_Whole = Annotated[int, Field(ge=-(2**63), lt=2**63)]
_Real = Annotated[float, Field(allow_inf_nan=False)]
Attributes = dict[_Key, _Value | _Whole | _Real | bool | list[_Value]]


class Document(BaseModel):
    """Base of all documents: frozen, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_source(self) -> dict[str, Any]:
        """The `_source` of this document: fields without a value are left out."""
        return self.model_dump(exclude_none=True)
