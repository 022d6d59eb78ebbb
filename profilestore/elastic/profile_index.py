"""Profiles in Elasticsearch: read with their revision, written whole under it.

A profile is written to the concrete index it was read from, since the alias may have moved meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from elasticsearch import Elasticsearch, NotFoundError

from profilestore.documents import FoldPosition, IndexMeta, Revision
from profilestore.elastic.bulk import Operation, Outcome, raise_failed, write_bulk
from profilestore.elastic.index_identity import IndexIdentity, check_docs, resolve_index, seq_nos, write_meta
from profilestore.elastic.retry import patient
from profilestore.errors import NotInitialised

__all__ = ["ProfileIndex", "StoredProfile"]

_READ_AT_ONCE: Final = 500
# From one page to the next; what is done with a page may take its time.
_KEEP_ALIVE: Final = "10m"
_READ_PATHS: Final = "docs._id,docs.found,docs._seq_no,docs._primary_term,docs._source,docs.error.type"


@dataclass(frozen=True, slots=True)
class StoredProfile:
    """A profile as read: its `_source`, without vectors unless asked, and the revision it was read at."""

    source: Mapping[str, Any]
    revision: Revision

    @property
    def position(self) -> FoldPosition:
        """How far it has been folded."""
        return FoldPosition(self.source["log_uuid"], self.source["log_shard"], self.source["folded_upto"])


class ProfileIndex:
    """The profiles of one shop, behind `{prefix}-profiles` or in one concrete index of a build."""

    def __init__(self, client: Elasticsearch, *, name: str) -> None:
        self._client = client
        self._name = name

    def identity(self) -> IndexIdentity:
        """Resolve the alias to the concrete index that reads and writes of one batch go to."""
        return resolve_index(self._client, self._name)

    def read(
        self, index: str, user_ids: Sequence[str], *, without: Collection[str] = (), vectors: bool = False
    ) -> dict[str, StoredProfile]:
        """The stored profiles of these users, less the fields `without`; vectors only when asked; who has none
        is absent. Real time, no refresh needed."""
        found: dict[str, StoredProfile] = {}
        parameters = f"_source_exclude_vectors={'false' if vectors else 'true'}&filter_path={_READ_PATHS}"
        if len(without) > 0:
            parameters += f"&_source_excludes={','.join(sorted(without))}"
        for start in range(0, len(user_ids), _READ_AT_ONCE):
            ids = list(user_ids[start : start + _READ_AT_ONCE])
            answer = patient(
                "reading profiles",
                lambda ids=ids: check_docs(  # type: ignore[misc]  # mypy cannot infer the lambda
                    self._client.perform_request(
                        "POST",
                        f"/{index}/_mget?{parameters}",
                        headers={"content-type": "application/json", "accept": "application/json"},
                        body={"ids": ids},
                    ),
                    index=index,
                ),
            )
            for doc in answer.body["docs"]:
                if doc["found"]:
                    revision = Revision(doc["_seq_no"], doc["_primary_term"])
                    found[doc["_id"]] = StoredProfile(doc["_source"], revision)
        return found

    def read_now(self, user_ids: Sequence[str]) -> dict[str, StoredProfile]:
        """As `read`, of whatever index stands behind the name: a switch in between is followed."""
        while True:
            identity = self.identity()
            try:
                return self.read(identity.index, user_ids)
            except NotInitialised:
                if self.identity().uuid == identity.uuid:
                    raise

    def write(self, index: str, profiles: Sequence[tuple[str, Mapping[str, Any], Revision | None]]) -> list[Outcome]:
        """Write (user id, source, revision read at, or None for a new one); losers of a race conflict."""
        operations = [
            Operation("create" if revision is None else "index", index, user_id, source, expected=revision)
            for user_id, source, revision in profiles
        ]
        return self.write_operations(operations)

    def write_operations(self, operations: Sequence[Operation]) -> list[Outcome]:
        """Write, as `write_bulk`."""
        return write_bulk(self._client, operations, action="writing profiles")

    def delete(self, index: str, profiles: Sequence[tuple[str, Revision]]) -> list[str]:
        """Delete profiles under the revisions they were read at; returns the users who lost a race."""
        operations = [Operation("delete", index, user_id, {}, expected=revision) for user_id, revision in profiles]
        outcomes = write_bulk(self._client, operations, action="deleting profiles")
        raise_failed([outcome for outcome in outcomes if outcome.status != 404], action="deleting profiles")
        return [outcome.id for outcome in outcomes if outcome.conflict]

    def checkpoint(self, index: str) -> int:
        """The number up to which every write is in; -1 for an empty index."""
        return seq_nos(self._client, index)[0][0]

    def set_meta(self, index: str, meta: IndexMeta) -> None:
        """Replace what the index says of itself; the owners of its fields stay."""
        write_meta(self._client, index, meta)

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

    def snapshot(
        self, index: str, *, fields: Sequence[str], query: dict[str, Any] | None = None, page: int = 1000
    ) -> Iterator[list[tuple[str, StoredProfile]]]:
        """All profiles as they are at this moment (a point in time), with those `fields`; refresh first.

        Profiles written meanwhile are neither missed nor met twice, so that whoever reads may write as they go.
        """
        answer = patient(
            "reading profiles", lambda: self._client.open_point_in_time(index=index, keep_alive=_KEEP_ALIVE)
        )
        pit, after = answer.body["id"], None
        try:
            while True:
                answer = patient(
                    "reading profiles",
                    lambda pit=pit, after=after: self._client.search(  # type: ignore[misc]  # mypy cannot infer the lambda
                        pit={"id": pit, "keep_alive": _KEEP_ALIVE},
                        size=page,
                        query=query,
                        sort=[{"_shard_doc": "asc"}],
                        search_after=after,
                        seq_no_primary_term=True,
                        source_includes=list(fields),
                        track_total_hits=False,
                        allow_partial_search_results=False,
                    ),
                )
                hits = answer.body["hits"]["hits"]
                pit = answer.body.get("pit_id", pit)
                if len(hits) == 0:
                    return
                yield [
                    (hit["_id"], StoredProfile(hit.get("_source", {}), Revision(hit["_seq_no"], hit["_primary_term"])))
                    for hit in hits
                ]
                after = hits[-1]["sort"]
        finally:
            # Of an index that a switch has dropped meanwhile, it is gone already.
            with suppress(NotFoundError):
                self._client.close_point_in_time(id=pit)

    def count(self, query: dict[str, Any] | None = None) -> int:
        """How many profiles match, all for None. Sees what was refreshed."""
        answer = patient("counting profiles", lambda: self._client.count(index=self._name, query=query))
        return int(answer.body["count"])
