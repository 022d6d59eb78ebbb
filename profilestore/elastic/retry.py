"""One way to wait for Elasticsearch: through a restart, an overload or a switch of generations.

Every write of this package may be sent twice: events are created under their id, profiles and
products are written under the revision they were read at. So a call whose answer was lost is sent again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Final, TypeVar

from elastic_transport import ConnectionError as TransportConnectionError
from elastic_transport import ConnectionTimeout
from elasticsearch import ApiError

from profilestore.elastic.client import translated

__all__ = ["RETRY_FOR_S", "patient", "wait"]

T = TypeVar("T")

# A restart of a node takes 10 to 60 s.
RETRY_FOR_S: Final = 120.0
_BUSY: Final = frozenset((429, 502, 503, 504))
_LONGEST_WAIT_S: Final = 5.0


def wait(attempt: int) -> None:
    """Sleep with full jitter, longer with each attempt (0, 1, 2 …), so that rivals do not meet again."""
    time.sleep(random.uniform(0.0, min(_LONGEST_WAIT_S, 0.02 * 2.0**attempt)))


def patient(action: str, call: Callable[[], T], *, retry_for_s: float = RETRY_FOR_S) -> T:
    """Make a call that may be repeated; wait while the server is away or overloaded.

    Raises:
        ServerUnavailable: it stayed away for `retry_for_s`.
        AccessDenied, NotInitialised, ServerError: it answered, and no.
    """
    deadline = time.monotonic() + retry_for_s
    attempt = 0
    while True:
        with translated(action):
            try:
                return call()
            except (TransportConnectionError, ConnectionTimeout):
                if time.monotonic() >= deadline:
                    raise
            except ApiError as error:
                if error.status_code not in _BUSY or time.monotonic() >= deadline:
                    raise
        attempt += 1
        # A server that is starting up refuses at once: do not ask it more than a few times a second.
        time.sleep(min(_LONGEST_WAIT_S, 0.1 * 2.0 ** min(attempt, 6)) * random.uniform(0.5, 1.0))
