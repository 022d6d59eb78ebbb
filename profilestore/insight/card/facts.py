"""The part of a card that is no guess: what was told, what was done, and the shares that are counted from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from profilestore.insight.card.parts import Entry, Known
from profilestore.insight.card.words import FIELDS, day, listed, share_of, word_of

__all__ = ["acts_of", "interests_of", "is_identifying", "tells_of"]

_NAMES_SHOWN: Final = 5
_WORDS_SHOWN: Final = 8
_CHARACTERS: Final = 80
# Names of attributes that say directly who somebody is, and values that look like it: a mail address, or seven digits
# and more in a row but for separators (a telephone, card or identity number).
_IDENTIFYING_NAME: Final = re.compile(
    r"(^|_)(e?mail|phone|mobile|telephone|tel|fax|name|surname|address|street|postcode|zip|passport|ssn|iban|card|"
    r"account|birthday|birthdate|ip|wechat|qq|openid|id_?number)(_|$)|姓名|手机|电话|邮箱|地址|身份证|微信|生日",
    re.IGNORECASE,
)
_IDENTIFYING_VALUE: Final = re.compile(r"@|(?:\d[\s()./+-]*){7,}")


def is_identifying(name: str, value: object) -> bool:
    """Whether an attribute may say directly who somebody is; such a value is not put on a card."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[\s.-]+", "_", name)
    return _IDENTIFYING_NAME.search(snake) is not None or _IDENTIFYING_VALUE.search(str(value)) is not None


def tells_of(profile: Mapping[str, Any], language: str) -> tuple[Entry, ...]:
    """What the user told the shop: static fields, then the shop's own attributes."""
    entries: list[Entry] = []
    for field, words in FIELDS.items():
        value = profile.get(field)
        if value is None:
            continue
        said = [word_of(field, str(part), language) if field in ("gender", "personalisation") else str(part)
                for part in (value if isinstance(value, list) else [value])]  # fmt: skip
        none = {"en": "nothing", "zh": "无"}[language]
        entries.append(Entry(words[1] if language == "zh" else words[0], (listed(said, language) or none,)))
    hidden = {"en": "on file, not shown here", "zh": "已登记，此处不显示"}[language]
    for name, value in sorted((profile.get("attributes") or {}).items()):
        told = hidden if is_identifying(name, value) else str(value)[:_CHARACTERS]
        entries.append(Entry(name.replace("_", " "), (told,)))
    return tuple(entries)


def acts_of(known: Known, language: str) -> tuple[Entry, ...]:
    """What the user did: counts, orders and money, and what is remembered of it."""
    profile, zh = known.profile, language == "zh"
    entries: list[Entry] = []

    def add(english: str, chinese: str, said: str | None) -> None:
        if said:
            entries.append(Entry(chinese if zh else english, (said,)))

    if profile.get("first_seen") is not None:
        first, last = day(profile["first_seen"]), day(profile.get("last_seen"))
        add("time", "时间", f"{first} 至 {last}" if zh else f"{first} to {last}")
    counts = {name: count for name, count in (profile.get("event_counts") or {}).items() if count > 0}
    told = [f"{word_of('event_counts', name, language)} {count:,}" for name, count in sorted(counts.items())]
    add("counts", "次数", listed(told, language))
    orders, money = int(profile.get("order_count") or 0), f"{profile.get('spend_total') or 0.0:,.2f} {known.currency}"
    if orders > 0:
        last = day(profile.get("last_purchase"))
        add(
            "orders", "订单",
            f"{orders:,} 笔，共 {money}，最近一次 {last}"
            if zh
            else f"{orders:,} for {money} in all, the last on {last}",
        )  # fmt: skip
    if profile.get("rating_mean") is not None:
        mean, count = profile["rating_mean"], profile.get("rating_count") or 0
        add("ratings", "评分", f"平均 {mean:.1f}，共 {count} 次" if zh else f"{mean:.1f} on average of {count}")
    words = [word for word in profile.get("search_words") or [] if not is_identifying("", word)]
    add("searched for", "搜索词", listed(words[:_WORDS_SHOWN], language))
    for english, chinese, field in (
        ("ways into the shop", "渠道", "channels"), ("devices", "设备", "devices"),
        ("paid by", "支付方式", "payment_methods"),
    ):  # fmt: skip
        add(english, chinese, listed([str(name).replace("_", " ") for name in profile.get(field) or []], language))
    sizes = [len(profile.get(name) or []) for name in ("seen_products", "purchased_products", "cart_products")]
    if sum(sizes) > 0:
        seen, bought, cart = sizes
        add(
            "products remembered", "记录的商品",
            f"看过 {seen:,} 件，购买 {bought:,} 件，购物车 {cart:,} 件"
            if zh
            else f"{seen:,} seen, {bought:,} bought, {cart:,} in the cart",
        )  # fmt: skip
    if profile.get("personalisation") == "off":
        add(
            "kept and not used", "保留但不使用",
            "按品类、品牌和主题的统计，仅在您重新开启个性化时才会使用"
            if zh
            else "tallies by category, brand and theme, in case you switch personalisation on again",
        )  # fmt: skip
    return tuple(entries)


def interests_of(known: Known, language: str) -> tuple[Entry, ...]:
    """What the user turns to, by categories, brands and topics; and whether there is a taste to recommend by."""
    profile, zh = known.profile, language == "zh"
    said: list[str] = []
    for english, chinese, field in (
        ("Categories", "品类", "category_shares"), ("Brands", "品牌", "brand_shares"),
        ("Themes", "主题", "topic_shares"),
    ):  # fmt: skip
        shares = [f"{entry['name']} {share_of(entry['share'])}" for entry in (profile.get(field) or [])[:_NAMES_SHOWN]]
        if len(shares) > 0:
            said.append(f"{chinese}：{listed(shares, language)}。" if zh else f"{english}: {listed(shares, language)}.")
    if len(said) == 0:
        return ()
    acts, days = int(profile.get("events_total") or 0), f"{known.half_life_days:g}"
    first, last = day(profile.get("first_seen")), day(profile.get("last_seen"))
    if zh:
        basis = f"您在 {first} 至 {last} 的 {acts:,} 次行为；越近的越重要，每 {days} 天减半。没有使用模型，只是计数。"
        sure = "按行为计数，准确；但可能是为别人购买。"
        return (Entry("您偏好什么", tuple(said), basis, sure),)
    basis = (
        f"your {acts:,} acts from {first} to {last}; newer ones count more, half as much every {days} days. Counted, "
        "without a model."
    )
    sure = "As counts they are exact; that you like it is a guess, you may have bought for others."
    return (Entry("what you turn to", tuple(said), basis, sure),)
