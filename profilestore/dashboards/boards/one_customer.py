"""The dashboard *One customer*: what is known of a customer, what is believed, and what is recommended now."""

from __future__ import annotations

from profilestore.dashboards.buckets import DateHistogram, Terms
from profilestore.dashboards.conditions import Exists, Is, Not
from profilestore.dashboards.layout import in_rows
from profilestore.dashboards.measures import Average, Count, LastValue, Sum
from profilestore.dashboards.panels import Bar, Chart, Control, Markdown, Metric, Panel, Table
from profilestore.dashboards.sources import ShopWords

__all__ = ["PERSONAL", "customer_control", "one_customer_panels"]

# Who switched personalisation off is in no list, and so not here either.
PERSONAL = Not(condition=Is(field="personalisation", value="off"))
_EVENTS = 15


def customer_control(words: ShopWords) -> Control:
    """Chooses the customer."""
    return Control(
        id="control-user", title=words.t("Customer", "客户"), field="user_id", source=words.profiles, single=True
    )


def one_customer_panels(words: ShopWords) -> tuple[Panel, ...]:
    """The panels in their places."""
    events, orders, spend, lifetime, risk, chance = _tiles(words)
    about, standing = _known(words)
    over_time, bought, interests, topics = _turns_to(words)
    last, recommended = _lists(words)
    hint = Markdown(
        id="customer-hint",
        title=words.t("How to read this page", "使用说明"),
        content=words.t(
            "Choose a customer in the list above: all panels then speak of this one alone, and without a choice of all "
            "customers. Who switched personalisation off is not shown.",
            "请在上方列表中选择客户:所有面板随之只显示该客户;未选择时显示全部客户。关闭个性化的客户不会显示。",
        ),
    )
    return in_rows(
        (3, [(48, hint)]),
        (5, [(8, events), (8, orders), (8, spend), (8, lifetime), (8, risk), (8, chance)]),
        (6, [(22, about), (26, standing)]),
        (12, [(14, over_time), (12, bought), (11, interests), (11, topics)]),
        (19, [(20, last), (28, recommended)]),
    )


def _tiles(words: ShopWords) -> tuple[Chart, ...]:
    t = words.t
    unknown = t("This customer is not known.", "未知客户。")

    def tile(
        name: str, title: str, label: str, field: str, missing: str, *, money: bool = False, share: bool = False
    ) -> Metric:
        unit = words.money if money else words.share if share else words.count
        measure = Average if share else Sum
        return Metric(
            id=name,
            title=title,
            source=words.profiles,
            where=Exists(field=field),
            missing=missing,
            values=(measure(label=label, field=field, unit=unit),),
        )

    no_churn = t("No churn risk: see `insight run churn`.", "尚无流失风险:见 `insight run churn`。")
    return (
        tile("customer-events", t("Events", "行为事件"), t("in all", "累计"), "events_total", unknown),
        tile("customer-orders", t("Orders", "订单"), t("in all", "累计"), "order_count", unknown),
        tile("customer-spend", t("Spend", "消费"), t("in all", "累计"), "spend_total", unknown, money=True),
        tile(
            "customer-lifetime",
            t("Value", "客户价值"),
            t("expected in 90 days", "预计 90 天消费"),
            "clv_90d",
            t("No lifetime value: see `insight run lifetime`.", "尚无客户价值:见 `insight run lifetime`。"),
            money=True,
        ),
        tile(
            "customer-risk",
            t("Churn risk", "流失风险"),
            t("of leaving", "流失概率"),
            "churn_risk",
            no_churn,
            share=True,
        ),
        tile(
            "customer-chance",
            t("Buys in 30 days", "30 天内购买"),
            t("chance", "概率"),
            "purchase_30d",
            t("Nothing forecast: see `insight run propensity`.", "尚无预测:见 `insight run propensity`。"),
            share=True,
        ),
    )


def _known(words: ShopWords) -> tuple[Chart, ...]:
    t = words.t
    unknown = t("This customer is not known.", "未知客户。")
    customer = (Terms(label=t("Customer", "客户"), field="user_id", limit=10, order="ascending"),)

    def last(label: str, field: str, *, many: bool = False) -> LastValue:
        return LastValue(label=label, field=field, time_field="last_seen", many=many, unit=words.text)

    return (
        Table(
            id="attributes",
            title=t("Attributes", "属性"),
            source=words.profiles,
            missing=unknown,
            rows=customer,
            where=Exists(field="last_seen"),
            values=(
                last(t("Gender", "性别"), "gender"),
                last(t("Age", "年龄"), "age"),
                last(t("Occupation", "职业"), "occupation"),
                last(t("City", "城市"), "city"),
                last(t("Country", "国家"), "country"),
                last(t("Member tier", "会员等级"), "member_tier"),
            ),
        ),
        Table(
            id="standing",
            title=t("Value and risk", "价值与风险"),
            source=words.profiles,
            missing=unknown,
            rows=customer,
            where=Exists(field="last_seen"),
            values=(
                last(t("Segment", "分群"), "segment"),
                last(t("Tier", "层级"), "value_tier"),
                last("RFM", "rfm_segment"),
                last(t("Stage", "阶段"), "lifecycle"),
                last(t("Risk", "风险"), "churn_band"),
                last(t("Likely next", "可能购买"), "likely_categories", many=True),
            ),
        ),
    )


def _turns_to(words: ShopWords) -> tuple[Chart, ...]:
    t = words.t
    none = t("This customer has no events in the period.", "该客户在期间内没有行为。")
    return (
        Bar(
            id="customer-over-time",
            title=t("Events by month", "每月行为"),
            source=words.activity,
            missing=none,
            x=DateHistogram(label=t("Month", "月份"), field="time", interval="1M"),
            split=words.event_types(),
            y=(Count(label=t("Events", "事件数")),),
        ),
        Bar(
            id="customer-types",
            title=t("What they did", "做过什么"),
            source=words.activity,
            missing=none,
            lying=True,
            x=words.event_types(),
            y=(Count(label=t("Events", "事件数")),),
        ),
        Bar(
            id="customer-interests",
            title=t("Interests by category", "兴趣类目"),
            source=words.activity,
            lying=True,
            missing=t("The products have no category.", "商品没有类目。"),
            y=(Count(label=t("Events", "事件数")),),
            x=Terms(label=t("Category", "类目"), field="category", limit=8),
        ),
        Bar(
            id="customer-topics",
            title=t("Interests by topic", "兴趣主题"),
            source=words.activity,
            lying=True,
            missing=t("No topics yet: run `topics train`.", "尚无主题:请运行 `topics train`。"),
            y=(Count(label=t("Events", "事件数")),),
            x=Terms(label=t("Topic", "主题"), field="topics", limit=8),
        ),
    )


def _lists(words: ShopWords) -> tuple[Chart, ...]:
    t = words.t
    return (
        Table(
            id="last-events",
            title=t("Last events", "最近行为"),
            source=words.activity,
            missing=t("This customer has no events in the period.", "该客户在期间内没有行为。"),
            rows=(
                Terms(label=t("Time", "时间"), field="time", limit=_EVENTS, order="descending"),
                Terms(label=t("Type", "类型"), field="type", limit=5, order="ascending"),
                Terms(label=t("Product", "商品"), field="what", limit=_EVENTS, order="ascending"),
            ),
            values=(Sum(label=t("Revenue", "金额"), field="revenue", unit=words.pennies),),
        ),
        Table(
            id="recommended",
            title=t("Recommended now", "当前推荐"),
            description=t(
                "With the reasons where the lists were made by `recommend --all --explain`.",
                "用 `recommend --all --explain` 生成的列表带有理由。",
            ),
            source=words.recommendations,
            missing=t(
                "No list: run `recommend --all`, then `dashboards refresh`.",
                "没有列表:请运行 `recommend --all`,再运行 `dashboards refresh`。",
            ),
            rows=(
                Terms(
                    label=t("Place, product, price, reason", "位次、商品、价格、理由"),
                    field="lines",
                    limit=20,
                    order="ascending",
                ),
            ),
            values=(LastValue(label=t("Made", "生成时间"), field="as_of", time_field="as_of", unit=words.text),),
        ),
    )
