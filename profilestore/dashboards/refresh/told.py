"""What refresh is told by other stages: they are siblings of dashboards, so whoever wires them hands it in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from profilestore.elastic.feedback_log import LoggedAct

__all__ = ["Outcomes", "Shown", "Told"]


class Shown(Protocol):
    """What came of one impression."""

    @property
    def clicked(self) -> bool:
        """It was clicked."""

    @property
    def converted(self) -> bool:
        """Its product was bought, clicked or not."""


# Of one user's impressions, clicks and purchases in order of time: what came of each impression, by its place.
Outcomes = Callable[[Sequence[LoggedAct]], Mapping[int, Shown]]
# Of texts: a score from -1 to 1 each, None where one says nothing, and a label.
Score = Callable[[Sequence[str]], Sequence[tuple[float | None, str | None]]]


def _nothing(acts: Sequence[LoggedAct]) -> Mapping[int, Shown]:
    return {}


def _silent(texts: Sequence[str]) -> Sequence[tuple[float | None, str | None]]:
    return [(None, None)] * len(texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What other stages tell.

    Attributes:
        outcomes: as `feedback report` counts clicks and conversions.
        score: of reviews, by what is in force.
        scorer: names what is in force; reviews are scored again when it changes.
        topics: `topic`, `words`, `products` of each topic in force.
        experiments: a row a method of each experiment, with the fields of `FigureDocument`.
        signs: changes whenever topics or experiments may.
    """

    outcomes: Outcomes = _nothing
    score: Score = _silent
    scorer: Callable[[], str] = str
    topics: Callable[[], Sequence[Mapping[str, Any]]] = list
    experiments: Callable[[], Sequence[Mapping[str, Any]]] = list
    signs: Callable[[], str] = field(default=str)
