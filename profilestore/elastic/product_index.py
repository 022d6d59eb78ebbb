"""Products in Elasticsearch: what the fold reads of them, and the writing of rows and derived fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from elasticsearch import Elasticsearch

from profilestore.documents import IndexMeta, Revision
from profilestore.elastic.bulk import Operation, Outcome, raise_failed, write_bulk
from profilestore.elastic.index_identity import IndexIdentity, max_seq_no, resolve_index, write_meta
from profilestore.elastic.retry import patient, wait
from profilestore.errors import NotInitialised

__all__ = ["FOLD_READS", "IN_VECTOR_FIELDS", "ProductIndex", "StoredProduct"]

# space -> the field that holds what an event adds to the profile
IN_VECTOR_FIELDS: Final = {"text": "text_vector", "topics": "topic_vector", "taste": "taste_in"}
FOLD_READS: Final = ("category", "brand", "price", *IN_VECTOR_FIELDS.values())
_READ_AT_ONCE: Final = 500
_MOVES: Final = 12

StoredProduct = tuple[Mapping[str, Any], Revision]


class ProductIndex:
    """The products of one shop, behind `{prefix}-products` or in one concrete index of a build."""

    def __init__(self, client: Elasticsearch, *, name: str) -> None:
        self._client = client
        self._name = name

    def identity(self) -> IndexIdentity:
        """Resolve the alias; its `_meta` tells the generation and the models in force."""
        return resolve_index(self._client, self._name)

    def read(
        self, index: str, product_ids: Sequence[str], *, fields: Sequence[str] | None = None, vectors: bool = False
    ) -> dict[str, StoredProduct]:
        """Stored products by id with their revisions, those `fields` or all; vectors only when asked.
        Real time: a product written a moment ago is there."""
        found: dict[str, StoredProduct] = {}
        parameters = f"_source_exclude_vectors={'false' if vectors else 'true'}"
        if fields is not None:
            parameters += f"&_source_includes={','.join(fields)}"
        for start in range(0, len(product_ids), _READ_AT_ONCE):
            body = {"ids": list(product_ids[start : start + _READ_AT_ONCE])}
            answer = patient(
                "reading products",
                lambda body=body: self._client.perform_request(  # type: ignore[misc]  # mypy cannot infer the lambda
                    "POST",
                    f"/{index}/_mget?{parameters}",
                    headers={"content-type": "application/json", "accept": "application/json"},
                    body=body,
                ),
            )
            for doc in answer.body["docs"]:
                if "error" in doc:
                    raise NotInitialised(f"reading products of {index}: {doc['error']['type']}.")
                if doc["found"]:
                    found[doc["_id"]] = (doc.get("_source", {}), Revision(doc["_seq_no"], doc["_primary_term"]))
        return found

    def changed_since(self, index: str, seq_no: int) -> tuple[list[str], int]:
        """Ids of products written after `seq_no`, and the highest number seen. Refreshes first."""
        if self.max_seq_no(index) <= seq_no:
            return [], seq_no
        self.refresh(index)
        changed: list[str] = []
        for page in self.scan(index, fields=["product_id"], after_seq_no=seq_no, page=10_000):
            changed += [product_id for product_id, _, _ in page]
            seq_no = page[-1][2].seq_no
        return changed, seq_no

    def count_by(self, index: str, field: str, *, most: int = 1000) -> dict[str, int]:
        """Products on sale by the value of a keyword field, the `most` frequent values."""
        answer = patient(
            "counting products",
            lambda: self._client.search(
                index=index,
                size=0,
                query={"bool": {"must_not": [{"term": {"deleted": True}}]}},
                aggs={"values": {"terms": {"field": field, "size": most}}},
            ),
        )
        return {bucket["key"]: bucket["doc_count"] for bucket in answer.body["aggregations"]["values"]["buckets"]}

    def max_seq_no(self, index: str) -> int:
        """The highest `_seq_no` of the index's primaries: the cheapest way to ask whether anything changed."""
        return max_seq_no(self._client, index)

    def set_meta(self, index: str, meta: IndexMeta) -> None:
        """Replace what the index says of itself; the owners of its fields stay."""
        write_meta(self._client, index, meta)

    def refresh(self, index: str) -> None:
        """Make what was written findable."""
        patient("refreshing the products", lambda: self._client.indices.refresh(index=index))

    def scan(
        self,
        index: str,
        *,
        fields: Sequence[str] | None = None,
        query: dict[str, Any] | None = None,
        after_seq_no: int = -1,
        page: int = 1000,
        vectors: bool = False,
    ) -> Iterator[list[tuple[str, Mapping[str, Any], Revision]]]:
        """All products in order of their last write; refresh first. One shard, so numbers do not repeat."""
        after = after_seq_no
        source: dict[str, Any] = {"exclude_vectors": not vectors}
        if fields is not None:
            source["includes"] = list(fields)
        while True:
            filters: list[dict[str, Any]] = [{"range": {"_seq_no": {"gt": after}}}]
            if query is not None:
                filters.append(query)
            answer = patient(
                "reading products",
                lambda filters=filters: self._client.search(  # type: ignore[misc]  # mypy cannot infer the lambda
                    index=index,
                    size=page,
                    query={"bool": {"filter": filters}},
                    sort=[{"_seq_no": "asc"}],
                    seq_no_primary_term=True,
                    source=source,
                    track_total_hits=False,
                    allow_partial_search_results=False,
                ),
            )
            hits = answer.body["hits"]["hits"]
            if len(hits) == 0:
                return
            yield [(hit["_id"], hit.get("_source", {}), Revision(hit["_seq_no"], hit["_primary_term"])) for hit in hits]
            after = hits[-1]["sort"][0]

    def write(self, operations: Sequence[Operation], *, action: str) -> list[Outcome]:
        """Write under the given revisions; conflicts are in the outcomes, other refusals raise.

        Operations name the alias, and are sent again while a switch of generations blocks the old index.
        An `expected` revision does not outlive a switch, so operations that carry one name the concrete
        index, and the caller reads again when `index_moved` is among the outcomes.

        Raises:
            WriteFailed: the server refused documents, and not since somebody else was first.
        """
        outcomes = write_bulk(self._client, operations, action=action)
        for attempt in range(_MOVES):
            moved = [i for i, outcome in enumerate(outcomes) if outcome.index_moved]
            again = [i for i in moved if operations[i].expected is None and operations[i].index == self._name]
            if len(again) == 0:
                break
            wait(attempt + 4)
            retried = write_bulk(self._client, [operations[i] for i in again], action=action)
            for position, outcome in zip(again, retried, strict=True):
                outcomes[position] = outcome
        raise_failed([o for o in outcomes if not o.index_moved], action=action)
        return outcomes
