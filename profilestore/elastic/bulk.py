"""Bulk writes: each item's answer is looked at, overloaded items are sent again, none is lost sight of."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson
from elasticsearch import Elasticsearch

from profilestore.documents import Revision
from profilestore.elastic.retry import RETRY_FOR_S, BlockWait, patient
from profilestore.errors import ServerUnavailable, WriteFailed

__all__ = ["Operation", "Outcome", "raise_failed", "write_bulk", "write_through_switch"]

_CONFLICT: Final = 409
# Overloaded, or its shard is starting, moving or stopping. Some of what a stopping node says is a plain 500.
_BUSY: Final = frozenset((429, 502, 503, 504))
_STOPPING: Final = frozenset(
    ("already_closed_exception", "node_closed_exception", "shard_not_in_primary_mode_exception")
)
# Elasticsearch takes up to 100 MB a request; a tenth of it is where more brings nothing.
_MAX_BYTES: Final = 10_000_000
_FILTER: Final = ",".join(
    f"items.*.{name}" for name in ("_id", "status", "_seq_no", "_primary_term", "result", "error.type")
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One document to write. `create` never overwrites; with `expected` the write is refused with 409
    when the document was changed since that revision was read."""

    op: Literal["create", "index", "update", "delete"]
    index: str
    id: str
    source: Mapping[str, Any]
    routing: str | None = None
    expected: Revision | None = None

    def lines(self) -> bytes:
        """The two lines of the bulk body."""
        action: dict[str, Any] = {"_index": self.index, "_id": self.id}
        if self.routing is not None:
            action["routing"] = self.routing
        if self.expected is not None:
            action["if_seq_no"], action["if_primary_term"] = self.expected
        if self.op == "delete":
            return orjson.dumps({"delete": action}) + b"\n"
        body = {"doc": self.source} if self.op == "update" else self.source
        return b"".join((orjson.dumps({self.op: action}), b"\n", orjson.dumps(body, option=_DUMP_OPTIONS), b"\n"))


_DUMP_OPTIONS: Final = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC | orjson.OPT_SERIALIZE_NUMPY


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one operation. `revision` is None unless it was written."""

    id: str
    status: int
    revision: Revision | None
    result: str | None
    error_type: str | None

    @property
    def ok(self) -> bool:
        """Whether the document was written."""
        return 200 <= self.status < 300

    @property
    def conflict(self) -> bool:
        """Whether somebody else was first: it exists already, or has another revision."""
        return self.status == _CONFLICT

    @property
    def busy(self) -> bool:
        """Whether the same write may be taken in a moment."""
        return self.status in _BUSY or self.error_type in _STOPPING

    @property
    def index_moved(self) -> bool:
        """Whether a switch of generations is under way: blocked (403), or already gone (404)."""
        return (self.status == 403 and self.error_type == "cluster_block_exception") or (
            self.status == 404 and self.error_type == "index_not_found_exception"
        )


def write_bulk(client: Elasticsearch, operations: Sequence[Operation], *, action: str) -> list[Outcome]:
    """Write all operations and return their outcomes in the same order. Sent again: what an overloaded or
    restarting server did not take, and whole requests that got no answer.

    Raises:
        ServerUnavailable: the server stayed away or overloaded for two minutes.
    """
    outcomes: list[Outcome | None] = [None] * len(operations)
    pending = list(range(len(operations)))
    deadline = time.monotonic() + RETRY_FOR_S
    while len(pending) > 0:
        busy: list[int] = []
        for positions, body in _requests(operations, pending):
            items = _send(client, body, action)
            for position, item in zip(positions, items, strict=True):
                outcome = _outcome(item)
                if outcome.busy:
                    busy.append(position)
                outcomes[position] = outcome
        if len(busy) > 0 and time.monotonic() > deadline:
            kinds = ", ".join(sorted({outcome.error_type or "" for outcome in outcomes if outcome and outcome.busy}))
            raise ServerUnavailable(f"{action}: Elasticsearch is overloaded or starting ({len(busy)} items: {kinds}).")
        if len(busy) > 0:
            time.sleep(0.2)
        pending = busy
    return [outcome for outcome in outcomes if outcome is not None]


def write_through_switch(
    client: Elasticsearch,
    operations: Sequence[Operation],
    *,
    action: str,
    ask: Callable[[], object] = lambda: None,
) -> list[Outcome]:
    """As `write_bulk`, for operations that name an alias: those that a switch of generations refuses are sent
    again until it is over. One under a revision is not: a revision does not outlive a switch."""
    outcomes = write_bulk(client, operations, action=action)
    patience = BlockWait(ask)
    while True:
        again = [i for i, o in enumerate(outcomes) if o.index_moved and operations[i].expected is None]
        if len(again) == 0 or not patience.go_on():
            return outcomes
        for position, outcome in zip(
            again, write_bulk(client, [operations[i] for i in again], action=action), strict=True
        ):
            outcomes[position] = outcome


def _requests(operations: Sequence[Operation], positions: Sequence[int]) -> Iterator[tuple[list[int], list[bytes]]]:
    """Requests of bounded size, one after another, so that not all bodies are in memory at once."""
    held: list[int] = []
    body: list[bytes] = []
    size = 0
    for position in positions:
        lines = operations[position].lines()
        if len(held) > 0 and size + len(lines) > _MAX_BYTES:
            yield held, body
            held, body, size = [], [], 0
        held.append(position)
        body.append(lines)
        size += len(lines)
    if len(held) > 0:
        yield held, body


def _send(client: Elasticsearch, lines: list[bytes], action: str) -> list[dict[str, Any]]:
    body = b"".join(lines)
    answer = patient(
        action,
        lambda: client.perform_request(
            "POST",
            f"/_bulk?filter_path={_FILTER}",
            headers={"content-type": "application/x-ndjson", "accept": "application/json"},
            body=body,
        ),
    )
    items: list[dict[str, Any]] = answer.body["items"]
    return items


def _outcome(item: dict[str, Any]) -> Outcome:
    (entry,) = item.values()
    seq_no = entry.get("_seq_no")
    status = entry["status"]
    written = seq_no is not None and 200 <= status < 300
    return Outcome(
        id=entry["_id"],
        status=status,
        revision=Revision(seq_no, entry["_primary_term"]) if written else None,
        result=entry.get("result"),
        error_type=entry.get("error", {}).get("type"),
    )


def raise_failed(outcomes: Sequence[Outcome], *, action: str) -> None:
    """Raise WriteFailed when some outcome is neither written nor a conflict. Ids and types only (P6)."""
    failed = [(o.id, o.error_type or str(o.status)) for o in outcomes if not o.ok and not o.conflict]
    if len(failed) > 0:
        kinds = ", ".join(sorted({kind for _, kind in failed}))
        raise WriteFailed(
            f"{action}: Elasticsearch did not take {len(failed)} of {len(outcomes)} documents ({kinds}), "
            f"the first with id {failed[0][0]}. `profilestore init --check` compares the mappings, and `profilestore "
            "migrate` mends them, as after an upgrade.",
            items=failed,
        )
