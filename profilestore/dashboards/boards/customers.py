"""The dashboard *Customers*: who they are, how many, and what they are worth."""

from __future__ import annotations

from profilestore.dashboards.boards.customer_facts import people_charts, value_charts
from profilestore.dashboards.buckets import DateHistogram, Terms
from profilestore.dashboards.conditions import Exists, Is, Within
from profilestore.dashboards.layout import in_rows
from profilestore.dashboards.measures import (
    Count,
    Maximum,
    Ratio,
    Sum,
    UniqueCount,
)
from profilestore.dashboards.panels import Bar, Chart, Donut, Line, Metric, Panel
from profilestore.dashboards.sources import ShopWords

__all__ = ["customer_panels"]


def customer_panels(words: ShopWords) -> tuple[Panel, ...]:
    """The panels in their places."""
    profiles, active, new, members, again, order_value = _tiles(words)
    sizes, trend, tiers = _groups(words)
    age, gender, country, city = people_charts(words)
    rfm, lifetime, worth = value_charts(words)
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
            where=Exists(field="member_tier"),
            missing=t(
                "No customer has a member tier: load it with `index users`.",
                "客户没有会员等级:请用 `index users` 载入。",
            ),
            description=t("Customers with a member tier.", "有会员等级的客户。"),
            values=(Count(label=t("customers with a tier", "有等级的客户")),),
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
