"""The dashboard *Customers*: who they are, how many, and what they are worth."""

from __future__ import annotations

from itertools import pairwise

from profilestore.dashboards.buckets import DateHistogram, Ranges, Span, Terms
from profilestore.dashboards.conditions import Exists, Is, Within
from profilestore.dashboards.layout import in_rows
from profilestore.dashboards.measures import (
    Average,
    Count,
    Maximum,
    Median,
    Percentile,
    Ratio,
    Sum,
    UniqueCount,
)
from profilestore.dashboards.panels import Bar, Chart, Donut, Heatmap, Line, Metric, Panel, Table
from profilestore.dashboards.sources import ShopWords

__all__ = ["customer_panels"]

_AGES = (18, 25, 35, 45, 55, 65)


def customer_panels(words: ShopWords) -> tuple[Panel, ...]:
    """The panels in their places."""
    profiles, active, new, members, again, order_value = _tiles(words)
    sizes, trend, tiers = _groups(words)
    age, gender, country, city = _people(words)
    rfm, lifetime, worth = _value(words)
    days, months = _activity(words)
    return in_rows(
        (5, [(8, profiles), (8, active), (8, new), (8, members), (8, again), (8, order_value)]),
        (12, [(24, days), (24, months)]),
        (13, [(16, sizes), (20, trend), (12, tiers)]),
        (12, [(14, age), (8, gender), (13, country), (13, city)]),
        (13, [(16, rfm), (11, lifetime), (21, worth)]),
    )


def _tiles(words: ShopWords) -> tuple[Chart, ...]:
    t = words.t
    no_profiles = t("No customer has been loaded yet.", "尚未载入任何客户。")
    no_events = t("No event has been loaded yet.", "尚未载入任何行为事件。")
    bought = Within(field="order_count", gte=1)
    return (
        Metric(
            id="profiles",
            title=t("Customers", "客户数"),
            source=words.profiles,
            missing=no_profiles,
            values=(Count(label=t("customers known now", "当前客户")),),
        ),
        Metric(
            id="active",
            title=t("Active customers", "活跃客户"),
            source=words.activity,
            missing=no_events,
            description=t("Customers with an event in the period.", "所选期间内有行为的客户。"),
            values=(UniqueCount(label=t("in the period", "期间内"), field="user_id"),),
        ),
        Metric(
            id="new",
            title=t("New customers", "新客户"),
            source=words.activity,
            where=Is(field="first_act", value=True),
            missing=no_events,
            description=t("First seen in the period.", "期间内首次出现的客户。"),
            values=(Count(label=t("in the period", "期间内")),),
        ),
        Metric(
            id="members",
            title=t("Members", "会员"),
            source=words.profiles,
            missing=t(
                "No customer has a member tier: load it with `index users`.",
                "客户没有会员等级:请用 `index users` 载入。",
            ),
            where=None,
            description=t("Customers with a member tier.", "有会员等级的客户。"),
            values=(
                Ratio(
                    label=t("of all customers", "占全部客户"),
                    unit=words.share,
                    above=Count(label="", where=Exists(field="member_tier")),
                    below=Count(label=""),
                ),
                Count(label=t("members", "会员人数"), where=Exists(field="member_tier")),
            ),
        ),
        Metric(
            id="repurchase",
            title=t("Repurchase rate", "复购率"),
            source=words.profiles,
            missing=t("Nobody has bought anything yet.", "尚无购买记录。"),
            where=bought,
            description=t(
                "Of the customers who ordered, those with two orders or more.",
                "下过单的客户中,下过两单及以上者的比例。",
            ),
            values=(
                Ratio(
                    label=t("ordered again", "再次下单"),
                    unit=words.share,
                    above=Count(label="", where=Within(field="order_count", gte=2)),
                    below=Count(label=""),
                ),
            ),
        ),
        Metric(
            id="order-value",
            title=t("Order value", "客单价"),
            source=words.activity,
            missing=t("Nobody has bought anything yet.", "尚无购买记录。"),
            where=Is(field="type", value="purchase"),
            description=t("Revenue of the period by its orders, before refunds.", "期间内销售额除以订单数,未扣退款。"),
            values=(
                Ratio(
                    label=t("mean, before refunds", "平均,未扣退款"),
                    unit=words.pennies,
                    above=Sum(label="", field="revenue"),
                    below=UniqueCount(label="", field="order_key"),
                ),
            ),
        ),
    )


def _activity(words: ShopWords) -> tuple[Chart, ...]:
    t = words.t
    missing = t("No event has been loaded yet.", "尚未载入任何行为事件。")
    active = UniqueCount(label=t("Active customers", "活跃客户"), field="user_id")
    return (
        Line(
            id="active-days",
            title=t("Active customers a day", "日活跃客户"),
            source=words.activity,
            missing=missing,
            x=DateHistogram(label=t("Day", "日期"), field="time", interval="1d"),
            y=(active,),
        ),
        Bar(
            id="active-months",
            title=t("Active and new customers a month", "月活跃与新增客户"),
            source=words.activity,
            missing=missing,
            x=DateHistogram(label=t("Month", "月份"), field="time", interval="1M"),
            y=(active, Count(label=t("New customers", "新客户"), where=Is(field="first_act", value=True))),
        ),
    )


def _groups(words: ShopWords) -> tuple[Chart, ...]:
    t = words.t
    customers = Count(label=t("Customers", "客户数"))
    no_segments = t(
        "No segments yet: run `profilestore insight run segments`.",
        "尚无分群:请运行 `profilestore insight run segments`。",
    )
    return (
        Bar(
            id="segments",
            title=t("Segment sizes", "分群规模"),
            source=words.profiles,
            missing=no_segments,
            lying=True,
            where=Exists(field="segment"),
            x=Terms(label=t("Segment", "客户分群"), field="segment", limit=12),
            y=(customers,),
        ),
        Line(
            id="segment-trend",
            title=t("Segment sizes over time", "分群规模趋势"),
            source=words.segments,
            missing=no_segments,
            description=t(
                "As counted at each run of insight. The controls do not act on it, the period does.",
                "每次运行 insight 时的人数。筛选控件对它不起作用,时间范围起作用。",
            ),
            x=DateHistogram(label=t("Day", "日期"), field="time", interval="1d"),
            split=Terms(label=t("Segment", "客户分群"), field="segment", limit=8),
            y=(Maximum(label=t("Customers", "客户数"), field="members"),),
        ),
        Donut(
            id="tiers",
            title=t("Value tiers", "价值层级"),
            source=words.profiles,
            by=words.tiers(),
            value=customers,
            where=Exists(field="value_tier"),
            missing=t(
                "No value tiers yet: run `profilestore insight run value`.",
                "尚无价值层级:请运行 `profilestore insight run value`。",
            ),
        ),
    )


def _people(words: ShopWords) -> tuple[Chart, ...]:
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


def _value(words: ShopWords) -> tuple[Chart, ...]:
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
