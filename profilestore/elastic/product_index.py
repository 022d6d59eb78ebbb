"""Products in Elasticsearch: what the fold reads of them, and the writing of rows and derived fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from elasticsearch import Elasticsearch

from profilestore.documents import IndexMeta, Revision
from profilestore.elastic.bulk import Operation, Outcome, raise_failed, write_bulk, write_through_switch
from profilestore.elastic.index_identity import IndexIdentity, check_docs, resolve_index, seq_nos, write_meta
from profilestore.elastic.retry import BlockWait, patient

__all__ = ["FOLD_READS", "IN_VECTOR_FIELDS", "ProductIndex", "StoredProduct"]

# space -> the field that holds what an event adds to the profile
IN_VECTOR_FIELDS: Final = {"text": "text_vector", "topics": "topic_vector", "taste": "taste_in"}
FOLD_READS: Final = ("category", "brand", "price", *IN_VECTOR_FIELDS.values())
_READ_AT_ONCE: Final = 500

StoredProduct = tuple[Mapping[str, Any], Revision]


class ProductIndex:
    """The products of one shop, behind `{prefix}-products` or in one concrete index of a build."""

    def __init__(self, client: Elasticsearch, *, name: str, ask: Callable[[], object] = lambda: None) -> None:
        """`ask` is called when writes are refused for long: it may find that the build that did it is dead."""
        self._client = client
        self._name = name
        self._ask = ask

    def patience(self) -> BlockWait:
        """For a loop that meets a switch of generations."""
        return BlockWait(self._ask)

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
                lambda body=body: check_docs(  # type: ignore[misc]  # mypy cannot infer the lambda
                    self._client.perform_request(
                        "POST",
                        f"/{index}/_mget?{parameters}",
                        headers={"content-type": "application/json", "accept": "application/json"},
                        body=body,
                    ),
                    index=index,
                ),
            )
            for doc in answer.body["docs"]:
                if doc["found"]:
                    found[doc["_id"]] = (doc.get("_source", {}), Revision(doc["_seq_no"], doc["_primary_term"]))
        return found

    def changed_since(self, index: str, seq_no: int) -> tuple[list[str], int]:
        """Ids of products written after `seq_no`, and the number to ask from next time. Refreshes first.

        That number is the checkpoint and not the highest number seen, below which a write may still be under way.
        """
        checkpoint, highest = seq_nos(self._client, index)[0]
        if highest <= seq_no:
            return [], seq_no
        self.refresh(index)
        changed: list[str] = []
        for page in self.scan(index, fields=["product_id"], after_seq_no=seq_no, page=10_000):
            changed += [product_id for product_id, _, _ in page]
        return changed, checkpoint

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

    def checkpoint(self, index: str) -> int:
        """The number up to which every write is in; -1 for an empty index."""
        return seq_nos(self._client, index)[0][0]

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
        if any(operation.index != self._name for operation in operations):
            outcomes = write_bulk(self._client, operations, action=action)
            raise_failed([outcome for outcome in outcomes if not outcome.index_moved], action=action)
            return outcomes
        outcomes = write_through_switch(self._client, operations, action=action, ask=self._ask)
        raise_failed(outcomes, action=action)
        return outcomes
