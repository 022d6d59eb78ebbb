"""The words of a user's card: headings, leads, and codes of profile fields as a customer calls them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

__all__ = ["FIELDS", "HEADINGS", "LEADS", "day", "listed", "share_of", "word_of"]

HEADINGS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "title": "What is known and believed of customer {user}",
        "about": "Shop: {shop}. Made on {made}.",
        "told": "What you told us",
        "acts": "What you did here",
        "beliefs": "What we believe of you",
        "used": "What it is used for",
        "objecting": "How to object",
        "basis": "From",
        "sure": "How sure",
        "staff": "The shop's staff do it with",
    },
    "zh": {
        "title": "关于顾客 {user} 的已知信息与推断",
        "about": "店铺：{shop}。生成于 {made}。",
        "told": "您提供的信息",
        "acts": "您在本店的行为",
        "beliefs": "我们对您的推断",
        "used": "用途",
        "objecting": "如何提出异议",
        "basis": "依据",
        "sure": "把握",
        "staff": "店员执行",
    },
}

LEADS: Final[Mapping[str, Mapping[str, str]]] = {
    "told": {
        "en": "This was given by you or entered by the shop for you. Names and addresses are not part of this profile.",
        "zh": "由您提供或由店铺代为登记。姓名和地址不属于这份档案。",
    },
    "acts": {
        "en": "These are records of what happened, nothing is guessed here.",
        "zh": "以下是对实际行为的记录，没有任何猜测。",
    },
    "acts_off": {
        "en": "Personalisation is switched off. These records are kept, orders and payments among them, but nothing "
        "is concluded from them about you; they count only in totals that name nobody.",
        "zh": "个性化已关闭。这些记录（包括订单与付款）仍会保留，但不会据此对您作任何推断；"
        "它们只计入不指明任何人的合计。",
    },
    "beliefs": {
        "en": "These are conclusions of programs, not facts. Each can be wrong about you. Under each stands what it is "
        "made from, and how sure it is.",
        "zh": "以下是程序得出的推断，并非事实，对您个人都可能有误。每条下面写明其依据和把握。",
    },
    "nothing_believed": {
        "en": "Nothing. You switched personalisation off: there is no taste, no segment, no score and no forecast of "
        "you.",
        "zh": "没有。您已关闭个性化：没有关于您的偏好、群体、评分或预测。",
    },
    "nothing_yet": {
        "en": "Nothing yet: too little is known.",
        "zh": "暂无：已知信息太少。",
    },
    "used": {
        "en": "It decides which products are shown to you first, and in which lists of customers the shop counts you.",
        "zh": "用于决定先向您展示哪些商品，以及店铺把您计入哪些顾客名单。",
    },
    "not_used": {
        "en": "It is not made for prices, for refusing an order, or for anything that concerns your rights.",
        "zh": "不用于定价、拒绝订单或任何涉及您权利的决定。",
    },
    "objecting": {
        "en": "Tell the shop your customer number and what you want. You need give no reason, and nothing costs you "
        "anything.",
        "zh": "请向店铺告知您的顾客编号和要求。无需说明理由，也不收取任何费用。",
    },
}

# What a customer calls the fields, English and Chinese.
FIELDS: Final[Mapping[str, tuple[str, str]]] = {
    "age": ("age", "年龄"),
    "gender": ("gender", "性别"),
    "occupation": ("occupation", "职业"),
    "education": ("education", "学历"),
    "income": ("income", "收入"),
    "income_band": ("income band", "收入档次"),
    "city": ("city", "城市"),
    "province": ("province or state", "省份"),
    "country": ("country", "国家"),
    "member_tier": ("membership", "会员等级"),
    "signup_date": ("customer since", "注册日期"),
    "consent": ("you agreed to be written to by", "您同意的联系方式"),
    "personalisation": ("personalisation", "个性化"),
}

# Code -> words, by the field that holds it.
_CODES: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "gender": {"female": ("female", "女"), "male": ("male", "男"), "other": ("other", "其他")},
    "personalisation": {"on": ("switched on", "已开启"), "off": ("switched off", "已关闭")},
    "event_counts": {
        "view": ("products looked at", "浏览商品"), "favorite": ("favourites", "收藏"),
        "unfavorite": ("favourites taken back", "取消收藏"), "like": ("likes", "点赞"), "share": ("shares", "分享"),
        "comment": ("comments", "评论"), "cart": ("put into the cart", "加入购物车"),
        "cart_remove": ("taken out of the cart", "移出购物车"), "coupon_claim": ("coupons taken", "领券"),
        "coupon_redeem": ("coupons used", "用券"), "purchase": ("products bought", "购买商品"),
        "refund": ("sent back", "退货"), "rate": ("ratings", "评分"), "review": ("reviews", "评价"),
        "search": ("searches", "搜索"), "impression": ("products shown to you", "向您展示的商品"),
        "click": ("clicks", "点击"), "contact": ("questions to the service", "联系客服"),
        "open": ("messages opened", "打开消息"), "attributes": ("changes of your details", "资料变更"),
    },
    "value_tier": {
        "high": ("among the fifth of customers that the shop earns most from", "属于为店铺贡献最多的五分之一顾客"),
        "mid": ("in the middle of the customers by what the shop earns", "贡献处于中等水平的顾客"),
        "low": ("among the half of the customers that the shop earns least from", "属于贡献较少的一半顾客"),
        "potential_high": ("on the way to the customers that the shop earns most from", "正在成为高贡献顾客"),
        "potential_mid": ("buying more lately than before", "近期购买有所增加的顾客"),
    },
    "rfm_segment": {
        "champions": ("bought lately, often and for much", "近期购买、次数多、金额高"),
        "loyal": ("a regular customer", "老顾客"), "new": ("a new customer", "新顾客"),
        "promising": ("bought lately, not yet often", "近期购买，次数尚少"),
        "needs attention": ("has not bought for some while", "有一阵子没有购买"),
        "cannot lose": ("bought much once, not lately", "曾大量购买，近期没有"),
        "at risk": ("bought now and then, not lately", "曾不时购买，近期没有"),
        "hibernating": ("bought seldom, and long ago", "很久以前偶尔购买"),
        "lost": ("bought little, and very long ago", "很久以前少量购买"),
    },
    "churn_band": {"low": ("low", "低"), "medium": ("medium", "中"), "high": ("high", "高")},
    "lifecycle": {
        "new": ("a new customer", "新顾客"), "active": ("an active customer", "活跃顾客"),
        "at-risk": ("a customer who may stop buying", "可能流失的顾客"),
        "lapsed": ("a customer who stopped buying", "已流失的顾客"),
    },
    "sentiment_label": {
        "positive": ("mostly content", "大多满意"), "negative": ("mostly not content", "大多不满"),
        "neutral": ("neither content nor discontent", "不褒不贬"), "mixed": ("partly content, partly not", "褒贬不一"),
    },
}  # fmt: skip


def word_of(field: str, code: str, language: str) -> str:
    """A code as a customer calls it; one without words as it is, with spaces for dashes."""
    words = _CODES.get(field, {}).get(code)
    if words is None:
        return code.replace("_", " ").replace("-", " ")
    return words[1] if language == "zh" else words[0]


def listed(names: Iterable[Any], language: str) -> str:
    """Names in a row."""
    return ("、" if language == "zh" else ", ").join(str(name) for name in names)


def share_of(value: float) -> str:
    """A share as a percentage; above zero and below half of one per cent is told as such."""
    return "<1 %" if 0.0 < value < 0.005 else f"{value:.0%}".replace("%", " %")


def day(time: Any) -> str:
    """The date of a time, as documents or models hold it; "?" of none."""
    return "?" if time is None else str(time)[:10]
