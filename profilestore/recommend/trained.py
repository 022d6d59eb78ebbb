"""What a shop has trained, as far as answers depend on it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

__all__ = ["Trained", "TrainedNow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """The trained spaces, and what validation chose: see `documents.IndexMeta` for the last three."""

    spaces: frozenset[str] = frozenset()
    taste_form: Literal["dense", "sparse"] = "dense"
    hybrid_boosts: tuple[tuple[str, float], ...] = ()
    auto_methods: tuple[tuple[int, str], ...] = ()
    # what `feedback apply` multiplies the boosts by
    boost_factors: tuple[tuple[str, float], ...] = ()

    @property
    def sparse_taste(self) -> bool:
        """Whether taste is asked with the profile's weights by product, not with its vector."""
        return "taste" in self.spaces and self.taste_form == "sparse"


class TrainedNow:
    """`Trained`, read from the index at most once a minute, and anew when a vector is missing.

    Safe to share between threads.
    """

    def __init__(self, read: Callable[[], Trained], *, max_age_s: float = 60.0) -> None:
        self._read = read
        self._max_age_s = max_age_s
        self._lock = threading.Lock()
        self._known: tuple[float, Trained] | None = None

    def current(self) -> Trained:
        """As last read."""
        known = self._known
        if known is not None and time.monotonic() - known[0] < self._max_age_s:
            return known[1]
        return self.read_anew()

    def read_anew(self) -> Trained:
        """As it is now."""
        with self._lock:
            trained = self._read()
            self._known = (time.monotonic(), trained)
            return trained
