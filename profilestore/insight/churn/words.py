"""Why somebody may stop buying: codes for queries, and words with the user's own figures, English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

__all__ = ["REASON_CODES", "REASON_FIELDS", "reason_code", "reason_words"]

# Group of features -> the code where its first feature is above that of the usual customer who came back, and below.
# None: that is no reason a person would understand as one.
_CODES: Final[Mapping[str, tuple[str | None, str | None]]] = {
    "silence": ("long_silence", None),
    "orders": (None, "few_orders"),
    "gap": ("buys_seldom", "short_rhythm"),
    "steadiness": ("irregular", None),
    "pace": (None, "slowing_down"),
    "spend": ("large_orders", "small_orders"),
    "variety": (None, "nothing_new_lately"),
    "returns": ("sent_back", None),
    "visits": (None, "fewer_visits"),
    "service": ("contacted_service", None),
    "sales": ("buys_in_sales", None),
}
REASON_CODES: Final = tuple(code for pair in _CODES.values() for code in pair if code is not None)
# What of a profile the words are made of.
REASON_FIELDS: Final = ("first_purchase", "last_purchase", "order_count", "average_order_value", "insight_as_of")

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "long_silence": (
        "no order for {silence} days, since {last}{usual_en}",
        "自 {last} 起已有 {silence} 天没有下单{usual_zh}",
    ),
    "few_orders": ("only {orders_en} so far: no habit yet", "至今只有 {orders} 笔订单，尚未形成习惯"),
    "buys_seldom": ("buys seldom{usual_en}", "购买间隔较长{usual_zh}"),
    "short_rhythm": (
        "buys in quick succession{usual_en}, so that a short pause already breaks the habit",
        "购买间隔很短{usual_zh}，短暂停顿即已打破习惯",
    ),
    "irregular": ("buys at very uneven intervals", "购买间隔很不规律"),
    "slowing_down": ("buys less often lately than before", "近来购买次数比以前少"),
    "large_orders": ("buys for more at a time than most{value_en}", "每次消费高于多数顾客{value_zh}"),
    "small_orders": ("buys for less at a time than most{value_en}", "每次消费低于多数顾客{value_zh}"),
    "nothing_new_lately": ("has found little new in the shop lately", "近来很少购买新的商品"),
    "sent_back": ("sent goods back", "有过退货"),
    "fewer_visits": ("looks around in the shop less lately", "近来浏览店铺的次数减少"),
    "contacted_service": ("had to contact the service lately", "近来联系过客服"),
    "buys_in_sales": ("buys mostly in sales", "多在促销期间购买"),
}


def reason_code(group: str, above: float) -> str | None:
    """The code of a group of features that raises a risk.

    Args:
        group: of `churn_features.FEATURES`.
        above: whether its first feature is above (1) or below (-1) that of the usual customer, or equal (0).
    """
    high, low = _CODES[group]
    return high if above > 0 else low if above < 0 else None


def reason_words(codes: Sequence[str], profile: Mapping[str, Any], *, language: str) -> list[str]:
    """The reasons of a user's risk in words.

    Args:
        codes: `churn_reasons` of the profile; one that is not known stays as it is.
        profile: the fields `REASON_FIELDS` of the user's profile, as documents or models hold them.
        language: en or zh.
    """
    place = 1 if language == "zh" else 0
    facts = _facts(profile)
    return [_WORDS[code][place].format(**facts) if code in _WORDS else code for code in codes]


def _facts(profile: Mapping[str, Any]) -> dict[str, Any]:
    as_of = (profile.get("insight_as_of") or {}).get("churn")
    now, first, last = (_time(value) for value in (as_of, profile.get("first_purchase"), profile.get("last_purchase")))
    orders, value = int(profile.get("order_count") or 0), profile.get("average_order_value")
    known = now is not None and last is not None
    gap = None
    if first is not None and last is not None and orders > 1 and last > first:
        gap = max(1, round((last - first).total_seconds() / 86_400 / (orders - 1)))
    return {
        "silence": max(0, (now - last).days) if known and now is not None and last is not None else "?",
        "last": "?" if last is None else f"{last:%Y-%m-%d}",
        "orders": orders,
        "orders_en": "1 order" if orders == 1 else f"{orders} orders",
        "usual_en": "" if gap is None else f" (usually one every {gap} days)" if gap > 1 else " (usually one a day)",
        "usual_zh": "" if gap is None else f"（通常每 {gap} 天一次）",
        "value_en": "" if value is None else f" ({value:,.2f} an order)",
        "value_zh": "" if value is None else f"（每单 {value:,.2f}）",
    }


def _time(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
