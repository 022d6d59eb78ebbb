"""The fold's view of the products, kept fresh: read in pieces, forgotten when their documents change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from profilestore.elastic.index_identity import IndexIdentity
from profilestore.elastic.product_index import FOLD_READS, IN_VECTOR_FIELDS, ProductIndex
from profilestore.features.catalogue import Catalogue, ProductFeatures
from profilestore.features.served import decode_vector

__all__ = ["FreshCatalogue", "features_of"]

# 384 + 256 + 64 float32 a product are 3 KB: 300 MB at the most.
_KEPT: Final = 100_000


def features_of(product_id: str, source: Mapping[str, Any]) -> ProductFeatures:
    """What the fold reads of a stored product. A tombstone keeps its in-vectors."""
    return ProductFeatures(
        product_id=product_id,
        category=source.get("category"),
        brand=source.get("brand"),
        price=source.get("price"),
        vectors={
            space: decode_vector(source[field])
            for space, field in IN_VECTOR_FIELDS.items()
            if source.get(field) is not None
        },
    )


class FreshCatalogue:
    """A bounded `Catalogue` that is true at the moment of `ensure`.

    It must be asked after the log's checkpoint was read: then a product that changes later rebuilds
    the users of every event up to that checkpoint, and nothing of the older product stays.
    """

    def __init__(self, products: ProductIndex) -> None:
        self._products = products
        self._catalogue = Catalogue()
        self._index: str | None = None
        self._seq_no = -1
        self._absent: set[str] = set()

    def ensure(self, product_ids: Iterable[str], *, identity: IndexIdentity | None = None) -> Catalogue:
        """The catalogue with these products as they are now; those that do not exist stay unknown."""
        target = self._products.identity() if identity is None else identity
        if target.index != self._index:
            self._catalogue.clear()
            self._absent.clear()
            self._index = target.index
            self._seq_no = self._products.checkpoint(target.index)
        else:
            changed, self._seq_no = self._products.changed_since(target.index, self._seq_no)
            self._catalogue.discard(changed)
            self._absent.difference_update(changed)
        missing = sorted({p for p in product_ids if p not in self._catalogue and p not in self._absent})
        if len(self._catalogue) + len(missing) > _KEPT:
            self._catalogue.clear()
            self._absent.clear()
            missing = sorted(set(product_ids))
        found = self._products.read(target.index, missing, fields=FOLD_READS, vectors=True)
        self._catalogue.add(features_of(product_id, source) for product_id, (source, _) in found.items())
        self._absent.update(product_id for product_id in missing if product_id not in found)
        return self._catalogue
