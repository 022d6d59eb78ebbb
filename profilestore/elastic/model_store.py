"""Models and small records in `{prefix}-models`: a second machine needs nothing but the server.

A model is one head document with its figures and sha256, and its bytes in chunks. The local home is
only a cache of them.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from elasticsearch import Elasticsearch, NotFoundError

from profilestore.documents import Revision
from profilestore.elastic.bulk import Operation, Outcome, raise_failed, write_through_switch
from profilestore.elastic.retry import patient
from profilestore.errors import ModelError

__all__ = ["ModelStore"]

_CHUNK_BYTES: Final = 4_000_000


class ModelStore:
    """The models index of one shop."""

    def __init__(self, client: Elasticsearch, *, alias: str, cache: Path | None = None) -> None:
        self._client = client
        self._alias = alias
        self._cache = cache

    def save(self, kind: str, model_id: str, data: bytes, *, figures: Mapping[str, Any]) -> None:
        """Store a model: its chunks first, its head last, so that a head always has all its bytes."""
        pieces = [data[start : start + _CHUNK_BYTES] for start in range(0, max(1, len(data)), _CHUNK_BYTES)]
        for number, piece in enumerate(pieces):
            source = {"kind": "chunk", "model_id": model_id, "chunk": number, "data": base64.b64encode(piece).decode()}
            outcomes = write_through_switch(
                self._client,
                [Operation("index", self._alias, f"{model_id}-{number}", source)],
                action="storing a model",
            )
            raise_failed(outcomes, action="storing a model")
        head = {
            "kind": kind,
            "model_id": model_id,
            "created": datetime.now(UTC).isoformat(),
            "sha256": hashlib.sha256(data).hexdigest(),
            "bytes": len(data),
            "chunk": len(pieces),
            "body": dict(figures),
        }
        raise_failed(
            write_through_switch(
                self._client, [Operation("index", self._alias, model_id, head)], action="storing a model"
            ),
            action="storing a model",
        )
        patient("refreshing the models", lambda: self._client.indices.refresh(index=self._alias))

    def load(self, model_id: str) -> bytes:
        """The bytes of a model, from the local cache where its sha256 is right, else from the server.

        Raises:
            ModelError: there is no such model, or its bytes are not what was stored.
        """
        head = self.head(model_id)
        if head is None:
            raise ModelError(f"model {model_id} is not in {self._alias}: train it again.")
        path = None if self._cache is None else self._cache / f"{model_id}.model"
        if path is not None and path.exists():
            data = path.read_bytes()
            if hashlib.sha256(data).hexdigest() == head["sha256"]:
                return data
        data = b"".join(self._chunk(model_id, number) for number in range(head["chunk"]))
        if hashlib.sha256(data).hexdigest() != head["sha256"]:
            raise ModelError(f"model {model_id} in {self._alias} is damaged (sha256 differs): train it again.")
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".partial")
            partial.write_bytes(data)
            partial.replace(path)
        return data

    def _chunk(self, model_id: str, number: int) -> bytes:
        record = self.get(f"{model_id}-{number}")
        if record is None:
            raise ModelError(f"model {model_id} in {self._alias} lacks chunk {number}: train it again.")
        return base64.b64decode(record[0]["data"])

    def head(self, model_id: str) -> dict[str, Any] | None:
        """Kind, time, sha256, size and figures of a model, or None."""
        record = self.get(model_id)
        return None if record is None else record[0]

    def get(self, record_id: str) -> tuple[dict[str, Any], Revision] | None:
        """One document of the models index with its revision, real time, or None."""

        def call() -> tuple[dict[str, Any], Revision] | None:
            try:
                answer = self._client.get(index=self._alias, id=record_id)
            except NotFoundError as error:
                if error.body.get("found") is False:
                    return None
                raise
            return answer.body["_source"], Revision(answer.body["_seq_no"], answer.body["_primary_term"])

        return patient("reading the models index", call)

    def put(
        self, record_id: str, kind: str, body: Mapping[str, Any], *, new: bool = False, expected: Revision | None = None
    ) -> Outcome:
        """Write a small record; with `new` only where there is none, with `expected` only unchanged."""
        source = {"kind": kind, "created": datetime.now(UTC).isoformat(), "body": dict(body)}
        operation = Operation("create" if new else "index", self._alias, record_id, source, expected=expected)
        (outcome,) = write_through_switch(self._client, [operation], action="writing to the models index")
        raise_failed([outcome], action="writing to the models index")
        return outcome

    def delete(self, record_id: str, *, expected: Revision | None = None) -> None:
        """Remove a record, with `expected` only unchanged; one that is not there is fine."""

        outcomes = write_through_switch(
            self._client,
            [Operation("delete", self._alias, record_id, {}, expected=expected)],
            action="removing a record",
        )
        raise_failed([outcome for outcome in outcomes if outcome.status != 404], action="removing a record")

    def list(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        """All records of a kind, oldest first. Refreshes first."""
        patient("refreshing the models", lambda: self._client.indices.refresh(index=self._alias))
        answer = patient(
            "listing the models index",
            lambda: self._client.search(
                index=self._alias,
                size=10_000,
                query={"bool": {"filter": [{"term": {"kind": kind}}]}},
                sort=[{"created": "asc"}],
            ),
        )
        return [(hit["_id"], hit["_source"]) for hit in answer.body["hits"]["hits"]]
