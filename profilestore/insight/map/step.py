"""`insight run map`: profiles and products in two dimensions, for a scatter plot.

Profiles lie by the features that segments are made of (what users turn to, how they shop), so that what lies together
shops alike; products lie by a vector of theirs. Both twice: by PCA, of which the axes mean something and distances are
true as far as its share of the variance goes, and by t-SNE, which keeps neighbours together and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from profilestore.errors import TooLittleData
from profilestore.insight.map.card import map_card
from profilestore.insight.map.projection import Projection, project
from profilestore.insight.products import write_products
from profilestore.insight.records import InsightRecord, window_of
from profilestore.insight.segments.features import (
    LEAST_ACTS,
    UserFeatures,
    columns_of,
    kept_out_habits,
    user_features,
)
from profilestore.insight.segments.step import product_groups
from profilestore.insight.steps import Outcome, Run

__all__ = ["MAP_FIELDS", "Mapped", "derive_map"]

MAP_FIELDS: Final = ("map_pca_x", "map_pca_y", "map_tsne_x", "map_tsne_y")
VECTORS: Final = {"text": "text_vector", "topics": "topic_vector", "taste": "taste_vector"}
_DIGITS: Final = 4


@dataclass(frozen=True)
class Mapped:
    """The points of one kind, `profiles` or `products`, by id, and where they are."""

    kind: str
    ids: tuple[str, ...]
    projection: Projection

    def fields(self, *, tsne: bool) -> dict[str, dict[str, float]]:
        """The fields of each document; those of t-SNE only where it is worth it."""
        places = np.column_stack([self.projection.pca, self.projection.tsne]) if tsne else self.projection.pca
        rows = np.round(places.astype(np.float64), _DIGITS).tolist()
        return {id: dict(zip(MAP_FIELDS, row, strict=False)) for id, row in zip(self.ids, rows, strict=True)}

    def figures(self) -> dict[str, Any]:
        """As the record holds them."""
        first, second = self.projection.explained
        return {
            "count": len(self.ids),
            "tsne_fitted_on": int(self.projection.fitted.sum()),
            "tsne_placed_by_neighbours": int((~self.projection.fitted).sum()),
            "pca_explained_first_axis": first,
            "pca_explained_second_axis": second,
            "trustworthiness": self.projection.figures,
        }


def derive_map(run: Run) -> Outcome:
    """The step of `insight run`.

    Raises:
        TooLittleData: too few users with enough acts, or all alike; of too few products, only users are mapped.
    """
    history, sample = run.history, run.settings.map_sample
    run.progress(f"mapping {len(history.user_ids):,} users")
    features, taken, groups = _profiles(run)
    maps = [Mapped("profiles", tuple(history.user_ids[row] for row in features.users.tolist()),
                   project(features.scaled[:, columns_of(features, taken)], sample=sample, seed=run.seed))]  # fmt: skip
    run.progress("mapping the products")
    ids, vectors = _products(run)
    missing = ""
    try:
        maps.append(Mapped("products", ids, project(vectors, sample=sample, seed=run.seed)))
    except TooLittleData as error:
        missing = str(error)
    better = {each.kind for each in maps if each.projection.beats}
    record = InsightRecord(
        name="map",
        window=window_of(history),
        settings={
            "seed": run.seed, "tsne_sample": sample, "profiles_by": taken, "interests_from": groups,
            "features": list(features.names[columns_of(features, taken)]), "least_acts": LEAST_ACTS,
            "users_with_too_few_acts": features.unknown, "products_by": VECTORS[run.settings.map_products],
        },
        figures={each.kind: each.figures() for each in maps},
        card=map_card({each.kind: each.figures() for each in maps}, better=better, unknown=features.unknown,
                      missing=missing),
        accepted=len(better) > 0,
    )  # fmt: skip
    told = ", ".join(f"{len(each.ids):,} {each.kind}{_sampled(each.projection)}" for each in maps)
    if len(better) == 0 and not run.force:
        return Outcome(record, f"t-SNE keeps neighbours no better than PCA does: not written ({told})")
    run.progress("writing the map")
    kept = {each.kind for each in maps} if run.force else better
    fields = {each.kind: each.fields(tsne=each.kind in kept) for each in maps}
    users = fields["profiles"]
    written = run.profiles.write("map", lambda user_id, _: users.get(user_id), as_of=history.as_of_time)
    products = write_products(run.parts, fields.get("products", {}), fields=MAP_FIELDS)
    plain = [each.kind for each in maps if each.kind not in kept]
    left_out = "" if len(plain) == 0 else f"; {plain[0]} have no t-SNE, which keeps neighbours no better than PCA there"
    return Outcome(record, f"{told} are on the map, {products:,} products written{left_out}", written)


def _profiles(run: Run) -> tuple[UserFeatures, str, str]:
    """Features of the users, those by which they were put into segments where they were, and what interests are of."""
    groups_of, groups = product_groups(run)
    features = user_features(
        run.history, groups_of=groups_of, time_zone=run.settings.time_zone, kept_out=kept_out_habits(run.settings)
    )
    record = run.records.find("segments")
    taken = "both" if record is None else str(record.settings.get("features", "both"))
    columns = columns_of(features, taken)
    return features, taken if columns.stop - columns.start >= 2 else "both", groups


def _products(run: Run) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Ids of the products on sale that have the vector, in order, and their vectors (n, dims)."""
    field, products = VECTORS[run.settings.map_products], run.parts.in_force.products
    target = products.identity()
    products.refresh(target.index)
    wanted: dict[str, Any] = {
        "bool": {"filter": [{"exists": {"field": field}}], "must_not": [{"term": {"deleted": True}}]}
    }
    ids: list[str] = []
    pages: list[NDArray[np.float32]] = []
    for page in products.scan(target.index, fields=[field], query=wanted, vectors=True):
        ids += [product_id for product_id, _, _ in page]
        pages.append(np.array([_vector(source, field) for _, source, _ in page], dtype=np.float32))
    if len(ids) == 0:
        return (), np.empty((0, 0), dtype=np.float32)
    order = np.array(sorted(range(len(ids)), key=ids.__getitem__))
    return tuple(ids[place] for place in order.tolist()), np.concatenate(pages)[order]


def _vector(source: Mapping[str, Any], field: str) -> Any:
    from profilestore.features.served import decode_vector

    return decode_vector(source[field])


def _sampled(projection: Projection) -> str:
    fitted, every = int(projection.fitted.sum()), projection.fitted.size
    return "" if fitted == every else f" (t-SNE fitted on a sample of {fitted:,}, {every - fitted:,} placed beside it)"
