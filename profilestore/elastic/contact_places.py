"""The contacts of a week: a user has so many places, and each is taken by one campaign, by a create.

Two campaigns that start at the same time meet at the same place of a user, and the server lets one of them have it.
Places are taken from the lowest on, so that whoever has place n - 1 has had n contacts. One is given back only by a
campaign that was stopped before its first contact, and only where no higher one was taken.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from elasticsearch import Elasticsearch

from profilestore.documents import CampaignDocument, contact_id
from profilestore.elastic.bulk import Operation, raise_failed, write_through_switch
from profilestore.elastic.index_identity import check_docs
from profilestore.elastic.retry import patient
from profilestore.elastic.user_pages import read_by_user

__all__ = ["ContactPlaces"]

_ACTION: Final = "taking contacts"


class ContactPlaces:
    """The contacts of one shop's users, over all campaigns."""

    def __init__(self, client: Elasticsearch, *, alias: str) -> None:
        self._client = client
        self._alias = alias

    def used_up(self, week: str, *, cap: int, but: str) -> Generator[str, None, None]:
        """Who has had `cap` contacts of other campaigns than `but` in an ISO week, in order of the users."""
        query = {
            "bool": {
                "filter": [
                    {"term": {"kind": "contact"}},
                    {"term": {"week": week}},
                    {"range": {"place": {"gte": cap - 1}}},
                ],
                "must_not": [{"term": {"campaign": but}}],
            }
        }
        users = (
            hit["_source"]["user_id"]
            for hits in read_by_user(self._client, self._alias, query, source=["user_id"])
            for hit in hits
        )
        # Of the past there may be more contacts than the cap of today allows, and so several of one user.
        for user_id, _ in groupby(users):
            yield user_id

    def take(
        self,
        campaign: str,
        user_ids: Sequence[str],
        *,
        week: str,
        cap: int,
        contact_at: datetime | Mapping[str, datetime],
    ) -> set[str]:
        """Take a place of the week for each of these users; who has one now, or had one of this campaign before.

        `contact_at` is one for all, or by user.
        """
        have: set[str] = set()
        pending = list(user_ids)
        for place in range(cap):
            if len(pending) == 0:
                break
            operations = [
                Operation(
                    "create",
                    self._alias,
                    contact_id(user_id, week, place),
                    CampaignDocument(
                        kind="contact", campaign=campaign, user_id=user_id, week=week, place=place,
                        contact_at=contact_at if isinstance(contact_at, datetime) else contact_at[user_id],
                    ).to_source(),
                )
                for user_id in pending
            ]  # fmt: skip
            outcomes = write_through_switch(self._client, operations, action=_ACTION)
            raise_failed(outcomes, action=_ACTION)
            met = [user_id for user_id, outcome in zip(pending, outcomes, strict=True) if not outcome.ok]
            have.update(user_id for user_id, outcome in zip(pending, outcomes, strict=True) if outcome.ok)
            ours = self._ours(campaign, met, week, place)
            have |= ours
            pending = [user_id for user_id in met if user_id not in ours]
        return have

    def give_back(self, campaign: str) -> int:
        """Delete the contacts of a campaign that contacted nobody, but for users with a higher place; how many."""
        query = {"bool": {"filter": [{"term": {"kind": "contact"}}, {"term": {"campaign": campaign}}]}}
        given = 0
        for hits in read_by_user(self._client, self._alias, query, source=["user_id", "week", "place"]):
            higher = [contact_id(held["user_id"], held["week"], held["place"] + 1) for held in map(_source, hits)]
            docs = [{"_id": id} for id in higher]
            answer = patient(
                _ACTION,
                lambda docs=docs: check_docs(  # type: ignore[misc]  # lambda with defaults
                    self._client.mget(index=self._alias, docs=docs, source=False), index=self._alias
                ),
            )
            taken = {body["_id"] for body in answer.body["docs"] if body["found"]}
            free = [hit["_id"] for hit, id in zip(hits, higher, strict=True) if id not in taken]
            deletions = [Operation("delete", self._alias, id, {}) for id in free]
            outcomes = write_through_switch(self._client, deletions, action="giving contacts back")
            raise_failed([each for each in outcomes if each.status != 404], action="giving contacts back")
            given += sum(each.ok for each in outcomes)
        return given

    def _ours(self, campaign: str, user_ids: Sequence[str], week: str, place: int) -> set[str]:
        """Who of these has this place by this campaign."""
        if len(user_ids) == 0:
            return set()
        docs: list[dict[str, Any]] = [{"_id": contact_id(user_id, week, place)} for user_id in user_ids]
        answer = patient(
            _ACTION,
            lambda: check_docs(
                self._client.mget(index=self._alias, docs=docs, source_includes=["campaign", "user_id"]),
                index=self._alias,
            ),
        )
        return {
            body["_source"]["user_id"]
            for body in answer.body["docs"]
            if body["found"] and body["_source"]["campaign"] == campaign
        }


def _source(hit: dict[str, Any]) -> dict[str, Any]:
    held: dict[str, Any] = hit["_source"]
    return held
