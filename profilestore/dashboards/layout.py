"""Panels in rows on Kibana's grid."""

from __future__ import annotations

from collections.abc import Sequence

from profilestore.dashboards.panels import COLUMNS, Panel, Place

__all__ = ["in_rows"]


def in_rows(*rows: tuple[int, Sequence[tuple[int, Panel]]]) -> tuple[Panel, ...]:
    """Give panels their places: each row has a height and its panels with their widths, from the left.

    Raises:
        ValueError: a row is wider than the grid.
    """
    placed: list[Panel] = []
    y = 0
    for height, panels in rows:
        x = 0
        for width, panel in panels:
            if x + width > COLUMNS:
                raise ValueError(f"{panel.id} does not fit into its row of {COLUMNS} columns")
            placed.append(panel.model_copy(update={"place": Place(x=x, y=y, w=width, h=height)}))
            x += width
        y += height
    return tuple(placed)
