"""`shop.dashboards`: the preview, and what dashboards read, with what recommendations and insight know of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from profilestore.indexing.parts import Parts
from profilestore.insight.insight import Insight
from profilestore.recommend.feedback.loop import Feedback
from profilestore.store.progress import Progress, silent

if TYPE_CHECKING:
    from profilestore.dashboards.previewing import Preview
    from profilestore.dashboards.refresh.refreshing import RefreshReport
    from profilestore.dashboards.refresh.told import Told

__all__ = ["Dashboards"]


class Dashboards:
    """The dashboards of one shop.

    Args:
        parts: the shop.
        feedback: what became of its recommendations.
        topics: those in force.
    """

    def __init__(self, parts: Parts, *, feedback: Feedback, topics: Callable[[], list[dict[str, Any]]]) -> None:
        self._parts = parts
        self._feedback = feedback
        self._topics = topics

    def preview(self, *, language: Literal["en", "zh"] = "en", users: Sequence[str] = ()) -> Preview:
        """All dashboards with their numbers of now as one page; `refresh` first, for those of today.

        Args:
            language: of the page.
            users: to choose among on *One customer*; a sample of 50 when empty.

        Raises:
            NotFound: one of the users is not known, or has switched personalisation off.
        """
        from profilestore.dashboards.previewing import make_preview

        return make_preview(self._parts.client, self._parts.settings, language=language, users=users)

    def refresh(self, *, rebuild: bool = False, progress: Progress = silent) -> RefreshReport:
        """Bring to the day what dashboards read beside the shop's own indices; quick when nothing is new.

        Args:
            rebuild: derive all of it again beside what is in force, and switch.
            progress: is told each step.
        """
        from profilestore.dashboards.refresh.refreshing import Refresh

        return Refresh(self._parts, self._told()).run(rebuild=rebuild, progress=progress)

    def _told(self) -> Told:
        """What dashboards show of recommendations and insight."""
        from profilestore.dashboards.refresh.told import Told
        from profilestore.features.sentiment.scoring import label_of
        from profilestore.recommend.feedback.attribution import outcomes
        from profilestore.recommend.feedback.loop import WINDOW_MS

        feedback, sentiment = self._feedback, Insight(self._parts).sentiment
        scorer = cache(sentiment.scorer)  # loaded once, and only where somebody wrote a review

        def score(texts: Sequence[str]) -> list[tuple[float | None, str | None]]:
            return [(found, None if found is None else label_of([found])) for found, _ in scorer().score(texts)]

        return Told(
            outcomes=lambda acts: outcomes(acts, window_ms=WINDOW_MS),
            score=score,
            scorer=sentiment.in_force,
            topics=self._topics,
            experiments=feedback.experiment_rows,
            signs=lambda: f"{self._parts.in_force.products.identity().meta.topics_model} {feedback.experiments.list()}",
        )
