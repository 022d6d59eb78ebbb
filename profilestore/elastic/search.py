"""Searches, many searches and single documents: thin over the client, with our errors.

These are on the path of every answer, so they send bytes made by orjson through the client's own
`perform_request` and leave out what no answer needs (`filter_path`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from elasticsearch import ApiError, Elasticsearch

from profilestore.elastic.client import translated
from profilestore.errors import NotInitialised, ServerError, UsageError

__all__ = ["Client", "SearchFailure", "get_source", "get_sources", "multi_search", "search"]

# The layers above name the client's type without importing elasticsearch.
Client = Elasticsearch

CHUNK: Final = 100
_JSON: Final = "application/vnd.elasticsearch+json; compatible-with=9"
_NDJSON: Final = "application/vnd.elasticsearch+x-ndjson; compatible-with=9"
_HEADERS: Final = {"accept": _JSON, "content-type": _JSON}
_BULK_HEADERS: Final = {"accept": _JSON, "content-type": _NDJSON}
_HITS: Final = "hits.hits._id,hits.hits._score,hits.hits._source,hits.hits.sort,hits.hits.fields"
_ERRORS: Final = "status,error.type,error.root_cause.type"
_SEARCH_FILTER: Final = f"{_HITS},aggregations,timed_out,_shards.failed"
_SEARCH_PARAMS: Final = {"filter_path": _SEARCH_FILTER}
_MULTI_PARAMS: Final = {
    "filter_path": ",".join(f"responses.{part}" for part in f"{_SEARCH_FILTER},{_ERRORS}".split(","))
}


@dataclass(frozen=True, slots=True)
class SearchFailure:
    """A search that failed, by HTTP status and Elasticsearch's name for the error and for its cause."""

    status: int
    type: str
    cause: str

    @property
    def is_missing(self) -> bool:
        """Whether a looked-up document or its vector is not there."""
        if self.status == 404:
            return self.type != "index_not_found_exception"
        # Elasticsearch 9.5 trips over the lookup of a field in which no document has a vector yet.
        return self.status == 500 and self.cause == "null_pointer_exception"


def search(client: Client, *, path: str, body: dict[str, Any]) -> dict[str, Any] | SearchFailure:
    """Send one search.

    Args:
        client: the connection.
        path: such as `/shop-products/_search`.
        body: the search; only hits (id, score, source, sort) and aggregations come back.

    Returns:
        The answer, or a failure when the document of a vector lookup, or the vector in it, is missing.

    Raises:
        UsageError: a text in the body that is not valid UTF-8.
        ServerError, NotInitialised, ServerUnavailable, AccessDenied
    """
    with translated("search"):
        try:
            answer = client.perform_request("POST", path, params=_SEARCH_PARAMS, headers=_HEADERS, body=_encoded(body))
        except ApiError as error:
            failure = _failure(error.status_code, error.body)
            if failure.is_missing:
                return failure
            raise
    return _complete(answer.body)


def multi_search(
    client: Client, *, index: str, bodies: Sequence[dict[str, Any]]
) -> list[dict[str, Any] | SearchFailure]:
    """Send many searches of one index, 100 a request. Answers are in the order of the bodies.

    Raises:
        ServerError, NotInitialised, ServerUnavailable, AccessDenied: the request as a whole failed,
            or one search for another reason than a missing document or vector.
    """
    results: list[dict[str, Any] | SearchFailure] = []
    header = orjson.dumps({"index": index})
    for start in range(0, len(bodies), CHUNK):
        lines = b"".join(header + b"\n" + _encoded(body) + b"\n" for body in bodies[start : start + CHUNK])
        with translated("search of many"):
            answer = client.perform_request(
                "POST", "/_msearch", params=_MULTI_PARAMS, headers=_BULK_HEADERS, body=lines
            )
        results.extend(_read_response(response) for response in answer.body["responses"])
    return results


def get_source(client: Client, *, index: str, id: str, fields: Iterable[str] | None = None) -> dict[str, Any] | None:
    """The stored fields of one document, vectors left out; None when it is not there.

    Read by id, so a write a moment ago is seen without a refresh.
    """
    source: bool | str = True if fields is None else ",".join(fields)
    with translated("read of a document"):
        answer = client.options(ignore_status=404).get(index=index, id=id, source=source)
        if answer.meta.status == 404 and "error" in answer.body:
            raise ApiError("not found", meta=answer.meta, body=answer.body)
    if not answer.body.get("found", False):
        return None
    found: dict[str, Any] = answer.body.get("_source", {})
    return found


def get_sources(
    client: Client, *, index: str, ids: Sequence[str], fields: Iterable[str], vectors: bool = False
) -> list[dict[str, Any] | None]:
    """As `get_source` for many, in the order of the ids.

    Args:
        client: the connection.
        index: whose documents.
        ids: may repeat.
        fields: which of each.
        vectors: whether fields of vectors come too, which the server leaves out by default.
    """
    if len(ids) == 0:
        return []
    if len(ids) == 1 and not vectors:
        return [get_source(client, index=index, id=ids[0], fields=fields)]
    params = {"_source": ",".join(fields)}
    if vectors:
        params["_source_exclude_vectors"] = "false"
    with translated("read of documents"):
        answer = client.perform_request(
            "POST", f"/{index}/_mget", params=params, headers=_HEADERS, body=orjson.dumps({"ids": list(ids)})
        )
    documents = answer.body["docs"]
    if any(document.get("error", {}).get("type") == "index_not_found_exception" for document in documents):
        raise NotInitialised("read of documents: this shop has no such index. Run `profilestore init`.")
    return [document.get("_source", {}) if document.get("found", False) else None for document in documents]


def _encoded(body: dict[str, Any]) -> bytes:
    """The body as JSON, which takes valid UTF-8 only: half a character of a shell's argument is none."""
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError as error:
        raise UsageError("search: a text in it is not valid UTF-8, or a value is of a wrong type.") from error


def _failure(status: int, body: Any) -> SearchFailure:
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return SearchFailure(status, "unknown", "unknown")
    causes = error.get("root_cause") or [{}]
    return SearchFailure(status, str(error.get("type", "unknown")), str(causes[0].get("type", "unknown")))


def _read_response(response: dict[str, Any]) -> dict[str, Any] | SearchFailure:
    if "error" not in response:
        return _complete(response)
    failure = _failure(int(response.get("status", 0)), response)
    if failure.is_missing:
        return failure
    if failure.type == "index_not_found_exception":
        raise NotInitialised("search of many: this shop has no such index. Run `profilestore init`.")
    raise ServerError(f"search of many: Elasticsearch answers {failure.status} {failure.type}.")


def _complete(answer: dict[str, Any]) -> dict[str, Any]:
    """A list from some of the shards would look like an answer and be wrong."""
    if answer.get("timed_out", False) or answer.get("_shards", {}).get("failed", 0) > 0:
        raise ServerError("search: some shards did not answer. Look at `profilestore doctor`.")
    return answer
