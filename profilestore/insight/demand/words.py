"""What the sales outlook found, in tables and in plain words, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from profilestore.insight.demand.outlook import Found, Outlook
from profilestore.insight.intervals import settled

__all__ = ["demand_card", "demand_tables"]

_TOLD: Final = 20
_KINDS_ZH: Final = {
    "best sellers": "最畅销的 100 种商品", "steady": "销售稳定的商品", "sparse": "零星销售的商品",
    "seasonal": "季节性商品", "categories": "类别",
}  # fmt: skip
_DAYS: Final = 28

Rows = list[dict[str, Any]]


def demand_tables(found: Found, stock: Mapping[str, int | None]) -> dict[str, Rows]:
    """The tables of `insight show demand`."""
    tables = {
        "forecasts as of earlier weeks against what was sold": _backtest(found),
        "products of which most is expected in 28 days": _most(found.products, stock),
        "stock that may not last 28 days": _short(found.products, stock),
        "categories": _most(found.categories, None),
        "seasonal products": _seasons(found, "yearly"),
        "sold at one time of the only year seen, which may be a season": _seasons(found, "one year"),
    }
    return {title: rows for title, rows in tables.items() if len(rows) > 0}


def _backtest(found: Found) -> Rows:
    rows: Rows = []
    for name, trial in found.trials.items():
        figures = trial.figures
        rows.append({
            "kind": name, "method now": trial.chosen, "series": figures["series"], "MASE": figures["mase"]["mean"],
            "error": figures["error"]["mean"],
            f"error of {figures['best_baseline']}": figures["error_of_baselines"][figures["best_baseline"]]["mean"],
            "gain": figures["gain"]["mean"], "gain from": figures["gain"]["low"], "gain to": figures["gain"]["high"],
            "week in interval": figures["covered_week"]["mean"],
            "28 days in interval": figures["covered_total"]["mean"], "foretold of sold": figures["foretold_of_sold"],
        })  # fmt: skip
    return rows


def _line(outlook: Outlook, row: int, stock: Mapping[str, int | None] | None) -> dict[str, Any]:
    line: dict[str, Any] = {
        "key": outlook.keys[row],
        "sold in the last 28 days": settled(float(outlook.sales.pieces[row, -4:].sum())),
        "expected": settled(float(outlook.total[row])),
        "low": settled(float(outlook.total_low[row])),
        "high": settled(float(outlook.total_high[row])),
    }
    return line if stock is None else line | {"stock": stock.get(outlook.keys[row])}


def _most(outlook: Outlook, stock: Mapping[str, int | None] | None) -> Rows:
    order = np.argsort(-outlook.total, kind="stable")
    rows = [row for row in order.tolist() if outlook.kinds[row] != "" and (stock is None or outlook.keys[row] in stock)]
    return [_line(outlook, row, stock) for row in rows[:_TOLD]]


def _short(outlook: Outlook, stock: Mapping[str, int | None]) -> Rows:
    """Where the stock is under the upper end of what may be asked for; first where most is missing of what is
    expected."""
    rows: list[tuple[float, int]] = []
    for row in np.flatnonzero(outlook.kinds != "").tolist():
        held = stock.get(outlook.keys[row])
        if held is not None and held < outlook.total_high[row]:
            rows.append((float(outlook.total[row]) - held, row))
    return [_line(outlook, row, stock) for _, row in sorted(rows, key=lambda pair: (-pair[0], pair[1]))[:_TOLD]]


def _seasons(found: Found, kind: str) -> Rows:
    return [
        {"product": found.products.keys[season.row], "months": ", ".join(map(str, season.months)),
         "peak, times the mean": settled(season.peak),
         "pieces a year in season beyond the mean": settled(season.pieces),
         "chance, corrected": settled(season.chance)}
        for season in found.seasons if season.kind == kind
    ][:_TOLD]  # fmt: skip


def demand_card(found: Found) -> dict[str, str]:
    """The card."""
    sales = found.products.sales
    foretold = int((found.products.kinds != "").sum())
    english = [
        f"How many pieces of {foretold:,} products and {len(found.categories.keys):,} categories will be sold in the "
        f"{_DAYS} days from {sales.starts_on} on, from {sales.weeks} weeks of purchases, less what was taken back on "
        "the same day. All users count, also those without personalisation; none is named.",
        "Exponential smoothing: the near past counts most. It knows no coming sale, price or event, and nothing of "
        "what was asked for while a product was sold out. Four of five weeks should fall between low and high.",
    ]
    chinese = [
        f"从 {sales.starts_on} 起 {_DAYS} 天内，{foretold:,} 种商品与 {len(found.categories.keys):,} 个类别"
        "预计售出的件数，"
        f"依据 {sales.weeks} 周的购买（扣除当日退回）。全体用户均计入，包括关闭个性化者，不涉及任何个人。",
        "方法为指数平滑，近期权重最大。它不知道将来的促销、价格与活动，也不知道断货时的需求。五周中应有四周落在上下限之间。",
    ]
    for name, trial in found.trials.items():
        figures, base = trial.figures, trial.figures["best_baseline"]
        ours, theirs, gain = figures["error"], figures["error_of_baselines"][base], figures["gain"]
        told = "better than" if trial.beats else "NOT better than"
        inside = figures["covered_total"]["mean"]
        squared = figures["error_of"] != "weeks"
        what, what_zh = ("squared error of the 28 days", "28 天合计的平方误差") if squared else ("error", "误差")
        english.append(
            f"{name.capitalize()} ({trial.chosen}): foretold {figures['origins']} times as of earlier weeks, the "
            f"{what} was {ours['mean']:.3f} [{ours['low']:.3f}, {ours['high']:.3f}] in usual steps from week to "
            f"week, {told} that of {base}, {theirs['mean']:.3f} (gain {gain['mean']:.3f} "
            f"[{gain['low']:.3f}, {gain['high']:.3f}]); {inside:.0%} of the {_DAYS} days were within the 80 % interval."
        )
        chinese.append(
            f"{_KINDS_ZH[name]}：在以往 {figures['origins']} 个时点上预测，"
            f"{what_zh}（以通常周间变动计）为 {ours['mean']:.3f}"
            f"［{ours['low']:.3f}，{ours['high']:.3f}］，"
            f"{'优于' if trial.beats else '未优于'}朴素基线的 {theirs['mean']:.3f}；"
            f"{inside:.0%} 落在 80% 区间内。"
        )
    yearly = sum(season.kind == "yearly" for season in found.seasons)
    once = len(found.seasons) - yearly
    if once > 0:
        english.append(
            f"{once:,} products sold at one time of the year; of one year nobody can say whether it comes again."
        )
        chinese.append(f"{once:,} 种商品集中在一年中的某段时间售出；仅有一年的数据，无法断定是否会重现。")
    elif sales.weeks >= 104:
        english.append(f"{yearly:,} products have a season that came again in the last year.")
        chinese.append(f"{yearly:,} 种商品有季节性，且在最近一年重现。")
    return {"en": "\n".join(english), "zh": "\n".join(chinese)}
