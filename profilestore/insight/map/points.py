"""Where profiles and products lie on the map, as it stands in the documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from profilestore.errors import NotFound
from profilestore.indexing.parts import Parts
from profilestore.insight.map.step import MAP_FIELDS
from profilestore.insight.profiles import InsightProfiles
from profilestore.insight.records import InsightRecord, InsightRecords

__all__ = ["Kind", "MapPoint", "MapPoints", "Place"]

Kind = Literal["profiles", "products"]
Place = tuple[float, float]
_ON_IT: Final = {"exists": {"field": MAP_FIELDS[0]}}


@dataclass(frozen=True, slots=True)
class MapPoint:
    """A profile or a product.

    Attributes:
        id: of the user or product.
        group: the segment, or the category (its main topic where it has none); "" for none.
        title: of a product; "" for users.
        pca: x and y.
        tsne: x and y; None where t-SNE was no better than PCA.
    """

    id: str
    group: str
    title: str
    pca: Place
    tsne: Place | None


class MapPoints:
    """The map of one shop; who switched personalisation off is not on it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def record(self) -> InsightRecord:
        """How the map was made and how true it is.

        Raises:
            NotFound: there is none yet.
        """
        return InsightRecords(self._parts.store).get("map")

    def points(self, kind: Kind) -> list[MapPoint]:
        """All that is on the map, by id.

        Raises:
            NotFound: the map was not made yet, or it was not written.
        """
        found = self._profiles() if kind == "profiles" else self._products()
        if len(found) == 0 and kind == "profiles":
            raise NotFound(
                "nothing is on the map: `profilestore insight run map` makes it, and `insight show map` says how it "
                "went.",
                kind="insight",
                id="map",
            )
        return sorted(found, key=lambda point: point.id)

    def _profiles(self) -> list[MapPoint]:
        pages = InsightProfiles(self._parts.in_force.profiles).read([*MAP_FIELDS, "segment"], query=_ON_IT)
        return [_point(user_id, source, source.get("segment") or "") for page in pages for user_id, source in page]

    def _products(self) -> list[MapPoint]:
        products = self._parts.in_force.products
        index = products.identity().index
        products.refresh(index)
        pages = products.scan(index, fields=[*MAP_FIELDS, "category", "main_topics", "title"], query=_ON_IT)
        return [_point(id, source, _category(source)) for page in pages for id, source, _ in page]


def _category(source: Mapping[str, Any]) -> str:
    topics = source.get("main_topics") or [""]
    return str(source.get("category") or topics[0])


def _point(id: str, source: Mapping[str, Any], group: str) -> MapPoint:
    pca_x, pca_y, x, y = (source.get(name) for name in MAP_FIELDS)
    return MapPoint(
        id=id,
        group=group,
        title=source.get("title") or "",
        pca=(float(pca_x or 0.0), float(pca_y or 0.0)),
        tsne=None if x is None or y is None else (float(x), float(y)),
    )
