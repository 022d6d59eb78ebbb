"""Why somebody is flagged, in words, in English and Chinese; and the card of the search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from profilestore.insight.odd.trial import Trial

__all__ = ["FLAGS", "flag_word", "odd_card", "odd_reasons", "reason"]

# In the order in which they are told; the values of the field `odd_flags`.
FLAGS: Final = ("order-value", "velocity", "refunds", "same-pattern", "unusual")

_FLAG_ZH: Final = {
    "order-value": "大额订单",
    "velocity": "短时高频",
    "refunds": "频繁退款",
    "same-pattern": "多账号同一模式",
    "unusual": "行为少见",
}

# What the forests look at: how it is told, and how its values are printed.
_FIGURES: Final[Mapping[str, tuple[str, str, str]]] = {
    "acts in an hour": ("acts in the busiest hour", "最忙一小时的行为数", "count"),
    "orders in a day": ("orders within 24 hours", "24 小时内的订单数", "count"),
    "largest order": ("the largest order", "最大订单金额", "money"),
    "order value": ("the mean order", "平均订单金额", "money"),
    "pieces of a line": ("most pieces of one product at once", "单品一次购买的最多件数", "count"),
    "money sent back": ("money sent back", "退款金额占比", "share"),
    "purchases": ("purchases among the acts", "行为中购买的占比", "share"),
    "at night": ("acts between midnight and six", "零点至六点的行为占比", "share"),
    "new products": ("different products among the acts", "行为中不同商品的占比", "share"),
    "hours without a break": ("hours without a break of an hour", "连续活动（间断不足一小时）的小时数", "number"),
    "unevenness of pauses": ("unevenness of the pauses between acts", "行为间隔的不均匀程度", "number"),
}


def flag_word(flag: str, language: str) -> str:
    """A flag as a person calls it."""
    return _FLAG_ZH[flag] if language == "zh" else flag.replace("-", " ")


def odd_reasons(facts: Sequence[Mapping[str, Any]], language: str, *, currency: str) -> list[str]:
    """A sentence for each fact of a profile's `odd_facts`."""
    return [reason(fact, language, currency=currency) for fact in facts]


def reason(fact: Mapping[str, Any], language: str, *, currency: str) -> str:
    """One fact in words, `en` or `zh`."""
    words = _CHINESE if language == "zh" else _ENGLISH
    if fact["flag"] == "unusual":
        return _unusual(fact, language, currency)
    if fact["flag"] == "velocity":
        return words[fact["of"]].format(**fact)
    return words[fact["flag"]].format(**fact, currency=currency)


_ENGLISH: Final = {
    "order-value": "one order of {amount:,.2f} {currency}: {times:,.0f} times the usual {usual:,.2f} {currency}",
    "orders_a_day": "{count} orders within 24 hours ({limit} or more are told)",
    "acts_an_hour": "{count} acts within one hour ({limit} or more are told)",
    "acts_a_day": "{count} acts within 24 hours ({limit} or more are told)",
    "refunds": "{refunds} refunds on {purchases} purchases, {share:.0%} of the money back (in the shop {usual:.1%} of "
    "purchases come back)",
    "same-pattern": "{accounts} accounts buy and rate the same things in the same order (pattern {pattern}; "
    "{likeness:.0%} of the steps in common with the most similar one)",
}
_CHINESE: Final = {
    "order-value": "有一笔 {amount:,.2f} {currency} 的订单，是通常 {usual:,.2f} {currency} 的 {times:,.0f} 倍",
    "orders_a_day": "24 小时内下了 {count} 单（{limit} 单起提示）",
    "acts_an_hour": "一小时内有 {count} 次行为（{limit} 次起提示）",
    "acts_a_day": "24 小时内有 {count} 次行为（{limit} 次起提示）",
    "refunds": "{purchases} 次购买中退款 {refunds} 次，退回金额占 {share:.0%}（全店退款率为 {usual:.1%}）",
    "same-pattern": "{accounts} 个账号以相同顺序购买并评价相同商品"
    "（模式 {pattern}；与最相似账号有 {likeness:.0%} 的步骤相同）",
}


def _unusual(fact: Mapping[str, Any], language: str, currency: str) -> str:
    parts = []
    for by in fact["by"]:
        english, chinese, kind = _FIGURES[by["what"]]
        here, usual = (_printed(by[name], kind, currency) for name in ("value", "usual"))
        parts.append(f"{chinese} {here}（通常 {usual}）" if language == "zh" else f"{english} {here} (usually {usual})")
    if language == "zh":
        return f"整体行为少见（{fact['score']:.2f}，满分 1）：" + "，".join(parts)
    return f"unlike the other users in all ({fact['score']:.2f} of 1): " + ", ".join(parts)


def _printed(value: float, kind: str, currency: str) -> str:
    if kind == "money":
        return f"{value:,.2f} {currency}"
    if kind == "share":
        return f"{value:.0%}"
    return f"{value:,.0f}" if kind == "count" else f"{value:,.1f}"


def odd_card(*, odd_users: int, users: int, counts: Mapping[str, int], trial: Trial) -> dict[str, str]:
    """What the search is, what from, how good, and what it is not for."""
    share = odd_users / max(1, users)
    english_counts = ", ".join(f"{flag_word(flag, 'en')} {count:,}" for flag, count in counts.items())
    chinese_counts = "，".join(f"{flag_word(flag, 'zh')} {count:,} 人" for flag, count in counts.items())
    english = [
        f"{odd_users:,} of {users:,} users ({share:.2%}) are flagged for a person to look at: {english_counts}.",
        "Nothing is blocked, and no list or price changes. A flag is a question and no proof: a wholesaler, a family "
        "with one account or a gift for the whole office look odd too.",
        "Made from recent acts alone (orders, refunds, hours, what was bought after what); no age, gender or place. "
        "Not for decisions about a person without a person.",
    ]
    chinese = [
        f"{users:,} 位用户中有 {odd_users:,} 位（{share:.2%}）被标出，供人工查看：{chinese_counts}。",
        "不会拦截任何人，也不改变推荐与价格。标记是疑问而非证据：批发商、共用账号的家庭、给全公司买礼物的人看上去也会异常。",
        "只依据近期行为（订单、退款、时刻、购买的先后），不含年龄、性别与地区。不可在没有人工判断时用于关乎个人的决定。",
    ]
    if len(trial.figures) == 0:
        english.append(
            "Not checked: the history has neither purchases nor views that odd behaviour could be planted in."
        )
        chinese.append("未检验：历史中没有可用来植入异常行为的购买或浏览。")
    else:
        ours, plain, gain = (trial.figures[name] for name in ("recall", "baseline", "gain"))
        verdict = "Better than that baseline." if trial.beats else "NOT better than that baseline."
        english.append(
            f"Who is really odd, nobody has told. Of {trial.figures['planted']} odd users planted into a copy of the "
            f"history {_range(ours)} were found; with as many flags by the largest deviation of one figure, "
            f"{_range(plain)}: a difference of {_range(gain)}. {verdict}"
        )
        chinese.append(
            f"真正异常者无从知晓。在历史副本中植入的 {trial.figures['planted']} 位异常用户里找到了 {_range(ours)}；"
            f"按单项偏离最大标出同样人数，则为 {_range(plain)}，相差 {_range(gain)}。"
            + ("优于该基线。" if trial.beats else "未优于该基线。")
        )
    return {"en": "\n".join(english), "zh": "\n".join(chinese)}


def _range(figure: Mapping[str, float]) -> str:
    return f"{figure['mean']:.1%} [{figure['low']:.1%}, {figure['high']:.1%}]"
