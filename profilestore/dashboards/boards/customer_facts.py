"""The panels of *Customers* that say who they are and what they are worth."""

from __future__ import annotations

from itertools import pairwise

from profilestore.dashboards.buckets import Ranges, Span, Terms
from profilestore.dashboards.conditions import Exists
from profilestore.dashboards.measures import Average, Count, Median, Percentile, Sum
from profilestore.dashboards.panels import Bar, Chart, Donut, Heatmap, Table
from profilestore.dashboards.sources import ShopWords

__all__ = ["people_charts", "value_charts"]

_AGES = (18, 25, 35, 45, 55, 65)


def people_charts(words: ShopWords) -> tuple[Chart, ...]:
    """Age, gender, country and province."""
    t = words.t
    customers = Count(label=t("Customers", "客户数"))

    def missing(what: str, chinese: str) -> str:
        return t(f"No customer has {what}: load it with `index users`.", f"客户没有{chinese}:请用 `index users` 载入。")

    edges = (None, *_AGES, None)
    spans = [Span(label=_age_label(low, high), gte=low, lt=high) for low, high in pairwise(edges)]
    return (
        Bar(
            id="age",
            title=t("Age", "年龄"),
            source=words.profiles,
            missing=missing("an age", "年龄"),
            where=Exists(field="age"),
            x=Ranges(label=t("Age in years", "年龄(岁)"), field="age", spans=tuple(spans)),
            y=(customers,),
        ),
        Donut(
            id="gender",
            title=t("Gender", "性别"),
            source=words.profiles,
            missing=missing("a gender", "性别"),
            where=Exists(field="gender"),
            by=words.genders(),
            value=customers,
        ),
        Bar(
            id="country",
            title=t("Countries", "国家"),
            source=words.profiles,
            missing=missing("a country", "国家"),
            lying=True,
            x=Terms(label=t("Country", "国家"), field="country", limit=10),
            y=(customers,),
        ),
        Bar(
            id="city",
            title=t("Provinces", "省份"),
            source=words.profiles,
            missing=missing("a province", "省份"),
            lying=True,
            x=Terms(label=t("Province", "省份"), field="province", limit=10),
            y=(customers,),
        ),
    )


def _age_label(low: float | None, high: float | None) -> str:
    if low is None:
        return f"<{high:g}"
    return f"{low:g}+" if high is None else f"{low:g}–{high - 1:g}"


def value_charts(words: ShopWords) -> tuple[Chart, ...]:
    """RFM, lifetime value, and what each tier spends."""
    t = words.t
    no_value = t(
        "No RFM scores yet: run `profilestore insight run value`.",
        "尚无 RFM 评分:请运行 `profilestore insight run value`。",
    )
    no_lifetime = t(
        "No lifetime values yet: run `profilestore insight run lifetime`.",
        "尚无生命周期价值:请运行 `profilestore insight run lifetime`。",
    )
    return (
        Heatmap(
            id="rfm",
            title=t("Recency and frequency (RFM)", "最近购买与购买频率(RFM)"),
            source=words.profiles,
            missing=no_value,
            description=t("Customers by quintile, 5 is best.", "按五分位划分的客户数,5 为最佳。"),
            x=Terms(label=t("Frequency, 1 to 5", "购买频率 1–5"), field="rfm_frequency", limit=5, order="ascending"),
            y=Terms(label=t("Recency, 1 to 5", "最近购买 1–5"), field="rfm_recency", limit=5, order="descending"),
            value=Count(label=t("Customers", "客户数")),
        ),
        Bar(
            id="lifetime",
            title=t("Lifetime value by tier", "各层级的客户价值"),
            source=words.profiles,
            missing=no_lifetime,
            description=t("Expected spend of the next 90 days, mean by customer.", "预计未来 90 天的人均消费。"),
            where=Exists(field="clv_90d"),
            lying=True,
            x=words.tiers(),
            y=(
                Average(
                    label=t(f"Expected in 90 days ({words.currency})", f"90 天预计消费({words.currency})"),
                    field="clv_90d",
                    unit=words.money,
                ),
            ),
        ),
        Table(
            id="worth",
            title=t("What each tier spends", "各层级消费"),
            source=words.profiles,
            missing=no_value,
            where=Exists(field="value_tier"),
            rows=(words.tiers(),),
            values=(
                Count(label=t("Customers", "客户数")),
                Sum(label=t("Spend in all", "消费总额"), field="spend_total", unit=words.money),
                Median(label=t("Median", "中位数"), field="spend_total", unit=words.money),
                Percentile(
                    label=t("Top tenth from", "前 10% 起点"), field="spend_total", percentile=90, unit=words.money
                ),
                Sum(label=t("Next 90 days", "未来 90 天"), field="clv_90d", unit=words.money),
            ),
        ),
    )
