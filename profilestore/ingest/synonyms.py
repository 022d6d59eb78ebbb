"""Words that need no mapping: obvious headers, and what cells say for genders, event types and switches."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["EVENT_WORDS", "GENDER_WORDS", "HEADERS", "MISSING_WORDS", "SWITCH_WORDS", "normalise_header"]

MISSING_WORDS: Final = frozenset(
    ("", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "nat", "\\n", "-", "--", "—", "<na>", "无", "空")
)

GENDER_WORDS: Final[dict[str, str]] = {
    word: gender
    for gender, words in {
        "male": "male m man men boy mr mr. 男 男性 男士 先生 男生 男人",
        "female": "female f woman women girl mrs mrs. ms ms. miss 女 女性 女士 小姐 女生 女人",
        "other": "other nonbinary non-binary diverse x 其他 其它",
        "": "unknown unspecified undisclosed u 未知 保密 不详 未填写",
    }.items()
    for word in words.split()
}

EVENT_WORDS: Final[dict[str, str]] = {
    word: type_
    for type_, words in {
        "view": "pv viewed pageview page_view browse browsed detail 浏览 查看 点击浏览",
        "click": "clicked 点击",
        "impression": "exposure shown 曝光",
        "favorite": "fav favourite favorited wishlist collect 收藏",
        "unfavorite": "unfav unfavourite 取消收藏",
        "like": "liked 点赞 喜欢",
        "share": "shared 分享 转发",
        "comment": "commented 留言",
        "cart": "addtocart add_to_cart add-to-cart cart_add basket 加购 加入购物车 购物车",
        "cart_remove": "remove_from_cart removefromcart 移出购物车",
        "purchase": "buy bought order ordered purchased transaction sale 购买 下单 支付 成交",
        "refund": "refunded return returned 退款 退货",
        "rate": "rating rated 评分",
        "review": "reviewed 评价 评论",
        "search": "searched query 搜索",
        "coupon_claim": "领券 领取优惠券",
        "coupon_redeem": "用券 使用优惠券",
        "contact": "咨询 客服",
        "open": "opened 打开",
    }.items()
    for word in words.split()
}

SWITCH_WORDS: Final[dict[str, str]] = {
    **dict.fromkeys(("on", "true", "yes", "y", "1", "是", "开", "开启"), "on"),
    **dict.fromkeys(("off", "false", "no", "n", "0", "否", "关", "关闭"), "off"),
}

_SHARED: Final = {
    "user_id": "user_id userid user uid customer_id customerid customer member_id memberid household_id client_id "
               "用户id 用户编号 用户 会员id 会员编号 客户id 客户编号 顾客id",
    "product_id": "product_id productid product pid item_id itemid sku sku_id stockcode goods_id "
                  "商品id 商品编号 商品编码 产品id 产品编号 货号",
    "price": "price unitprice unit_price selling_price 价格 单价 售价 商品价格",
    "time": "time timestamp event_time datetime date ts created_at updated_at invoicedate order_date order_time "
            "behavior_time 时间 日期 时间戳 行为时间 下单时间 更新时间",
}  # fmt: skip

# Our field -> headers that mean it, per kind. Compared without case, spaces, _ - and dots.
HEADERS: Final[dict[str, dict[str, str]]] = {
    "products": {
        "product_id": _SHARED["product_id"] + " id",
        "time": "updated_at 更新时间 timestamp time invoicedate",
        "title": "title name product_name item_name product_title 商品名称 商品名 产品名称 名称 标题 品名 商品标题",
        "description": "description product_description desc details 描述 商品描述 简介 详情 产品描述",
        "category": "category product_category category_name 类目 分类 类别 品类 商品分类 商品类别",
        "brand": "brand brand_name manufacturer 品牌",
        "price": _SHARED["price"],
        "stock": "stock inventory stock_quantity in_stock_quantity 库存 库存数量",
        "released": "released release_date launch_date 上市日期 发布日期 上架时间",
        "url": "url link product_url 链接 商品链接",
        "image_url": "image_url image picture 图片 图片链接",
        "tags": "tags keywords labels 标签 关键词",
        "text": "text 文本",
        "attributes": "attributes 属性",
    },
    "users": {
        "user_id": _SHARED["user_id"] + " id",
        "time": "updated_at 更新时间 timestamp time invoicedate",
        "age": "age 年龄",
        "gender": "gender sex 性别",
        "occupation": "occupation job profession 职业",
        "education": "education degree 学历 教育程度 教育",
        "income": "income annual_income yearly_income salary 收入 年收入",
        "income_band": "income_band income_level income_range 收入区间 收入水平",
        "city": "city 城市 所在城市",
        "province": "province state region 省份 省",
        "country": "country 国家",
        "member_tier": "member_tier tier membership member_level vip_level 会员等级 会员级别",
        "signup_date": "signup_date sign_up_date registered registration_date register_date 注册日期 注册时间",
        "consent": "consent consents 同意渠道 授权渠道",
        "personalisation": "personalisation personalization 个性化 个性化推荐",
        "attributes": "attributes 属性",
    },
    "events": {
        "event_id": "event_id eventid 事件id",
        "user_id": _SHARED["user_id"],
        "type": "type event_type event behavior behaviour behavior_type behaviour_type action "
        "类型 行为 行为类型 事件类型",
        "time": _SHARED["time"],
        "product_id": _SHARED["product_id"],
        "quantity": "quantity qty amount_of_items 数量 购买数量 件数",
        "price": _SHARED["price"],
        "discount": "discount discount_amount 折扣金额 优惠金额 优惠",
        "rating": "rating score stars 评分 打分 星级",
        "text": "text query search_query review_text comment_text content 搜索词 关键词 评论内容 内容",
        "dwell_s": "dwell_s dwell_seconds dwell_time 停留时长 停留秒数",
        "session": "session session_id 会话 会话id",
        "channel": "channel 渠道",
        "device": "device 设备",
        "payment_method": "payment_method payment 支付方式 付款方式",
        "campaign": "campaign campaign_id 活动 活动id",
        "order_id": "order_id orderid order_no invoiceno invoice_no invoice 订单id 订单号 订单编号",
        "purchase_time": "purchase_time 购买时间",
        "method": "method",
        "position": "position 位置",
        "request_id": "request_id",
        "experiment": "experiment 实验",
        "user_fields": "user_fields",
        "attributes": "attributes 属性",
    },
}


def normalise_header(name: str) -> str:
    """A header as it is compared: full-width folded, no case, no spaces, underscores, hyphens and dots."""
    return re.sub(r"[\s_\-.]+", "", unicodedata.normalize("NFKC", name).casefold())
