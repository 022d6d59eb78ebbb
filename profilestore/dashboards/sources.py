"""What all dashboards of a shop share: its language, its units, its data views, its controls, the known values."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

from profilestore.dashboards.buckets import Filters, Labelled, Terms
from profilestore.dashboards.conditions import Is, Part
from profilestore.dashboards.measures import Unit
from profilestore.dashboards.panels import Control, Source
from profilestore.settings import Settings

__all__ = ["DataView", "Language", "ShopWords", "data_views"]

Language: TypeAlias = Literal["en", "zh"]

_EVENT_TYPES: Final = (
    ("view", "views", "浏览"),
    ("click", "clicks", "点击推荐"),
    ("favorite", "favourites", "收藏"),
    ("cart", "carts", "加购"),
    ("purchase", "purchases", "购买"),
    ("refund", "refunds", "退款"),
    ("search", "searches", "搜索"),
    ("review", "reviews", "评论"),
    ("rate", "ratings", "评分"),
    ("impression", "impressions", "推荐曝光"),
)
_TIERS: Final = (
    ("high", "high", "高价值"),
    ("potential_high", "potential high", "潜在高价值"),
    ("mid", "middle", "中价值"),
    ("potential_mid", "potential middle", "潜在中价值"),
    ("low", "low", "低价值"),
)
_BANDS: Final = (("high", "high", "高"), ("medium", "medium", "中"), ("low", "low", "低"))
_LIFECYCLE: Final = (
    ("new", "new", "新客"),
    ("active", "active", "活跃"),
    ("at-risk", "at risk", "有流失风险"),
    ("lapsed", "lapsed", "已流失"),
)
_GENDERS: Final = (("female", "female", "女"), ("male", "male", "男"), ("other", "other", "其他"))
_MOODS: Final = (("positive", "positive", "正面"), ("neutral", "neutral", "中性"), ("negative", "negative", "负面"))
_DAYS: Final = (
    (1, "Mon", "周一"),
    (2, "Tue", "周二"),
    (3, "Wed", "周三"),
    (4, "Thu", "周四"),
    (5, "Fri", "周五"),
    (6, "Sat", "周六"),
    (7, "Sun", "周日"),
)


class DataView(Part):
    """A data view as Kibana keeps it: `id` is what panels and controls refer to, `title` the index."""

    id: str
    title: str
    name: str
    time_field: str | None = None

    def body(self) -> dict[str, Any]:
        """What `POST /api/data_views/data_view` takes; it replaces one of the same id."""
        view: dict[str, Any] = {"id": self.id, "title": self.title, "name": self.name}
        if self.time_field is not None:
            view["timeFieldName"] = self.time_field
        return {"data_view": view, "override": True}


class ShopWords:
    """One shop in one language.

    Attributes:
        prefix, currency, time_zone: of the shop's settings.
        activity, profiles, segments, recommendations, figures: the data views; `segments` and `figures` have not
            all fields of the controls, `retention` is the part of the figures that has.
        count, money, share, number, days, text: units.
    """

    def __init__(self, settings: Settings, language: Language) -> None:
        self.language = language
        self.prefix, self.currency, self.time_zone = settings.prefix, settings.currency, settings.time_zone
        self.activity = self._source("activity", time_field="time")
        self.profiles = self._source("profiles")
        self.recommendations = self._source("recommendations")
        self.retention = self._source("figures")
        self.figures = self._source("figures", controlled=False)
        self.segments = self._source("segments", time_field="time", controlled=False)
        self.count = Unit()
        self.money = Unit(suffix=settings.currency)
        self.pennies = Unit(decimals=2, suffix=settings.currency)
        self.share = Unit(kind="share", decimals=1)
        self.number = Unit(decimals=2)
        self.text = Unit(kind="text")

    def t(self, english: str, chinese: str) -> str:
        """The words in the language asked for."""
        return english if self.language == "en" else chinese

    def _source(self, kind: str, *, time_field: str | None = None, controlled: bool = True) -> Source:
        name = f"{self.prefix}-{kind}"
        return Source(view=name, index=name, time_field=time_field, controlled=controlled)

    def controls(self) -> tuple[Control, ...]:
        """Segment, value tier and category; the period is Kibana's own."""
        wanted = (
            ("segment", self.t("Segment", "客户分群"), self.profiles),
            ("value_tier", self.t("Value tier", "价值层级"), self.profiles),
            ("category", self.t("Category", "类目"), self.activity),
        )
        return tuple(
            Control(id=f"control-{field.replace('_', '-')}", title=title, field=field, source=source)
            for field, title, source in wanted
        )

    def by_segment(self, *, limit: int = 8) -> Terms:
        """Groups by segment; who is in none stands apart."""
        return Terms(
            label=self.t("Segment", "客户分群"), field="segment", limit=limit, missing=self.t("none", "无分群")
        )

    def event_types(self) -> Filters:
        """Groups by type of event, the common ones."""
        return self._known(self.t("Type", "行为类型"), "type", _EVENT_TYPES)

    def tiers(self) -> Filters:
        """Groups by value tier."""
        return self._known(self.t("Value tier", "价值层级"), "value_tier", _TIERS)

    def bands(self) -> Filters:
        """Groups by band of churn risk."""
        return self._known(self.t("Churn risk", "流失风险"), "churn_band", _BANDS)

    def stages(self) -> Filters:
        """Groups by stage of life as a customer."""
        return self._known(self.t("Stage", "生命周期"), "lifecycle", _LIFECYCLE)

    def genders(self) -> Filters:
        """Groups by gender."""
        return self._known(self.t("Gender", "性别"), "gender", _GENDERS)

    def moods(self) -> Filters:
        """Groups by what reviews say."""
        return self._known(self.t("Sentiment", "情感"), "sentiment_label", _MOODS)

    def weekdays(self) -> Filters:
        """Groups by day of the week, from Monday."""
        return self._known(self.t("Weekday", "星期"), "weekday", _DAYS)

    def _known(self, label: str, field: str, values: tuple[tuple[str | int, str, str], ...]) -> Filters:
        named = [Labelled(label=self.t(en, zh), condition=Is(field=field, value=value)) for value, en, zh in values]
        return Filters(label=label, filters=tuple(named))


def data_views(settings: Settings, language: Language = "en") -> tuple[DataView, ...]:
    """The data views that the dashboards refer to."""
    words = ShopWords(settings, language)
    named = (
        (words.activity, words.t("events", "行为事件")),
        (words.profiles, words.t("customers", "客户")),
        (words.recommendations, words.t("recommendations", "推荐")),
        (words.figures, words.t("figures", "指标")),
        (words.segments, words.t("segments over time", "分群历史")),
    )
    return tuple(
        DataView(id=each.view, title=each.index, name=f"{settings.prefix}: {name}", time_field=each.time_field)
        for each, name in named
    )
