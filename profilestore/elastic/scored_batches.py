"""Profiles scored against vectors without end: in batches of what one search can compare, of one moment.

One kNN search lists 10,000 candidates at most. A shard numbers its writes (`_seq_no`), so ranges of the numbers cut
the profiles into batches of at most 10,000, and a kNN search filtered by one range scores all of its batch. The server
does the arithmetic, and only ids and scores travel.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from elasticsearch import Elasticsearch

from profilestore.elastic.member_pages import open_moment
from profilestore.elastic.retry import patient

__all__ = ["BATCH", "Nearness", "nearest", "scored_batches"]

# Elasticsearch's limit of candidates.
BATCH: Final = 10_000
_BUCKETS: Final = 10_000
_KEEP_ALIVE: Final = "10m"
_ACTION: Final = "scoring profiles"


@dataclass(frozen=True, slots=True)
class Nearness:
    """How near profiles are to a vector: the score is (1 + cosine) / 2.

    Attributes:
        field: of the profiles, with vectors.
        vector: base64, as `features.served.encode_vector` writes it, or floats.
        chosen: a query, the profiles that may be found at all.
        min_score: the lowest score that counts, from 0 to 1; None takes all.
    """

    field: str
    vector: Any
    chosen: dict[str, Any]
    min_score: float | None = None

    def knn(self, *filters: dict[str, Any], k: int) -> dict[str, Any]:
        """The clause that lists the k nearest of those."""
        clause: dict[str, Any] = {
            "field": self.field,
            "query_vector": self.vector,
            "k": k,
            "num_candidates": BATCH,
            "filter": {"bool": {"filter": [self.chosen, *filters]}},
        }
        # The server takes the cosine here and gives the score there.
        return clause if self.min_score is None else clause | {"similarity": 2.0 * self.min_score - 1.0}


def nearest(client: Elasticsearch, alias: str, nearness: Nearness, *, n: int) -> list[tuple[str, float]]:
    """The n nearest profiles, 10,000 at most, the best first, equal ones by id; fewer where there are fewer."""
    # Twice as many as asked for, so that equal scores at the end of the list are ordered too.
    knn = nearness.knn(k=min(2 * n, BATCH))
    answer = patient(
        _ACTION,
        lambda: client.search(
            index=alias,
            size=n,
            knn=knn,
            sort=["_score", {"user_id": "asc"}],
            source=False,
            track_total_hits=False,
            allow_partial_search_results=False,
        ),
    )
    return [(hit["_id"], float(hit["_score"])) for hit in answer.body["hits"]["hits"]]


def scored_batches(client: Elasticsearch, alias: str, legs: Sequence[Nearness]) -> Iterator[dict[str, float]]:
    """All profiles that a leg may find, a batch at a time, each with the best of its scores. Refresh before."""
    with open_moment(client, alias) as pit:
        for low, high in _ranges(client, pit):
            within = {"range": {"_seq_no": {"gte": low, "lt": high}}}
            best: dict[str, float] = {}
            for leg in legs:
                for user_id, score in _batch(client, pit, leg, within):
                    best[user_id] = max(score, best.get(user_id, 0.0))
            if len(best) > 0:
                yield best


def _batch(client: Elasticsearch, pit: str, leg: Nearness, within: dict[str, Any]) -> Iterator[tuple[str, float]]:
    answer = patient(
        _ACTION,
        lambda: client.search(
            pit={"id": pit, "keep_alive": _KEEP_ALIVE},
            size=BATCH,
            knn=leg.knn(within, k=BATCH),
            source=False,
            track_total_hits=False,
            allow_partial_search_results=False,
        ),
    )
    return ((hit["_id"], float(hit["_score"])) for hit in answer.body["hits"]["hits"])


def _ranges(client: Elasticsearch, pit: str) -> Iterator[tuple[int, int]]:
    """Ranges of numbers, each with at most 10,000 profiles. A profiles index has one shard."""
    found = _numbers(client, pit, {"numbers": {"max": {"field": "_seq_no"}}}, None)["numbers"]["value"]
    if found is not None:
        yield from _joined(_split(client, pit, 0, int(found) + 1))


def _split(client: Elasticsearch, pit: str, low: int, high: int) -> Iterator[tuple[int, int, int]]:
    """(first number, number after the last, profiles) of parts of a range, in order, each small enough."""
    width = max(1, math.ceil((high - low) / _BUCKETS))
    histogram = {"field": "_seq_no", "interval": width, "offset": low % width, "min_doc_count": 1}
    query = {"range": {"_seq_no": {"gte": low, "lt": high}}}
    for bucket in _numbers(client, pit, {"parts": {"histogram": histogram}}, query)["parts"]["buckets"]:
        first, count = int(bucket["key"]), int(bucket["doc_count"])
        # The last bucket reaches beyond the range, into the next one.
        after = min(first + width, high)
        if count > BATCH:
            yield from _split(client, pit, first, after)
        else:
            yield first, after, count


def _joined(parts: Iterator[tuple[int, int, int]]) -> Iterator[tuple[int, int]]:
    """Neighbouring parts together, as long as they are small enough."""
    held: tuple[int, int, int] | None = None
    for first, after, count in parts:
        if held is not None and held[2] + count <= BATCH:
            held = (held[0], after, held[2] + count)
            continue
        if held is not None:
            yield held[:2]
        held = (first, after, count)
    if held is not None:
        yield held[:2]


def _numbers(
    client: Elasticsearch, pit: str, aggregations: Mapping[str, Any], query: dict[str, Any] | None
) -> dict[str, Any]:
    answer = patient(
        _ACTION,
        lambda: client.search(
            pit={"id": pit, "keep_alive": _KEEP_ALIVE}, size=0, query=query, aggs=aggregations, track_total_hits=False
        ),
    )
    found: dict[str, Any] = answer.body["aggregations"]
    return found
