"""The searches of dashboards: many aggregations of several indices in one request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from profilestore.elastic.client import translated
from profilestore.elastic.search import Client
from profilestore.errors import ServerError

__all__ = ["PanelAnswer", "PanelSearch", "search_panels"]

_CHUNK: Final = 100
_JSON: Final = "application/vnd.elasticsearch+json; compatible-with=9"
_HEADERS: Final = {"accept": _JSON, "content-type": "application/vnd.elasticsearch+x-ndjson; compatible-with=9"}
_FILTER: Final = ",".join(
    f"responses.{part}" for part in ("took", "aggregations", "timed_out", "_shards", "status", "error.type")
)


@dataclass(frozen=True, slots=True)
class PanelSearch:
    """A search of one index; `name` says in an error whose it is."""

    name: str
    index: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PanelAnswer:
    """The aggregations of a search and how long it took on the server; empty where there is no such index."""

    aggregations: dict[str, Any]
    took_ms: int


def search_panels(client: Client, searches: Sequence[PanelSearch]) -> list[PanelAnswer]:
    """Send searches, 100 a request; answers are in their order.

    Raises:
        ServerError: one of them failed; names it and Elasticsearch's type of error.
        ServerUnavailable, AccessDenied
    """
    answers: list[PanelAnswer] = []
    for start in range(0, len(searches), _CHUNK):
        part = searches[start : start + _CHUNK]
        lines = b"".join(
            orjson.dumps({"index": each.index, "ignore_unavailable": True}) + b"\n" + orjson.dumps(each.body) + b"\n"
            for each in part
        )
        with translated("searching for the dashboards"):
            found = client.perform_request(
                "POST", "/_msearch", params={"filter_path": _FILTER}, headers=_HEADERS, body=lines
            )
        answers += [_read(search, answer) for search, answer in zip(part, found.body["responses"], strict=True)]
    return answers


def _read(search: PanelSearch, answer: dict[str, Any]) -> PanelAnswer:
    if "error" in answer:
        kind = answer["error"].get("type", "unknown")
        raise ServerError(
            f"{search.name}: Elasticsearch answers {answer.get('status')} {kind}. If this shop was made by an earlier "
            "version, run `profilestore migrate`."
        )
    if answer.get("timed_out", False) or answer.get("_shards", {}).get("failed", 0) > 0:
        raise ServerError(f"{search.name}: some shards did not answer. Look at `profilestore doctor`.")
    return PanelAnswer(answer.get("aggregations", {}), int(answer.get("took", 0)))
