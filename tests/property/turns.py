"""Processes that take turns: one step of one of them at a time, in an order that a test draws, and some are killed.

Each runs in a thread of its own that waits for its turn before each thing it does to what they share.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class Killed(BaseException):
    """This process does nothing any more."""


class Turns:
    """The steps of one process. `killed_at` is the number of the step in which it dies."""

    def __init__(self, work: Callable[[Turns], Any], *, killed_at: int | None = None) -> None:
        self.killed_at = killed_at
        self.result: Any = None
        self.error: BaseException | None = None
        self.over = False
        self._steps = 0
        self._may = threading.Semaphore(0)
        self._did = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[Turns], Any]) -> None:
        self._may.acquire()
        try:
            self.result = work(self)
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001  told to the test, in its own thread
            self.error = error
        self.over = True
        self._did.release()

    def take(self) -> bool:
        """Do one step; False when there is none left."""
        if self.over:
            return False
        self._may.release()
        assert self._did.acquire(timeout=30), "a process hangs"
        if self.error is not None:
            raise self.error
        return True

    def end(self) -> None:
        """Do all that is left."""
        while self.take():
            pass

    def step(self, act: Callable[[bool], Any]) -> Any:
        """Called by the process: `act` when it has its turn, told whether it dies in the middle of it."""
        self._did.release()
        self._may.acquire()
        dies = self._steps == self.killed_at
        self._steps += 1
        done = act(dies)
        if dies:
            raise Killed
        return done
