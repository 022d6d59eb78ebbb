"""What models believe of a user, in words a customer understands: an entry a model, with its basis and how sure it is.

To add a model's fields to the card, add its line to `BELIEFS`: the group of `insight_as_of`, the label, what it says of
a profile, from which data, by which model. What is absent in a profile is not mentioned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from profilestore.insight.card.parts import Entry, Known
from profilestore.insight.card.sayings import (
    say_churn,
    say_interests,
    say_lifetime,
    say_map,
    say_odd,
    say_propensity,
    say_rules,
    say_segment,
    say_sentiment,
    say_value,
)
from profilestore.insight.card.words import day
from profilestore.insight.records import InsightRecord

__all__ = ["BELIEFS", "Belief", "beliefs"]

Words = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Belief:
    """How a card tells of one group of fields.

    Attributes:
        group: of `insight_as_of`.
        label: in English and Chinese, as all words here.
        say: the sentences about a user; none where the profile has none of the fields.
        data: of the user, that it is made from.
        model: by what.
        sure: how sure it is, from the figures of the record; "" for what is told of all models.
    """

    group: str
    label: Words
    say: Callable[[Known, str], tuple[str, ...]]
    data: Words
    model: Words
    sure: Callable[[Mapping[str, Any], str], str] = lambda figures, language: ""


def _sure_by_auc(figures: Mapping[str, Any], language: str) -> str:
    found = figure_named(figures, "auc")
    if found is None:
        return ""
    told = f"{found * 100:.0f}"
    if language == "zh":
        return f"在之后的时间检验：任取一位发生和一位未发生的顾客，{told}% 的情况下排序正确（50% 等于抛硬币）。"
    return (
        "Checked on a later time: of two customers, one to whom it happened and one to whom not, it named the right "
        f"one in {told} of 100 cases (50 would be a coin)."
    )


def _sure_of_lifetime(figures: Mapping[str, Any], language: str) -> str:
    found = figure_named(figures, "covered")
    if found is None:
        return ""
    if language == "zh":
        return f"在已知的一段时间上检验：{found:.0%} 的顾客落在给出的范围内。"
    return f"Checked on a time that is known: {found * 100:.0f} of 100 customers were within their range."


def _sure_of_value(figures: Mapping[str, Any], language: str) -> str:
    ours, chosen = figure_named(figures, "top_share"), figures.get("top_users_share")
    if ours is None or not isinstance(chosen, float):
        return ""
    if language == "zh":
        return f"检验：最高一层（{chosen:.0%} 的顾客）占之后消费的 {ours:.0%}。对个人只是粗略说明。"
    return (
        f"Checked on a later time: the upper group, {chosen * 100:.0f} of 100 customers, then spent {ours * 100:.0f} "
        "of every 100. Of a single customer it says little."
    )


def _sure_of_segment(figures: Mapping[str, Any], language: str) -> str:
    explained = (figures.get("foretold") or {}).get("explained")
    if explained is None:
        return ""
    if language == "zh":
        return f"粗略：群体只能解释顾客之后差异的 {explained['mean']:.0%}。"
    return f"Rough: groups explain {explained['mean'] * 100:.0f} % of how customers differ later."


def _sure_of_sentiment(figures: Mapping[str, Any], language: str) -> str:
    found = figure_named(figures, "macro_f1")
    if found is None:
        return {
            "en": "Read by a small list of words: often wrong, with irony above all.",
            "zh": "由一份小词表判断，常有误判，尤其是反讽。",
        }[language]
    if language == "zh":
        return f"在未学过的评论上检验：得分 {found:.2f}（满分 1）。常误判反讽。"
    return f"Checked on reviews it had not learned from: {found:.2f} of 1. Irony is often misread."


def _sure_of_interests(figures: Mapping[str, Any], language: str) -> str:
    off_by = figure_named(figures, "error_days")
    if off_by is None:
        return ""
    if language == "zh":
        return f"检验：预计的购买日期平均相差 {off_by:.0f} 天。"
    return f"Checked on a later time: the day of the next purchase was off by {off_by:.0f} days on average."


def _sure_of_map(figures: Mapping[str, Any], language: str) -> str:
    return {
        "en": "A picture for people to look at: near means roughly alike, and nothing follows from it.",
        "zh": "仅供人查看的图：相近表示大致相似，不产生任何后果。",
    }[language]


def _sure_of_rules(figures: Mapping[str, Any], language: str) -> str:
    return {
        "en": "Exact: the rule fits your records or it does not.",
        "zh": "准确：记录符合规则即归入，否则不归入。",
    }[language]


def _sure_of_odd(figures: Mapping[str, Any], language: str) -> str:
    return {
        "en": "A question, no proof: a person looks at it before anything follows from it.",
        "zh": "只是疑问，并非证据：须由人工查看，不会自动产生后果。",
    }[language]


BELIEFS: Final[tuple[Belief, ...]] = (
    Belief("value", ("what you are worth to the shop", "您对店铺的价值"), say_value,
           ("when, how often and for how much you bought, less what you sent back",
            "您购买的时间、次数和金额（扣除退货）"),
           ("a comparison with the other customers", "与其他顾客比较"), _sure_of_value),
    Belief("lifetime", ("what you may buy in the next 90 days", "您今后 90 天可能的购买"), say_lifetime,
           ("the rhythm and the amounts of your purchases", "您的购买节奏与金额"),
           ("a forecast from the rhythm (BG/NBD and Gamma-Gamma)", "购买节奏预测（BG/NBD 与 Gamma-Gamma）"),
           _sure_of_lifetime),
    Belief("segments", ("a group of similar customers", "相似顾客群体"), say_segment,
           ("what you turned to, and when and how you shop", "您关注的内容和购物的时间、方式"),
           ("a grouping by likeness", "按相似程度分组"), _sure_of_segment),
    Belief("rules", ("lists of the shop", "店铺名单"), say_rules,
           ("the fields of your profile", "您档案中的各项"),
           ("rules that somebody in the shop wrote", "店员编写的规则"),
           _sure_of_rules),
    Belief("churn", ("whether you stay a customer", "您是否会继续购买"), say_churn,
           ("the pauses between your orders, and your last visits", "您的订单间隔与最近的访问"),
           ("a model that learned from who came back and who did not", "从回购与未回购的顾客中学得的模型"),
           _sure_by_auc),
    Belief("propensity", ("whether you buy in the next 30 days", "您今后 30 天是否购买"), say_propensity,
           ("your orders and visits so far", "您至今的订单与访问"),
           ("a model that learned from who bought and who did not", "从购买与未购买的顾客中学得的模型"), _sure_by_auc),
    Belief("interests", ("how your interests change", "您兴趣的变化"), say_interests,
           ("what you turned to lately against before, and what you buy again and again",
            "您近期与以前关注的内容，以及反复购买的商品"),
           ("a comparison of two times, and of the pauses between equal purchases",
            "两段时间的比较，以及重复购买的间隔"), _sure_of_interests),
    Belief("sentiment", ("how content you are", "您的满意程度"), say_sentiment,
           ("the words of your reviews", "您的评价文字"),
           ("a program that reads good from bad", "判断褒贬的程序"), _sure_of_sentiment),
    Belief("odd", ("unusual use of the account", "账号的异常使用"), say_odd,
           ("the size, the number and the speed of your orders and refunds", "您订单与退款的金额、次数和速度"),
           ("rules, and a search for what is rare (Isolation Forest)", "规则与罕见行为检测（Isolation Forest）"),
           _sure_of_odd),
    Belief("map", ("your place on a picture of all customers", "您在全体顾客分布图上的位置"), say_map,
           ("the same as for the groups of similar customers", "与相似顾客群体相同"),
           ("a projection onto a plane (PCA, t-SNE)", "平面投影（PCA、t-SNE）"), _sure_of_map),
)  # fmt: skip


def beliefs(known: Known, language: str) -> tuple[Entry, ...]:
    """What the models say of a user, in the order of `BELIEFS`."""
    place = 1 if language == "zh" else 0
    entries: list[Entry] = []
    for belief in BELIEFS:
        said = belief.say(known, language)
        if len(said) > 0:
            record = known.records.get(belief.group)
            basis = _basis(belief, known, record, language)
            entries.append(Entry(belief.label[place], said, basis, _sure(belief, record, language)))
    return tuple(entries)


def _basis(belief: Belief, known: Known, record: InsightRecord | None, language: str) -> str:
    """Which data of the user, as of when; which model, and from whose acts of which time it is."""
    as_of = (known.profile.get("insight_as_of") or {}).get(belief.group)
    window = {} if record is None else record.window
    data, model = (words[1 if language == "zh" else 0] for words in (belief.data, belief.model))
    users, first, last = (window.get(name) for name in ("users", "first_act", "last_act"))
    if language == "zh":
        until = "" if as_of is None else f"（截至 {day(as_of)}）"
        learned = "" if users is None else f"，所用数据为 {users:,} 位顾客 {day(first)} 至 {day(last)} 的行为"
        return f"{data}{until}。方法：{model}{learned}。"
    until = "" if as_of is None else f", as of {day(as_of)}"
    learned = "" if users is None else f", on what {users:,} customers did from {day(first)} to {day(last)}"
    return f"{data}{until}. By {model}{learned}."


def _sure(belief: Belief, record: InsightRecord | None, language: str) -> str:
    sentences = ["" if record is None else belief.sure(record.figures, language)]
    if record is not None and not record.accepted:
        doubt = (
            "它并不优于简单的估计，请谨慎看待。"
            if language == "zh"
            else "It is no better than a simple guess: trust it little."
        )
        sentences.append(doubt)
    return ("" if language == "zh" else " ").join(sentence for sentence in sentences if sentence != "")


def figure_named(figures: Mapping[str, Any], name: str) -> float | None:
    """The mean of the first figure of a name, however deep it stands; None where there is none."""
    found = figures.get(name)
    if isinstance(found, Mapping) and isinstance(found.get("mean"), float):
        return float(found["mean"])
    for value in figures.values():
        if isinstance(value, Mapping):
            deeper = figure_named(value, name)
            if deeper is not None:
                return deeper
    return None
