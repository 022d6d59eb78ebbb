"""The record of a `recommend --all` run: who is at it, and how far it came, so that a killed one goes on.

One run a shop at a time. A run is taken over when its process is gone (told at once on the same machine) or
silent for a minute; whoever was only paused finds its record changed at the next step, and stops.
"""

from __future__ import annotations

import os
import platform
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from profilestore.documents import Revision
from profilestore.elastic.model_store import ModelStore
from profilestore.errors import StoreError

__all__ = ["NightlyRun", "RunRecord"]

RECORD: Final = "recommend-all"
_DEAD_AFTER: Final = timedelta(seconds=60)
# Lists of yesterday's run are not today's.
_RESUMABLE_FOR: Final = timedelta(hours=12)

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class NightlyRun:
    """How far a run came: all users up to and with `upto`, in order of their ids, have their list."""

    run: str
    options: str
    started: datetime
    upto: str | None = None
    written: int = 0
    finished: bool = False


class RunRecord:
    """The record in `{prefix}-models`, held by this process for the time of a run."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store
        self._revision: Revision | None = None
        self._latest: NightlyRun | None = None

    def take(self, options: str) -> tuple[NightlyRun, bool]:
        """The run to go on with and True, or a new one and False.

        Args:
            options: a fingerprint; a run of other options is not gone on with.

        Raises:
            StoreError: another run is under way.
        """
        stored = self._store.get(RECORD)
        now = datetime.now(UTC)
        run, resumed = NightlyRun(run=uuid.uuid4().hex, options=options, started=now), False
        if stored is not None:
            body, self._revision = stored[0]["body"], stored[1]
            if _alive(body, now):
                raise _under_way(body)
            former = _read(body)
            if not former.finished and former.options == options and now - former.started < _RESUMABLE_FOR:
                run, resumed = former, True
        self._put(run, owner=_own())
        return run, resumed

    def advance(self, run: NightlyRun, *, upto: str, written: int) -> NightlyRun:
        """Note that the users up to this one have their lists.

        Raises:
            StoreError: another process took the run over.
        """
        moved = replace(run, upto=upto, written=run.written + written)
        self._put(moved, owner=_own())
        return moved

    def finish(self, run: NightlyRun) -> None:
        """Note that every user has a list and no other is left."""
        self._put(replace(run, finished=True), owner=None)

    def release(self) -> None:
        """Let go of a run that failed, so that it can be gone on with at once from where it came to."""
        if self._latest is not None:
            self._put(self._latest, owner=None)

    def _put(self, run: NightlyRun, *, owner: Body | None) -> None:
        body = {
            "run": run.run,
            "options": run.options,
            "started": run.started.isoformat(),
            "upto": run.upto,
            "written": run.written,
            "finished": run.finished,
            "owner": owner,
            "seen": datetime.now(UTC).isoformat(),
        }
        revision = self._revision
        outcome = self._store.put(RECORD, RECORD, body, new=revision is None, expected=revision)
        if outcome.revision is None:
            raise StoreError("another `recommend --all` of this shop took over: this one stops.")
        self._revision, self._latest = outcome.revision, run


def _under_way(body: Body) -> StoreError:
    return StoreError(
        f"another `recommend --all` of this shop is under way (run {body['run'][:8]}, {body['written']:,} lists so "
        f"far). Wait for it; a killed one is taken over after {_DEAD_AFTER.total_seconds():.0f} s."
    )


def _read(body: Body) -> NightlyRun:
    return NightlyRun(
        run=body["run"],
        options=body["options"],
        started=datetime.fromisoformat(body["started"]),
        upto=body["upto"],
        written=body["written"],
        finished=body["finished"],
    )


def _own() -> dict[str, Any]:
    import psutil

    return {"host": platform.node(), "pid": os.getpid(), "born": psutil.Process().create_time()}


def _alive(body: Body, now: datetime) -> bool:
    owner = body["owner"]
    if owner is None or now - datetime.fromisoformat(body["seen"]) > _DEAD_AFTER:
        return False
    if owner["host"] != platform.node():
        return True
    import psutil

    try:
        # The number of a process is given out again; when it was born tells the two apart.
        return abs(float(psutil.Process(owner["pid"]).create_time()) - float(owner["born"])) < 1.0
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
