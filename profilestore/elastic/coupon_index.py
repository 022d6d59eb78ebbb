"""`{prefix}-coupons`: the coupons of campaigns, one document each, and who has them.

A coupon is made by a `create` under an id that follows from campaign and number, and given to a user by a write under
the revision at which it was free: there are never more than were decided on, and none has two users.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from elasticsearch import Elasticsearch

from profilestore.documents import CouponDocument, Revision, coupon_id, pool_id
from profilestore.elastic.bulk import Operation, raise_failed, write_through_switch
from profilestore.elastic.index_identity import resolve_index
from profilestore.elastic.retry import patient
from profilestore.elastic.revised import Held, RevisedDocuments, following
from profilestore.errors import NotFound

__all__ = ["CouponIndex", "OtherPool", "without_holder"]

_MADE_AT_ONCE: Final = 10_000
_ASKED_AT_ONCE: Final = 10_000
_MOST: Final = 10_000
_WRITING: Final = "writing coupons"
_READING: Final = "reading coupons"
_GIVEN: Final[dict[str, Any]] = {
    "bool": {
        "should": [{"exists": {"field": "user_id"}}, {"term": {"forgotten": True}}],
        "minimum_should_match": 1,
    }
}


@dataclass(frozen=True, slots=True)
class OtherPool:
    """A campaign that has some of the codes asked for: one of them, and one of those that a user has, if any."""

    campaign: str
    code: str
    given: str | None


class CouponIndex:
    """The coupons of one shop. `coupons` reads and writes them under their revisions.

    Args:
        client: the connection.
        alias: of the coupons.
        ask: is called when writes are refused for long: it may find that the build that did it is dead.
    """

    def __init__(self, client: Elasticsearch, *, alias: str, ask: Callable[[], object] = lambda: None) -> None:
        self._client = client
        self._alias = alias
        self._ask = ask
        self._coupons = RevisedDocuments(client, alias=alias, what="coupons", ask=ask)
        self._sizes: dict[str, int] = {}

    def check(self) -> None:
        """Raise NotInitialised where a shop of an earlier version lacks the index."""
        resolve_index(self._client, self._alias)

    def refresh(self) -> None:
        """Let searches see what was written."""
        patient("refreshing the coupons", lambda: self._client.indices.refresh(index=self._alias))

    # ---------------------------------------------------------------- pools

    def pool(self, campaign: str) -> CouponDocument | None:
        """The record of a campaign's pool, or None. Real time."""
        id = pool_id(campaign)
        found = self._coupons.read([id])
        return CouponDocument(**found[id].source) if id in found else None

    def pools(self) -> list[CouponDocument]:
        """The records of all pools by campaign, 10,000 at most. Refreshes first."""
        self.refresh()
        found = self._search(size=_MOST, query={"term": {"kind": "pool"}}, sort=[{"campaign": "asc"}])
        return [CouponDocument(**hit["_source"]) for hit in found["hits"]["hits"]]

    def begin(self, pool: CouponDocument) -> bool:
        """Write the record of a pool; False where the campaign has one."""
        (outcome,) = self._write([Operation("create", self._alias, pool_id(pool.campaign), pool.to_source())])
        return outcome

    def make(self, coupons: Iterable[CouponDocument]) -> int:
        """Write those of these coupons that are not there yet; how many were. Refreshes."""
        rows, made = iter(coupons), 0
        while len(batch := list(islice(rows, _MADE_AT_ONCE))) > 0:
            made += sum(
                self._write(
                    [
                        Operation("create", self._alias, coupon_id(each.campaign, each.number or 0), each.to_source())
                        for each in batch
                    ]
                )
            )
        self.refresh()
        return made

    def _write(self, operations: Sequence[Operation]) -> list[bool]:
        outcomes = write_through_switch(self._client, operations, action=_WRITING, ask=self._ask)
        raise_failed(outcomes, action=_WRITING)
        return [outcome.ok for outcome in outcomes]

    def counts(self, campaign: str) -> tuple[int, int, int]:
        """How many coupons of a campaign there are, how many were given, and how many name a user. Refreshes first."""
        self.refresh()
        query = {"bool": {"filter": [{"term": {"kind": "coupon"}}, {"term": {"campaign": campaign}}]}}
        aggs = {"given": {"filter": _GIVEN}, "held": {"filter": {"exists": {"field": "user_id"}}}}
        found = self._search(size=0, query=query, track_total_hits=True, aggs=aggs)
        given, held = (int(found["aggregations"][name]["doc_count"]) for name in ("given", "held"))
        return int(found["hits"]["total"]["value"]), given, held

    def others_with(self, codes: Sequence[str], *, besides: str) -> list[OtherPool]:
        """The other campaigns that have some of these codes. Refreshes first."""
        self.refresh()
        others: dict[str, OtherPool] = {}
        for start in range(0, len(codes), _ASKED_AT_ONCE):
            query = {
                "bool": {
                    "filter": [
                        {"term": {"kind": "coupon"}},
                        {"terms": {"code": codes[start : start + _ASKED_AT_ONCE]}},
                    ],
                    "must_not": [{"term": {"campaign": besides}}],
                }
            }
            a_code = {"code": {"terms": {"field": "code", "size": 1}}}
            aggs = {
                "campaigns": {
                    "terms": {"field": "campaign", "size": 1000},
                    "aggs": {**a_code, "given": {"filter": _GIVEN, "aggs": a_code}},
                }
            }
            found = self._search(size=0, query=query, aggs=aggs)
            for bucket in found["aggregations"]["campaigns"]["buckets"]:
                former = others.get(bucket["key"])
                code = bucket["code"]["buckets"][0]["key"] if former is None else former.code
                given = next((each["key"] for each in bucket["given"]["code"]["buckets"]), None)
                if former is not None and former.given is not None:
                    given = former.given
                others[bucket["key"]] = OtherPool(bucket["key"], code, given)
        return [others[name] for name in sorted(others)]

    def campaigns_with(self, code: str) -> list[str]:
        """The campaigns that have coupons of this code, 1,000 at most. Sees what was refreshed."""
        query = {"bool": {"filter": [{"term": {"kind": "coupon"}}, {"term": {"code": code}}]}}
        found = self._search(size=0, query=query, aggs={"names": {"terms": {"field": "campaign", "size": 1000}}})
        return sorted(bucket["key"] for bucket in found["aggregations"]["names"]["buckets"])

    # ---------------------------------------------------------------- coupons

    def read(self, ids: Sequence[str]) -> dict[str, Held]:
        """Coupons by id. Real time."""
        return self._coupons.read(ids)

    def write(self, changes: Sequence[tuple[Held, dict[str, Any]]]) -> list[Held | None]:
        """See `RevisedDocuments.write`."""
        return self._coupons.write(changes)

    def size(self, campaign: str) -> int:
        """How many coupons a campaign's pool has. It does not change.

        Raises:
            NotFound: the campaign has no pool.
        """
        if campaign not in self._sizes:
            pool = self.pool(campaign)
            if pool is None or pool.size is None:
                raise NotFound("this campaign has no coupons.", kind="pool", id=campaign)
            self._sizes[campaign] = pool.size
        return self._sizes[campaign]

    def free(self, campaign: str, *, n: int, start: int) -> list[Held]:
        """Coupons that nobody has, n or all that are left: from number `start` on, then from 0. Refreshes first."""
        self.refresh()
        found: list[Held] = []
        for within in ({"gte": start}, {"lt": start}):
            if len(found) < n:
                filters = [
                    {"term": {"kind": "coupon"}}, {"term": {"campaign": campaign}}, {"range": {"number": within}}
                ]  # fmt: skip
                answer = self._search(
                    size=min(n - len(found), _MOST),
                    query={"bool": {"filter": filters, "must_not": [_GIVEN]}},
                    sort=[{"number": "asc"}],
                    seq_no_primary_term=True,
                    track_total_hits=False,
                )
                found += [_held(hit) for hit in answer["hits"]["hits"]]
        return found

    def given(self, campaign: str) -> Iterator[list[Held]]:
        """The coupons that users have, in pages, in order of their numbers. Refreshes first."""
        self.refresh()
        after = -1
        while True:
            filters = [
                {"term": {"kind": "coupon"}}, {"term": {"campaign": campaign}}, {"exists": {"field": "user_id"}},
                {"range": {"number": {"gt": after}}},
            ]  # fmt: skip
            answer = self._search(
                size=_MOST, query={"bool": {"filter": filters}}, sort=[{"number": "asc"}], seq_no_primary_term=True,
                track_total_hits=False,
            )  # fmt: skip
            hits = answer["hits"]["hits"]
            if len(hits) == 0:
                return
            yield [_held(hit) for hit in hits]
            after = hits[-1]["_source"]["number"]

    def _search(self, **body: Any) -> dict[str, Any]:
        def call() -> dict[str, Any]:
            answer = patient(
                _READING,
                lambda: self._client.search(index=self._alias, allow_partial_search_results=False, **body),
            )
            found: dict[str, Any] = answer.body
            return found

        return following(self._client, self._alias, call)


def without_holder(source: Mapping[str, Any]) -> dict[str, Any]:
    """A coupon whose user is forgotten: it stays given."""
    return {name: value for name, value in source.items() if name not in ("user_id", "issued_at")} | {"forgotten": True}


def _held(hit: Mapping[str, Any]) -> Held:
    return Held(hit["_id"], hit["_index"], Revision(hit["_seq_no"], hit["_primary_term"]), hit["_source"])
