"""What insight says of products, written into them: partial updates of its fields, only where they differ."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from profilestore.elastic.bulk import Operation
from profilestore.elastic.index_identity import resolve_index
from profilestore.errors import NotInitialised
from profilestore.indexing.parts import Parts
from profilestore.insight.sentiment.opinions import PRODUCT_FIELDS

__all__ = ["write_products"]

_PAGE: Final = 10_000
_WRITE_AT_ONCE: Final = 5000
_ATTEMPTS: Final = 5

Value = float | int | str | list[int] | None


def write_products(
    parts: Parts, said: Mapping[str, Mapping[str, Any]], *, fields: Sequence[str] = PRODUCT_FIELDS
) -> int:
    """Write these fields of each product; those of products that nothing is said of any more are emptied.

    Returns:
        How many products were changed.

    Raises:
        NotInitialised, WriteFailed, ServerUnavailable
    """
    alias = parts.settings.index("products")
    while True:
        before = resolve_index(parts.client, alias).uuid
        try:
            return _write(parts, said, fields)
        except NotInitialised:
            # A switch of generations deletes the index that was read from a moment ago.
            if resolve_index(parts.client, alias).uuid == before:
                raise


def _write(parts: Parts, said: Mapping[str, Mapping[str, Any]], fields: Sequence[str]) -> int:
    alias, products = parts.settings.index("products"), parts.in_force.products
    index = products.identity().index
    products.refresh(index)
    changes: dict[str, dict[str, Value]] = {}
    for page in products.scan(index, fields=list(fields), page=_PAGE):
        for product_id, source, _ in page:
            wanted = said.get(product_id, {})
            if any(_differs(source.get(name), wanted.get(name)) for name in fields):
                changes[product_id] = {name: wanted.get(name) for name in fields}
    wanted_count = len(changes)
    for _ in range(_ATTEMPTS):  # a conflict: the product's row was written at that moment
        if len(changes) == 0:
            break
        operations = [Operation("update", alias, product_id, change) for product_id, change in changes.items()]
        lost: set[str] = set()
        for start in range(0, len(operations), _WRITE_AT_ONCE):
            outcomes = products.write(operations[start : start + _WRITE_AT_ONCE], action="writing insight of products")
            lost |= {outcome.id for outcome in outcomes if outcome.conflict}
        changes = {product_id: change for product_id, change in changes.items() if product_id in lost}
    if wanted_count > 0:
        products.refresh(alias)
    return wanted_count - len(changes)


def _differs(old: Value, new: Value) -> bool:
    if isinstance(old, (int, float)) and isinstance(new, (int, float)):
        return not math.isclose(old, new, abs_tol=1e-9)
    return old != new
