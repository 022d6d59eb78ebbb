"""Which click and which purchase belongs to which impression.

An impression is one product of one list shown to one user: the same request id and product again, as when
a page is drawn twice, is the same impression. A click belongs to the impression of its request and
product, or without a request id to the latest one of that product; any further click on it is a duplicate.
A purchase belongs to the latest impression of the product that was clicked, else to the latest one shown.
Both count within a window after the impression. A user's acts are taken in order of time, and only what
was shown within the window is held.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Final

from profilestore.elastic.feedback_log import LoggedAct

__all__ = ["UNKNOWN", "Attribution", "Figures", "Shown", "Unmatched", "UserFigures", "attribute", "outcomes"]

# An impression or click that does not say by which method.
UNKNOWN: Final = "unknown"


@dataclass(slots=True, kw_only=True)
class Shown:
    """An impression and what came of it. `converted`: bought within the window, clicked or not."""

    user_id: str
    product_id: str
    time_ms: int
    method: str
    position: int | None
    request_id: str | None
    clicked: bool = False
    converted: bool = False


@dataclass(slots=True)
class Figures:
    """How often something was shown, and what came of it. `bought_clicked` are those of `conversions` that were
    clicked before."""

    impressions: int = 0
    clicks: int = 0
    conversions: int = 0
    bought_clicked: int = 0

    def add(self, shown: Shown) -> None:
        """Count one impression."""
        self.impressions += 1
        self.clicks += shown.clicked
        self.conversions += shown.converted
        self.bought_clicked += shown.clicked and shown.converted


# By method and position, None where the app did not say it.
UserFigures = dict[tuple[str, int | None], Figures]


@dataclass(slots=True)
class Unmatched:
    """What belongs to no impression: clicks by method, and clicks on what was clicked already."""

    clicks: dict[str, int] = field(default_factory=dict)
    duplicate_clicks: int = 0
    duplicate_impressions: int = 0


class Attribution:
    """The impressions of one user that may still be clicked or bought.

    Args:
        window_ms: how long after it was shown an act may belong to an impression.
        done: is handed each impression when nothing can come of it any more.
        unmatched: counts what belongs to none.
        counted_from_ms: clicks from then on count as unmatched; those before belong to another time.
        counted_to_ms: and up to then.
    """

    def __init__(
        self,
        *,
        window_ms: int,
        done: Callable[[Shown], None],
        unmatched: Unmatched,
        counted_from_ms: float = float("-inf"),
        counted_to_ms: float = float("inf"),
    ) -> None:
        self._window_ms = window_ms
        self._done = done
        self._unmatched = unmatched
        self._from_ms, self._to_ms = counted_from_ms, counted_to_ms
        self._open: deque[Shown] = deque()
        self._by_request: dict[tuple[str, str], Shown] = {}
        self._by_product: dict[str, list[Shown]] = {}
        # Clicks whose impression has a later time, as from two clocks.
        self._early: deque[LoggedAct] = deque()

    def take(self, act: LoggedAct) -> Shown | None:
        """The user's next act in order of time; the impression that it is, unless it repeats one."""
        self._close_before(act.time_ms - self._window_ms)
        if act.type == "impression":
            return self._show(act)
        if act.type == "click":
            self._click(act)
        else:
            self._buy(act)
        return None

    def finish(self) -> None:
        """The user's acts are over."""
        self._close_before(float("inf"))

    def _show(self, act: LoggedAct) -> Shown | None:
        if act.request_id is not None and (act.request_id, act.product_id) in self._by_request:
            self._unmatched.duplicate_impressions += 1
            return None
        shown = Shown(
            user_id=act.user_id,
            product_id=act.product_id,
            time_ms=act.time_ms,
            method=UNKNOWN if act.method is None else act.method,
            position=act.position,
            request_id=act.request_id,
        )
        self._open.append(shown)
        self._by_product.setdefault(act.product_id, []).append(shown)
        if act.request_id is None:
            return shown
        self._by_request[act.request_id, act.product_id] = shown
        for click in [c for c in self._early if (c.request_id, c.product_id) == (act.request_id, act.product_id)]:
            self._early.remove(click)
            self._credit_click(shown)
        return shown

    def _click(self, act: LoggedAct) -> None:
        if act.request_id is not None:
            shown = self._by_request.get((act.request_id, act.product_id))
            if shown is None:
                self._early.append(act)
                return
        else:
            shown = next(
                (s for s in reversed(self._by_product.get(act.product_id, [])) if act.method in (None, s.method)), None
            )
            if shown is None:
                self._miss(act)
                return
        self._credit_click(shown)

    def _credit_click(self, shown: Shown) -> None:
        if shown.clicked:
            self._unmatched.duplicate_clicks += 1
        shown.clicked = True

    def _miss(self, click: LoggedAct) -> None:
        if self._from_ms <= click.time_ms < self._to_ms:
            method = UNKNOWN if click.method is None else click.method
            self._unmatched.clicks[method] = self._unmatched.clicks.get(method, 0) + 1

    def _buy(self, act: LoggedAct) -> None:
        candidates = self._by_product.get(act.product_id, [])
        latest = next((s for s in reversed(candidates) if s.clicked), candidates[-1] if len(candidates) > 0 else None)
        if latest is not None:
            latest.converted = True

    def _close_before(self, time_ms: float) -> None:
        while len(self._early) > 0 and self._early[0].time_ms < time_ms:
            self._miss(self._early.popleft())
        while len(self._open) > 0 and self._open[0].time_ms < time_ms:
            shown = self._open.popleft()
            same = self._by_product[shown.product_id]
            same.remove(shown) if len(same) > 1 else self._by_product.pop(shown.product_id)
            if shown.request_id is not None:
                del self._by_request[shown.request_id, shown.product_id]
            self._done(shown)


def outcomes(acts: Iterable[LoggedAct], *, window_ms: int) -> dict[int, Shown]:
    """What came of each impression among one user's acts in order of time, by its place; repeated ones have none."""
    held = Attribution(window_ms=window_ms, done=lambda shown: None, unmatched=Unmatched())
    taken = [held.take(act) for act in acts]
    held.finish()
    return {place: shown for place, shown in enumerate(taken) if shown is not None}


def attribute(
    acts: Iterable[LoggedAct],
    *,
    window_ms: int,
    since: datetime | None = None,
    until: datetime | None = None,
    unmatched: Unmatched | None = None,
) -> Iterator[tuple[str, UserFigures]]:
    """By user, what came of the impressions of a time, for acts sorted by user and time.

    Only who was shown something is named. One user's figures and what they were shown within one window
    are in memory at a time.
    """
    counts = Unmatched() if unmatched is None else unmatched
    from_ms = float("-inf") if since is None else since.timestamp() * 1000.0
    to_ms = float("inf") if until is None else until.timestamp() * 1000.0
    for user_id, own in groupby(acts, key=lambda act: act.user_id):
        figures: UserFigures = {}

        def count(shown: Shown, figures: UserFigures = figures) -> None:
            if from_ms <= shown.time_ms < to_ms:
                figures.setdefault((shown.method, shown.position), Figures()).add(shown)

        held = Attribution(
            window_ms=window_ms, done=count, unmatched=counts, counted_from_ms=from_ms, counted_to_ms=to_ms
        )
        for act in own:
            held.take(act)
        held.finish()
        if len(figures) > 0:
            yield user_id, figures
