"""The mean of many profiles in one space, read in pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from profilestore.elastic.index_identity import resolve_index
from profilestore.elastic.search import Client, SearchFailure, search
from profilestore.features.served import decode_vector
from profilestore.recommend.bodies import SPACE_FIELDS
from profilestore.recommend.clauses import Clause
from profilestore.recommend.neighbours import opted_out

__all__ = ["MeanProfile", "read_mean"]

_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class MeanProfile:
    """The mean of `count` vectors (dims,), of unit length, in the space and of the generation they are of."""

    vector: NDArray[np.float32]
    count: int
    space: str
    generation: str


def read_mean(client: Client, alias: str, *, space: str, query: Clause) -> MeanProfile | None:
    """The mean over the profiles that a query finds, as they were at the last refresh.

    None where none of them has a vector, as of who switched personalisation off, or where they cancel out.
    """
    identity = resolve_index(client, alias)
    field = SPACE_FIELDS[space]
    total: NDArray[np.float64] | None = None
    count, after = 0, -1
    while True:
        filters = [query, {"exists": {"field": field}}, {"range": {"_seq_no": {"gt": after}}}]
        body = {
            "size": _PAGE,
            "query": {"bool": {"filter": filters, "must_not": [opted_out()]}},
            "sort": [{"_seq_no": "asc"}],
            "_source": {"includes": [field], "exclude_vectors": False},
            "track_total_hits": False,
        }
        answer = search(client, path=f"/{identity.index}/_search", body=body)
        hits = [] if isinstance(answer, SearchFailure) else answer.get("hits", {}).get("hits", [])
        if len(hits) == 0:
            break
        part = np.sum([decode_vector(hit["_source"][field]).astype(np.float64) for hit in hits], axis=0)
        total = part if total is None else total + part
        count += len(hits)
        after = hits[-1]["sort"][0]
    length = 0.0 if total is None else float(np.linalg.norm(total))
    # Opposite tastes cancel out, and what is left of them is rounding.
    if total is None or length <= 1e-6 * count:
        return None
    return MeanProfile((total / length).astype(np.float32), count, space, identity.meta.generation)
