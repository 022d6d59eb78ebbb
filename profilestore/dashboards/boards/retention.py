"""The dashboard *Retention*: who comes back, who may leave, and what they will buy next."""

from __future__ import annotations

from profilestore.dashboards.buckets import DateHistogram, Terms
from profilestore.dashboards.conditions import Every, Exists, Is, Within
from profilestore.dashboards.layout import in_rows
from profilestore.dashboards.measures import Average, Count, Ratio, Sum, UniqueCount
from profilestore.dashboards.panels import Bar, Chart, Donut, Heatmap, Metric, Panel
from profilestore.dashboards.sources import ShopWords

__all__ = ["retention_panels"]

_HIGH = Is(field="churn_band", value="high")
_BOUGHT = Is(field="type", value="purchase")
_MONTHS = 25


def retention_panels(words: ShopWords) -> tuple[Panel, ...]:
    """The panels in their places."""
    high, at_risk, risk, back, buyers = _tiles(words)
    cohorts, new_buyers, returning = _cohorts(words)
    bands, stages, revenue, by_segment = _risk(words)
    when, categories, chance = _next(words)
    return in_rows(
        (5, [(10, high), (10, at_risk), (9, risk), (9, back), (10, buyers)]),
        (18, [(28, cohorts), (9, new_buyers), (11, returning)]),
        (13, [(11, bands), (11, stages), (15, revenue), (11, by_segment)]),
        (13, [(16, when), (18, categories), (14, chance)]),
    )


def _no_churn(words: ShopWords) -> str:
    return words.t(
        "No churn risk yet: run `profilestore insight run churn`.",
        "尚无流失风险:请运行 `profilestore insight run churn`。",
    )


def _no_chances(words: ShopWords) -> str:
    return words.t(
        "Nothing forecast yet: run `profilestore insight run propensity`.",
        "尚无预测:请运行 `profilestore insight run propensity`。",
    )


def _tiles(words: ShopWords) -> tuple[Chart, ...]:
    t = words.t
    return (
        Metric(
            id="high-risk",
            title=t("At high risk of leaving", "高流失风险客户"),
            source=words.profiles,
            where=Exists(field="churn_risk"),
            missing=_no_churn(words),
            values=(
                Count(label=t("customers", "客户数"), where=_HIGH),
                Ratio(
                    label=t("of those with a risk", "占有风险评分客户"),
                    unit=words.share,
                    above=Count(label="", where=_HIGH),
                    below=Count(label=""),
                ),
            ),
        ),
        Metric(
            id="revenue-at-risk",
            title=t("Revenue at risk", "有风险的销售额"),
            source=words.activity,
            where=Every(conditions=(Exists(field="revenue"), Exists(field="churn_band"))),
            missing=_no_churn(words),
            description=t(
                "What customers now at high risk spent in the period, less refunds.",
                "当前高流失风险客户在期间内的消费,已扣退款。",
            ),
            values=(
                Sum(
                    label=t("spent by them in the period", "其期间内消费"),
                    field="revenue",
                    unit=words.money,
                    where=_HIGH,
                ),
                Ratio(
                    label=t("of the revenue", "占销售额"),
                    unit=words.share,
                    above=Sum(label="", field="revenue", where=_HIGH),
                    below=Sum(label="", field="revenue"),
                ),
            ),
        ),
        Metric(
            id="mean-risk",
            title=t("Mean churn risk", "平均流失风险"),
            source=words.profiles,
            missing=_no_churn(words),
            where=Exists(field="churn_risk"),
            values=(Average(label=t("of customers", "客户平均"), field="churn_risk", unit=words.share),),
        ),
        Metric(
            id="back",
            title=t("Orders by returning customers", "老客订单占比"),
            source=words.activity,
            where=_BOUGHT,
            missing=t("Nobody has bought anything yet.", "尚无购买记录。"),
            description=t("Orders of the period that were not a customer's first.", "期间内非首单的订单比例。"),
            values=(
                Ratio(
                    label=t("of the orders", "占订单数"),
                    unit=words.share,
                    above=UniqueCount(label="", field="order_key", where=Is(field="first_purchase", value=False)),
                    below=UniqueCount(label="", field="order_key"),
                ),
            ),
        ),
        Metric(
            id="buyers",
            title=t("Will buy in 30 days", "30 天内将购买"),
            source=words.profiles,
            missing=_no_chances(words),
            where=Exists(field="purchase_30d"),
            description=t("Expected number: the sum of their chances.", "预期人数:购买概率之和。"),
            values=(Sum(label=t("customers expected", "预期客户数"), field="purchase_30d", unit=words.count),),
        ),
    )


def _cohorts(words: ShopWords) -> tuple[Chart, ...]:
    t = words.t
    missing = t(
        "Nobody has bought anything yet, or `profilestore dashboards refresh` was not run.",
        "尚无购买记录,或尚未运行 `profilestore dashboards refresh`。",
    )
    figure = Is(field="figure", value="retention")
    # in the month of the first purchase all buy; it would drown the others
    cohort = Every(conditions=(figure, Within(field="cohort_age", gte=1)))
    share = Ratio(
        label=t("Bought again", "再次购买"),
        unit=words.share.model_copy(update={"decimals": 0}),
        above=Sum(label="", field="active"),
        below=Sum(label="", field="users"),
    )
    after = Terms(
        label=t("Months since the first purchase", "首次购买后的月数"),
        field="cohort_age",
        limit=_MONTHS,
        order="ascending",
    )
    return (
        Heatmap(
            id="cohorts",
            title=t("Who comes back, by month of first purchase", "按首购月份的留存"),
            source=words.retention,
            where=cohort,
            missing=missing,
            description=t(
                "Share of a month's new buyers who bought in each later month; the last month may be "
                "unfinished. The category is the customer's main one. The period does not act on it.",
                "各首购月份的客户在之后每月再次购买的比例;最后一个月可能不完整。类目为客户的主要类目。时间范围对它不起作用。",
            ),
            x=after,
            value=share,
            y=Terms(label=t("First purchase", "首购月份"), field="cohort_month", limit=_MONTHS, order="descending"),
        ),
        Bar(
            id="new-buyers",
            title=t("New buyers", "首购客户"),
            source=words.retention,
            missing=missing,
            lying=True,
            where=Every(conditions=(figure, Is(field="cohort_age", value=0))),
            x=Terms(label=t("First purchase", "首购月份"), field="cohort_month", limit=_MONTHS, order="descending"),
            y=(Sum(label=t("Customers", "客户数"), field="users"),),
        ),
        Bar(
            id="retention-curve",
            title=t("Retention by month", "逐月留存率"),
            source=words.retention,
            missing=missing,
            description=t("All cohorts together, from the first month after.", "所有首购月份合计,自次月起。"),
            where=cohort,
            x=after,
            y=(share.model_copy(update={"unit": words.share}),),
        ),
    )


def _risk(words: ShopWords) -> tuple[Chart, ...]:
    t = words.t
    customers = Count(label=t("Customers", "客户数"))
    return (
        Donut(
            id="churn-bands",
            title=t("Churn risk bands", "流失风险分布"),
            source=words.profiles,
            missing=_no_churn(words),
            where=Exists(field="churn_band"),
            by=words.bands(),
            value=customers,
        ),
        Bar(
            id="stages",
            title=t("Stages", "客户生命周期"),
            source=words.profiles,
            missing=_no_churn(words),
            where=Exists(field="lifecycle"),
            x=words.stages(),
            y=(customers,),
        ),
        Bar(
            id="revenue-by-risk",
            title=t("Revenue by churn risk now", "按当前流失风险的销售额"),
            source=words.activity,
            missing=_no_churn(words),
            where=Every(conditions=(Exists(field="revenue"), Exists(field="churn_band"))),
            x=DateHistogram(label=t("Month", "月份"), field="time", interval="1M"),
            split=words.bands(),
            y=(
                Sum(
                    label=t(f"Revenue ({words.currency})", f"销售额({words.currency})"),
                    field="revenue",
                    unit=words.money,
                ),
            ),
        ),
        Bar(
            id="risk-by-tier",
            title=t("Mean risk by tier", "各层级平均风险"),
            source=words.profiles,
            missing=_no_churn(words),
            where=Exists(field="churn_risk"),
            lying=True,
            x=words.tiers(),
            y=(Average(label=t("Churn risk", "流失风险"), field="churn_risk", unit=words.share),),
        ),
    )


def _next(words: ShopWords) -> tuple[Chart, ...]:
    t = words.t
    no_next = t(
        "Nothing forecast yet: run `profilestore insight run interests`.",
        "尚无预测:请运行 `profilestore insight run interests`。",
    )
    return (
        Bar(
            id="next-when",
            title=t("Next purchases expected", "预计下次购买时间"),
            source=words.profiles,
            missing=no_next,
            where=Exists(field="next_purchase_at"),
            description=t(
                "Customers by the week of their expected next purchase, from their own rhythm.",
                "按客户自身购买节奏预计的下次购买所在周。",
            ),
            x=DateHistogram(label=t("Week", "周"), field="next_purchase_at", interval="1w"),
            y=(Count(label=t("Customers", "客户数")),),
        ),
        Bar(
            id="next-categories",
            title=t("Likely next categories", "可能购买的类目"),
            source=words.profiles,
            lying=True,
            missing=_no_chances(words),
            x=Terms(label=t("Category", "类目"), field="likely_categories", limit=12),
            y=(Count(label=t("Customers", "客户数")),),
        ),
        Bar(
            id="next-chance",
            title=t("Chance to buy in 30 days", "30 天购买概率"),
            source=words.profiles,
            missing=_no_chances(words),
            where=Exists(field="purchase_30d"),
            lying=True,
            x=words.tiers(),
            y=(Average(label=t("Chance, mean by customer", "客户平均概率"), field="purchase_30d", unit=words.share),),
        ),
    )
