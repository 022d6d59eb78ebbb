"""Users that a query finds, with fields of their profiles: in order of their ids, a page at a time, of one moment.

The server holds the moment (a point in time). Where it is lost, as in a restart or when a switch of generations drops
the index, reading goes on from the last user in a new one, so that nobody is met twice; memory holds one page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from elasticsearch import Elasticsearch, NotFoundError

from profilestore.elastic.index_identity import check_docs
from profilestore.elastic.retry import patient

__all__ = ["Member", "MemberPages", "open_moment"]

_KEEP_ALIVE: Final = "10m"
# What one search can list.
_MOST: Final = 10_000
_ACTION: Final = "reading members"


@dataclass(frozen=True, slots=True)
class Member:
    """A user with the fields asked for that have a value; dotted names are keys as they were asked.

    Who is `opted_out` has none of the fields that were withheld.
    """

    user_id: str
    fields: Mapping[str, Any]
    opted_out: bool


class MemberPages:
    """The profiles of one shop, as queries find them.

    Args:
        client: the connection.
        alias: of the profiles.
        withheld: fields never handed out of who switched personalisation off, whatever is still stored.
    """

    def __init__(self, client: Elasticsearch, *, alias: str, withheld: frozenset[str] = frozenset()) -> None:
        self._client = client
        self._alias = alias
        self._withheld = withheld

    def refresh(self) -> None:
        """Let searches see what was written."""
        patient("refreshing the profiles", lambda: self._client.indices.refresh(index=self._alias))

    def read(self, query: dict[str, Any], *, fields: Sequence[str] = (), page: int = _MOST) -> Iterator[list[Member]]:
        """The users that `query` finds, by id. Refreshes first."""
        self.refresh()
        asked = sorted({"user_id", "personalisation", *fields})
        after: str | None = None
        while True:
            with open_moment(self._client, self._alias) as pit:
                while (hits := self._page(pit, query, asked, after, page)) is not None:
                    if len(hits) == 0:
                        return
                    after = hits[-1]["_id"]
                    yield [self._member(hit, fields) for hit in hits]

    def _page(
        self, pit: str, query: dict[str, Any], asked: list[str], after: str | None, page: int
    ) -> list[dict[str, Any]] | None:
        """The next hits; None where the moment is lost."""
        beyond = [] if after is None else [{"range": {"user_id": {"gt": after}}}]

        def call() -> list[dict[str, Any]] | None:
            try:
                answer = self._client.search(
                    pit={"id": pit, "keep_alive": _KEEP_ALIVE},
                    size=min(page, _MOST),
                    query={"bool": {"filter": [query, *beyond]}},
                    sort=[{"user_id": "asc"}],
                    source_includes=asked,
                    track_total_hits=False,
                    allow_partial_search_results=False,
                )
            except NotFoundError:
                return None
            hits: list[dict[str, Any]] = answer.body["hits"]["hits"]
            return hits

        return patient(_ACTION, call)

    def _member(self, hit: dict[str, Any], fields: Sequence[str]) -> Member:
        source = hit["_source"]
        off = source.get("personalisation") == "off"
        held: dict[str, Any] = {}
        for name in fields:
            value = None if off and name.partition(".")[0] in self._withheld else _value(source, name)
            if value is not None:
                held[name] = value
        return Member(hit["_id"], held, off)

    def count(self, query: dict[str, Any]) -> int:
        """How many users a query finds. Refreshes first."""
        return self.count_all([query])[0]

    def count_all(self, queries: Sequence[dict[str, Any]]) -> list[int]:
        """How many users each query finds, at one moment. Refreshes first."""
        self.refresh()
        counts: list[int] = []
        for query in queries:
            answer = patient(
                "counting members",
                lambda query=query: self._client.count(index=self._alias, query=query),  # type: ignore[misc]  # lambda with defaults
            )
            counts.append(int(answer.body["count"]))
        return counts

    def known(self, user_ids: Sequence[str]) -> set[str]:
        """Who of these has a profile at this moment. Real time."""
        found: set[str] = set()
        for start in range(0, len(user_ids), _MOST):
            docs = [{"_id": user_id} for user_id in user_ids[start : start + _MOST]]
            answer = patient(
                _ACTION,
                lambda docs=docs: check_docs(  # type: ignore[misc]  # lambda with defaults
                    self._client.mget(index=self._alias, docs=docs, source=False), index=self._alias
                ),
            )
            found.update(body["_id"] for body in answer.body["docs"] if body["found"])
        return found

    def sample(self, query: dict[str, Any], *, n: int, seed: int, fields: Sequence[str] = ()) -> list[Member]:
        """At most `n` users that the query finds, drawn at random; the same ones for the same seed and profiles."""
        self.refresh()
        drawn = {"query": query, "random_score": {"seed": seed, "field": "_seq_no"}, "boost_mode": "replace"}
        answer = patient(
            _ACTION,
            lambda: self._client.search(
                index=self._alias,
                size=min(n, _MOST),
                query={"function_score": drawn},
                sort=["_score", {"user_id": "asc"}],
                source_includes=sorted({"user_id", "personalisation", *fields}),
                track_total_hits=False,
                allow_partial_search_results=False,
            ),
        )
        return [self._member(hit, fields) for hit in answer.body["hits"]["hits"]]

    def channels(self) -> dict[str, int]:
        """How many users gave consent to each channel, the most first; at most 100 channels."""
        self.refresh()
        answer = patient(
            "counting consents",
            lambda: self._client.search(
                index=self._alias, size=0, aggs={"channels": {"terms": {"field": "consent", "size": 100}}}
            ),
        )
        return {bucket["key"]: bucket["doc_count"] for bucket in answer.body["aggregations"]["channels"]["buckets"]}

    def place_of(self, query: dict[str, Any], *, field: str, order: str, n: int) -> tuple[float, str] | None:
        """Value and id of the n-th user that a query finds, by a field and then by id; None where there are fewer."""
        self.refresh()
        left, after = n, None
        with open_moment(self._client, self._alias) as pit:
            while True:
                size = min(left, _MOST)
                answer = patient(
                    _ACTION,
                    lambda size=size, after=after: self._client.search(  # type: ignore[misc]  # lambda with defaults
                        pit={"id": pit, "keep_alive": _KEEP_ALIVE},
                        size=size,
                        query=query,
                        sort=[{field: order}, {"user_id": "asc"}],
                        search_after=after,
                        source=False,
                        track_total_hits=False,
                        allow_partial_search_results=False,
                    ),
                )
                hits = answer.body["hits"]["hits"]
                left -= len(hits)
                if left == 0:
                    return float(hits[-1]["sort"][0]), str(hits[-1]["sort"][1])
                if len(hits) < size:
                    return None
                after = hits[-1]["sort"]


@contextmanager
def open_moment(client: Elasticsearch, index: str) -> Iterator[str]:
    """A point in time of an index, by its id; closed at the end."""
    answer = patient(_ACTION, lambda: client.open_point_in_time(index=index, keep_alive=_KEEP_ALIVE))
    pit = str(answer.body["id"])
    try:
        yield pit
    finally:
        with suppress(NotFoundError):
            client.close_point_in_time(id=pit)


def _value(source: Mapping[str, Any], name: str) -> Any:
    """The value of a field, or under the dots of its name."""
    if name in source:
        return source[name]
    root, _, rest = name.partition(".")
    inner = source.get(root)
    return _value(inner, rest) if isinstance(inner, Mapping) and rest != "" else None
