"""Shops that live for one piece of work beside the real one: listed, claimed by a beating record, erased by name."""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Final

import psutil
from elasticsearch import Elasticsearch

from profilestore.elastic.indices import KINDS, delete_index
from profilestore.elastic.model_store import ModelStore
from profilestore.elastic.retry import patient
from profilestore.errors import ServerError, StoreError
from profilestore.settings import Settings

__all__ = ["claimed", "erase_shop", "is_abandoned", "temporary_prefixes"]

_CLAIM: Final = "temporary"
_BEAT_S: Final = 20.0
# Not heard of for so long, on a machine that cannot be looked into: dead.
_DEAD_AFTER_S: Final = 300.0


def temporary_prefixes(client: Elasticsearch, *, stem: str) -> list[str]:
    """Prefixes of temporary shops, `{stem}-` and eight hexadecimal digits, that left an index or a template."""
    known = re.compile(rf"({re.escape(stem)}-[0-9a-f]{{8}})-(?:{'|'.join(KINDS)})(?:-[0-9]{{6}})?")
    indices = patient(
        "listing the indices",
        lambda: client.indices.get_settings(index=f"{stem}-*", filter_path="*.settings.index.uuid"),
    )
    templates = patient(
        "listing the index templates",
        lambda: client.indices.get_index_template(filter_path="index_templates.name"),
    )
    names = [*indices.body, *(entry["name"] for entry in templates.body.get("index_templates", []))]
    return sorted({match[1] for name in names if (match := known.fullmatch(name)) is not None})


def erase_shop(client: Elasticsearch, settings: Settings) -> None:
    """Delete all indices and templates of a shop, each by its name."""
    for kind in KINDS:
        alias = settings.index(kind)
        found = patient(
            "listing the indices",
            lambda alias=alias: client.indices.get_settings(index=f"{alias}-0*", filter_path="*.settings.index.uuid"),  # type: ignore[misc]  # lambda with defaults
        )
        for name in found.body:
            delete_index(client, name)
        patient(
            "deleting an index template",
            lambda alias=alias: client.options(ignore_status=404).indices.delete_index_template(name=alias),  # type: ignore[misc]  # lambda with defaults
        )


@contextmanager
def claimed(client: Elasticsearch, settings: Settings) -> Iterator[None]:
    """Say, again and again, that somebody is at work in this temporary shop."""
    store = ModelStore(client, alias=settings.index("models"))
    stop = threading.Event()

    def beat() -> None:
        while True:
            with suppress(ServerError, StoreError):  # made up for by the next one
                store.put(_CLAIM, _CLAIM, _claim())
            if stop.wait(_BEAT_S):
                return

    store.put(_CLAIM, _CLAIM, _claim())
    thread = threading.Thread(target=beat, name="temporary-shop", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def is_abandoned(client: Elasticsearch, settings: Settings) -> bool:
    """Whether nobody is at work in this temporary shop: its process is gone, or silent for five minutes."""
    try:
        record = ModelStore(client, alias=settings.index("models")).get(_CLAIM)
    except (ServerError, StoreError):
        record = None
    if record is None:
        return _age_s(client, settings) > _DEAD_AFTER_S
    body = record[0]["body"]
    if body["host"] == socket.gethostname():
        return not _runs(int(body["pid"]), float(body["started"]))
    return (datetime.now(UTC) - datetime.fromisoformat(body["seen"])).total_seconds() > _DEAD_AFTER_S


def _claim() -> dict[str, object]:
    process = psutil.Process()
    return {"host": socket.gethostname(), "pid": os.getpid(), "started": process.create_time(),
            "seen": datetime.now(UTC).isoformat()}  # fmt: skip


def _runs(pid: int, started: float) -> bool:
    try:
        return abs(psutil.Process(pid).create_time() - started) < 1.0
    except psutil.NoSuchProcess:
        return False


def _age_s(client: Elasticsearch, settings: Settings) -> float:
    """Seconds since the youngest index of the shop was made; none at all is old enough."""
    found = patient(
        "reading the age of the indices",
        lambda: client.indices.get_settings(index=f"{settings.prefix}-*", filter_path="*.settings.index.creation_date"),
    )
    made = [int(entry["settings"]["index"]["creation_date"]) for entry in found.body.values()]
    return datetime.now(UTC).timestamp() - max(made, default=0) / 1000.0
