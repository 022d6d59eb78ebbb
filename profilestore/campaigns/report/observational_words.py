"""The words of a comparison without a lot, English and Chinese."""

from __future__ import annotations

from typing import Any, Final

from profilestore.campaigns.report.sections import Language

__all__ = ["has_words", "said"]

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "chosen": ("Who was chosen: why this is no random control", "选了谁：为何这不是随机对照"),
    "no lot": (
        "Nobody was drawn by lot. {inside} users who had acted before the campaign began were in it and {others} were "
        "not, and they were not alike to begin with: a difference between them is what the campaign did and who they "
        "were, in one.",
        "没有任何人是抽签决定的。活动开始前已有行为的用户中，{inside} 人在活动内，{others} 人不在，二者本来就不一样："
        "两者之差既有活动的作用，也有人群本身的差异。",
    ),
    "nothing before": (
        "Nobody was drawn by lot, and nothing is known of before: when the campaign began, none of its users had acted "
        "in this log.",
        "没有任何人是抽签决定的，此前也一无所知：活动开始时，其用户在日志中都还没有行为。",
    ),
    "consent": (
        "What was sent was sent: consent was not asked of the past.",
        "已发生的触达按原样导入，未追溯询问同意。",
    ),
    "unknown": (
        "{count} more were in it of whom nothing was known before, or who have personalisation off: they are in "
        "nothing below.",
        "另有 {count} 人在活动内，但此前没有记录或已关闭个性化，下文均不包含。",
    ),
    "differed": ("Those in it differed before: {traits}.", "活动内用户此前的不同：{traits}。"),
    "alike": (
        "In what was known before, the two differed by less than a tenth of a spread.",
        "就已知的情况而言，两组相差不到标准差的十分之一。",
    ),
    "trait": (
        "{name} {inside} against {others} ({smd:+.2f} spreads)",
        "{name} {inside} 对 {others}（相差 {smd:+.2f} 个标准差）",
    ),
    "of today": (
        "Age, income and the like are those of today's profiles, and not matched on.",
        "年龄、收入等为当前资料，不参与匹配。",
    ),
    "concurrent": (
        "Other campaigns ran in these weeks, and what they did is in the difference too: {names}; in brackets the "
        "share of those in this one and of the others.",
        "同期还有其他活动，其作用也混在差异之中：{names}；括号内为活动内、活动外用户中的占比。",
    ),
    "both": ("{name} ({inside:.0%}, {others:.0%})", "{name}（{inside:.0%}、{others:.0%}）"),
    "difference": ("What the difference comes to", "差异有多大"),
    "none before": (
        "Nothing can be compared: fewer than 10 of those in it, or fewer than 50 others, had acted before it began.",
        "无法比较：活动开始前已有行为的用户，活动内不足 10 人，或活动外不足 50 人。",
    ),
    "nobody like": (
        "Fewer than 10 of those in it have anybody outside who was like them before: only the plain difference is "
        "left.",
        "活动内不足 10 人能在活动外找到相近的用户：只剩未经匹配的差异。",
    ),
    "paid alike": (
        "Those who are compared and those like them all paid the same: nothing tells how sure a difference would be.",
        "参与比较的用户与相近的用户支付的金额都相同：无法判断差异的可靠程度。",
    ),
    "shrunk": (
        "By the plain difference users in it paid {plain} more; against others who had been like them, {matched}.",
        "未经匹配，活动内用户人均多付 {plain}；与此前相近的用户相比，为 {matched}。",
    ),
    "shown": (
        "A difference remains that chance alone does not explain; what was not known before may.",
        "仍有偶然无法解释的差异；但也可能来自此前未知的不同。",
    ),
    "not shown": (
        "What remains may be chance: no effect on what users paid was shown.",
        "剩下的差异可能只是偶然：未显示对消费有影响。",
    ),
    "left out": (
        "{left} of {inside} are left out: nobody outside was like them. What is said of the matched holds for the "
        "other {compared}, and not for the campaign as a whole.",
        "{inside} 人中有 {left} 人被排除：活动外没有与之相近的人。匹配后的结论只适用于其余 {compared} 人，"
        "而非整个活动。",
    ),
    "few": (
        "{compared} users are few: a single large basket moves the figures.",
        "{compared} 人太少：一笔大单就会改变数字。",
    ),
    "short": (
        "The log begins {days:.0f} days before the campaign: what users were like before is known from little, and "
        "those matched may differ more than it seems.",
        "日志在活动开始前只有 {days:.0f} 天：对用户此前的了解很少，匹配的双方可能比看上去差别更大。",
    ),
    "cut": (
        "The log ends {days:.0f} days before what counts of the campaign does.",
        "日志比活动统计期早结束 {days:.0f} 天。",
    ),
    "method": (
        "Matched: each with up to 4 users outside who were nearest before it began (spending in the year and in the 28 "
        "days before, orders, days since the last one, campaigns received; Mahalanobis distance, at most 0.5), with "
        "replacement; what is left of the difference taken off by regression (Abadie and Imbens 2011), interval by "
        "their variance of 2006; a bootstrap would not be valid (Abadie and Imbens 2008). Plain: Newcombe's "
        "interval for shares, a linear model for money. What the log does not know, such as why somebody was "
        "chosen, is not accounted for.",
        "匹配：每人与活动开始前最接近的至多 4 名活动外用户相比（前一年与前 28 天消费、订单数、距上次下单天数、"
        "收到的活动数；马氏距离不超过 0.5），可重复使用；剩余差异用回归扣除（Abadie 与 Imbens 2011），"
        "区间用其 2006 年的方差；自助法在此无效（Abadie 与 Imbens 2008）。未匹配：占比用 Newcombe 区间，"
        "金额用线性模型。日志不知道的因素（例如为何选中某人）无法校正。",
    ),
    "spent_year": ("spent in the year before", "前一年消费"),
    "spent_month": ("spent in the 28 days before", "前 28 天消费"),
    "orders_year": ("orders in the year before", "前一年订单数"),
    "recency_days": ("days since the last order", "距上次下单天数"),
    "campaigns": ("campaigns received in the year before", "前一年收到的活动数"),
    "age": ("age", "年龄"),
    "income": ("income", "收入"),
    "gender": ("gender", "性别"),
    "income_band": ("income", "收入"),
    "member_tier": ("member tier", "会员等级"),
    "attributes.age_band": ("age", "年龄"),
    "known": ("known before", "此前已知"),
    "in it": ("in it", "活动内"),
    "not in it": ("not in it", "活动外"),
    "apart": ("spreads apart", "标准化差"),
    "compared": ("in it, matched", "活动内（匹配）"),
    "like them": ("like them", "相近者"),
    "apart after": ("spreads apart then", "匹配后标准化差"),
    "outcome": ("in the campaign's time", "活动期内"),
    "plain": ("plain difference", "未匹配的差异"),
    "matched": ("after matching", "匹配后的差异"),
    "bought": ("bought", "购买占比"),
    "revenue": ("paid, a user", "人均消费"),
}  # fmt: skip


def said(key: str, language: Language, **facts: Any) -> str:
    """The words of a key with facts filled in."""
    return _WORDS[key][0 if language == "en" else 1].format(**facts)


def has_words(key: str) -> bool:
    """Whether a figure or group has a name for people."""
    return key in _WORDS
