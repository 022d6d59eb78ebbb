"""The dashboard *Recommendations*: what is shown, what comes of it, and what the lists hold."""

from __future__ import annotations

from profilestore.dashboards.buckets import DateHistogram, Terms
from profilestore.dashboards.conditions import Every, Exists, Is
from profilestore.dashboards.layout import in_rows
from profilestore.dashboards.measures import Average, Count, Maximum, Ratio, Sum, UniqueCount, Unit
from profilestore.dashboards.panels import Bar, Chart, Line, Metric, Panel, Table
from profilestore.dashboards.sources import ShopWords

__all__ = ["recommendation_panels"]

# The same list drawn twice is one impression, as in `feedback report`.
_SHOWN = Every(conditions=(Is(field="type", value="impression"), Exists(field="clicked")))
_BOUGHT = Is(field="type", value="purchase")


def recommendation_panels(words: ShopWords) -> tuple[Panel, ...]:
    """The panels in their places."""
    shown, clicked, converted, sales, coverage, new = _tiles(words)
    impressions, ctr, conversion = _methods(words)
    most, lists, followed = _lists(words)
    return in_rows(
        (5, [(8, shown), (8, clicked), (8, converted), (8, sales), (8, coverage), (8, new)]),
        (13, [(16, impressions), (16, ctr), (16, conversion)]),
        (9, [(48, _experiments(words))]),
        (15, [(20, most), (14, lists), (14, followed)]),
    )


def _no_feedback(words: ShopWords) -> str:
    return words.t(
        "Nothing was shown yet: let the app write impression and click events.",
        "尚无曝光:请让应用写入 impression 与 click 事件。",
    )


def _no_lists(words: ShopWords) -> str:
    return words.t(
        "No lists yet: run `profilestore recommend --all`, then `profilestore dashboards refresh`.",
        "尚无推荐列表:请运行 `profilestore recommend --all`,再运行 `profilestore dashboards refresh`。",
    )


def _tiles(words: ShopWords) -> tuple[Chart, ...]:
    t = words.t
    return (
        Metric(
            id="shown",
            title=t("Impressions", "曝光"),
            source=words.activity,
            where=_SHOWN,
            missing=_no_feedback(words),
            values=(Count(label=t("products shown in the period", "期间内展示商品次数")),),
        ),
        Metric(
            id="ctr",
            title=t("Click rate (CTR)", "点击率(CTR)"),
            source=words.activity,
            where=_SHOWN,
            missing=_no_feedback(words),
            values=(
                Average(label=t("of the impressions", "占曝光"), field="clicked", unit=_fine(words)),
                Sum(label=t("clicks", "点击"), field="clicked"),
            ),
        ),
        Metric(
            id="conversion",
            title=t("Conversion", "转化率"),
            source=words.activity,
            where=_SHOWN,
            missing=_no_feedback(words),
            description=t(
                "Impressions whose product the customer bought within 7 days.", "展示后 7 天内购买该商品的曝光比例。"
            ),
            values=(
                Average(label=t("of the impressions", "占曝光"), field="converted", unit=_fine(words)),
                Sum(label=t("purchases", "购买"), field="converted"),
            ),
        ),
        Metric(
            id="followed",
            title=t("Sales after a recommendation", "推荐带来的销售"),
            source=words.activity,
            where=_BOUGHT,
            missing=t("Nobody has bought anything yet.", "尚无购买记录。"),
            description=t(
                "Share of the revenue of purchases within 7 days after a click on the same product's recommendation.",
                "点击推荐后 7 天内购买同一商品的销售额占比。",
            ),
            values=(
                Ratio(
                    label=t("of the revenue", "占销售额"),
                    unit=words.share,
                    above=Sum(label="", field="revenue", where=Is(field="attributed", value=True)),
                    below=Sum(label="", field="revenue"),
                ),
            ),
        ),
        Metric(
            id="coverage",
            title=t("Coverage", "覆盖率"),
            source=words.recommendations,
            missing=_no_lists(words),
            where=Exists(field="catalogue"),
            description=t(
                "Share of the products on sale that stand in at least one current list.",
                "至少出现在一个当前推荐列表中的在售商品比例。",
            ),
            values=(
                Ratio(
                    label=t("of the catalogue", "占商品目录"),
                    unit=words.share,
                    above=UniqueCount(label="", field="products"),
                    below=Average(label="", field="catalogue"),
                ),
                UniqueCount(label=t("products", "商品数"), field="products"),
            ),
        ),
        Metric(
            id="new-share",
            title=t("New products", "新品占比"),
            source=words.recommendations,
            missing=_no_lists(words),
            where=Exists(field="new_share"),
            description=t(
                "Mean share of products listed lately in the current lists.", "当前推荐列表中新上架商品的平均比例。"
            ),
            values=(Average(label=t("of a list", "占列表"), field="new_share", unit=words.share),),
        ),
    )


def _fine(words: ShopWords) -> Unit:
    return words.share.model_copy(update={"decimals": 2})


def _methods(words: ShopWords) -> tuple[Chart, ...]:
    t = words.t
    weeks = DateHistogram(label=t("Week", "周"), field="time", interval="1w")
    by_name = Terms(label=t("Method", "推荐方法"), field="method", limit=8, order="ascending")
    return (
        Bar(
            id="impressions-by-method",
            title=t("Impressions by method", "各方法曝光"),
            source=words.activity,
            where=_SHOWN,
            missing=_no_feedback(words),
            x=weeks,
            split=by_name,
            y=(Count(label=t("Impressions a week", "每周曝光")),),
        ),
        Line(
            id="ctr-by-method",
            title=t("Click rate by method", "各方法点击率"),
            source=words.activity,
            where=_SHOWN,
            missing=_no_feedback(words),
            x=weeks,
            split=by_name,
            y=(Average(label=t("Clicks by impressions", "点击 / 曝光"), field="clicked", unit=words.share),),
        ),
        Line(
            id="conversion-by-method",
            title=t("Conversion by method", "各方法转化率"),
            source=words.activity,
            where=_SHOWN,
            missing=_no_feedback(words),
            x=weeks,
            split=by_name,
            y=(Average(label=t("Purchases by impressions", "购买 / 曝光"), field="converted", unit=words.share),),
        ),
    )


def _experiments(words: ShopWords) -> Chart:
    t = words.t
    fine = _fine(words)
    return Table(
        id="experiments",
        title=t("Experiments", "实验"),
        source=words.figures,
        where=Is(field="figure", value="experiment"),
        description=t(
            "Rates with 95 % intervals, over customers; the difference is to the experiment's first method. "
            "No control acts on it.",
            "按客户计算的比率及 95% 区间;差异相对实验的第一个方法。筛选控件对它不起作用。",
        ),
        missing=t(
            "No experiment yet: see `profilestore feedback experiment create`.",
            "尚无实验:见 `profilestore feedback experiment create`。",
        ),
        rows=(
            Terms(label=t("Experiment", "实验"), field="experiment", limit=20, order="ascending"),
            Terms(label=t("Rate", "指标"), field="metric", limit=2, order="ascending"),
            Terms(label=t("Method", "方法"), field="method", limit=8, order="ascending"),
        ),
        values=(
            Maximum(label=t("Customers", "客户数"), field="users"),
            Maximum(label=t("Impressions", "曝光"), field="impressions"),
            Average(label=t("Rate", "比率"), field="rate", unit=fine),
            Average(label=t("from", "下限"), field="low", unit=fine),
            Average(label=t("to", "上限"), field="high", unit=fine),
            Average(label=t("Difference", "差异"), field="difference", unit=fine),
            Average(label=t("from ", "下限 "), field="difference_low", unit=fine),
            Average(label=t("to ", "上限 "), field="difference_high", unit=fine),
        ),
    )


def _lists(words: ShopWords) -> tuple[Chart, ...]:
    t = words.t
    return (
        Bar(
            id="most-recommended",
            title=t("Recommended most", "推荐最多的商品"),
            source=words.recommendations,
            lying=True,
            missing=_no_lists(words),
            description=t("Customers in whose current list a product stands.", "当前推荐列表中含该商品的客户数。"),
            x=Terms(label=t("Product", "商品"), field="product_names", limit=12),
            y=(Count(label=t("Customers", "客户数")),),
        ),
        Table(
            id="lists",
            title=t("Lists by method", "各方法的列表"),
            source=words.recommendations,
            missing=_no_lists(words),
            rows=(Terms(label=t("Method", "推荐方法"), field="method", limit=10),),
            values=(
                Count(label=t("Lists", "列表数")),
                UniqueCount(label=t("Products", "商品数"), field="products"),
                Average(label=t("New", "新品"), field="new_share", unit=words.share),
            ),
        ),
        Bar(
            id="followed-by-method",
            title=t("Sales after a click, by method", "点击推荐后的销售"),
            source=words.activity,
            where=Every(conditions=(_BOUGHT, Exists(field="attributed_method"))),
            lying=True,
            missing=t("No purchase has followed a click on a recommendation.", "没有点击推荐后的购买。"),
            x=Terms(label=t("Method", "推荐方法"), field="attributed_method", limit=8),
            y=(
                Sum(
                    label=t(f"Revenue ({words.currency})", f"销售额({words.currency})"),
                    field="revenue",
                    unit=words.money,
                ),
            ),
        ),
    )
