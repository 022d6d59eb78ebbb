"""The words of a campaign's report, English and Chinese."""

from __future__ import annotations

from typing import Any, Final

from profilestore.campaigns.report.sections import Language

__all__ = ["said"]

_WORDS: Final[dict[str, tuple[str, str]]] = {
    # headings
    "title": ("Campaign {name}: did it pay?", "活动 {name}：值不值？"),
    "about": (
        "{starts} to {ends} UTC, counted until {until}; as of {as_of}. Money in {currency}.",
        "{starts} 至 {ends}（UTC），统计至 {until}；数据截至 {as_of}。金额单位 {currency}。",
    ),
    "verdict": ("Verdict", "结论"),
    "arms": ("What became of the two groups", "两组的情况"),
    "effect": ("What the campaign did", "活动效果"),
    "money": ("What it cost and earned", "成本与收益"),
    "groups": ("By group", "分群效果"),
    "advice": ("Whom to write to next time", "下次联系谁"),
    "course": ("Day by day", "逐日走势"),
    "method": ("How this was counted", "统计方法"),
    # verdicts
    "is effective": (
        "Effective: more users bought than would have without it, {difference} (one-sided p {p}).",
        "有效：购买的用户比没有活动时更多，{difference}（单侧 p {p}）。",
    ),
    "is harmful": (
        "Harmful: fewer users bought than would have without it, {difference}.",
        "有害：购买的用户比没有活动时更少，{difference}。",
    ),
    "is not_shown": (
        "No effect on buying was shown: {difference}. The control group was large enough to see {lift} more buyers.",
        "未显示对购买有影响：{difference}。对照组足够大，能看出购买者增加 {lift} 的效果。",
    ),
    "is too_small": (
        "Nothing can be said: {difference}, and the control group is too small.",
        "无法判断：{difference}，且对照组太小。",
    ),
    "is early": (
        "Too early for a verdict. So far: {difference}.",
        "尚早，不下结论。目前：{difference}。",
    ),
    "is no_control": (
        "Nobody was kept as a control group, so this report cannot say what the campaign brought about.",
        "没有保留对照组，因此本报告无法说明活动带来了什么。",
    ),
    "paid paid": (
        "It paid: {earned} {currency} after cost, where {margin} of the revenue is earned.",
        "划算：按收入的 {margin} 为毛利计，扣除成本后净收益 {earned} {currency}。",
    ),
    "paid lost": (
        "It lost money: {earned} {currency} after cost, where {margin} of the revenue is earned.",
        "亏损：按收入的 {margin} 为毛利计，扣除成本后净收益 {earned} {currency}。",
    ),
    "paid open": (
        "Whether it paid cannot be said: {earned} {currency} after cost, where {margin} of the revenue is earned.",
        "是否划算尚不能说：按收入的 {margin} 为毛利计，扣除成本后净收益 {earned} {currency}。",
    ),
    # cautions
    "early": (
        "The campaign counts until {until}. Who looks every day and stops at a good one finds an effect where there is "
        "none: decide afterwards.",
        "活动统计至 {until}。若天天查看并在数据好看时下结论，没有效果也会“看出”效果：请到期后再决定。",
    ),
    "small_control": (
        "The control group of {control} users is too small: an effect of {effect} ({lift} more buyers than without) is "
        "seen with a chance of {power} only; 80 % {needed}. {smallest}",
        "对照组 {control} 人太小：{effect} 的效果（购买者比没有活动时多 {lift}）只有 {power} 的机会被看出；"
        "要达到 80% {needed}。{smallest}",
    ),
    "overstated": (
        "The control group of {control} users had a chance of {power} only to show an effect of {effect} ({lift} more "
        "buyers). What shows all the same is likely shown larger than it is: go by the lower end of the interval. "
        "80 % {needed}.",
        "对照组 {control} 人只有 {power} 的机会看出 {effect} 的效果（购买者多 {lift}）。"
        "在这种情况下显示出的效果往往被高估：请以区间下限为准。要达到 80% {needed}。",
    ),
    "needs control": ("needs {control_needed} in control", "需要对照组 {control_needed} 人"),
    "needs each": (
        "needs {each_needed} in each group, more than the campaign has",
        "需要每组各 {each_needed} 人，超过本活动的规模",
    ),
    "sees smallest": (
        "With these sizes only {smallest} or more is seen so surely.",
        "以现有规模，只有 {smallest} 以上的效果才能这样可靠地看出。",
    ),
    "sees nothing": (
        "With these sizes no effect at all is seen so surely.",
        "以现有规模，任何效果都无法这样可靠地看出。",
    ),
    "nobody_bought": (
        "In the control group of {control} users nobody bought, or everybody did: it says next to nothing of what "
        "happens without the campaign, and no size can be named that would.",
        "对照组 {control} 人中无人购买（或全部购买）：几乎无法说明没有活动时的情况，也无法给出所需的规模。",
    ),
    "few_buyers": (
        "Only {buyers} users bought in one of the groups: from fewer than {least} on, intervals of money are rough.",
        "其中一组只有 {buyers} 人购买：少于 {least} 人时，金额的区间只是粗略的。",
    ),
    "one_user": (
        "One user has {share} of the revenue: the figures of money say mostly in which group this one is.",
        "一位用户占了收入的 {share}：金额数字主要取决于这位用户在哪一组。",
    ),
    "lot": (
        "The lot was not drawn as planned: {share} are in control, {planned} were to be (p {p}). Find out why before "
        "you believe the comparison.",
        "分组与计划不符：对照组占 {share}，计划为 {planned}（p {p}）。请先查明原因，再相信对比。",
    ),
    "gone": (
        "{users} users who were drawn have been deleted since and are not in it.",
        "有 {users} 位被抽中的用户之后已被删除，不在统计内。",
    ),
    "crossed": (
        "{users} of {control} users in control opened, claimed or redeemed all the same: the real effect is larger "
        "than the difference shown.",
        "对照组 {control} 人中有 {users} 人仍打开、领取或使用了：真实效果大于所示差异。",
    ),
    "imported_arms": (
        "It was imported, and the groups are as its file says: whether they were drawn by lot is not known here. In "
        "the year before, users in treatment had spent {treated} and those in control {control}.",
        "该活动为导入，分组以文件为准：是否抽签不得而知。此前一年，实验组人均消费 {treated}，对照组 {control}。",
    ),
    "nobody_reached": ("Nobody has been reached.", "没有任何人被触达。"),
    "stopped": (
        "It was stopped on {stopped}; the whole period counts as planned, so that stopping at a good moment changes "
        "nothing.",
        "活动于 {stopped} 提前停止；仍按原计划期间统计，以免在有利时刻停止影响结果。",
    ),
    "no_control": (
        "Without a control group there is no telling who would have bought anyway.",
        "没有对照组，就无法知道谁本来就会购买。",
    ),
    # tables
    "treatment": ("treatment", "实验组"),
    "control": ("control", "对照组"),
    "users": ("users", "用户"),
    "reached": ("reached", "已触达"),
    "opened": ("opened", "打开"),
    "clicked": ("clicked", "点击"),
    "claimed": ("claimed a coupon", "领券"),
    "redeemed": ("redeemed it", "用券"),
    "bought": ("bought", "购买"),
    "orders": ("orders", "订单"),
    "revenue": ("revenue, less refunds", "收入（扣除退款）"),
    "per user": ("revenue a user", "人均收入"),
    "difference": ("difference [95 %]", "差异 [95%]"),
    "unit": ("points", "百分点"),
    "p": ("p (one-sided)", "p（单侧）"),
    "method head": ("interval by", "区间方法"),
    "group": ("group", "群组"),
    "p holm": ("p, corrected", "校正后 p"),
    "earned a user": ("earned a user [95 %]", "人均净收益 [95%]"),
    "advice head": ("advice", "建议"),
    "day": ("day", "天"),
    # money
    "contact_cost": ("contacts ({contacts})", "触达（{contacts} 次）"),
    "redemption_cost": ("redemptions", "用券"),
    "guessed": (
        "{guessed} redemptions are counted at the coupon's value, since the log does not say what they cost.",
        "{guessed} 次用券按券面额计算，因日志未记录实际优惠。",
    ),
    "cost": ("cost in all", "总成本"),
    "worth": ("bought more a user, before the coupon [95 %]", "人均多买（券前）[95%]"),
    "margin": ("of which is earned", "其中毛利占比"),
    "earned": ("earned after cost [95 %]", "扣除成本后净收益 [95%]"),
    "roi": ("return on cost (ROI) [95 %]", "投入回报率 ROI [95%]"),
    "roi unknown": ("cost nothing: no return on cost can be named", "没有成本，无回报率"),
    "over_budget": ("The cost is {over} above the budget.", "成本超出预算 {over}。"),
    "budget held": ("budget", "预算"),
    # groupings
    "by segment": ("segment", "分群"),
    "by value_tier": ("value tier", "价值层级"),
    "by chance": ("chance to buy, believed before", "事前预测购买概率"),
    "by recency": ("days since the last order before it", "活动前距上次下单（天）"),
    "longer, or never": ("longer, or never", "更久或从未"),
    "advice pays": ("write to them: it pays", "值得联系：有净收益"),
    "advice moves": ("they buy more; whether it pays cannot be said", "会多买；是否划算尚不能说"),
    "advice anyway": ("leave them: they buy anyway, and money is lost", "不必联系：本来就会买，反而亏钱"),
    "advice loses": ("leave them: money is lost", "不必联系：亏钱"),
    "advice unsaid": ("cannot be said", "尚不能说"),
    "advise pays": (
        "Write to these, each user earned more than was spent: {groups}.",
        "联系以下群组，人均收益高于花费：{groups}。",
    ),
    "advise moves": (
        "These bought more because of it, whether it pays is open: {groups}.",
        "以下群组因活动多买了，是否划算尚不清楚：{groups}。",
    ),
    "advise anyway": (
        "Save the money on these, they would buy anyway: {groups}.",
        "不必为以下群组花钱，他们本来就会买：{groups}。",
    ),
    "advise loses": (
        "Save the money on these, it was lost: {groups}.",
        "不必为以下群组花钱，钱白花了：{groups}。",
    ),
    "advise nothing": (
        "No group stands out beyond chance: nothing is advised. {count} groups were compared.",
        "没有群组明显超出偶然：不作建议。共比较了 {count} 个群组。",
    ),
    "ungrouped": (
        "Of {ungrouped} users no segment was known when it started, or they switched personalisation off.",
        "有 {ungrouped} 位用户在活动开始时没有已知分群，或其已关闭个性化。",
    ),
    # method
    "how arms": (
        "Groups as they were made beforehand, whoever was reached (intention to treat). Bought and revenue are orders "
        "from the start until the end of the period, less refunds known by now.",
        "按事先的分组，不论是否触达（意向性分析）。购买与收入为期间内的订单，扣除目前已知的退款。",
    ),
    "how newcombe": ("Newcombe's interval of two shares", "两比例之差的 Newcombe 区间"),
    "how own-spread": (
        "linear model, each group's own spread (HC3)",
        "线性模型，各组方差独立（HC3）",
    ),
    "how pooled-spread": (
        "linear model, one spread of both groups, since few bought",
        "线性模型，因购买者少，两组共用方差",
    ),
    "how adjusted": (", given spending before", "，以活动前消费校正"),
    "how money": (
        "What was earned: margin times what was bought more, before the campaign's own discount, times the users of "
        "the treatment group, less what contacts and redemptions cost. Its interval is that of what was bought more.",
        "净收益 = 毛利率 × 人均多买金额（活动优惠前）× 实验组人数 − 触达与用券成本；其区间来自人均多买金额的区间。",
    ),
    "how groups": (
        "p-values by group are corrected for {count} groups (Holm); groups of fewer than 20 users in either arm are "
        "left out. Intervals by group are not corrected.",
        "分群 p 值按 {count} 个群组校正（Holm）；任一组少于 20 人的群组不列出。分群区间未校正。",
    ),
    "how unlike": ("Nothing here was drawn by lot.", "这里没有任何抽签。"),
}  # fmt: skip


def said(key: str, language: Language, **facts: Any) -> str:
    """The words of a key with facts filled in."""
    return _WORDS[key][0 if language == "en" else 1].format(**facts)
