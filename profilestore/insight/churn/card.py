"""The card of the churn model: what it says, from what, how well, and what it is not for, in English and Chinese."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from profilestore.insight.churn.check import ChurnCheck

__all__ = ["churn_card"]


def churn_card(check: ChurnCheck, customers: int, bounds: tuple[float, float]) -> dict[str, str]:
    """The card, by language.

    Args:
        check: of the model.
        customers: how many have an order.
        bounds: from which risks on it is medium and high.
    """
    figures, terms = check.figures, check.terms
    least = min(14.0, terms.most_days)
    english = [
        f"Who of {customers:,} customers is likely to stop buying, by gradient boosting and logistic "
        "regression together, calibrated.",
        f"Churn: no order for {terms.patience:g} times the user's own gap between orders, at least {least:.0f} and at "
        f"most {terms.most_days:.0f} days. A day of a sale counts for as many as it is livelier; who buys in sales is "
        "waited for until the next one is over.",
        f"The risk is medium from {bounds[0]:.0%} on, high from {bounds[1]:.0%}; at risk is whose risk is high "
        "and who is neither new nor has churned.",
        "From orders, returns and visits alone; no age, gender or place. A chance, not a fact about a person. Not for "
        "decisions about a person's rights or prices.",
        f"Checked on the {terms.most_days:.0f} days held out, learned from what was known before:",
        *(
            _english(name, figures[key])
            for name, key in _groups("customers with an order", "customers who had not lapsed", figures)
        ),
    ]
    chinese = [
        f"{customers:,} 位顾客中谁可能不再购买：梯度提升与逻辑回归的平均，概率经校准。",
        f"流失：超过本人购买间隔的 {terms.patience:g} 倍（至少 {least:.0f} 天、至多 {terms.most_days:.0f} 天）无订单。"
        "促销日按其热度折算成若干平日；只在促销时购买的顾客，等到下一次促销结束。",
        f"风险自 {bounds[0]:.0%} 起为中，自 {bounds[1]:.0%} 起为高；有流失风险者指风险高、既非新客也未流失的顾客。",
        "只依据订单、退货与浏览，不含年龄、性别与地区。这是概率，不是对某个人的断言。不可用于关乎个人权利或价格的决定。",
        f"在留出的 {terms.most_days:.0f} 天上检验，只用此前所知学习：",
        *(_chinese(name, figures[key]) for name, key in _groups("有订单的顾客", "尚未流失的顾客", figures)),
    ]
    if not check.beats:
        english.append("It does NOT beat the plain ratio of silence to the own gap.")
        chinese.append("未优于“沉默时长与本人间隔之比”。")
    return {"en": "\n".join(english), "zh": "\n".join(chinese)}


def _groups(everyone: str, live: str, figures: dict[str, Any]) -> list[tuple[str, str]]:
    pairs = ((everyone, "customers"), (live, "not_lapsed"))
    return [(name, key) for name, key in pairs if key in figures]


def _english(name: str, figures: dict[str, Any]) -> str:
    told = (
        f"- {figures['users']:,} {name}, {figures['churned']:.0%} churned ({figures['predicted']:.0%} were foretold): "
        f"AUC {_range(figures['auc'])} against {figures['auc_ratio']['mean']:.3f} of the plain ratio of silence to the "
        f"own gap (gain {_range(figures['auc_above_ratio'])}); PR-AUC {_range(figures['pr_auc'])}; "
        f"Brier score {_range(figures['brier'])}, of always saying the mean "
        f"{figures['brier_always_the_mean']['mean']:.3f}."
    )
    gain = figures["auc_above_logistic"]
    verdict = "better than" if gain["low"] > 0 else "worse than" if gain["high"] < 0 else "no different from"
    return (
        f"{told} Logistic regression alone has an AUC of {_range(figures['auc_logistic'])}, boosting alone of "
        f"{_range(figures['auc_boosting'])}; both together are {verdict} the former ({_range(gain)})."
    )


def _chinese(name: str, figures: dict[str, Any]) -> str:
    told = (
        f"- {figures['users']:,} 位{name}，{figures['churned']:.0%} 流失（预测 {figures['predicted']:.0%}）："
        f"AUC {_range(figures['auc'])}，沉默与间隔之比为 {figures['auc_ratio']['mean']:.3f}"
        f"（提高 {_range(figures['auc_above_ratio'])}）；PR-AUC {_range(figures['pr_auc'])}；"
        f"Brier {_range(figures['brier'])}，总猜均值为 {figures['brier_always_the_mean']['mean']:.3f}。"
    )
    gain = figures["auc_above_logistic"]
    verdict = "高于前者" if gain["low"] > 0 else "低于前者" if gain["high"] < 0 else "与前者无显著差别"
    return (
        f"{told}单用逻辑回归 AUC 为 {_range(figures['auc_logistic'])}，单用梯度提升为 "
        f"{_range(figures['auc_boosting'])}；两者平均{verdict}（{_range(gain)}）。"
    )


def _range(figure: dict[str, float]) -> str:
    return f"{figure['mean']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
