"""Which fields of an index are whose, as its mapping says (DESIGN.md, one owner a field)."""

from __future__ import annotations

from profilestore.elastic.indices import template
from profilestore.settings import Settings

__all__ = ["fields_of"]


def fields_of(owner: str, *, kind: str, settings: Settings) -> frozenset[str]:
    """The fields that `owner` writes into documents of this kind."""
    owners = template(kind, settings)["template"]["mappings"]["_meta"]["owners"]
    return frozenset(owners.get(owner, ()))
