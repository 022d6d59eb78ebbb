"""Drawings of a report as inline SVG: the arms from day to day, and the effect by group. Every text is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from profilestore.campaigns.report.course import CourseDay
from profilestore.campaigns.report.groups import GroupEffect
from profilestore.campaigns.report.sections import Language
from profilestore.campaigns.report.words import said

__all__ = ["course_drawing", "effects_drawing"]

_WIDTH: Final = 720
_HEIGHT: Final = 240
_LEFT: Final = 60
_RIGHT: Final = 130
_BOTTOM: Final = 30
_TOP: Final = 12
_ROW: Final = 26
_NAMES: Final = 190
_TITLE: Final = 24
# Figures of an axis that are nearer to each other would be written over each other.
_APART: Final = 50
_TICKS: Final = 4


def course_drawing(days: Sequence[CourseDay], language: Language) -> str:
    """The cumulated share of buyers of both arms; nothing for fewer than two days."""
    if len(days) < 2:
        return ""
    lines = [("treatment", [day.bought for day in days])]
    control = [day.control_bought for day in days if day.control_bought is not None]
    if len(control) == len(days):
        lines.append(("control", control))
    highest = max(max(values) for _, values in lines) or 1.0
    last, first = days[-1].day, days[0].day
    across, up = (_WIDTH - _LEFT - _RIGHT) / (last - first), (_HEIGHT - _TOP - _BOTTOM) / highest
    bottom = _HEIGHT - _BOTTOM
    parts = []
    for tick in range(_TICKS + 1):
        y = bottom - highest * tick / _TICKS * up
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
            f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" class="tick">{highest * tick / _TICKS:.1%}</text>'
        )
    for number, (name, values) in enumerate(lines):
        points = " ".join(
            f"{_LEFT + (day.day - first) * across:.1f},{bottom - value * up:.1f}"
            for day, value in zip(days, values, strict=True)
        )
        dashes = ' stroke-dasharray="5 4"' if name == "control" else ""
        y = _TOP + 14 + 20 * number
        parts.append(
            f'<polyline points="{points}" fill="none" class="{name}"{dashes}/>'
            f'<line x1="{_WIDTH - _RIGHT + 10}" x2="{_WIDTH - _RIGHT + 34}" y1="{y}" y2="{y}" class="{name}"{dashes}/>'
            f'<text x="{_WIDTH - _RIGHT + 40}" y="{y + 4}">{escape(said(name, language))}</text>'
        )
    parts += [
        f'<text x="{_LEFT}" y="{_HEIGHT - 8}" class="tick">{said("day", language)} {first}</text>',
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 8}" text-anchor="end" class="tick">{last}</text>',
    ]
    return _svg(_HEIGHT, said("course", language), parts)


def effects_drawing(effects: Sequence[GroupEffect], language: Language) -> str:
    """The difference in the share of buyers by group, with its interval, and where zero is."""
    if len(effects) == 0:
        return ""
    low = min(0.0, *(each.bought.low for each in effects))
    high = max(0.0, *(each.bought.high for each in effects))
    scale = (_WIDTH - _NAMES - 40) / ((high - low) or 1.0)
    height = _TITLE + _ROW * len(effects) + _BOTTOM

    def at(value: float) -> float:
        return _NAMES + (value - low) * scale

    title = f"{said('bought', language)}, {said('difference', language)}: {said('unit', language)}"
    parts = [
        f'<text x="{_NAMES}" y="14" class="tick">{escape(title)}</text>',
        f'<line x1="{at(0):.1f}" x2="{at(0):.1f}" y1="{_TITLE}" y2="{height - _BOTTOM}" class="zero"/>',
    ]
    for row, each in enumerate(effects):
        y = _TITLE + _ROW * (row + 0.5)
        name = said(each.group, language) if each.group == "longer, or never" else each.group
        parts.append(
            f'<text x="{_NAMES - 12}" y="{y + 4:.1f}" text-anchor="end">{escape(name[:28])}</text>'
            f'<line x1="{at(each.bought.low):.1f}" x2="{at(each.bought.high):.1f}" y1="{y:.1f}" y2="{y:.1f}" '
            f'class="treatment"/><circle cx="{at(each.bought.value):.1f}" cy="{y:.1f}" r="4" class="dot"/>'
        )
    for value in (0.0, *(end for end in (low, high) if abs(at(end) - at(0.0)) >= _APART)):
        parts.append(
            f'<text x="{at(value):.1f}" y="{height - 10}" text-anchor="middle" class="tick">{100 * value:+.1f}</text>'
        )
    return _svg(height, title, parts)


def _svg(height: float, label: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(label)}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )
