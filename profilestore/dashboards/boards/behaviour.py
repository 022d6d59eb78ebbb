"""The dashboard *Behaviour*: what customers do, when, and with what."""

from __future__ import annotations

from profilestore.dashboards.buckets import DateHistogram, Filters, Labelled, Terms
from profilestore.dashboards.conditions import Every, Exists, Is
from profilestore.dashboards.layout import in_rows
from profilestore.dashboards.measures import Average, Count, Ratio, Sum, UniqueCount
from profilestore.dashboards.panels import Area, Bar, Chart, Heatmap, Line, Metric, Panel, Table
from profilestore.dashboards.sources import ShopWords

__all__ = ["behaviour_panels"]

_BOUGHT = Is(field="type", value="purchase")


def behaviour_panels(words: ShopWords) -> tuple[Panel, ...]:
    """The panels in their places."""
    events, revenue, orders, refunds, conversion, unanswered = _tiles(words)
    over_time, funnel, hours = _acts(words)
    products, categories, brands = _sold(words)
    queries, mood, moods = _said(words)
    return in_rows(
        (5, [(8, events), (8, revenue), (8, orders), (8, refunds), (8, conversion), (8, unanswered)]),
        (13, [(30, over_time), (18, funnel)]),
        (13, [(48, hours)]),
        (16, [(20, products), (14, categories), (14, brands)]),
        (13, [(16, queries), (16, mood), (16, moods)]),
    )


def _no_events(words: ShopWords) -> str:
    return words.t("No event has been loaded yet.", "尚未载入任何行为事件。")


def _tiles(words: ShopWords) -> tuple[Chart, ...]:
    t = words.t
    missing = t("Nobody has bought anything yet.", "尚无购买记录。")
    searched = Is(field="type", value="search")
    users = UniqueCount(label="", field="user_id")
    return (
        Metric(
            id="events",
            title=t("Events", "行为事件"),
            source=words.activity,
            missing=_no_events(words),
            values=(Count(label=t("in the period", "期间内")),),
        ),
        Metric(
            id="revenue",
            title=t("Revenue", "销售额"),
            source=words.activity,
            missing=missing,
            where=Exists(field="revenue"),
            description=t("Purchases of the period less its refunds.", "期间内购买金额减去退款。"),
            values=(Sum(label=t("less refunds", "已扣退款"), field="revenue", unit=words.money),),
        ),
        Metric(
            id="orders",
            title=t("Orders", "订单数"),
            source=words.activity,
            missing=missing,
            where=_BOUGHT,
            values=(UniqueCount(label=t("in the period", "期间内"), field="order_key"),),
        ),
        Metric(
            id="refunds",
            title=t("Refunds", "退款"),
            source=words.activity,
            missing=t("There are no refunds.", "没有退款。"),
            where=Is(field="type", value="refund"),
            values=(
                Count(label=t("lines", "行数")),
                Sum(label=t("taken back", "退款金额"), field="revenue", unit=words.money),
            ),
        ),
        Metric(
            id="conversion",
            title=t("View to purchase", "浏览到购买"),
            source=words.activity,
            missing=t("No views are recorded: load events of type view.", "没有浏览记录:请载入 view 类型的事件。"),
            description=t(
                "Customers who bought, of those who viewed, in the period.", "期间内购买人数与浏览人数之比。"
            ),
            values=(
                Ratio(
                    label=t("buyers by viewers", "购买人数 / 浏览人数"),
                    unit=words.share,
                    above=users.model_copy(update={"where": _BOUGHT}),
                    below=users.model_copy(update={"where": Is(field="type", value="view")}),
                ),
            ),
        ),
        Metric(
            id="unanswered",
            title=t("Searches without a result", "无结果搜索"),
            source=words.activity,
            where=Every(conditions=(searched, Exists(field="no_result"))),
            missing=t(
                "No search says how many results it had (attributes.results).",
                "搜索事件没有记录结果数(attributes.results)。",
            ),
            values=(
                Ratio(
                    label=t("of the searches", "占搜索次数"),
                    unit=words.share,
                    above=Count(label="", where=Is(field="no_result", value=True)),
                    below=Count(label=""),
                ),
            ),
        ),
    )


def _acts(words: ShopWords) -> tuple[Chart, ...]:
    t = words.t
    people = UniqueCount(label=t("Customers", "客户数"), field="user_id")
    steps = (
        ("view", t("1 viewed", "1 浏览")),
        ("cart", t("2 put into the cart", "2 加购")),
        ("purchase", t("3 bought", "3 购买")),
    )
    funnel = tuple(Labelled(label=label, condition=Is(field="type", value=value)) for value, label in steps)
    return (
        Area(
            id="events-over-time",
            title=t("Events by type", "各类型行为趋势"),
            source=words.activity,
            missing=_no_events(words),
            x=DateHistogram(label=t("Week", "周"), field="time", interval="1w"),
            split=words.event_types(),
            y=(Count(label=t("Events a week", "每周事件数")),),
        ),
        Bar(
            id="funnel",
            title=t("From view to purchase", "浏览 – 加购 – 购买漏斗"),
            source=words.activity,
            lying=True,
            missing=_no_events(words),
            x=Filters(label=t("Step", "步骤"), filters=funnel, keep_empty=True),
            y=(people,),
            description=t("Customers who did each in the period.", "期间内做过每一步的客户数。"),
        ),
        Heatmap(
            id="hours",
            title=t("When customers are active", "活跃时段"),
            source=words.activity,
            missing=_no_events(words),
            description=t(
                f"Events by hour and weekday, {words.time_zone}.", f"按小时与星期的事件数,{words.time_zone} 时区。"
            ),
            x=Terms(label=t("Hour", "小时"), field="hour", limit=24, order="ascending"),
            y=words.weekdays(),
            value=Count(label=t("Events", "事件数")),
        ),
    )


def _sold(words: ShopWords) -> tuple[Chart, ...]:
    t = words.t
    revenue = Sum(
        label=t(f"Revenue ({words.currency})", f"销售额({words.currency})"), field="revenue", unit=words.money
    )
    by_segment = words.by_segment()

    def top(name: str, title: str, label: str, field: str, missing: str) -> Bar:
        return Bar(
            id=name,
            title=title,
            source=words.activity,
            where=_BOUGHT,
            missing=missing,
            lying=True,
            x=Terms(label=label, field=field, limit=12),
            split=by_segment,
            y=(revenue,),
        )

    return (
        top(
            "top-products",
            t("Top products by segment", "各分群热销商品"),
            t("Product", "商品"),
            "product",
            t("Nobody has bought anything yet.", "尚无购买记录。"),
        ),
        top(
            "top-categories",
            t("Top categories by segment", "各分群热销类目"),
            t("Category", "类目"),
            "category",
            t("No product sold has a category.", "已售商品没有类目。"),
        ),
        top(
            "top-brands",
            t("Top brands by segment", "各分群热销品牌"),
            t("Brand", "品牌"),
            "brand",
            t("No product sold has a brand.", "已售商品没有品牌。"),
        ),
    )


def _said(words: ShopWords) -> tuple[Chart, ...]:
    t = words.t
    months = DateHistogram(label=t("Month", "月份"), field="time", interval="1M")
    missing = t(
        "No review has been read yet: load reviews, and run `profilestore dashboards refresh`.",
        "尚无已分析的评论:请载入评论并运行 `profilestore dashboards refresh`。",
    )
    return (
        Table(
            id="queries",
            title=t("Searched without a result", "无结果的搜索词"),
            source=words.activity,
            where=Is(field="no_result", value=True),
            rows=(Terms(label=t("Words", "搜索词"), field="query", limit=12),),
            values=(Count(label=t("Searches", "次数")), UniqueCount(label=t("Customers", "客户数"), field="user_id")),
            description=t("Words that at least three customers searched.", "至少三位客户搜索过的词。"),
            missing=t(
                "No search without a result is known (attributes.results = 0), or none by three customers.",
                "没有已知的无结果搜索(attributes.results = 0),或不足三位客户。",
            ),
        ),
        Line(
            id="sentiment",
            title=t("Mean sentiment of reviews", "评论平均情感"),
            source=words.activity,
            missing=missing,
            where=Exists(field="sentiment"),
            x=months,
            description=t("From -1, all bad, to 1, all good.", "从 -1(全部负面)到 1(全部正面)。"),
            y=(Average(label=t("Sentiment, -1 to 1", "情感 -1 至 1"), field="sentiment", unit=words.number),),
        ),
        Bar(
            id="moods",
            title=t("Reviews by sentiment", "各情感的评论数"),
            source=words.activity,
            missing=missing,
            where=Exists(field="sentiment"),
            x=months,
            split=words.moods(),
            y=(Count(label=t("Reviews", "评论数")),),
        ),
    )
