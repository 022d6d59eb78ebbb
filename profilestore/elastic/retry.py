"""One way to wait for Elasticsearch: through a restart, an overload or a switch of generations.

Every write of this package may be sent twice: events are created under their id, profiles and
products are written under the revision they were read at. So a call whose answer was lost is sent again.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import Final, TypeVar

from elastic_transport import ConnectionError as TransportConnectionError
from elastic_transport import ConnectionTimeout
from elasticsearch import ApiError

from profilestore.elastic.client import translated
from profilestore.errors import ServerUnavailable

__all__ = ["RETRY_FOR_S", "BlockWait", "NotYet", "patient", "wait"]

T = TypeVar("T")
_log = logging.getLogger(__name__)

# A restart of a node takes 10 to 60 s.
RETRY_FOR_S: Final = 120.0
_BUSY: Final = frozenset((429, 502, 503, 504))
_LONGEST_WAIT_S: Final = 5.0
# A person who waits is told why, once; a short stutter is not worth a line.
_SAY_AFTER_S: Final = 3.0
# A switch blocks writes for as long as its last catch-up takes; longer than this, its process may be dead.
_ASK_AFTER_S: Final = 10.0


class NotYet(Exception):
    """Raised within a `patient` call whose answer, though 200, lacks what a shard that is starting cannot say yet."""


def wait(attempt: int) -> None:
    """Sleep with full jitter, longer with each attempt (0, 1, 2 …), so that rivals do not meet again."""
    time.sleep(random.uniform(0.0, min(_LONGEST_WAIT_S, 0.02 * 2.0**attempt)))


class BlockWait:
    """Waits while a switch of generations refuses writes, and asks now and then whether its build is still alive."""

    def __init__(self, ask: Callable[[], object] = lambda: None) -> None:
        self._ask = ask
        self._started = self._asked = time.monotonic()
        self._attempt = 0

    def go_on(self) -> bool:
        """Sleep a little; False when it has taken too long and the caller should give up."""
        now = time.monotonic()
        if now - self._started > RETRY_FOR_S:
            return False
        if now - self._asked > _ASK_AFTER_S:
            self._asked = now
            self._ask()
        time.sleep(random.uniform(0.0, min(1.0, 0.05 * 2.0 ** min(self._attempt, 6))))
        self._attempt += 1
        return True


def patient(action: str, call: Callable[[], T], *, retry_for_s: float = RETRY_FOR_S) -> T:
    """Make a call that may be repeated; wait while the server is away or overloaded.

    Raises:
        ServerUnavailable: it stayed away for `retry_for_s`.
        AccessDenied, NotInitialised, ServerError: it answered, and no.
    """
    started = time.monotonic()
    deadline = started + retry_for_s
    attempt, told = 0, False
    while True:
        with translated(action):
            try:
                return call()
            except NotYet as error:
                if time.monotonic() >= deadline:
                    raise ServerUnavailable(
                        f"{action}: a shard does not start. Look at `profilestore doctor`."
                    ) from error
            except (TransportConnectionError, ConnectionTimeout):
                if time.monotonic() >= deadline:
                    raise
            except ApiError as error:
                if error.status_code not in _BUSY or time.monotonic() >= deadline:
                    raise
        attempt += 1
        if not told and time.monotonic() - started > _SAY_AFTER_S:
            told = True
            _log.warning("%s: Elasticsearch does not answer; trying for %.0f s", action, retry_for_s)
        # A server that is starting up refuses at once: do not ask it more than a few times a second.
        time.sleep(min(_LONGEST_WAIT_S, 0.1 * 2.0 ** min(attempt, 6)) * random.uniform(0.5, 1.0))
