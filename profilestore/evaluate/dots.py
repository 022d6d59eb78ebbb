"""A scatter plot of many dots in groups as inline SVG: each group by a colour and a shape of its own.

Colours are those of Okabe and Ito (2008), which people of every kind of colour vision tell apart; shapes tell groups
apart on paper without colours, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from profilestore.evaluate.charts import svg

__all__ = ["MOST_GROUPS", "Dot", "key_of", "plot_dots", "shapes"]

_COLOURS: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")
_OTHERS: Final = "#999999"
# Seven colours and five shapes have no common factor: no two of this many groups look alike.
MOST_GROUPS: Final = 20
_WIDTH: Final = 760
_HEIGHT: Final = 560
_EDGE: Final = 14
# Around 0, 0: a disc, a square, a triangle, a diamond, a cross.
_SHAPES: Final = (
    "M-3.2 0a3.2 3.2 0 1 0 6.4 0a3.2 3.2 0 1 0-6.4 0z",
    "M-2.9-2.9h5.8v5.8h-5.8z",
    "M0-3.8l3.8 6.6h-7.6z",
    "M0-4.2l4.2 4.2l-4.2 4.2l-4.2-4.2z",
    "M-3-3l6 6M-3 3l6-6",
)


@dataclass(frozen=True, slots=True)
class Dot:
    """A place, the number of its group (-1: others), and what is told where the pointer rests."""

    x: float
    y: float
    group: int
    told: str


def plot_dots(dots: Sequence[Dot], *, title: str) -> str:
    """The dots on equal scales, others first and then the groups of low numbers, so that later ones, the
    small ones, are not hidden."""
    if len(dots) == 0:
        return ""
    left, low = min(dot.x for dot in dots), min(dot.y for dot in dots)
    width, height = max(dot.x for dot in dots) - left, max(dot.y for dot in dots) - low
    inner = _WIDTH - 2 * _EDGE, _HEIGHT - 2 * _EDGE
    scale = min(inner[0] / (width or 1.0), inner[1] / (height or 1.0))
    margin = _EDGE + (inner[0] - width * scale) / 2, _EDGE + (inner[1] - height * scale) / 2
    parts: list[str] = []
    for group in sorted({dot.group for dot in dots}):
        marks = [
            f'<use href="#{_shape(group)}" x="{margin[0] + (dot.x - left) * scale:.1f}" '
            f'y="{_HEIGHT - margin[1] - (dot.y - low) * scale:.1f}"><title>{escape(dot.told)}</title></use>'
            for dot in dots
            if dot.group == group
        ]
        parts.append(f"<g {_look(group)}>{''.join(marks)}</g>")
    return svg(_HEIGHT, title, parts)


def shapes() -> str:
    """What all plots of a page draw with; to stand in it once, before them."""
    paths = "".join(f'<path id="shape{number}" d="{path}"/>' for number, path in enumerate(_SHAPES))
    return f'<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>{paths}</defs></svg>'


def key_of(group: int) -> str:
    """The mark of a group, for a legend."""
    return (
        '<svg viewBox="0 0 16 16" style="width:16px;height:16px;vertical-align:-3px" aria-hidden="true">'
        f'<g {_look(group)}><use href="#{_shape(group)}" x="8" y="8"/></g></svg>'
    )


def _shape(group: int) -> str:
    return f"shape{0 if group < 0 else group % len(_SHAPES)}"


def _look(group: int) -> str:
    if group < 0:
        return f'fill="{_OTHERS}" fill-opacity="0.35"'
    colour = _COLOURS[group % len(_COLOURS)]
    if group % len(_SHAPES) == len(_SHAPES) - 1:  # a cross has no inside
        return f'stroke="{colour}" stroke-width="1.8" stroke-opacity="0.8"'
    return f'fill="{colour}" fill-opacity="0.7"'
