"""What panels count: the measures, and the units that they are shown in.

The words are those of Kibana's operations; README.md of the project's Kibana notes says which aggregation each is.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field, field_validator

from profilestore.dashboards.conditions import Condition, Part

__all__ = [
    "Average",
    "Count",
    "LastValue",
    "Maximum",
    "Measure",
    "Median",
    "Percentile",
    "Plain",
    "Ratio",
    "Sum",
    "UniqueCount",
    "Unit",
]


class Unit(Part):
    """How a number is shown: `share` of 1 as a percentage, else a number with `decimals`, and what it is of."""

    kind: Literal["number", "share", "text"] = "number"
    decimals: int = 0
    suffix: str = ""


class _Measured(Part):
    label: str
    unit: Unit = Unit()
    where: Condition | None = None


class Count(_Measured):
    """Documents."""

    operation: Literal["count"] = "count"


class UniqueCount(_Measured):
    """Distinct values of a field: as good as exact up to 40,000 as one number, up to 3,000 in each of several groups
    and always in Kibana, and within some percent beyond."""

    operation: Literal["unique_count"] = "unique_count"
    field: str


class Sum(_Measured):
    """The sum of a field."""

    operation: Literal["sum"] = "sum"
    field: str


class Average(_Measured):
    """The mean of a field, over the documents that have it."""

    operation: Literal["average"] = "average"
    field: str


class Maximum(_Measured):
    """The largest value of a field."""

    operation: Literal["max"] = "max"
    field: str


class Median(_Measured):
    """The median of a field (by t-digest: approximate in large groups)."""

    operation: Literal["median"] = "median"
    field: str


class Percentile(_Measured):
    """A percentile of a field (by t-digest), 0 to 100."""

    operation: Literal["percentile"] = "percentile"
    field: str
    percentile: float = Field(gt=0, lt=100)


class LastValue(_Measured):
    """The field's value in the latest document that has one."""

    operation: Literal["last_value"] = "last_value"
    field: str
    time_field: str
    many: bool = False


Plain: TypeAlias = Count | UniqueCount | Sum | Average


class Ratio(Part):
    """One measure divided by another; nothing where the divisor is 0. In Kibana a formula of the four functions
    that its formulas share with plain aggregations."""

    operation: Literal["ratio"] = "ratio"
    label: str
    unit: Unit = Unit(kind="share", decimals=1)
    above: Plain
    below: Plain

    @field_validator("above", "below")
    @classmethod
    def _no_unit_of_its_own(cls, value: Plain) -> Plain:
        if value.unit != Unit():
            raise ValueError("the unit is the ratio's")
        return value


Measure: TypeAlias = Count | UniqueCount | Sum | Average | Maximum | Median | Percentile | LastValue | Ratio
