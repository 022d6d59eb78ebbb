"""Two plots as inline SVG: a figure by method with intervals, and one figure against another.

Made by hand, since the report needs just these two: no plotting package, no script, no font comes with it.
Every text is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from profilestore.evaluate.significance import Interval

__all__ = ["Mark", "plot_intervals", "plot_scatter"]

_WIDTH: Final = 760
_ROW: Final = 26
_LEFT: Final = 190
_RIGHT: Final = 30
_TOP: Final = 14
_BOTTOM: Final = 44
_HEIGHT: Final = 380
_TICKS: Final = 5
_COLOURS: Final = {"shop": "#1b6ca8", "peer": "#c2571a"}


@dataclass(frozen=True, slots=True)
class Mark:
    """A method in a plot: its name, kind (which gives the colour), and figure; `x` of a scatter plot."""

    name: str
    kind: str
    figure: Interval
    x: float = 0.0


def plot_intervals(marks: Sequence[Mark], *, title: str) -> str:
    """A row a method: a dot at the figure, a line over its interval; the axis begins at 0."""
    height = _TOP + _ROW * len(marks) + _BOTTOM
    highest = max((mark.figure.high for mark in marks), default=0.0) or 1.0
    scale = (_WIDTH - _LEFT - _RIGHT) / highest
    parts = [_axis(highest, scale, bottom=height - _BOTTOM, title=title)]
    for row, mark in enumerate(marks):
        y = _TOP + _ROW * row + _ROW / 2
        low, dot, high = (_LEFT + scale * max(0.0, v) for v in (mark.figure.low, mark.figure.mean, mark.figure.high))
        colour = _COLOURS[mark.kind]
        parts.append(
            f'<text x="{_LEFT - 10}" y="{y + 4:.1f}" text-anchor="end">{escape(mark.name)}</text>'
            f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="{colour}" stroke-width="2"/>'
            f'<circle cx="{dot:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}">'
            f"<title>{escape(mark.name)}: {escape(str(mark.figure))}</title></circle>"
        )
    return _svg(height, title, parts)


def plot_scatter(marks: Sequence[Mark], *, x_title: str, y_title: str) -> str:
    """A dot a method, x against the figure, both axes from 0; names beside the dots."""
    widest = max((mark.x for mark in marks), default=0.0) or 1.0
    highest = max((mark.figure.high for mark in marks), default=0.0) or 1.0
    bottom = _HEIGHT - _BOTTOM
    left = 70
    x_scale, y_scale = (_WIDTH - left - 150) / widest, (bottom - _TOP) / highest
    parts = [_axis(widest, x_scale, bottom=bottom, title=x_title, left=left)]
    for tick in range(_TICKS + 1):
        value = highest * tick / _TICKS
        y = bottom - value * y_scale
        parts.append(
            f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end" class="tick">{value:.3g}</text>'
            f'<line x1="{left}" x2="{_WIDTH - 150}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
        )
    parts.append(
        f'<text transform="translate(16 {bottom / 2:.0f}) rotate(-90)" text-anchor="middle">{escape(y_title)}</text>'
    )
    heights: list[tuple[float, float]] = []
    for mark in marks:
        x, colour = left + mark.x * x_scale, _COLOURS[mark.kind]
        low, y, high = (bottom - max(0.0, v) * y_scale for v in (mark.figure.low, mark.figure.mean, mark.figure.high))
        label = _free(heights, x, y)
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}" stroke="{colour}" stroke-opacity="0.4"/>'
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"/>'
            f'<text x="{x + 8:.1f}" y="{label + 4:.1f}">{escape(mark.name)}</text>'
        )
    return _svg(_HEIGHT, f"{y_title} against {x_title}", parts)


def _free(taken: list[tuple[float, float]], x: float, y: float) -> float:
    """A height for a label that no earlier label near it has."""
    while any(abs(x - other_x) < 130 and abs(y - other_y) < 13 for other_x, other_y in taken):
        y += 13
    taken.append((x, y))
    return y


def _axis(highest: float, scale: float, *, bottom: float, title: str, left: int = _LEFT) -> str:
    parts = []
    for tick in range(_TICKS + 1):
        value = highest * tick / _TICKS
        x = left + value * scale
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}" class="grid"/>'
            f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle" class="tick">{value:.3g}</text>'
        )
    middle = left + highest * scale / 2
    parts.append(f'<text x="{middle:.1f}" y="{bottom + 36}" text-anchor="middle">{escape(title)}</text>')
    return "".join(parts)


def _svg(height: float, label: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(label)}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )
