"""`{prefix}-campaigns`: campaigns, who gets what of them, and the contacts of a week.

Everything a start writes is a `create` under an id that follows from what it says, so that whoever starts a campaign
again, or beside somebody else, writes the same documents and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from elasticsearch import Elasticsearch, NotFoundError

from profilestore.documents import CampaignDocument, Revision
from profilestore.documents.campaign import assignment_id, campaign_id
from profilestore.elastic.bulk import Operation, Outcome, raise_failed, write_through_switch
from profilestore.elastic.campaign_counts import count_places, count_shared, places_query
from profilestore.elastic.index_identity import check_docs, resolve_index
from profilestore.elastic.retry import patient, wait
from profilestore.elastic.user_pages import read_by_user
from profilestore.errors import NotFound, UpdateGaveUp

__all__ = ["Assignment", "CampaignIndex"]

_ACTION: Final = "writing campaigns"
_READING: Final = "reading campaigns"
_ATTEMPTS: Final = 20
_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Assignment:
    """A user's place in a campaign, and the revision at which it was read."""

    document: CampaignDocument
    revision: Revision


class CampaignIndex:
    """The campaigns of one shop."""

    def __init__(self, client: Elasticsearch, *, alias: str) -> None:
        self._client = client
        self._alias = alias

    def check(self) -> None:
        """Raise NotInitialised where a shop of an earlier version lacks the index."""
        resolve_index(self._client, self._alias)

    def refresh(self) -> None:
        """Let searches and lookups see what was written."""
        patient("refreshing the campaigns", lambda: self._client.indices.refresh(index=self._alias))

    # ---------------------------------------------------------------- campaigns

    def get(self, name: str) -> CampaignDocument | None:
        """The campaign of a name, or None. Real time."""
        found = self._get(campaign_id(name))
        return None if found is None else found.document

    def all(self) -> list[CampaignDocument]:
        """All campaigns by name, 10,000 at most. Refreshes first."""
        return self._search({"term": {"kind": "campaign"}}, sort=[{"campaign": "asc"}])

    def running(self, now: datetime) -> list[CampaignDocument]:
        """The campaigns that run and are not over, by name, 10,000 at most. Refreshes first."""
        filters: list[dict[str, Any]] = [
            {"term": {"kind": "campaign"}},
            {"term": {"state": "running"}},
            {"range": {"ends": {"gt": now.isoformat()}}},
        ]
        query = {"bool": {"filter": filters, "must_not": [{"term": {"imported": True}}]}}
        return self._search(query, sort=[{"campaign": "asc"}])

    def create(self, campaign: CampaignDocument) -> bool:
        """Write a new campaign; False where there is one of its name."""
        assert campaign.campaign is not None
        operation = Operation("create", self._alias, campaign_id(campaign.campaign), campaign.to_source())
        (outcome,) = self._write([operation])
        self.refresh()
        return outcome.ok

    def change(
        self, name: str, change: Callable[[CampaignDocument], CampaignDocument], *, attempts: int = _ATTEMPTS
    ) -> CampaignDocument:
        """Change a campaign under the optimistic lock; `change` is pure, and gives back what it was given for nothing.

        Raises:
            NotFound: there is no campaign of this name.
            UpdateGaveUp: others kept changing it.
        """
        for attempt in range(attempts):
            found = self._get(campaign_id(name))
            if found is None:
                raise NotFound("there is no campaign of this name.", kind="campaign", id=name)
            changed = change(found.document)
            if changed is found.document:
                return changed
            index = resolve_index(self._client, self._alias).index
            operation = Operation("index", index, campaign_id(name), changed.to_source(), expected=found.revision)
            (outcome,) = write_through_switch(self._client, [operation], action=_ACTION)
            if outcome.ok:
                self.refresh()
                return changed
            if not outcome.index_moved:
                raise_failed([outcome], action=_ACTION)
            wait(attempt)
        raise UpdateGaveUp(f"campaign {name} kept being changed by others: try again.", ids=[name], attempts=attempts)

    # ---------------------------------------------------------------- assignments

    def assignment(self, name: str, user_id: str) -> Assignment | None:
        """A user's place in a campaign, or None. Real time."""
        return self._get(assignment_id(name, user_id))

    def assignments_of(self, name: str, user_ids: Sequence[str]) -> dict[str, Assignment]:
        """The places of some users in a campaign, by user; who has none is left out. Real time."""
        found: dict[str, Assignment] = {}
        for start in range(0, len(user_ids), _MOST):
            docs = [{"_id": assignment_id(name, user_id)} for user_id in user_ids[start : start + _MOST]]
            answer = patient(
                _READING,
                lambda docs=docs: check_docs(  # type: ignore[misc]  # lambda with defaults
                    self._client.mget(index=self._alias, docs=docs), index=self._alias
                ),
            )
            for body in answer.body["docs"]:
                if body["found"]:
                    found[body["_source"]["user_id"]] = _assignment(body)
        return found

    def of_user(self, user_id: str) -> list[CampaignDocument]:
        """A user's places in all campaigns, the latest first. Refreshes first."""
        query = {"bool": {"filter": [{"term": {"kind": "assignment"}}, {"term": {"user_id": user_id}}]}}
        return self._search(query, sort=[{"assigned_at": "desc"}, {"campaign": "asc"}])

    def assignments(
        self, name: str, *, fields: Sequence[str] = (), query: Mapping[str, Any] | None = None, page: int = _MOST
    ) -> Iterator[list[dict[str, Any]]]:
        """All places in a campaign as stored, in order of the users, of one moment. Refreshes first.

        Args:
            name: of the campaign.
            fields: to read beside `user_id`; all when empty.
            query: a further filter, such as of one arm.
            page: how many at once.
        """
        filters = [places_query(name), *([] if query is None else [query])]
        pages = read_by_user(self._client, self._alias, {"bool": {"filter": filters}}, source=fields, page=page)
        return ([hit["_source"] for hit in hits] for hits in pages)

    def write_assignments(self, assignments: Sequence[CampaignDocument]) -> int:
        """Write those that are not there yet; how many were. No refresh."""
        operations = [
            Operation("create", self._alias, assignment_id(each.campaign or "", each.user_id or ""), each.to_source())
            for each in assignments
        ]
        return sum(outcome.ok for outcome in self._write(operations))

    def counts(self, name: str) -> dict[str, Any]:
        """How many places a campaign has: `treatment`, `control`, `withheld` by why, `with_code`, `with_product`.

        Refreshes first. `withheld` and what follows count the treatment arm.
        """
        self.refresh()
        return count_places(self._client, self._alias, name)

    def shared_with(self, names: Sequence[str], user_ids: Sequence[str]) -> dict[str, int]:
        """How many of these users have a place in each of these campaigns. Refreshes first."""
        self.refresh()
        return count_shared(self._client, self._alias, names, user_ids)

    def withdraw(self, name: str, user_ids: Sequence[str]) -> None:
        """Delete the places of users who were forgotten meanwhile, and their contacts by this campaign."""
        filters = [{"term": {"campaign": name}}, {"terms": {"user_id": list(user_ids)}}]
        self.refresh()
        answer = patient(
            _READING,
            lambda: self._client.search(
                index=self._alias, size=_MOST, query={"bool": {"filter": filters}}, source=False,
                allow_partial_search_results=False,
            ),
        )  # fmt: skip
        deletions = [Operation("delete", self._alias, hit["_id"], {}) for hit in answer.body["hits"]["hits"]]
        outcomes = write_through_switch(self._client, deletions, action="deleting places")
        raise_failed([outcome for outcome in outcomes if outcome.status != 404], action="deleting places")

    # ---------------------------------------------------------------- how

    def _get(self, id: str) -> Assignment | None:
        def call() -> Assignment | None:
            try:
                answer = self._client.get(index=self._alias, id=id)
            except NotFoundError as error:
                if error.body.get("found") is False:
                    return None
                raise
            return _assignment(answer.body)

        return patient(_READING, call)

    def _search(self, query: dict[str, Any], *, sort: list[Any]) -> list[CampaignDocument]:
        self.refresh()
        answer = patient(
            _READING,
            lambda: self._client.search(
                index=self._alias, size=_MOST, query=query, sort=sort, allow_partial_search_results=False
            ),
        )
        return [CampaignDocument(**hit["_source"]) for hit in answer.body["hits"]["hits"]]

    def _write(self, operations: Sequence[Operation]) -> list[Outcome]:
        outcomes = write_through_switch(self._client, operations, action=_ACTION)
        raise_failed(outcomes, action=_ACTION)
        return outcomes


def _assignment(body: Mapping[str, Any]) -> Assignment:
    return Assignment(CampaignDocument(**body["_source"]), Revision(body["_seq_no"], body["_primary_term"]))
