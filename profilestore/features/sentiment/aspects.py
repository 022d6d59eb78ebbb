"""What a review speaks of: price, quality, delivery, service, by words of our own in both languages.

Each clause that names an aspect is read by the lexicon; one that says nothing polar itself takes what the next
clause of its sentence says, if that names no aspect of its own (价格方面，很满意).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

from profilestore.features.sentiment.cutting import words_of
from profilestore.features.sentiment.lexicon import read_clauses
from profilestore.features.sentiment.text import Clause, normalise, split_clauses
from profilestore.features.tokens import stem

__all__ = ["ASPECTS", "aspects_of"]

ASPECTS: Final = ("price", "quality", "delivery", "service")
# One clause may speak of two things: great price but slow shipping.
_JOINTS: Final = re.compile(r"\b(?:but|however|and|yet|though|although|while)\b|但是|但|不过|可是|只是|就是")
_CHINESE: Final = {
    "price": """
        价格 价钱 价位 价 性价比 贵 便宜 实惠 划算 合算 优惠 降价 涨价 超值 物超所值 物有所值 物美价廉 打折 促销
        定价 收费 花钱 白花钱 省钱 块钱 智商税""",
    "quality": """
        质量 品质 做工 材质 面料 用料 材料 质感 手感 工艺 正品 假货 次品 劣质 瑕疵 破损 坏了 掉色 褪色 起球 缩水
        变形 开胶 脱线 线头 开裂 断裂 生锈 耐用 结实 牢固 粗糙 精致 异味 色差 故障 死机 黑屏 效果 性能 味道 口感
        新鲜 发霉 过期 盗版 印刷 扎实 厚实 单薄 山寨 翻新""",
    "delivery": """
        物流 快递 快递员 送货 发货 到货 配送 运输 运费 包装 收货 包裹 派送 寄 送达 送到 签收 延误 少发 漏发 错发
        发错 丢件 暴力物流 顺丰 圆通 中通 申通 韵达 邮费 包邮 外卖小哥 骑手""",
    "service": """
        服务 态度 客服 售后 店家 卖家 商家 老板 店员 掌柜 服务员 前台 退货 换货 退款 退换 回复 解答 耐心 热情 敷衍
        推诿 投诉 保修 维修 处理 沟通 不耐烦 不理人 导购""",
}
_ENGLISH: Final = {
    "price": """
        price pricing priced cost cheap cheaper expensive overpriced pricey value bargain affordable money deal
        discount worth dollar pound euro rip-off ripoff penny inexpensive""",
    "quality": """
        quality material fabric stitching build built durable durability flimsy sturdy broke broken defective defect
        faulty workmanship craftsmanship fake counterfeit genuine texture finish texture fades faded shrunk shrink
        ripped cracked rust leak taste flavor flavour fresh stale battery works working well-made performance""",
    "delivery": """
        delivery delivered deliver shipping shipped shipment ship arrive arrived arrival packaging packaged package
        parcel courier post postage late box carrier dispatch dispatched""",
    "service": """
        service seller staff support customer-service helpful unhelpful rude polite refund return returned exchange
        reply replied response answered email phone-call warranty agent representative waiter""",
}


def aspects_of(text: str) -> dict[str, float | None]:
    """The aspects a text names, each with what is said of it (-1 to 1), None where nothing polar is."""
    return aspects_in(split_clauses(normalise(text)))


def aspects_in(clauses: Sequence[Clause]) -> dict[str, float | None]:
    """The same, of the clauses of one text; of several clauses the mean."""
    clauses = [
        Clause(part, clause.sentence, clause.mark)
        for clause in clauses
        for part in _JOINTS.split(clause.text)
        if part.strip() != ""
    ]
    named = [_named(clause) for clause in clauses]
    said: dict[str, list[float]] = {}
    for place, clause in enumerate(clauses):
        if len(named[place]) == 0:
            continue
        score = read_clauses([clause]).score
        following = place + 1
        goes_on = following < len(clauses) and clauses[following].sentence == clause.sentence
        if score is None and goes_on and len(named[following]) == 0:
            score = read_clauses([clauses[following]]).score
        for aspect in named[place]:
            said.setdefault(aspect, []).extend([] if score is None else [score])
    return {
        aspect: round(sum(said[aspect]) / len(said[aspect]), 4) if len(said[aspect]) > 0 else None
        for aspect in ASPECTS
        if aspect in said
    }


def _named(clause: Clause) -> list[str]:
    chinese, english = _patterns()
    stems = {stem(word) for word in words_of(clause.text) if word.isascii()} if english else set()
    return [
        aspect
        for aspect in ASPECTS
        if chinese[aspect].search(clause.text) is not None or len(english[aspect] & stems) > 0
    ]


@cache
def _patterns() -> tuple[dict[str, re.Pattern[str]], dict[str, frozenset[str]]]:
    chinese = {aspect: re.compile("|".join(map(re.escape, words.split()))) for aspect, words in _CHINESE.items()}
    english = {aspect: frozenset(stem(word) for word in words.split()) for aspect, words in _ENGLISH.items()}
    return chinese, english
