"""Cards: what a result is, in plain words, in English and Chinese. Generated from its own figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from profilestore.insight.value.lifetime import LifetimeCheck
    from profilestore.insight.value.step import TierCheck
    from profilestore.insight.value.tier_rules import TierRules

__all__ = ["lifetime_card", "value_card"]


def _range(figure: dict[str, Any], *, percent: bool = False) -> str:
    if percent:
        return f"{figure['mean']:.1%} [{figure['low']:.1%}, {figure['high']:.1%}]"
    return f"{figure['mean']:,.2f} [{figure['low']:,.2f}, {figure['high']:,.2f}]"


def value_card(check: TierCheck | None, tree: TierRules, users: int) -> dict[str, str]:
    """Of RFM scores and value tiers."""
    english = [
        f"Value tiers of {users:,} users who have bought: how lately, how often and for how much, "
        "weighed by what that said of later spending.",
        "Made from purchases less refunds alone; no age, gender or place. Not for decisions about a person's rights "
        "or prices: a tier says what was spent, not what somebody is worth.",
        f"The rules below give {tree.agreement:.1%} of the tiers (always the largest tier: {tree.majority:.1%}).",
    ]
    chinese = [
        f"{users:,} 位买过东西的用户的价值层级：最近一次购买、购买次数与金额，按其对之后消费的预示加权。",
        "只用扣除退款后的购买记录，不含年龄、性别与地区。不可用于关乎个人权利或价格的决定：层级说明的是消费，而非人的价值。",
        f"下列规则可还原 {tree.agreement:.1%} 的层级（总猜最大层级为 {tree.majority:.1%}）。",
    ]
    if check is None:
        english.append("Not checked on later spending: the history is too short, so the three scores weigh the same.")
        chinese.append("历史太短，无法用之后的消费检验，三项得分等权。")
        return {"en": "\n".join(english), "zh": "\n".join(chinese)}
    ours, last, above = (check.figures[name] for name in ("top_share", "last_period_share", "above_last_period"))
    days, share = check.figures["horizon_days"], check.figures["top_users_share"]
    english.append(
        f"Checked on the {days:.0f} days held out: the high tier, {share:.0%} of the buyers, held "
        f"{_range(ours, percent=True)} of what was spent then; as many users chosen by the last period's spend alone, "
        f"{_range(last, percent=True)}: a difference of {_range(above, percent=True)}."
    )
    english.append(
        "A user of the high tier spent more than one of the mid tier, and that one more than one of the low tier."
        if check.apart
        else "The tiers did NOT tell later spending apart: high, mid and low overlap."
    )
    chinese.append(
        f"在留出的 {days:.0f} 天上检验：高价值层（占买家 {share:.0%}）占当时消费的 {_range(ours, percent=True)}；"
        f"只按上期消费选出的同样人数占 {_range(last, percent=True)}，相差 {_range(above, percent=True)}。"
    )
    chinese.append("高层人均消费高于中层，中层高于低层。" if check.apart else "各层之后的消费没有分开。")
    if not check.potential:
        english.append("Potential tiers are left out: on the held-out period they did not spend more than the others.")
        chinese.append("未标潜力层级：在留出期内，其消费并不高于同层其他用户。")
    return {"en": "\n".join(english), "zh": "\n".join(chinese)}


def lifetime_card(check: LifetimeCheck, buyers: int) -> dict[str, str]:
    """Of expected purchases and spend."""
    figures = check.figures
    spend, days, covered = figures["spend"], figures["horizon_days"], figures["covered"]
    ours, last = spend["absolute_error"], spend["absolute_error_last_period"]
    expected, actual = spend["total_expected"], spend["total_actual"]
    verdict = "It beats that baseline." if check.beats else "It does NOT beat that baseline."
    english = [
        f"What {buyers:,} users who have bought are expected to buy and spend in the next 90 days, from the rhythm and "
        "the amounts of their purchases less refunds (BG/NBD and Gamma-Gamma), mixed with the last period.",
        "An average over many like users, not a promise of one: the interval says how wide it is. It knows no coming "
        "sale, season or price; no age, gender or place. Not for decisions about a person's rights or prices.",
        f"Checked on the {days:.0f} days held out: off by {ours:,.2f} a user on average; saying as much as last "
        f"period, by {last:,.2f}; gain {_range(spend['gain'])}. {verdict}",
        f"In all {expected:,.0f} was expected and {actual:,.0f} spent; {_range(covered, percent=True)} of the users "
        "were within their 80 % interval.",
    ]
    told = "优于该基线。" if check.beats else "未优于该基线。"
    chinese = [
        f"{buyers:,} 位买过东西的用户未来 90 天的预期购买次数与消费："
        "依据扣除退款后的购买节奏与金额（BG/NBD 与 Gamma-Gamma），并与上一期混合。",
        "这是许多相似用户的平均，不是对某个人的承诺，区间说明其宽窄。它不知道将来的促销、季节与价格，不含年龄、性别与地区。"
        "不可用于关乎个人权利或价格的决定。",
        f"在留出的 {days:.0f} 天上检验：人均误差 {ours:,.2f}；若照上期估计为 {last:,.2f}；"
        f"改进 {_range(spend['gain'])}。{told}",
        f"合计预期 {expected:,.0f}，实际 {actual:,.0f}；{_range(covered, percent=True)} 的用户落在其 80% 区间内。",
    ]
    return {"en": "\n".join(english), "zh": "\n".join(chinese)}
