"""Segments in tables and in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from profilestore.insight.segments.features import LEAST_ACTS
from profilestore.insight.segments.names import Trait

if TYPE_CHECKING:
    from profilestore.insight.segments.step import Segmentation

__all__ = ["describe_segments", "segment_card"]

_TRAITS: Final = 4
_TYPICAL: Final = 5
_SHARES: Final = frozenset(("views", "carts", "coupons", "refunds", "new products", "weekends", "evenings"))


def describe_segments(made: Segmentation, names: Sequence[str], ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """What `insight show segments` prints: the segments, what sets each apart, typical users, what was tried."""
    known = len(ids)
    features = made.features
    points = features.scaled[:, made.columns]
    segments: list[dict[str, Any]] = []
    typical: list[dict[str, Any]] = []
    for segment in np.argsort(-np.array(made.sizes), kind="stable").tolist():
        inside = np.flatnonzero(made.labels == segment)
        means = {name: float(features.raw[inside, column].mean()) for column, name in enumerate(features.names)}
        # That others turn to something else goes without saying.
        traits = [trait for trait in made.traits[segment] if trait.effect > 0 or not trait.interest]
        segments.append(
            {
                "segment": names[segment],
                "users": int(inside.size),
                "share": f"{inside.size / known:.1%}",
                "sets it apart": "; ".join(_told(trait) for trait in traits[:_TRAITS]) or "nothing significant",
                "orders": round(means["orders"], 2) if "orders" in means else None,
                "order value": round(means["order value"], 2) if "order value" in means else None,
                "days since last act": round(means["days since last act"], 1)
                if "days since last act" in means
                else None,
            }
        )
        distances = ((points[inside] - made.clusters.centres[segment]) ** 2).sum(axis=1)
        nearest = inside[np.argsort(distances, kind="stable")[:_TYPICAL]]
        typical.append({"segment": names[segment], "typical users": ", ".join(ids[place] for place in nearest)})
    tried = [
        {"segments": trial.clusters, "silhouette": round(trial.silhouette, 3), "shuffled": round(trial.shuffled, 3),
         "stability": round(trial.stability, 3), "taken": trial == made.choice.trial}
        for trial in made.choice.trials
    ]  # fmt: skip
    chosen = [
        {
            "features": name,
            "silhouette above shuffled": round(gain, 3),
            "explains later": _explains(made.foresights[name]),
            "taken": name == made.taken,
        }
        for name, gain in made.gains.items()
    ]
    return {"segments": segments, "typical users": typical, "numbers tried": tried, "features tried": chosen}


def _explains(foresight: dict[str, Any] | None) -> str:
    if foresight is None:
        return ""
    share = foresight["explained"]
    return f"{share['mean']:.1%} ({share['low']:.1%} to {share['high']:.1%})"


def _told(trait: Trait) -> str:
    """A trait with its figures: `Kitchen 62.1% (elsewhere 8.0%)`."""
    if trait.interest or trait.feature in _SHARES:
        return f"{trait.feature} {trait.mean:.1%} (elsewhere {trait.elsewhere:.1%})"
    return f"{trait.feature} {trait.mean:,.1f} (elsewhere {trait.elsewhere:,.1f})"


def segment_card(
    made: Segmentation,
    names: Sequence[str],
    *,
    users: int,
    doubt: tuple[str, str] | None,
    foresight: dict[str, Any] | None,
    method: str,
) -> dict[str, str]:
    """The result in plain words."""
    known = len(made.features.users)
    none = int((made.labels < 0).sum())
    listed = ", ".join(f"{names[segment]} ({made.sizes[segment]:,})" for segment in np.argsort(-np.array(made.sizes)))
    trial = made.choice.trial
    later_en, later_zh = "There was too little time to check them on later acts.", "历史太短，无法用之后的行为检验。"
    if foresight is not None:
        share, low, high = (foresight["explained"][name] for name in ("mean", "low", "high"))
        since = foresight["split"][:10]
        by_spend = foresight["by_thirds_of_spend"]["mean"]
        later_en = (
            f"Made of what was known before {since}, they explain {share:.1%} ({low:.1%} to {high:.1%}) of how users "
            f"differed after it; three groups by spend explain {by_spend:.1%}."
        )
        later_zh = (
            f"仅用{since}之前的数据划分时，能解释之后用户差异的{share:.1%}（{low:.1%}至{high:.1%}）；"
            f"按消费额分三组能解释{by_spend:.1%}。"
        )
    doubt_en = "" if doubt is None else f" They {doubt[0]}: do not use them."
    doubt_zh = "" if doubt is None else f"它们{doubt[1]}，请勿使用。"
    return {
        "en": (
            f"{known:,} of {users:,} users are in {len(names)} segments by {made.taken} ({method}): {listed}. "
            f"{made.features.unknown:,} users with fewer than {LEAST_ACTS} acts are in none"
            f"{f', nor are {none:,} who resemble nobody' if none > 0 else ''}; users with personalisation off are "
            f"not looked at. Silhouette {trial.silhouette:.2f}, against {trial.shuffled:.2f} where there is nothing to "
            f"find; two resamples agree at {trial.stability:.2f} of 1. {later_en}{doubt_en} A segment says what users "
            "did, not who they are: do not use it to refuse anybody anything."
        ),
        "zh": (
            f"{users:,}位用户中的{known:,}位按{_ZH[made.taken]}分为{len(names)}个群体（{method}）：{listed}。"
            f"行为少于{LEAST_ACTS}次的{made.features.unknown:,}位用户不归入任何群体"
            f"{f'，另有{none:,}位与谁都不相似' if none > 0 else ''}；关闭个性化的用户不参与分析。"
            f"轮廓系数{trial.silhouette:.2f}，打乱数据后为{trial.shuffled:.2f}；两次重抽样的一致性为{trial.stability:.2f}（满分1）。"
            f"{later_zh}{doubt_zh}群体只说明用户做过什么，不代表其为人，不得用来拒绝任何人。"
        ),
    }


_ZH: Final = {"interests": "兴趣", "habits": "购物习惯", "both": "兴趣和购物习惯"}
