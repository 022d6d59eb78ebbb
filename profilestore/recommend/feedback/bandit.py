"""A Thompson-sampling bandit among methods (Thompson 1933; Chapelle and Li 2011).

Of each method the log tells clicks and impressions, the latter weighted by how much their positions are
looked at (`positions.py`), so that a method is not better for the places it was given. Its click rate then
has a Beta posterior. For each user a rate is drawn from every posterior, and the method of the highest one
is taken: who does well is shown more, and who is little known still gets a try.

Posteriors hold for a period (a day by default) and are made once, of what the log had when it began. The
draw is seeded by user and period. So a user gets the same method all day, in every process, and why can
be told later from the stored posteriors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from profilestore.elastic.model_store import ModelStore

__all__ = ["Bandit", "Posteriors", "choose"]

_KIND: Final = "bandit"
# So many periods stay, for who asks why a user got a method.
_KEPT: Final = 60

# By method: clicks, and impressions weighted by how much their positions are looked at.
Evidence = Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Posteriors:
    """What was known of each method when a period began."""

    period_start: datetime
    evidence: Evidence

    def beta(self, method: str) -> tuple[float, float]:
        """The parameters of a method's Beta posterior, from a flat prior."""
        clicks, exposure = self.evidence.get(method, (0.0, 0.0))
        return 1.0 + clicks, 1.0 + max(0.0, exposure - clicks)


def choose(posteriors: Posteriors, methods: Sequence[str], *, user_id: str) -> str:
    """The method of this user in this period; the same whenever it is asked, in whatever order they stand."""
    import numpy as np

    seed = hashlib.sha256(f"{posteriors.period_start.isoformat()}\0{user_id}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(seed[:16], "big"))
    drawn = {method: float(rng.beta(*posteriors.beta(method))) for method in sorted(set(methods))}
    return max(drawn, key=lambda method: drawn[method])


class Bandit:
    """The posteriors of one shop, made once a period and kept in `{prefix}-models`.

    Args:
        store: the models of the shop.
        measure: reads from the log what came of each method between two times.
        period_hours: how long posteriors hold.
        memory_days: how far back the log is read, so that what was true long ago is forgotten.
    """

    def __init__(
        self,
        store: ModelStore,
        *,
        measure: Callable[[datetime, datetime], Evidence],
        period_hours: float,
        memory_days: float,
    ) -> None:
        self._store = store
        self._measure = measure
        self._period = timedelta(hours=period_hours)
        self._memory = timedelta(days=memory_days)
        self._known: Posteriors | None = None

    def current(self, now: datetime | None = None) -> Posteriors:
        """The posteriors of the period that it is, made if nobody has yet: that reads the log and may take a while."""
        start = self._start(datetime.now(UTC) if now is None else now)
        if self._known is not None and self._known.period_start == start:
            return self._known
        record = f"{_KIND}-{start:%Y%m%dT%H%M%S}-{self._period.total_seconds():.0f}"
        stored = self._store.get(record)
        if stored is None:
            methods = {name: list(each) for name, each in self._measure(start - self._memory, start).items()}
            body = {"period_start": start.isoformat(), "methods": methods}
            if self._store.put(record, _KIND, body, new=True).ok:
                self._forget_old()
            stored = self._store.get(record)  # another process may have been first, and its word holds
        if stored is not None:
            methods = stored[0]["body"]["methods"]
        self._known = Posteriors(start, {name: (clicks, shown) for name, (clicks, shown) in methods.items()})
        return self._known

    def _start(self, now: datetime) -> datetime:
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        return epoch + self._period * ((now - epoch) // self._period)

    def _forget_old(self) -> None:
        for record, _ in self._store.list(_KIND)[:-_KEPT]:
            self._store.delete(record)
