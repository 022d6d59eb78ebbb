"""`shop.insight`: run what is due, and read what was found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from profilestore.errors import NotFound, TooLittleData, UsageError
from profilestore.indexing.parts import Parts
from profilestore.insight.churn.lists import Churn
from profilestore.insight.demand.outcomes import Demands
from profilestore.insight.groups import GROUPS
from profilestore.insight.map.points import MapPoints
from profilestore.insight.odd.list import FlaggedUsers
from profilestore.insight.profiles import Written
from profilestore.insight.records import InsightRecord, InsightRecords
from profilestore.insight.segments.rule_segments import RuleSegments
from profilestore.insight.sensitive import check_without
from profilestore.insight.sentiment.sentiment import Sentiments
from profilestore.insight.steps import STEPS, Run, Step, step_named

__all__ = ["Insight", "StepReport"]

Progress = Callable[[str], None]
# What the log held when a record was made stands in its window, and a hash of the settings it was made under.
_EVENTS = "log_events"
_SETTINGS = "settings_hash"


@dataclass(frozen=True, slots=True)
class StepReport:
    """What became of one step.

    `done`; `current`: nothing happened since it was done last; `too little`: there is not enough data, the
    message says of what; `no better`: it does not beat its baseline. Only `done` has written profiles.
    """

    name: str
    status: Literal["done", "current", "too little", "no better"]
    message: str
    written: Written | None = None


class Insight:
    """Insight of one shop."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._records = InsightRecords(parts.store)

    @property
    def churn(self) -> Churn:
        """Who may stop buying: `customers` of a lifecycle, `why` somebody is thought to."""
        return Churn(self._parts)

    @property
    def segments(self) -> RuleSegments:
        """Segments by rule: `define`, `all`, `members`, `snapshot` …"""
        return RuleSegments(self._parts)

    @property
    def map(self) -> MapPoints:
        """Where profiles and products lie in two dimensions: `points`, `record`."""
        return MapPoints(self._parts)

    @property
    def odd(self) -> FlaggedUsers:
        """Who is flagged for a person to look at, and why: `all`."""
        return FlaggedUsers(self._parts)

    @property
    def demand(self) -> Demands:
        """The sales outlook: `weeks`, `all_weeks`, `products`."""
        return Demands(self._parts)

    def interests(self, user_id: str) -> dict[str, Any]:
        """What a user turns to now against before, and their next purchase: the fields of the group `interests`,
        `user_id` and `as_of`; nothing but None where nothing is told.

        Raises:
            NotFound: there is no such profile.
        """
        stored = self._parts.in_force.profiles.read_now([user_id])
        if user_id not in stored:
            raise NotFound(f"no profile of user {user_id} in this shop.", kind="user", id=user_id)
        source = stored[user_id].source
        known = {} if source.get("personalisation") == "off" else source
        as_of = (known.get("insight_as_of") or {}).get("interests")
        return {"user_id": user_id, "as_of": as_of, **{name: known.get(name) for name in GROUPS["interests"]}}

    @property
    def sentiment(self) -> Sentiments:
        """What reviews say: `train`, `score`, `of`, `about_product`, `about_user`."""
        return Sentiments(self._parts)

    def run(
        self,
        names: Sequence[str] = (),
        *,
        as_of: datetime | None = None,
        force: bool = False,
        seed: int = 7,
        progress: Progress = lambda step: None,
    ) -> list[StepReport]:
        """Do all that is due, or the steps named whether they are or not; goes on where one has too little data.

        Args:
            names: of steps; all that are due when empty. A step is due when the log or a setting of insight has
                changed since, or it was done as of an earlier time.
            as_of: only acts before it count; the end of the log when None.
            force: do also what is not due, and write what does not beat its baseline.
            seed: of all random draws; the same data and seed give the same result.
            progress: is told each step.

        Raises:
            UsageError: there is no step of such a name.
        """
        unknown = [name for name in names if step_named(name) is None]
        if len(unknown) > 0:
            known = ", ".join(step.name for step in STEPS)
            raise UsageError(f"insight has no step {unknown[0]}: there are {known}.")
        side = self._parts.in_force
        side.folder.fold_pending()
        log = side.log.identity()
        side.log.refresh(log)
        events = side.log.count(log)
        check_without(self._parts.settings, side.profiles)
        run = Run(self._parts, as_of=as_of, force=force, seed=seed, progress=progress)
        reports: list[StepReport] = []
        for step in STEPS:
            if len(names) > 0 and step.name not in names:
                continue
            if len(names) == 0 and not force and as_of is None and not self._is_due(step, events):
                reports.append(
                    StepReport(step.name, "current", "nothing new in the event log or the settings since it was done")
                )
                continue
            reports.append(self._do(step, run, events))
        return reports

    def _is_due(self, step: Step, events: int) -> bool:
        record = None if step.always else self._records.find(step.name)
        done = {} if record is None else record.window
        return done.get(_EVENTS) != events or done.get(_SETTINGS) != self._parts.settings.insight_fingerprint()

    def _do(self, step: Step, run: Run, events: int) -> StepReport:
        run.progress(step.name)
        try:
            outcome = step.derive(run)
        except TooLittleData as error:
            return StepReport(step.name, "too little", str(error))
        # As of an earlier time, it does not know all that the log held.
        outcome.record.window[_EVENTS] = events if run.as_of is None else None
        outcome.record.window[_SETTINGS] = self._parts.settings.insight_fingerprint()
        self._records.save(outcome.record)
        if outcome.record.accepted or run.force:
            return StepReport(step.name, "done", outcome.message, outcome.written)
        held = run.profiles.holding(step.name)
        message = outcome.message
        if held > 0:
            message = f"{message.rstrip('.')}. What an earlier run wrote stays, with its date, in {held:,} profiles."
        return StepReport(step.name, "no better", message, outcome.written)

    def results(self) -> list[InsightRecord]:
        """The results there are, in the order of the steps."""
        found = [self._records.find(step.name) for step in STEPS]
        return [record for record in found if record is not None]

    def result(self, name: str) -> InsightRecord:
        """The result of a step: its data window, settings, validation figures, tables and card.

        Raises:
            NotFound: it was not made yet.
        """
        return self._records.get(name)
