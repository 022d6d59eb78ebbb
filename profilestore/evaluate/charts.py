"""Plots as inline SVG: a figure by method with intervals, one figure against another, and curves.

Made by hand, since the reports need just these: no plotting package, no script, no font comes with it.
Every text is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from profilestore.evaluate.significance import Interval

__all__ = ["Curve", "Mark", "plot_curves", "plot_intervals", "plot_scatter", "svg"]

_WIDTH: Final = 760
_ROW: Final = 26
_LEFT: Final = 190
_RIGHT: Final = 30
_TOP: Final = 14
_BOTTOM: Final = 44
_HEIGHT: Final = 380
_TICKS: Final = 5
_COLOURS: Final = {"shop": "#1b6ca8", "peer": "#c2571a"}
# Told apart also by who does not see red and green alike (Okabe and Ito 2008), the first ones best.
_CURVE_COLOURS: Final = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7a5195", "#595959", "#999999",
)  # fmt: skip
_LEGEND: Final = 290


@dataclass(frozen=True, slots=True)
class Mark:
    """A method in a plot: its name, kind (which gives the colour), and figure; `x` of a scatter plot."""

    name: str
    kind: str
    figure: Interval
    x: float = 0.0


@dataclass(frozen=True, slots=True)
class Curve:
    """A line in a plot: its name, its points (x, y) from 0 to 1, and whether it is what the others are held against."""

    name: str
    points: Sequence[tuple[float, float]]
    baseline: bool = False


def plot_curves(curves: Sequence[Curve], *, x_title: str, y_title: str) -> str:
    """A line a curve, both axes from 0 to 1; names beside, in the order given."""
    bottom, left = _HEIGHT - _BOTTOM, 70
    x_scale, y_scale = float(_WIDTH - left - _LEGEND), float(bottom - _TOP)
    parts = [
        _axis(1.0, x_scale, bottom=bottom, title=x_title, left=left),
        _upright_axis(1.0, y_scale, bottom=bottom, left=left, right=_WIDTH - _LEGEND, title=y_title),
    ]
    for number, curve in enumerate(curves):
        colour = "#1d2733" if curve.baseline else _CURVE_COLOURS[number % len(_CURVE_COLOURS)]
        dashes = ' stroke-dasharray="5 4"' if curve.baseline else ""
        points = " ".join(f"{left + x * x_scale:.1f},{bottom - y * y_scale:.1f}" for x, y in curve.points)
        y = _TOP + 10 + 20 * number
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.8"{dashes}>'
            f"<title>{escape(curve.name)}</title></polyline>"
            f'<line x1="{_WIDTH - _LEGEND + 16}" x2="{_WIDTH - _LEGEND + 42}" y1="{y}" y2="{y}" stroke="{colour}" '
            f'stroke-width="3"{dashes}/><text x="{_WIDTH - _LEGEND + 50}" y="{y + 4}">{escape(curve.name)}</text>'
        )
    return svg(_HEIGHT, f"{y_title} against {x_title}", parts)


def plot_intervals(marks: Sequence[Mark], *, title: str, lowest: float = 0.0) -> str:
    """A row a method: a dot at the figure, a line over its interval; the axis begins at `lowest`."""
    height = _TOP + _ROW * len(marks) + _BOTTOM
    highest = max((mark.figure.high for mark in marks), default=0.0) or 1.0
    scale = (_WIDTH - _LEFT - _RIGHT) / (highest - lowest)
    parts = [_axis(highest, scale, bottom=height - _BOTTOM, title=title, lowest=lowest)]
    for row, mark in enumerate(marks):
        y = _TOP + _ROW * row + _ROW / 2
        low, dot, high = (
            _LEFT + scale * max(0.0, v - lowest) for v in (mark.figure.low, mark.figure.mean, mark.figure.high)
        )
        colour = _COLOURS[mark.kind]
        parts.append(
            f'<text x="{_LEFT - 10}" y="{y + 4:.1f}" text-anchor="end">{escape(mark.name)}</text>'
            f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="{colour}" stroke-width="2"/>'
            f'<circle cx="{dot:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}">'
            f"<title>{escape(mark.name)}: {escape(str(mark.figure))}</title></circle>"
        )
    return svg(height, title, parts)


def plot_scatter(marks: Sequence[Mark], *, x_title: str, y_title: str) -> str:
    """A dot a method, x against the figure, both axes from 0; names beside the dots."""
    widest = max((mark.x for mark in marks), default=0.0) or 1.0
    highest = max((mark.figure.high for mark in marks), default=0.0) or 1.0
    bottom = _HEIGHT - _BOTTOM
    left = 70
    x_scale, y_scale = (_WIDTH - left - 150) / widest, (bottom - _TOP) / highest
    parts = [_axis(widest, x_scale, bottom=bottom, title=x_title, left=left)]
    parts.append(_upright_axis(highest, y_scale, bottom=bottom, left=left, right=_WIDTH - 150, title=y_title))
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
    return svg(_HEIGHT, f"{y_title} against {x_title}", parts)


def _free(taken: list[tuple[float, float]], x: float, y: float) -> float:
    """A height for a label that no earlier label near it has."""
    while any(abs(x - other_x) < 130 and abs(y - other_y) < 13 for other_x, other_y in taken):
        y += 13
    taken.append((x, y))
    return y


def _upright_axis(highest: float, scale: float, *, bottom: float, left: int, right: int, title: str) -> str:
    parts = []
    for tick in range(_TICKS + 1):
        value = highest * tick / _TICKS
        y = bottom - value * scale
        parts.append(
            f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end" class="tick">{value:.3g}</text>'
            f'<line x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
        )
    parts.append(
        f'<text transform="translate(16 {bottom / 2:.0f}) rotate(-90)" text-anchor="middle">{escape(title)}</text>'
    )
    return "".join(parts)


def _axis(highest: float, scale: float, *, bottom: float, title: str, left: int = _LEFT, lowest: float = 0.0) -> str:
    parts = []
    for tick in range(_TICKS + 1):
        value = lowest + (highest - lowest) * tick / _TICKS
        x = left + (value - lowest) * scale
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}" class="grid"/>'
            f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle" class="tick">{value:.3g}</text>'
        )
    middle = left + (highest - lowest) * scale / 2
    parts.append(f'<text x="{middle:.1f}" y="{bottom + 36}" text-anchor="middle">{escape(title)}</text>')
    return "".join(parts)


def svg(height: float, label: str, parts: Sequence[str]) -> str:
    """A drawing of the page's width; `label` is what is read aloud."""
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(label)}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )
