"""`{prefix}-audiences`: definitions of audiences, and the id lists that their queries look up, in pieces.

A piece is written once and never changed. A list that is made anew is written beside the one there was, which stays
for a day: whoever reads page by page by a query that names it goes on to find what they began with.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

from elasticsearch import Elasticsearch, NotFoundError

from profilestore.documents import AudienceDocument, Revision
from profilestore.elastic.audience_erasing import without_user
from profilestore.elastic.bulk import Operation, raise_failed, write_through_switch
from profilestore.elastic.index_identity import resolve_index
from profilestore.elastic.retry import patient, wait
from profilestore.errors import NotFound, UpdateGaveUp

__all__ = ["PIECE", "AudienceIndex", "IdList", "inline_query"]

# What a terms lookup takes.
PIECE: Final = 65_536
_KEPT: Final = timedelta(days=1)
_FORMER: Final = "former "
_ATTEMPTS: Final = 20
_MOST: Final = 10_000
_ACTION: Final = "writing audiences"

IdList = dict[str, Any]


class AudienceIndex:
    """The audiences of one shop."""

    def __init__(self, client: Elasticsearch, *, alias: str) -> None:
        self._client = client
        self._alias = alias

    def check(self) -> None:
        """Raise NotInitialised where a shop of an earlier version lacks the index."""
        resolve_index(self._client, self._alias)

    def get(self, name: str) -> AudienceDocument | None:
        """The audience of a name, or None. Real time."""
        found = self._get(name)
        return None if found is None else found[0]

    def _get(self, name: str) -> tuple[AudienceDocument, Revision] | None:
        def call() -> tuple[AudienceDocument, Revision] | None:
            try:
                answer = self._client.get(index=self._alias, id=_record_id(name))
            except NotFoundError as error:
                if error.body.get("found") is False:
                    return None
                raise
            body = answer.body
            return AudienceDocument(**body["_source"]), Revision(body["_seq_no"], body["_primary_term"])

        return patient("reading audiences", call)

    def all(self) -> list[AudienceDocument]:
        """All audiences by name, 10,000 at most. Refreshes first."""
        self.refresh()
        answer = patient(
            "reading audiences",
            lambda: self._client.search(
                index=self._alias,
                size=_MOST,
                query={"term": {"kind": "audience"}},
                sort=[{"name": "asc"}],
                allow_partial_search_results=False,
            ),
        )
        return [AudienceDocument(**hit["_source"]) for hit in answer.body["hits"]["hits"]]

    def create(self, audience: AudienceDocument) -> bool:
        """Write a new audience; False where there is one of its name."""
        source = audience.to_source()
        operation = Operation("create", self._alias, _record_id(audience.name), source)
        (outcome,) = write_through_switch(self._client, [operation], action=_ACTION)
        raise_failed([outcome], action=_ACTION)
        self.refresh()
        return outcome.ok

    def note(self, name: str, *, created: datetime | None, fields: Mapping[str, Any]) -> None:
        """Change fields of the audience of this name that was made then; keys of `lists` come beside those held, and go
        where they are None.

        Raises:
            NotFound: it was removed meanwhile, or replaced by another of its name.
            UpdateGaveUp: others kept changing it.
        """
        for attempt in range(_ATTEMPTS):
            found = self._get(name)
            if found is None or found[0].created != created:
                raise NotFound("this audience was removed meanwhile.", kind="audience", id=name)
            source = found[0].to_source() | dict(fields)
            lists = {**(found[0].lists or {}), **fields.get("lists", {})}
            source["lists"] = {key: made for key, made in lists.items() if made is not None}
            index = resolve_index(self._client, self._alias).index
            operation = Operation("index", index, _record_id(name), source, expected=found[1])
            (outcome,) = write_through_switch(self._client, [operation], action=_ACTION)
            if outcome.ok:
                return
            if not outcome.index_moved:
                raise_failed([outcome], action=_ACTION)
            wait(attempt)
        raise UpdateGaveUp(f"audience {name} kept being changed by others: try again.", ids=[name], attempts=_ATTEMPTS)

    def write_list(self, name: str, ids: Iterable[str], *, state: str | None = None) -> IdList:
        """Write an id list in pieces, and say how a query finds them. Nothing refers to it yet."""
        build, rows, pieces, count = uuid.uuid4().hex[:12], iter(ids), 0, 0
        now = datetime.now(UTC)
        while len(piece := list(islice(rows, PIECE))) > 0:
            document = AudienceDocument(kind="ids", name=name, build=build, piece=pieces, ids=piece, created=now)
            operation = Operation("create", self._alias, _piece_id(name, build, pieces), document.to_source())
            raise_failed(write_through_switch(self._client, [operation], action=_ACTION), action=_ACTION)
            pieces, count = pieces + 1, count + len(piece)
        self.refresh()
        made: IdList = {"build": build, "pieces": pieces, "count": count}
        return made if state is None else made | {"state": state}

    def list_query(self, name: str, made: IdList) -> dict[str, Any]:
        """The query that finds the users of a list: a terms lookup a piece."""
        pieces = [
            {"terms": {"user_id": {"index": self._alias, "id": _piece_id(name, made["build"], piece), "path": "ids"}}}
            for piece in range(made["pieces"])
        ]
        return {"bool": {"should": pieces, "minimum_should_match": 1}} if len(pieces) > 0 else {"match_none": {}}

    def remove(self, name: str) -> bool:
        """Delete an audience and its lists; False where there is none."""
        (outcome,) = write_through_switch(
            self._client, [Operation("delete", self._alias, _record_id(name), {})], action="removing an audience"
        )
        raise_failed([outcome] if outcome.status != 404 else [], action="removing an audience")
        self._sweep(name, keep=frozenset(), before=None)
        self.refresh()
        return outcome.ok

    def drop_lists(self, name: str, made: Iterable[IdList]) -> None:
        """Delete lists that nothing came to refer to."""
        builds = {each["build"] for each in made}
        self._delete(id for id, build in self._pieces(name, before=None) if build in builds)

    def replaced(self, held: Mapping[str, IdList], fresh: Mapping[str, IdList]) -> dict[str, IdList | None]:
        """What `note` is to write so that fresh lists take the places of those held, which stay for a day."""
        now = datetime.now(UTC)
        changes: dict[str, IdList | None] = dict(fresh)
        for key, made in held.items():
            if key in fresh:
                changes[f"{_FORMER}{made['build']}"] = {**made, "replaced": now.isoformat()}
            elif key.startswith(_FORMER) and now - datetime.fromisoformat(made["replaced"]) > _KEPT:
                changes[key] = None
        return changes

    def sweep(self, name: str) -> None:
        """Delete lists that another took the place of a day ago."""
        audience = self.get(name)
        if audience is not None:
            keep = frozenset(made["build"] for made in (audience.lists or {}).values())
            # One that another process is just about to refer to is younger than that.
            self._sweep(name, keep=keep, before=datetime.now(UTC) - _KEPT)

    def _sweep(self, name: str, *, keep: frozenset[str], before: datetime | None) -> None:
        self._delete(id for id, build in self._pieces(name, before=before) if build not in keep)

    def forget(self, user_id: str) -> int:
        """Take a user out of all lists and definitions; how many documents named them.

        An audience that is like this user alone is removed: nobody is left to be like.
        """
        self.refresh()
        named = {"bool": {"should": [{"term": {"ids": user_id}}, {"term": {"seeds": user_id}}]}}
        changed = 0
        while True:
            index = resolve_index(self._client, self._alias).index
            answer = patient(
                "reading audiences",
                lambda index=index: self._client.search(  # type: ignore[misc]  # lambda with defaults
                    index=index, size=10, query=named, seq_no_primary_term=True, allow_partial_search_results=False
                ),
            )
            hits = answer.body["hits"]["hits"]
            if len(hits) == 0:
                return changed
            operations = [without_user(hit, user_id, index) for hit in hits]
            outcomes = write_through_switch(self._client, operations, action=_ACTION)
            # Who lost a race, or met a switch, is found again.
            raise_failed([o for o in outcomes if not (o.index_moved or o.status == 404)], action=_ACTION)
            changed += sum(outcome.ok for outcome in outcomes)
            self.refresh()

    def _delete(self, ids: Iterable[str]) -> None:
        operations = [Operation("delete", self._alias, id, {}) for id in ids]
        outcomes = write_through_switch(self._client, operations, action="removing lists")
        raise_failed([o for o in outcomes if o.status != 404], action="removing lists")

    def _pieces(self, name: str, *, before: datetime | None) -> Iterator[tuple[str, str]]:
        """(id, build) of the pieces of an audience, of those written before then."""
        self.refresh()
        filters: list[dict[str, Any]] = [{"term": {"kind": "ids"}}, {"term": {"name": name}}]
        if before is not None:
            filters.append({"range": {"created": {"lt": before.isoformat()}}})
        answer = patient(
            "reading audiences",
            lambda: self._client.search(
                index=self._alias,
                size=_MOST,
                query={"bool": {"filter": filters}},
                source_includes=["build"],
                allow_partial_search_results=False,
            ),
        )
        return ((hit["_id"], hit["_source"]["build"]) for hit in answer.body["hits"]["hits"])

    def refresh(self) -> None:
        """Let lookups see what was written."""
        patient("refreshing the audiences", lambda: self._client.indices.refresh(index=self._alias))


def inline_query(ids: Sequence[str]) -> dict[str, Any]:
    """The same as a list that is not stored: the ids themselves."""
    pieces = [{"terms": {"user_id": list(ids[start : start + PIECE])}} for start in range(0, len(ids), PIECE)]
    return {"bool": {"should": pieces, "minimum_should_match": 1}} if len(pieces) > 0 else {"match_none": {}}


def _record_id(name: str) -> str:
    return f"audience:{name}"


def _piece_id(name: str, build: str, piece: int) -> str:
    return f"ids:{name}:{build}:{piece}"
