"""Panels and dashboards as frozen models, described once. From one definition come the document for Kibana
(`kibana.py`), the Elasticsearch aggregation (`bodies.py`) and the chart of the preview (`charts.py`)."""

from __future__ import annotations

from typing import Literal, Self, TypeAlias

from pydantic import Field, model_validator

from profilestore.dashboards.buckets import Buckets, DateHistogram, Terms
from profilestore.dashboards.conditions import Condition, Part
from profilestore.dashboards.measures import LastValue, Measure, Ratio

__all__ = [
    "Area",
    "Bar",
    "Chart",
    "Control",
    "Dashboard",
    "Donut",
    "Heatmap",
    "Line",
    "Markdown",
    "Metric",
    "Panel",
    "Place",
    "Source",
    "Table",
]

COLUMNS = 48


class Place(Part):
    """Where a panel stands on Kibana's grid of 48 columns."""

    x: int = Field(ge=0, lt=COLUMNS)
    y: int = Field(ge=0)
    w: int = Field(ge=1, le=COLUMNS)
    h: int = Field(ge=1)


class Source(Part):
    """A data view: an index of the shop, and the field that the period goes by (None: what holds now).

    `controlled`: its documents have the fields of the controls, so that these act on its panels; the panels of
    another source ignore them, or a control would empty them.
    """

    view: str
    index: str
    time_field: str | None = None
    controlled: bool = True


class _Panel(Part):
    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    title: str
    description: str = ""
    place: Place = Place(x=0, y=0, w=COLUMNS, h=4)


class Markdown(_Panel):
    """Words. `content` is Markdown."""

    kind: Literal["markdown"] = "markdown"
    content: str


class _Chart(_Panel):
    """What charts share: `missing` says why there may be nothing, and what to do about it."""

    source: Source
    where: Condition | None = None
    missing: str

    @property
    def buckets(self) -> tuple[Buckets, ...]:
        """What it groups by, the outermost first: the columns k0, k1 … of its rows."""
        return ()

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What it counts: the columns m0, m1 … of its rows."""
        return ()

    @property
    def is_by_key(self) -> bool:
        """Whether it is grouped at all."""
        return len(self.buckets) > 0

    @model_validator(mode="after")
    def _can_be_ordered(self) -> Self:
        first = self.measures[0]
        if isinstance(first, (Ratio, LastValue)) or getattr(first, "where", None) is not None:
            for each in self.buckets:
                if isinstance(each, Terms) and each.order == "measure":
                    raise ValueError(
                        f"{self.id}: Elasticsearch cannot rank the values of {each.field} by {first.label}"
                    )
        return self


class Metric(_Chart):
    """One number, or one with a second below it."""

    kind: Literal["metric"] = "metric"
    values: tuple[Measure, ...] = Field(min_length=1, max_length=2)

    @property
    def measures(self) -> tuple[Measure, ...]:
        return self.values


class _Axes(_Chart):
    """A chart with axes: `x` along, `split` by colour, or several measures by colour."""

    x: Buckets
    y: tuple[Measure, ...] = Field(min_length=1)
    split: Buckets | None = None

    @model_validator(mode="after")
    def _one_kind_of_colour(self) -> Self:
        if self.split is not None and len(self.y) > 1:
            raise ValueError(f"{self.id}: several measures and a split would want two colours")
        return self

    @property
    def splits_first(self) -> bool:
        """Over time the largest values of the whole time are told apart, not those of each day."""
        return self.split is not None and isinstance(self.x, DateHistogram)

    @property
    def buckets(self) -> tuple[Buckets, ...]:
        if self.split is None:
            return (self.x,)
        return (self.split, self.x) if self.splits_first else (self.x, self.split)

    @property
    def measures(self) -> tuple[Measure, ...]:
        return self.y


class Bar(_Axes):
    """Bars, upright or lying; stacked where they are split."""

    kind: Literal["bar"] = "bar"
    lying: bool = False
    stacked: bool = True


class Line(_Axes):
    """Lines over time."""

    kind: Literal["line"] = "line"


class Area(_Axes):
    """Stacked areas over time, in numbers or in shares of the whole."""

    kind: Literal["area"] = "area"
    shares: bool = False


class Donut(_Chart):
    """Parts of a whole."""

    kind: Literal["donut"] = "donut"
    value: Measure
    by: Buckets

    @property
    def buckets(self) -> tuple[Buckets, ...]:
        return (self.by,)

    @property
    def measures(self) -> tuple[Measure, ...]:
        return (self.value,)


class Heatmap(_Chart):
    """A number by two things, as colour."""

    kind: Literal["heatmap"] = "heatmap"
    x: Buckets
    y: Buckets
    value: Measure

    @property
    def buckets(self) -> tuple[Buckets, ...]:
        return (self.y, self.x)

    @property
    def measures(self) -> tuple[Measure, ...]:
        return (self.value,)


class Table(_Chart):
    """Rows by up to three things, with several numbers."""

    kind: Literal["table"] = "table"
    rows: tuple[Buckets, ...] = ()
    values: tuple[Measure, ...] = Field(min_length=1)

    @property
    def buckets(self) -> tuple[Buckets, ...]:
        return self.rows

    @property
    def measures(self) -> tuple[Measure, ...]:
        return self.values


Chart: TypeAlias = Metric | Bar | Line | Area | Donut | Heatmap | Table
Panel: TypeAlias = Chart | Markdown


class Control(Part):
    """A list to choose from, above the panels: acts on all whose source is controlled."""

    id: str
    title: str
    field: str
    source: Source
    single: bool = False


class Dashboard(Part):
    """A page of panels.

    Attributes:
        id: in Kibana, with the shop's prefix; `name` is the same without it.
        period: from and to, as Kibana's date math or ISO 8601.
        where: holds for all panels whose source is controlled.
    """

    id: str
    name: str
    title: str
    description: str
    period: tuple[str, str]
    controls: tuple[Control, ...]
    panels: tuple[Panel, ...] = Field(min_length=1, max_length=100)
    where: Condition | None = None

    @property
    def charts(self) -> tuple[Chart, ...]:
        """The panels that show data."""
        return tuple(panel for panel in self.panels if not isinstance(panel, Markdown))
