"""The cache of embedded texts, `{prefix}-texts`: hash of text and model -> vector. Safe to drop."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from profilestore.elastic.bulk import Operation, raise_failed, write_through_switch
from profilestore.elastic.retry import patient

__all__ = ["TextCache"]

_READ_AT_ONCE: Final = 1000


class TextCache:
    """Vectors by hash. The texts themselves are never written: they are what users said (P6)."""

    def __init__(self, client: Elasticsearch, *, alias: str) -> None:
        self._client = client
        self._alias = alias

    def read(self, hashes: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """The cached vectors, float32 of shape (dims,); what is not there is absent."""
        found: dict[str, NDArray[np.float32]] = {}
        for start in range(0, len(hashes), _READ_AT_ONCE):
            ids = list(dict.fromkeys(hashes[start : start + _READ_AT_ONCE]))
            answer = patient(
                "reading cached texts",
                lambda ids=ids: self._client.mget(  # type: ignore[misc]  # mypy cannot infer the lambda
                    index=self._alias, ids=ids, filter_path="docs._id,docs.found,docs._source.vector"
                ),
            )
            for doc in answer.body["docs"]:
                if doc.get("found"):
                    packed = base64.b64decode(doc["_source"]["vector"])
                    found[doc["_id"]] = np.frombuffer(packed, dtype="<f4")
        return found

    def write(self, vectors: Mapping[str, NDArray[np.float32]], *, model: str) -> None:
        """Cache vectors; one that another process wrote meanwhile is the same and stays."""
        operations = [
            Operation(
                "create",
                self._alias,
                key,
                {"model": model, "vector": base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")},
            )
            for key, vector in vectors.items()
        ]
        action = "caching embedded texts"
        raise_failed(write_through_switch(self._client, operations, action=action), action=action)
