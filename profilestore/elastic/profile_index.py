"""Profiles in Elasticsearch: read with their revision, written whole under it.

A profile is written to the concrete index it was read from, since the alias may have moved meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from elasticsearch import Elasticsearch

from profilestore.documents import FoldPosition, IndexMeta, Revision
from profilestore.elastic.bulk import Operation, Outcome, write_bulk
from profilestore.elastic.retry import patient
from profilestore.errors import NotInitialised

__all__ = ["IndexIdentity", "ProfileIndex", "StoredProfile", "resolve_index"]

_READ_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class IndexIdentity:
    """The concrete index behind an alias and what it says of itself."""

    index: str
    uuid: str
    meta: IndexMeta


@dataclass(frozen=True, slots=True)
class StoredProfile:
    """A profile as read: its `_source` without vectors, and the revision it was read at."""

    source: Mapping[str, Any]
    revision: Revision

    @property
    def position(self) -> FoldPosition:
        """How far it has been folded."""
        return FoldPosition(self.source["log_uuid"], self.source["log_shard"], self.source["folded_upto"])


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


class ProfileIndex:
    """The profiles of one shop, behind `{prefix}-profiles` or in one concrete index of a build."""

    def __init__(self, client: Elasticsearch, *, name: str) -> None:
        self._client = client
        self._name = name

    def identity(self) -> IndexIdentity:
        """Resolve the alias to the concrete index that reads and writes of one batch go to."""
        return resolve_index(self._client, self._name)

    def read(self, index: str, user_ids: Sequence[str]) -> dict[str, StoredProfile]:
        """The stored profiles of these users; who has none is absent. Real time, no refresh needed."""
        found: dict[str, StoredProfile] = {}
        for start in range(0, len(user_ids), _READ_AT_ONCE):
            ids = list(user_ids[start : start + _READ_AT_ONCE])
            answer = patient(
                "reading profiles",
                lambda ids=ids: self._client.mget(  # type: ignore[misc]  # mypy cannot infer the lambda
                    index=index,
                    ids=ids,
                    filter_path="docs._id,docs.found,docs._seq_no,docs._primary_term,docs._source,docs.error.type",
                ),
            )
            for doc in answer.body["docs"]:
                if "error" in doc:
                    raise NotInitialised(f"reading profiles of {index}: {doc['error']['type']}.")
                if doc["found"]:
                    revision = Revision(doc["_seq_no"], doc["_primary_term"])
                    found[doc["_id"]] = StoredProfile(doc["_source"], revision)
        return found

    def write(self, index: str, profiles: Sequence[tuple[str, Mapping[str, Any], Revision | None]]) -> list[Outcome]:
        """Write (user id, source, revision read at, or None for a new one); losers of a race conflict."""
        operations = [
            Operation("create" if revision is None else "index", index, user_id, source, expected=revision)
            for user_id, source, revision in profiles
        ]
        return write_bulk(self._client, operations, action="writing profiles")

    def refresh(self, index: str) -> None:
        """Make what was written findable, for searches and for lookups."""
        patient("refreshing the profiles", lambda: self._client.indices.refresh(index=index))

    def scan(
        self,
        index: str,
        *,
        fields: Sequence[str] | None = None,
        query: dict[str, Any] | None = None,
        after_seq_no: int = -1,
        page: int = 1000,
    ) -> Iterator[list[tuple[str, StoredProfile]]]:
        """All profiles in order of their last write, with those `fields` or all; refresh first."""
        after = after_seq_no
        while True:
            within: dict[str, Any] = {"range": {"_seq_no": {"gt": after}}}
            filters = [within] if query is None else [within, query]
            answer = patient(
                "reading profiles",
                lambda filters=filters: self._client.search(  # type: ignore[misc]  # mypy cannot infer the lambda
                    index=index,
                    size=page,
                    query={"bool": {"filter": filters}},
                    sort=[{"_seq_no": "asc"}],
                    seq_no_primary_term=True,
                    source_includes=None if fields is None else list(fields),
                    track_total_hits=False,
                    allow_partial_search_results=False,
                ),
            )
            hits = answer.body["hits"]["hits"]
            if len(hits) == 0:
                return
            yield [
                (hit["_id"], StoredProfile(hit.get("_source", {}), Revision(hit["_seq_no"], hit["_primary_term"])))
                for hit in hits
            ]
            after = hits[-1]["sort"][0]
