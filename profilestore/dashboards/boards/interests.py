"""The dashboard *Topics and interests*: what customers turn to, and what they turn away from."""

from __future__ import annotations

from profilestore.dashboards.buckets import DateHistogram, Terms
from profilestore.dashboards.conditions import Exists, Is
from profilestore.dashboards.layout import in_rows
from profilestore.dashboards.measures import Average, Count, Maximum, UniqueCount
from profilestore.dashboards.panels import Area, Bar, Chart, Heatmap, Panel, Table
from profilestore.dashboards.sources import ShopWords

__all__ = ["interest_panels"]


def interest_panels(words: ShopWords) -> tuple[Panel, ...]:
    """The panels in their places."""
    topics, over_time, by_segment = _topics(words)
    up_categories, up_topics, up_brands = _moving(words, "rising")
    down_categories, down_topics, down_brands = _moving(words, "falling")
    liked, drift = _interests(words)
    return in_rows(
        (16, [(24, topics), (24, over_time)]),
        (16, [(26, by_segment), (12, liked), (10, drift)]),
        (13, [(16, up_categories), (16, up_topics), (16, up_brands)]),
        (13, [(16, down_categories), (16, down_topics), (16, down_brands)]),
    )


def _topics(words: ShopWords) -> tuple[Chart, ...]:
    t = words.t
    topic = t("Topic", "主题")
    missing = t("No topics yet: run `profilestore topics train`.", "尚无主题:请运行 `profilestore topics train`。")
    return (
        Table(
            id="topics",
            title=t("Topics and their words", "主题与关键词"),
            source=words.figures,
            missing=missing,
            where=Is(field="figure", value="topic"),
            description=t("Of the products' texts; no control acts on it.", "来自商品文本;筛选控件对它不起作用。"),
            rows=(
                Terms(label=topic, field="topic", limit=40),
                Terms(label=t("Words", "关键词"), field="words", limit=1),
            ),
            values=(Maximum(label=t("Products", "商品数"), field="products"),),
        ),
        Area(
            id="topics-over-time",
            title=t("Topics of what is bought", "购买商品的主题占比"),
            source=words.activity,
            missing=missing,
            description=t(
                "Share of the purchases by topic; a product may have several.",
                "各主题占购买的比例;一个商品可有多个主题。",
            ),
            where=Is(field="type", value="purchase"),
            shares=True,
            x=DateHistogram(label=t("Month", "月份"), field="time", interval="1M"),
            split=Terms(label=topic, field="topics", limit=7),
            y=(Count(label=t("Share of purchases", "购买占比")),),
        ),
        Heatmap(
            id="topics-by-segment",
            title=t("Topics by segment", "各分群的主题"),
            source=words.activity,
            missing=missing,
            where=Is(field="type", value="purchase"),
            description=t("Customers who bought of the topic in the period.", "期间内购买过该主题商品的客户数。"),
            x=words.by_segment(limit=12),
            y=Terms(label=topic, field="topics", limit=15),
            value=UniqueCount(label=t("Customers", "客户数"), field="user_id"),
        ),
    )


def _interests(words: ShopWords) -> tuple[Chart, ...]:
    t = words.t
    return (
        Bar(
            id="main-categories",
            title=t("Main interests", "主要兴趣类目"),
            source=words.profiles,
            lying=True,
            missing=t("No product has a category.", "商品没有类目。"),
            x=Terms(label=t("Category", "类目"), field="main_categories", limit=12),
            y=(Count(label=t("Customers", "客户数")),),
        ),
        Bar(
            id="drift",
            title=t("How far interests moved", "兴趣变化程度"),
            source=words.profiles,
            lying=True,
            where=Exists(field="interest_drift"),
            missing=_not_run(words),
            description=t(
                "Mean change of the customers' interests: 0 none, 1 all.", "客户兴趣的平均变化:0 为无,1 为全部改变。"
            ),
            x=words.tiers(),
            y=(Average(label=t("Change, 0 to 1", "变化 0–1"), field="interest_drift", unit=words.number),),
        ),
    )


def _moving(words: ShopWords, way: str) -> tuple[Chart, ...]:
    t = words.t
    up, shift = (t("Rising", "上升的"), "rising") if way == "rising" else (t("Falling", "下降的"), "falling")

    def chart(what: str, english: str, chinese: str) -> Bar:
        return Bar(
            id=f"{shift}-{what}",
            title=f"{up} {english}" if words.language == "en" else f"{up}{chinese}",
            lying=True,
            source=words.profiles,
            missing=_not_run(words),
            description=t("Customers whose interest goes this way.", "兴趣朝此方向变化的客户数。"),
            x=Terms(label=t(english.capitalize(), chinese), field=f"{shift}_{what}", limit=10),
            y=(Count(label=t("Customers", "客户数")),),
        )

    return (
        chart("categories", "categories", "类目"),
        chart("topics", "topics", "主题"),
        chart("brands", "brands", "品牌"),
    )


def _not_run(words: ShopWords) -> str:
    return words.t(
        "Nobody's interests moved, or `profilestore insight run interests` was not run yet.",
        "没有客户的兴趣发生变化,或尚未运行 `profilestore insight run interests`。",
    )
