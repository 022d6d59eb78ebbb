"""Words that people searched for are shown where three users or more searched for the same: what one person types
may tell who they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from profilestore.dashboards.refresh.acts import words_of
from profilestore.dashboards.refresh.mending import Moved
from profilestore.dashboards.refresh.shelf import digest
from profilestore.elastic.activity_index import ActivityIndex
from profilestore.elastic.bulk import Operation
from profilestore.elastic.event_log import LogIdentity
from profilestore.indexing.generation import Side

__all__ = ["LEAST_USERS", "show_queries"]

LEAST_USERS: Final = 3
_KEYS: Final = 1000
_SHOWN: Final = {"exists": {"field": "query"}}


def show_queries(
    side: Side, target: ActivityIndex, index: str, *, log: LogIdentity, checkpoints: Mapping[int, int]
) -> int:
    """Show the words of searches that enough users made, and hide those of others. Returns how many were changed.

    Raises:
        Moved: a switch came in between; begin again.
    """
    target.refresh(index)
    to_show: list[str] = []
    to_hide: list[str] = []
    for found in target.queries(index):
        if found.users >= LEAST_USERS and found.hidden > 0:
            to_show.append(found.key)
        elif found.users < LEAST_USERS and found.shown > 0:
            to_hide.append(found.key)
    changed = 0
    for keys in _portions(to_hide):
        for page in target.read(index, _of(keys, filter=[_SHOWN]), fields=["query_key"]):
            changed += _write(target, [Operation("update", index, id, {"query": None}) for id, _, _ in page])
    for keys in _portions(to_show):
        for page in target.read(index, _of(keys, must_not=[_SHOWN]), fields=["query_key"]):
            wanted = {id: source["query_key"] for id, source, _ in page}
            words = _words(side, log, checkpoints, list(wanted))
            operations = [
                Operation("update", index, id, {"query": said})
                for id, said in words.items()
                if digest(said) == wanted[id]
            ]
            changed += _write(target, operations)
    return changed


def _of(keys: Sequence[str], **more: list[dict[str, Any]]) -> dict[str, Any]:
    filters = [{"terms": {"query_key": list(keys)}}, *more.get("filter", [])]
    return {"bool": {"filter": filters, "must_not": more.get("must_not", [])}}


def _words(side: Side, log: LogIdentity, checkpoints: Mapping[int, int], event_ids: list[str]) -> dict[str, str]:
    query = {"ids": {"values": event_ids}}
    found: dict[str, str] = {}
    for shard, upto in checkpoints.items():
        for page in side.log.read_matching(log, query, shard=shard, upto=upto):
            for logged in page:
                words = None if logged.event is None else words_of(logged.event)
                if words is not None:
                    found[logged.event_id] = words
    return found


def _write(target: ActivityIndex, operations: list[Operation]) -> int:
    outcomes = target.write(operations)
    if any(outcome.index_moved for outcome in outcomes):
        raise Moved
    return sum(outcome.ok for outcome in outcomes)


def _portions(keys: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(keys)
    while len(some := list(islice(rest, _KEYS))) > 0:
        yield some
