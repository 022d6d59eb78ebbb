"""Figures by group as a person reads them, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["group_sentence", "group_table"]

_COLUMNS: Final = {
    "en": {"by": "by", "group": "group", "users": "rows", "differs": "differs from the others in"},
    "zh": {"by": "按", "group": "群组", "users": "行数", "differs": "与其他用户不同之处"},
}
_ZH: Final = {
    "gender": "性别", "age": "年龄", "region": "地区", "country": "国家", "province": "省份", "city": "城市",
    "female": "女", "male": "男", "other": "其他性别", "others": "其余",
    "actual": "实际", "predicted": "预测", "bias": "预测减实际", "absolute_error": "绝对误差",
    "squared_error": "平方误差",
    "accuracy": "准确率", "precision": "精确率", "recall": "召回率", "gain": "较基线的改进", "covered": "落在区间内",
    "top_share": "高层占其后消费", "last_period_share": "按上期消费选出者所占", "in_high_tier": "属高层",
    "auc": "AUC", "f1": "F1", "macro_f1": "宏平均 F1", "flagged": "被标记",
    "later_spend": "其后消费", "clearness": "归属清晰度", "in_a_segment": "已归入群体",
}  # fmt: skip


def group_sentence(by_group: Mapping[str, Any], language: str) -> str:
    """What the figures by group are of, and what they are not; whether any group differs."""
    known, least = by_group["known"], by_group["least_users"]
    differing = sorted({f"{row['by']} {row['group']}" for row in by_group["rows"] if len(row["differs"]) > 0})
    if len(by_group["rows"]) == 0:
        return {
            "en": "Figures by group: neither gender, age nor region is known of enough users.",
            "zh": "分组指标：已知性别、年龄或地区的用户太少。",
        }[language]
    if language == "zh":
        shares = "，".join(f"{_told(name, language)}{share:.0%}" for name, share in known.items())
        told = "没有群组" if len(differing) == 0 else f"{len(differing)} 个群组"
        return (
            f"分组指标（95% 区间）：已知比例为{shares}；少于 {least} 行的群组并入其余或略去。"
            f"{told}与其他用户有显著差异。群组的差异也可能来自购物方式的不同，本身不说明不公。"
        )
    shares = ", ".join(f"{name} of {share:.0%}" for name, share in known.items())
    verdict = (
        "No group differs from the other users by more than chance."
        if len(differing) == 0
        else f"{len(differing)} group{'s differ' if len(differing) > 1 else ' differs'} from the other users by more "
        "than chance (Holm, 5 %)."
    )
    return (
        f"Figures by group with 95 % intervals. Known are {shares} of the rows; groups of fewer than {least} are "
        f"merged as others or left out. {verdict} A difference may come from how a group shops, and is not "
        "unfair by itself."
    )


def group_table(by_group: Mapping[str, Any], language: str) -> list[dict[str, Any]]:
    """A row a group: a figure with its interval in each column, and in which figures the group differs."""
    names = _COLUMNS[language]
    rows: list[dict[str, Any]] = []
    for row in by_group["rows"]:
        figures = {name: value for name, value in row.items() if name not in names}
        by = by_group["region"] if row["by"] == "region" and by_group["region"] != "" else row["by"]
        rows.append(
            {
                names["by"]: _told(by, language),
                names["group"]: _told(row["group"], language),
                names["users"]: row["users"],
                **{_told(name, language): _interval(value) for name, value in figures.items()},
                names["differs"]: ", ".join(_told(name, language) for name in row["differs"]),
            }
        )
    return rows


def _told(name: str, language: str) -> str:
    return _ZH.get(name, name) if language == "zh" else name.replace("_", " ")


def _interval(value: Mapping[str, float] | None) -> str:
    return "" if value is None else f"{value['mean']:,.3g} [{value['low']:,.3g}, {value['high']:,.3g}]"
