"""The map as one HTML page that needs nothing else: scatter plots of profiles by segment, of products by category."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

import numpy as np

from profilestore.evaluate.dots import MOST_GROUPS, Dot, key_of, plot_dots, shapes
from profilestore.evaluate.page_parts import document, section
from profilestore.insight.map.points import MapPoint
from profilestore.insight.records import InsightRecord

__all__ = ["MOST_DOTS", "render_map"]

# What a page can show and a person can see.
MOST_DOTS: Final = 4000
_COLOURED_BY: Final = {"profiles": "segment", "products": "category"}
_NONE: Final = {"profiles": "in no segment", "products": "of no category"}


def render_map(
    record: InsightRecord, points: Mapping[str, Sequence[MapPoint]], *, language: str = "en", seed: int = 7
) -> str:
    """The whole page. Every id, name and title is escaped.

    Args:
        record: of the step `map`.
        points: by kind, `profiles` and `products`; a kind without points is left out.
        language: of the card at its head.
        seed: of the sample that is drawn where there are more than `MOST_DOTS`.
    """
    said = escape(record.card.get(language, "")).replace("\n", "</p><p>")
    parts = [shapes(), f"<h1>The map of profiles and products</h1><p>As of {escape(_day(record))}.</p><p>{said}</p>"]
    for kind, every in points.items():
        if len(every) > 0:
            parts += _kind(kind, every, record.figures.get(kind, {}), seed)
    return document("Map of profiles and products", parts)


def _day(record: InsightRecord) -> str:
    return str(record.window.get("as_of", ""))[:10]


def _kind(kind: str, every: Sequence[MapPoint], figures: Mapping[str, Any], seed: int) -> list[str]:
    groups = [name for name, _ in sorted(Counter(p.group for p in every).items(), key=lambda item: (-item[1], item[0]))]
    numbers = {name: number for number, name in enumerate([name for name in groups if name != ""][:MOST_GROUPS])}
    shown = list(every)
    if len(every) > MOST_DOTS:
        rows = np.random.default_rng(seed).choice(len(every), size=MOST_DOTS, replace=False)
        shown = [every[row] for row in np.sort(rows).tolist()]
    title = kind.capitalize()
    parts = [section(f"{title} by {_COLOURED_BY[kind]}", _legend(kind, every, numbers) + _shown(shown, every))]
    near = [(point, point.tsne) for point in shown if point.tsne is not None]
    tsne = [Dot(*place, numbers.get(point.group, -1), _told(point)) for point, place in near]
    pca = [Dot(*point.pca, numbers.get(point.group, -1), _told(point)) for point in shown]
    parts.append(_plot(f"{title}, t-SNE", tsne, _tsne_words(figures)))
    parts.append(_plot(f"{title}, PCA", pca, _pca_words(figures)))
    return parts


def _plot(title: str, dots: Sequence[Dot], words: str) -> str:
    return "" if len(dots) == 0 else f"<h3>{escape(title)}</h3><p>{words}</p>{plot_dots(dots, title=title)}"


def _legend(kind: str, every: Sequence[MapPoint], numbers: Mapping[str, int]) -> str:
    counts = Counter(point.group for point in every)
    rows = [(key_of(number), name, counts[name]) for name, number in numbers.items()]
    others = sum(count for name, count in counts.items() if name != "" and name not in numbers)
    if others > 0:
        rows.append((key_of(-1), f"{len(counts.keys() - numbers.keys() - {''})} others", others))
    if counts[""] > 0:
        rows.append((key_of(-1), _NONE[kind], counts[""]))
    body = "".join(
        f"<tr><td>{key} {escape(name)}</td><td>{count:,}</td><td>{count / len(every):.1%}</td></tr>"
        for key, name, count in rows
    )
    return f"<table><tbody>{body}</tbody></table>"


def _shown(shown: Sequence[MapPoint], every: Sequence[MapPoint]) -> str:
    if len(shown) == len(every):
        return f"<p><small>All {len(every):,} are drawn.</small></p>"
    return f"<p><small>A random sample of {len(shown):,} of {len(every):,} is drawn.</small></p>"


def _told(point: MapPoint) -> str:
    return " · ".join(part for part in (point.id, point.title, point.group) if part != "")


def _tsne_words(figures: Mapping[str, Any]) -> str:
    if len(figures) == 0:
        return ""
    placed = figures["tsne_placed_by_neighbours"]
    words = f"Near is alike; how far apart clouds lie means nothing. {_trust(figures, 'tsne')}"
    if placed == 0:
        return words
    return f"{words} Fitted on a sample of {figures['tsne_fitted_on']:,}; {placed:,} lie amid their nearest of it."


def _pca_words(figures: Mapping[str, Any]) -> str:
    if len(figures) == 0:
        return ""
    first, second = figures["pca_explained_first_axis"], figures["pca_explained_second_axis"]
    return f"The axes hold {first:.1%} and {second:.1%} of the variance. {_trust(figures, 'pca')}"


def _trust(figures: Mapping[str, Any], name: str) -> str:
    figure = figures["trustworthiness"][name]
    return f"Trustworthiness {figure['mean']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]."
