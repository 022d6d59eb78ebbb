"""Figures of a report as a person reads them."""

from __future__ import annotations

from datetime import datetime

from profilestore.campaigns.report.effects import Difference
from profilestore.campaigns.report.report import Arm
from profilestore.campaigns.report.sections import Language

__all__ = [
    "amount", "chance", "count", "count_of", "moment", "money_range", "point_words", "points", "share", "whole_amount",
]  # fmt: skip


def points(difference: Difference, language: Language) -> str:
    """A difference of shares in percentage points, with its interval."""
    values = (100 * difference.value, 100 * difference.low, 100 * difference.high)
    unit = " points" if language == "en" else " 个百分点"
    return "{:+.2f} [{:+.2f}, {:+.2f}]".format(*values) + unit


def point_words(value: float, language: Language) -> str:
    """A share in percentage points, two digits."""
    return f"{100 * value:.2g}" + (" points" if language == "en" else " 个百分点")


def money_range(value: float, low: float, high: float) -> str:
    """A figure of money with its interval."""
    return f"{value:+,.2f} [{low:+,.2f}, {high:+,.2f}]"


def count_of(users: int, arm: Arm) -> str:
    """Users, and which share of their arm they are."""
    return f"{count(users)} ({share(users / arm.users)})"


def count(value: int | None) -> str:
    """A whole number; nothing for None."""
    return "" if value is None else f"{value:,}"


def amount(value: float) -> str:
    """Money to the cent."""
    return f"{value:,.2f}"


def whole_amount(value: float) -> str:
    """Money in whole units."""
    return f"{value:,.0f}"


def share(value: float) -> str:
    """A share in percent."""
    return f"{value:.1%}" if value >= 0.1 or value == 0.0 else f"{value:.2%}"


def chance(value: float) -> str:
    """A p-value."""
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"


def moment(time: datetime) -> str:
    """A time to the minute."""
    return f"{time:%Y-%m-%d %H:%M}"
