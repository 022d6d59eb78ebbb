"""The words of the staff's view: headings, notices and what is said where there is nothing to say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["DETAILS", "SENT_BACK", "TIERS", "TITLES", "WORDS"]

Words = Mapping[str, Mapping[str, str]]

TITLES: Final[Words] = {
    "en": {
        "card": "Customer {user}",
        "about": "For the staff of {shop} only. Made on {made}.",
        "off": "Personalisation is OFF",
        "who": "Who",
        "worth": "Value",
        "risk": "Risk",
        "orders": "Last orders",
        "refunds": "Open refunds",
        "interests": "Interests",
        "own": "What the customer may see",
    },
    "zh": {
        "card": "顾客 {user}",
        "about": "仅供店铺 {shop} 的员工使用。生成于 {made}。",
        "off": "个性化已关闭",
        "who": "身份",
        "worth": "价值",
        "risk": "风险",
        "orders": "最近订单",
        "refunds": "未结退款",
        "interests": "兴趣",
        "own": "顾客可见内容",
    },
}

WORDS: Final[Words] = {
    "en": {
        "off": "This customer switched it off. Nothing is believed of them, and nothing may be chosen for them: orders "
        "and refunds are records.",
        "not_off": "switched on",
        "is_off": "switched OFF",
        "no_name": "no name on file",
        "no_consent": "no channel: they agreed to none",
        "no_orders": "no orders yet",
        "nothing_yet": "nothing is believed yet",
        "nothing_off": "nothing is believed: personalisation is off",
        "none_open": "none, as the log has it",
        "none_ever": "none, and nothing was ever sent back",
        "last_refund": "the last was {said}, on {day}",
        "no_answer": "no answer on file",
        "no_state": "no state on file",
        "doubt": "(no better than a simple guess)",
        "own": "Below is their own card, as `profile show --card` gives it to them.",
    },
    "zh": {
        "off": "该顾客已关闭个性化：没有任何推断，也不得为其挑选商品；订单与退款仅为记录。",
        "not_off": "已开启",
        "is_off": "已关闭",
        "no_name": "未登记姓名",
        "no_consent": "无：未同意任何渠道",
        "no_orders": "尚无订单",
        "nothing_yet": "暂无推断",
        "nothing_off": "没有推断：个性化已关闭",
        "none_open": "日志中没有未结退款",
        "none_ever": "没有，也从未退货",
        "last_refund": "最近一次：{said}，{day}",
        "no_answer": "未见答复记录",
        "no_state": "无状态记录",
        "doubt": "（并不优于简单估计）",
        "own": "以下为顾客本人的卡片，即 `profile show --card` 的内容。",
    },
}

# Labels of entries.
DETAILS: Final[Mapping[str, tuple[str, str]]] = {
    "name": ("name", "姓名"),
    "about": ("about", "概况"),
    "times": ("customer", "往来"),
    "consent": ("write by", "可联系渠道"),
    "personalisation": ("personalisation", "个性化"),
    "tier": ("tier", "等级"),
    "spend": ("spend", "消费"),
    "lifetime": ("next 90 days", "今后 90 天"),
    "chance": ("next 30 days", "今后 30 天"),
    "leaving": ("leaving", "流失"),
    "odd": ("look closer", "需留意"),
    "mood": ("mood", "情绪"),
    "refund": ("refund", "退款"),
    "question": ("question", "咨询"),
    "categories": ("categories", "品类"),
    "brands": ("brands", "品牌"),
    "lately": ("lately more", "近期更多"),
    "again": ("buys again", "再次购买"),
    "state": ("state", "状态"),
    "nothing": ("", ""),
}

SENT_BACK: Final[Mapping[str, tuple[str, str]]] = {
    "all": ("sent back", "已退货"),
    "part": ("{back} sent back", "已退 {back}"),
}

# Value tiers in one word; what they mean stands beside.
TIERS: Final[Mapping[str, tuple[str, str]]] = {
    "high": ("HIGH", "高"),
    "mid": ("mid", "中"),
    "low": ("low", "低"),
    "potential_high": ("may become high", "有望升为高"),
    "potential_mid": ("may become mid", "有望升为中"),
}
