"""Which concrete index stands behind an alias, and what it says of itself in `_meta`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from elastic_transport import ApiResponse
from elasticsearch import Elasticsearch

from profilestore.documents import IndexMeta
from profilestore.elastic.retry import NotYet, patient
from profilestore.errors import NotInitialised

T = TypeVar("T", bound=ApiResponse[Any])

__all__ = ["IndexIdentity", "check_docs", "resolve_index", "scan_raw", "seq_nos", "write_meta"]


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


def seq_nos(client: Elasticsearch, index: str, *, shards: int = 1) -> dict[int, tuple[int, int]]:
    """By shard: the global checkpoint, up to which every write is in, and the highest number given out.

    Between the two are writes under way: one of a lower number may still be on its way when one of a
    higher number can be read already. -1 for an empty shard.
    """

    def call() -> dict[int, tuple[int, int]]:
        answer = client.indices.stats(
            index=index,
            level="shards",
            metric="docs",
            filter_path="indices.*.shards.*.routing.primary,indices.*.shards.*.seq_no",
        )
        found: dict[int, tuple[int, int]] = {}
        for entry in answer.body.get("indices", {}).values():
            for shard, copies in entry["shards"].items():
                for copy in copies:
                    if copy["routing"]["primary"] and "seq_no" in copy:
                        numbers = copy["seq_no"]
                        found[int(shard)] = (int(numbers["global_checkpoint"]), int(numbers["max_seq_no"]))
        if len(found) < shards:
            raise NotYet  # a shard that is starting is left out of the answer
        return found

    return patient(f"reading the checkpoints of {index}", call)


def check_docs(answer: T, *, index: str) -> T:
    """The answer of an `_mget`, if each of its documents could be looked for.

    Raises:
        NotInitialised: the index is not there (any more).
        NotYet: its shard is starting; for `patient`.
    """
    errors = {doc["error"]["type"] for doc in answer.body["docs"] if "error" in doc}
    if "index_not_found_exception" in errors:
        raise NotInitialised(f"reading {index}: this shop has no such index. Run `profilestore init`.")
    if len(errors) > 0:
        raise NotYet
    return answer


def scan_raw(client: Elasticsearch, index: str, *, page: int = 100) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """All documents of an index as (id, source), in order of their last write. Refreshes first."""
    patient(f"refreshing {index}", lambda: client.indices.refresh(index=index))
    after = -1
    while True:
        answer = patient(
            f"reading {index}",
            lambda after=after: client.search(  # type: ignore[misc]  # mypy cannot infer the lambda
                index=index,
                size=page,
                query={"range": {"_seq_no": {"gt": after}}},
                sort=[{"_seq_no": "asc"}],
                source={"exclude_vectors": False},
                track_total_hits=False,
                allow_partial_search_results=False,
            ),
        )
        hits = answer.body["hits"]["hits"]
        if len(hits) == 0:
            return
        yield [(hit["_id"], hit["_source"]) for hit in hits]
        after = hits[-1]["sort"][0]
