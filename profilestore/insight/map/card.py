"""The card of the map, in English and Chinese."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

__all__ = ["map_card"]

_KINDS_ZH: Final = {"profiles": "用户", "products": "商品"}


def map_card(
    figures: Mapping[str, Mapping[str, Any]], *, better: Collection[str], unknown: int, missing: str
) -> dict[str, str]:
    """What the map shows, how true it is, and how not to read it.

    Args:
        figures: of each kind, as `Mapped.figures` gives them.
        better: the kinds of which t-SNE is truer than PCA.
        unknown: how many users have too few acts.
        missing: why there are no products, or nothing.
    """
    english = [
        "Profiles that shop alike, and products that are alike, lie side by side: for a scatter plot, coloured by "
        "segment or category.",
        "Profiles are laid out by what users turn to and how they shop, as segments are, so colours that lie together "
        f"are no proof of segments. No age, gender or place. {unknown:,} users have too few acts and are not on it.",
        "Distances by t-SNE mean nothing beyond near and far, nor does the size of a cloud; those by PCA are true as "
        "far as its share of the variance goes.",
    ]
    chinese = [
        "购物方式相似的用户、彼此相似的商品相邻：用于散点图，按群体或类别着色。",
        f"用户按其兴趣与购物习惯排布，与划分群体所用相同，因此颜色聚在一起并不证明群体存在。不含年龄、性别与地区。"
        f"另有 {unknown:,} 位用户行为太少，不在图上。",
        "t-SNE 的距离只表示远近，云团大小没有意义；PCA 的距离在其所解释的方差范围内为真。",
    ]
    for kind, figure in figures.items():
        shares = figure["pca_explained_first_axis"], figure["pca_explained_second_axis"]
        ours, plain, gain = (figure["trustworthiness"][name] for name in ("tsne", "pca", "gain"))
        fitted, placed = figure["tsne_fitted_on"], figure["tsne_placed_by_neighbours"]
        beyond = (
            "" if placed == 0 else f" t-SNE was fitted on a sample of {fitted:,}; {placed:,} lie amid their neighbours."
        )
        english.append(
            f"{figure['count']:,} {kind}: PCA's axes hold {shares[0]:.1%} and {shares[1]:.1%} of the variance. "
            f"Neighbours on the map are true ones (trustworthiness, 1 is all) to {_range(ours)} by t-SNE and to "
            f"{_range(plain)} by PCA, the baseline: {_range(gain)} more. "
            + ("It beats that baseline." if kind in better else "It does NOT beat that baseline.")
            + beyond
        )
        beyond = "" if placed == 0 else f"t-SNE 在 {fitted:,} 个样本上拟合，其余 {placed:,} 个置于其近邻之间。"
        chinese.append(
            f"{figure['count']:,} 个{_KINDS_ZH[kind]}：PCA 两轴解释方差的 {shares[0]:.1%} 与 {shares[1]:.1%}。"
            f"图上近邻的可信度（1 为全真）：t-SNE {_range(ours)}，基线 PCA {_range(plain)}，相差 {_range(gain)}。"
            + ("优于该基线。" if kind in better else "未优于该基线。")
            + beyond
        )
    if missing != "":
        english.append(f"Products are not on it: {missing}")
        chinese.append("商品不在图上：可用的商品太少，或全部相同。")
    return {"en": "\n".join(english), "zh": "\n".join(chinese)}


def _range(figure: Mapping[str, float]) -> str:
    return f"{figure['mean']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
