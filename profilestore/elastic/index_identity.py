"""Which concrete index stands behind an alias, and what it says of itself in `_meta`."""

from __future__ import annotations

from dataclasses import dataclass

from elasticsearch import Elasticsearch

from profilestore.documents import IndexMeta
from profilestore.elastic.retry import patient
from profilestore.errors import NotInitialised

__all__ = ["IndexIdentity", "resolve_index", "write_meta"]


@dataclass(frozen=True, slots=True)
class IndexIdentity:
    """The concrete index behind an alias and what it says of itself."""

    index: str
    uuid: str
    meta: IndexMeta


def resolve_index(client: Elasticsearch, name: str) -> IndexIdentity:
    """The concrete index of an alias (or of itself).

    Raises:
        NotInitialised: there is none, or it is not one of ours.
    """
    answer = patient(
        f"looking up {name}",
        lambda: client.indices.get(index=name, filter_path="*.settings.index.uuid,*.mappings._meta"),
    )
    if len(answer.body) != 1:
        raise NotInitialised(f"{name} is not one index. Run `profilestore init`.")
    ((index, entry),) = answer.body.items()
    meta = entry.get("mappings", {}).get("_meta", {})
    known = {field: meta[field] for field in IndexMeta.model_fields if field in meta}
    if "generation" not in known:
        raise NotInitialised(f"{name} was not made by profilestore. Run `profilestore init`.")
    return IndexIdentity(index, entry["settings"]["index"]["uuid"], IndexMeta(**known))


def write_meta(client: Elasticsearch, index: str, meta: IndexMeta) -> None:
    """Replace what an index says of itself, keeping the owners of its fields."""

    def call() -> None:
        answer = client.indices.get_mapping(index=index)
        ((name, entry),) = answer.body.items()
        kept = {"owners": entry["mappings"].get("_meta", {}).get("owners", {})}
        client.indices.put_mapping(index=name, meta=kept | meta.model_dump(exclude_none=True))

    patient(f"writing the meta data of {index}", call)
