"""A chart in its size with its rows, as page.js fits it too: what depends on how long names and numbers are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson

from profilestore.dashboards.encodings import Spec
from profilestore.dashboards.reading import Row

__all__ = ["fitted", "text_width"]

_BAR_PX: Final = 44
_AROUND_PX: Final = 70
_LABEL_PX: Final = 190
_CJK: Final = 0x2E7F


def text_width(text: str) -> float:
    """About how wide a text of 11 pixels is, in pixels."""
    return sum(12.0 if ord(sign) > _CJK else 6.5 for sign in text)


def _longest(texts: Iterable[str]) -> float:
    return max((text_width(text) for text in texts), default=0.0)


def fitted(spec: Spec, rows: Sequence[Row], *, width: float, height: float, labels: Sequence[str]) -> Spec:
    """The chart of these rows in this size.

    Args:
        spec: as `charts.vega_lite` makes it.
        rows: what to draw.
        width: in pixels, as `height`; lying bars take less where there are few.
        labels: the numbers of the rows as they are written at the ends of bars.
    """
    made: dict[str, Any] = orjson.loads(orjson.dumps(spec))
    hints = made["usermeta"]
    names = list(dict.fromkeys(str(row["k0"]) for row in rows)) if hints["lying"] else []
    left = min(float(_LABEL_PX), _longest(names)) + 20 if hints["lying"] else 50.0
    top = max((row["m0"] for row in rows if isinstance(row.get("m0"), (int, float))), default=0)
    made["data"]["values"] = list(rows)
    made["width"] = max(120.0, width)
    made["height"] = max(60.0, min(height, len(names) * _BAR_PX + _AROUND_PX) if hints["lying"] else height)
    made["autosize"] = {"type": "fit", "contains": "padding"}
    if hints["labelled"] and top > 0:
        free = max(40.0, width - left - _longest(labels) - 8)
        made["encoding"]["x"]["scale"] = {"domainMax": top * (width - left) / free, "nice": False}
    encoding = made["layer"][0].get("encoding", {}) if "layer" in made else made["encoding"]
    legend = (encoding.get("color") or {}).get("legend")
    if isinstance(legend, dict) and "columns" in legend:
        each = min(160.0, _longest(hints["series"])) + 34
        legend["columns"] = max(1, int((width - left) // each))
    return made
