"""Words of past campaigns that need no mapping: headers of their files, and what cells say for the arms."""

from __future__ import annotations

from typing import Final

__all__ = ["ARM_WORDS", "CAMPAIGN_HEADERS"]

ARM_WORDS: Final[dict[str, str]] = {
    word: arm
    for arm, words in {
        "treatment": "treated test target targeted exposed experiment 实验组 处理组 测试组 营销组",
        "control": "control_group holdout hold-out hold_out held_out unexposed 对照组 控制组 空白组",
    }.items()
    for word in words.split()
}

_CAMPAIGN: Final = "campaign campaign_id campaign_name 活动 活动id 活动编号 活动名称"

# As `HEADERS` of the other kinds; apart from them, so that a user's column `budget` is no foreign one in their files.
CAMPAIGN_HEADERS: Final[dict[str, dict[str, str]]] = {
    "campaigns": {
        "campaign": _CAMPAIGN + " name id 名称",
        "starts": "starts start start_date begins begin start_time 开始 开始日期 开始时间",
        "ends": "ends end end_date end_time 结束 结束日期 结束时间",
        "campaign_type": "campaign_type type 活动类型 类型",
        "channel": "channel 渠道",
        "description": "description title 描述 说明",
        "cost": "cost total_cost spend 成本 总成本 花费",
        "cost_per_contact": "cost_per_contact unit_cost 单次成本 单位成本",
        "budget": "budget 预算",
    },
    "members": {
        "campaign": _CAMPAIGN,
        "user_id": "user_id userid user uid customer_id customerid customer member_id memberid household_id client_id "
        "用户id 用户编号 用户 会员id 会员编号 客户id 客户编号 顾客id",
        "arm": "arm group test_group variant 组 组别 分组",
        "contact_at": "contact_at contacted_at contact_time contact_date contacted sent_at sent send_time time date "
        "触达时间 联系时间 发送时间 时间",
    },
    "coupons": {
        "campaign": _CAMPAIGN,
        "code": "code coupon coupon_code coupon_id coupon_upc 券码 优惠券 优惠券码 优惠券id",
        "product_id": "product_id productid product pid item_id itemid sku sku_id 商品id 商品编号 商品编码",
        "value": "value amount discount face_value 面额 金额 优惠金额",
    },
}
