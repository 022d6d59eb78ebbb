"""`{prefix}-recommendations`: the current list of every user, and the users that it must have one of.

Users are paged in order of their ids. That needs no search context to stay alive through a long run, goes
on after a restart or a switch of generations where it stopped, and meets each user once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from elasticsearch import Elasticsearch

from profilestore.documents import RecommendationList, Revision
from profilestore.elastic.bulk import Operation, raise_failed, write_bulk, write_through_switch
from profilestore.elastic.index_identity import resolve_index
from profilestore.elastic.retry import patient

__all__ = ["RecommendationIndex"]

_PAGE: Final = 10_000


class RecommendationIndex:
    """The lists of one shop.

    Args:
        client: the connection.
        alias: of the lists.
        profiles: the alias of the profiles.
    """

    def __init__(self, client: Elasticsearch, *, alias: str, profiles: str) -> None:
        self._client = client
        self._alias = alias
        self._profiles = profiles

    def users_after(self, user_id: str | None, *, n: int) -> list[str]:
        """The next n users who have a profile, in order of their ids; sees what was refreshed."""
        hits = self._sorted(self._profiles, "user_id", after=user_id, n=n, query=None)
        return [hit["sort"][0] for hit in hits]

    def count_users(self) -> int:
        """How many profiles there are. Refreshes first."""
        patient("refreshing the profiles", lambda: self._client.indices.refresh(index=self._profiles))
        answer = patient("counting the profiles", lambda: self._client.count(index=self._profiles))
        return int(answer.body["count"])

    def write(self, lists: Sequence[RecommendationList]) -> None:
        """Write lists, each over the user's former one.

        Raises:
            WriteFailed: the server did not take one.
        """
        operations = [Operation("index", self._alias, each.user_id, each.to_source()) for each in lists]
        outcomes = write_through_switch(self._client, operations, action="writing recommendations")
        raise_failed(outcomes, action="writing recommendations")

    def not_of(self, run: str) -> Iterator[list[tuple[str, Revision]]]:
        """The users whose list is not of this run, in pages, in order of their ids. Refreshes first."""
        patient("refreshing the recommendations", lambda: self._client.indices.refresh(index=self._alias))
        query = {"bool": {"must_not": [{"term": {"run": run}}]}}
        after: str | None = None
        while len(hits := self._sorted(self._alias, "user_id", after=after, n=_PAGE, query=query)) > 0:
            yield [(hit["_id"], Revision(hit["_seq_no"], hit["_primary_term"])) for hit in hits]
            after = hits[-1]["sort"][0]

    def with_profile(self, user_ids: Sequence[str]) -> list[str]:
        """Those of these users who have a profile now."""
        found: list[str] = []
        for start in range(0, len(user_ids), 1000):
            ids = list(user_ids[start : start + 1000])
            answer = patient(
                "reading profiles",
                lambda ids=ids: self._client.mget(  # type: ignore[misc]  # mypy cannot infer the lambda
                    index=self._profiles, ids=ids, source=False, filter_path="docs._id,docs.found"
                ),
            )
            found += [doc["_id"] for doc in answer.body["docs"] if doc["found"]]
        return found

    def delete(self, lists: Sequence[tuple[str, Revision]]) -> int:
        """Delete lists as they were read; one that was written since stays. Returns how many went."""
        operations = [Operation("delete", self._alias, id, {}, expected=revision) for id, revision in lists]
        outcomes = write_through_switch(self._client, operations, action="deleting recommendations")
        raise_failed([o for o in outcomes if o.status != 404], action="deleting recommendations")
        return sum(outcome.ok for outcome in outcomes)

    def read(self, *, page: int = 500) -> Iterator[list[tuple[str, dict[str, Any], Revision]]]:
        """All lists in order of their users' ids, in pages. Refreshes first."""
        self.refresh()
        after: str | None = None
        while len(hits := self._sorted(self._alias, "user_id", after=after, n=page, query=None, source=True)) > 0:
            yield [(hit["_id"], hit["_source"], Revision(hit["_seq_no"], hit["_primary_term"])) for hit in hits]
            after = hits[-1]["sort"][0]

    def update(self, changes: Sequence[tuple[str, Mapping[str, Any], Revision]]) -> int:
        """Change fields of lists as they were read; one that was written since stays. Returns how many changed."""
        index = resolve_index(self._client, self._alias).index
        operations = [Operation("update", index, id, fields, expected=revision) for id, fields, revision in changes]
        outcomes = write_bulk(self._client, operations, action="updating recommendations")
        told = [o for o in outcomes if not (o.status == 404 or o.index_moved)]
        raise_failed(told, action="updating recommendations")
        return sum(outcome.ok for outcome in outcomes)

    def refresh(self) -> None:
        """Make what was written findable."""
        patient("refreshing the recommendations", lambda: self._client.indices.refresh(index=self._alias))

    def _sorted(
        self,
        index: str,
        field: str,
        *,
        after: str | None,
        n: int,
        query: dict[str, Any] | None,
        source: bool = False,
    ) -> list[dict[str, Any]]:
        answer = patient(
            "reading users",
            lambda: self._client.search(
                index=index,
                size=n,
                query=query,
                sort=[{field: "asc"}],
                search_after=None if after is None else [after],
                source=source,
                seq_no_primary_term=True,
                track_total_hits=False,
                allow_partial_search_results=False,
            ),
        )
        hits: list[dict[str, Any]] = answer.body["hits"]["hits"]
        return hits
