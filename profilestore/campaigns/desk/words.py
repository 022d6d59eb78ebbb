"""The words of the service desk's blocks on offers and campaigns, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from profilestore.campaigns.offering import NO_PRODUCT
from profilestore.campaigns.running.assigning import USED_UP

__all__ = ["WITHHELD", "WORDS"]

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "offer": "What to offer",
        "campaigns": "Campaigns",
        "stored": "their list of {day}:",
        "asked": "asked now:",
        "off": "Nothing is chosen for them: personalisation is off. What everybody is offered:",
        "popular": "Nothing is known of their taste. What everybody is offered:",
        "everybody": "because many customers choose it",
        "no_products": "nothing: no product is left that they have not seen",
        "no_campaigns": "in none, now or in the last {days} days",
        "earlier": "in {count} earlier, the last until {day}",
        "more": "and {count} more",
        "now": "now, until {day}",
        "soon": "from {day}",
        "over": "was until {day}",
        "stopped": "stopped",
        "by": "by {channel}",
        "control": "control group: gets nothing on purpose, do not make up for it",
        "withheld": "nothing is sent: {why}",
        "no_consent": "held back: they no longer agree to {channel}",
        "no_personalisation": "held back: it was chosen for them, and personalisation is off",
        "message": "a message",
        "product": "product {product}",
        "coupon": "coupon",
        "code": "coupon {code}",
        "no_code": "coupon not taken yet",
        "redeemed": "redeemed on {day}",
        "not_redeemed": "not redeemed",
        "due": "contact was due on {day}",
        "to_come": "contact is due on {day}",
        "imported": "run elsewhere",
    },
    "zh": {
        "offer": "可推荐",
        "campaigns": "营销活动",
        "stored": "{day} 的推荐清单：",
        "asked": "即时推荐：",
        "off": "个性化已关闭，未为其挑选商品。面向所有人的热门商品：",
        "popular": "尚不了解其偏好。面向所有人的热门商品：",
        "everybody": "因为很多顾客选择它",
        "no_products": "无：没有其未看过的商品",
        "no_campaigns": "目前及最近 {days} 天均未参加",
        "earlier": "更早参加过 {count} 个，最近一个止于 {day}",
        "more": "另有 {count} 个",
        "now": "进行中，至 {day}",
        "soon": "自 {day} 起",
        "over": "已于 {day} 结束",
        "stopped": "已停止",
        "by": "渠道 {channel}",
        "control": "对照组：特意不发送任何内容，请勿补发",
        "withheld": "未发送：{why}",
        "no_consent": "暂不发送：顾客不再同意 {channel}",
        "no_personalisation": "暂不发送：内容为其专门挑选，而个性化已关闭",
        "message": "消息",
        "product": "商品 {product}",
        "coupon": "优惠券",
        "code": "优惠券 {code}",
        "no_code": "尚未领券",
        "redeemed": "已于 {day} 使用",
        "not_redeemed": "未使用",
        "due": "应于 {day} 联系",
        "to_come": "将于 {day} 联系",
        "imported": "在别处进行",
    },
}

# Why a campaign sends nothing to somebody whom the lot fell on; another reason stands as it is.
WITHHELD: Final[Mapping[str, tuple[str, str]]] = {
    USED_UP: ("the contacts allowed in a week were used up", "一周内的联系次数已达上限"),
    NO_PRODUCT: ("no product is left for them", "没有适合的商品"),
}
