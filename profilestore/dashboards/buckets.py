"""What panels group by: values of a field, times, ranges, conditions."""

from __future__ import annotations

from typing import Literal, Self, TypeAlias

from pydantic import Field, model_validator

from profilestore.dashboards.conditions import Condition, Part

__all__ = ["Buckets", "DateHistogram", "Filters", "Labelled", "Ranges", "Span", "Terms"]


class Terms(Part):
    """The values of a field.

    Attributes:
        limit: how many of them at most.
        order: by the panel's first measure, the largest first; or by the value itself.
        missing: what those without a value are called; None leaves them out.
    """

    kind: Literal["terms"] = "terms"
    label: str
    field: str
    limit: int = Field(default=10, ge=1, le=1000)
    order: Literal["measure", "ascending", "descending"] = "measure"
    missing: str | None = None


class DateHistogram(Part):
    """Days, weeks (from Monday), months or years in the shop's time zone."""

    kind: Literal["date_histogram"] = "date_histogram"
    label: str
    field: str
    interval: Literal["1d", "1w", "1M", "1y"]


class Span(Part):
    """From `gte` on, below `lt`: Elasticsearch counts the lower border in and the upper one out."""

    label: str
    gte: float | None = None
    lt: float | None = None


class Ranges(Part):
    """Ranges of a number, in this order."""

    kind: Literal["ranges"] = "ranges"
    label: str
    field: str
    spans: tuple[Span, ...] = Field(min_length=1)


class Labelled(Part):
    """A condition with the name that it is shown by."""

    label: str
    condition: Condition


class Filters(Part):
    """Conditions with names, in this order; a document may meet several. The way to words in two languages for
    values that are known beforehand.

    `keep_empty`: the preview shows also those that nothing meets, as for the steps of a funnel.
    """

    kind: Literal["filters"] = "filters"
    label: str
    filters: tuple[Labelled, ...] = Field(min_length=1)
    keep_empty: bool = False

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if len({each.label for each in self.filters}) != len(self.filters):
            raise ValueError("two filters have one name")
        return self


Buckets: TypeAlias = Terms | DateHistogram | Ranges | Filters
