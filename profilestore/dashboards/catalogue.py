"""All dashboards of a shop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from profilestore.dashboards.boards.behaviour import behaviour_panels
from profilestore.dashboards.boards.customers import customer_panels
from profilestore.dashboards.boards.interests import interest_panels
from profilestore.dashboards.boards.one_customer import PERSONAL, customer_control, one_customer_panels
from profilestore.dashboards.boards.recommendations import recommendation_panels
from profilestore.dashboards.boards.retention import retention_panels
from profilestore.dashboards.conditions import Condition
from profilestore.dashboards.panels import Dashboard, Panel
from profilestore.dashboards.sources import Language, ShopWords
from profilestore.settings import Settings

__all__ = ["DEFAULT_PERIOD", "ONE_CUSTOMER", "all_dashboards"]

DEFAULT_PERIOD: Final = ("now-1y", "now")
ONE_CUSTOMER: Final = "customer"


def all_dashboards(
    settings: Settings, language: Language = "en", *, period: tuple[str, str] = DEFAULT_PERIOD
) -> tuple[Dashboard, ...]:
    """The six dashboards under the shop's prefix, in its currency and time zone.

    Args:
        settings: of the shop.
        language: of titles, labels and words.
        period: that they open with, as Kibana's date math or ISO 8601.
    """
    words = ShopWords(settings, language)
    t = words.t

    def page(
        name: str,
        title: str,
        description: str,
        panels: Callable[[ShopWords], tuple[Panel, ...]],
        where: Condition | None = None,
    ) -> Dashboard:
        chosen = (customer_control(words),) if name == ONE_CUSTOMER else ()
        return Dashboard(
            id=f"{settings.prefix}-{name}",
            name=name,
            title=f"{settings.prefix}: {title}",
            description=description,
            period=period,
            controls=(*chosen, *words.controls()),
            panels=panels(words),
            where=where,
        )

    return (
        page(
            "customers",
            t("Customers", "客户"),
            t("Who they are, how many, and what they are worth.", "客户是谁、有多少、价值几何。"),
            customer_panels,
        ),
        page(
            "behaviour",
            t("Behaviour", "行为"),
            t("What customers do, when, and with what.", "客户做什么、何时做、针对什么商品。"),
            behaviour_panels,
        ),
        page(
            "interests",
            t("Topics and interests", "主题与兴趣"),
            t("What customers turn to, and away from.", "客户兴趣的所在与变化。"),
            interest_panels,
        ),
        page(
            "retention",
            t("Retention", "留存"),
            t("Who comes back, who may leave, and what is bought next.", "谁会回来、谁可能流失、接下来买什么。"),
            retention_panels,
        ),
        page(
            "recommendations",
            t("Recommendations", "推荐"),
            t("What is shown, and what comes of it.", "推荐了什么,效果如何。"),
            recommendation_panels,
        ),
        page(
            ONE_CUSTOMER,
            t("One customer", "单个客户"),
            t("Choose a customer above.", "请在上方选择客户。"),
            one_customer_panels,
            PERSONAL,
        ),
    )
