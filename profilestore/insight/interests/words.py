"""Drift of interests and next purchases in tables and in plain words, in English and Chinese."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from profilestore.insight.intervals import settled

if TYPE_CHECKING:
    from profilestore.insight.interests.step import FoundInterests

__all__ = ["interests_card", "interests_tables"]

_TOLD: Final = 20
_ZH: Final = {"categories": "类别", "brands": "品牌", "topics": "主题", "products": "商品"}

Rows = list[dict[str, Any]]


def _range(figure: dict[str, float]) -> str:
    return f"{figure['mean']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def interests_tables(found: FoundInterests) -> dict[str, Rows]:
    """The tables of `insight show interests`."""
    tables = {f"{space.name} by users who turn to them, or away": _of_space(space) for space in found.spaces}
    tables["the check of drift, as of an earlier day"] = [
        {"of": space.name, "claims": space.check.figures["claims"],
         "claims where nothing changed": space.check.figures["false_claims_of_shuffled"],
         "change claimed": space.check.figures["claimed"], "goes on": space.check.figures["goes_on"]["mean"],
         "from": space.check.figures["goes_on"]["low"], "to": space.check.figures["goes_on"]["high"],
         "beyond the shop's": space.check.figures["beyond_shop"]["mean"], "holds": space.check.beats}
        for space in found.spaces if space.check is not None
    ]  # fmt: skip
    tables["the check of next purchases, as of an earlier day"] = [
        {"of": level, "told": again.figures["told"], "days off": again.figures["error_days"]["mean"],
         "baseline": name, "its days off": values["mean"], "better baseline": name == again.figures["best_baseline"],
         "gain over it": again.figures["gain_days"]["mean"], "from": again.figures["gain_days"]["low"],
         "to": again.figures["gain_days"]["high"], "in interval": again.figures["covered"]["mean"]}
        for level, again in found.again.items()
        for name, values in again.figures["error_days_of_baselines"].items()
    ]  # fmt: skip
    return {title: rows for title, rows in tables.items() if len(rows) > 0}


def _of_space(space: Any) -> Rows:
    groups, sign = space.drift.groups, space.drift.sign
    rising = np.bincount(groups[sign > 0], minlength=len(space.days.names))
    falling = np.bincount(groups[sign < 0], minlength=len(space.days.names))
    order = np.argsort(-(rising + falling), kind="stable")[:_TOLD]
    return [
        {"name": space.days.names[row], "rising for": int(rising[row]), "falling for": int(falling[row])}
        for row in order.tolist() if rising[row] + falling[row] > 0
    ]  # fmt: skip


def interests_card(found: FoundInterests) -> dict[str, str]:
    """The card."""
    english = [
        f"What users turn to in the last {found.window_days:.0f} days against before: the days on which they turned "
        "to a category, brand or topic, tested against chance; up to a fifth of the claims may be false.",
        "Made from what was looked at, bought, searched and rated; no age, gender or place. It says nothing of why.",
    ]
    chinese = [
        f"用户最近 {found.window_days:.0f} 天与此前的兴趣对比：按其涉及某类别、品牌或主题的天数，检验是否超出偶然；"
        "误报不超过两成。",
        "依据浏览、购买、搜索与评分，不含年龄、性别与地区；不说明原因。",
    ]
    for space in found.spaces:
        name = space.name
        claims, false = int((space.drift.sign != 0).sum()), space.drift.false
        if space.check is None:
            told = "They are told on that alone" if space.holds else "That is too little: none is told"
            english.append(
                f"{name.capitalize()}: {claims:,} claims of {space.drift.known.size:,} users with enough days; "
                f"{false:.1f} where the days are shuffled. As of earlier days too few could be followed up. {told}."
            )
            chinese.append(
                f"{_ZH[name]}：天数足够的 {space.drift.known.size:,} 位用户中有 {claims:,} 个判断，"
                f"打乱日期后为 {false:.1f} 个；过去可跟踪检验的太少，{'仅据此给出' if space.holds else '故不作判断'}。"
            )
            continue
        figures = space.check.figures
        verdict = "It holds." if space.check.beats else "It does NOT hold, and is not written."
        english.append(
            f"{name.capitalize()}: of {figures['claims']:,} claims made as of three earlier days "
            f"({figures['false_claims_of_shuffled']:.1f} where the days are shuffled), the share of days after "
            f"was {_range(figures['goes_on'])} further in the direction claimed than over all days known then, "
            f"{_range(figures['beyond_shop'])} beyond the shop's own change. {verdict}"
        )
        chinese.append(
            f"{_ZH[name]}：在三个较早的日子所作 {figures['claims']:,} 个判断"
            f"（打乱日期后为 {figures['false_claims_of_shuffled']:.1f} 个），其后天数占比沿判断方向变化 "
            f"{_range(figures['goes_on'])}。{'成立。' if space.check.beats else '不成立，不写入。'}"
        )
    for level, again in found.again.items():
        figures = again.figures
        base = figures["error_days_of_baselines"]
        verdict = "It beats them." if again.beats else "It does NOT beat them, and is not written."
        english.append(
            f"Next purchases of {level} bought on four days or more: off by {_range(figures['error_days'])} days, "
            f"counted up to {again.horizon}; "
            + ", ".join(f"{name}: {values['mean']:.2f}" for name, values in base.items())
            + f" (the same wait for all: {figures['error_days_of_one_wait_for_all']['mean']:.2f})"
            + f". {settled(figures['covered']['mean']):.0%} were within their 80 % interval. {verdict}"
        )  # fmt: skip
        chinese.append(
            f"购买过四天以上的{_ZH[level]}的下次购买：误差 {_range(figures['error_days'])} 天"
            f"（最多计 {again.horizon} 天），最佳基线 {base[figures['best_baseline']]['mean']:.2f} 天；"
            f"{figures['covered']['mean']:.0%} 落在 80% 区间内。"
            f"{'优于基线。' if again.beats else '未优于基线，不写入。'}"
        )
    return {"en": "\n".join(english), "zh": "\n".join(chinese)}
