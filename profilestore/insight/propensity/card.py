"""The card of purchase propensity: what it says, from what, how well, and what it is not for, in two languages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from profilestore.insight.propensity.check import PropensityCheck
    from profilestore.insight.propensity.pairs import CategoryCheck

__all__ = ["propensity_card"]

_ZH_TITLES: Final = {
    "logistic regression": "逻辑回归",
    "support vector machine, radial kernel": "支持向量机（径向核）",
    "random forest": "随机森林",
    "gradient boosting": "梯度提升",
    "decision tree": "决策树",
    "k nearest neighbours": "K 近邻",
    "naive Bayes": "朴素贝叶斯",
    "small neural net": "小型神经网络",
}


def propensity_card(
    check: PropensityCheck, categories: CategoryCheck | None, *, users: int, kind: str, untold: str
) -> dict[str, str]:
    """The card, by language.

    Args:
        check: of the purchase over all.
        categories: of the purchase by category; None where nothing can be said.
        users: who have a chance.
        kind: what categories are made of: categories, topics or none.
        untold: why nothing is said by category, in English; empty where something is.
    """
    figures, titles = check.figures, [part.candidate.title for part in check.parts]
    english = [
        f"The chance that each of {users:,} users buys in the next 30 days: the mean of {', '.join(titles)}, the "
        "best three of eight models compared, calibrated.",
        "From orders, their rhythm, spend and visits alone; no age, gender or place. It knows no coming sale or "
        "season. A chance, not a promise. Not for decisions about a person's rights or prices.",
        _english("the last 30 days, learned from what was known before", "users", figures, check.beats),
    ]
    chinese = [
        f"{users:,} 位用户今后 30 天购买的概率：在比较的八个模型中取最好的三个（"
        f"{'、'.join(_ZH_TITLES[title] for title in titles)}）的平均，并经校准。",
        "只依据订单、节奏、消费与浏览，不含年龄、性别与地区；不知道将来的促销与季节。这是概率，不是承诺。"
        "不可用于关乎个人权利或价格的决定。",
        _chinese("最后 30 天（只用此前所知学习）", "用户", figures, check.beats),
    ]
    if categories is None:
        english.append(f"Nothing is said by category: {untold}")
        chinese.append("没有按品类的概率：数据不足。")
    else:
        word, zh = ("topics", "主题") if kind == "topics" else ("categories", "品类")
        english.append(_english(f"purchases in users' main {word}", "pairs", categories.figures, categories.beats))
        chinese.append(_chinese(f"用户主要{zh}内的购买", "对", categories.figures, categories.beats))
        if not categories.beats:
            english.append(f"So chances by {word} are not written (unless forced).")
            chinese.append(f"因此不写入按{zh}的概率（除非强制）。")
    return {"en": "\n".join(english), "zh": "\n".join(chinese)}


def _english(what: str, rows: str, figures: dict[str, Any], beats: bool) -> str:
    gain = figures["gain"]
    verdict = "It beats that baseline." if beats else "It does NOT beat that baseline."
    return (
        f"Checked on {what}: {figures['rows']:,} {rows}, {figures['bought']:.1%} bought, {figures['predicted']:.1%} "
        f"were foretold. ROC-AUC {_range(figures['roc_auc'])}, of a model on recency and frequency alone "
        f"{figures['roc_auc_baseline']['mean']:.3f}: gain {_range(gain['roc_auc'])}. PR-AUC "
        f"{_range(figures['pr_auc'])}, gain {_range(gain['pr_auc'])}; Brier score {_range(figures['brier'])}, gain "
        f"{_range(gain['brier'])}. {verdict}"
    )


def _chinese(what: str, rows: str, figures: dict[str, Any], beats: bool) -> str:
    gain = figures["gain"]
    verdict = "优于该基线。" if beats else "未优于该基线。"
    return (
        f"在{what}上检验：{figures['rows']:,} 个{rows}，实际购买 {figures['bought']:.1%}，"
        f"预测 {figures['predicted']:.1%}。ROC-AUC {_range(figures['roc_auc'])}，"
        f"只用最近一次与次数的模型为 {figures['roc_auc_baseline']['mean']:.3f}，"
        f"改进 {_range(gain['roc_auc'])}；PR-AUC {_range(figures['pr_auc'])}，改进 {_range(gain['pr_auc'])}；"
        f"Brier 分数 {_range(figures['brier'])}，改进 {_range(gain['brier'])}。{verdict}"
    )


def _range(figure: dict[str, float]) -> str:
    return f"{figure['mean']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
