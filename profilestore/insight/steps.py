"""What `insight run` does, in order. To add a step, add its line to STEPS: name, where it is, what it is.

A step is a function `(run: Run) -> Outcome`. It reads `run.history` (read once for all steps) or the profiles,
writes fields by `run.profiles.write`, and raises `TooLittleData` with a sentence before it has written anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib import import_module
from typing import Final

from profilestore.indexing.parts import Parts
from profilestore.insight.backgrounds import Backgrounds, read_backgrounds
from profilestore.insight.history import History
from profilestore.insight.profiles import InsightProfiles, Written
from profilestore.insight.reading import read_history
from profilestore.insight.records import InsightRecord, InsightRecords
from profilestore.settings import Settings

__all__ = ["STEPS", "Outcome", "Run", "Step", "step_named"]


@dataclass(frozen=True)
class Step:
    """One part of insight, not imported yet; `target` is `module:function` within this package.

    `always`: it is due though the log has not changed, since it depends on the time or on the other steps.
    """

    name: str
    target: str
    help: str
    always: bool = False

    def derive(self, run: Run) -> Outcome:
        """Do it.

        Raises:
            TooLittleData: there is not enough to say anything; nothing was written.
        """
        module, _, name = self.target.partition(":")
        function: Callable[[Run], Outcome] = getattr(import_module(f"profilestore.insight.{module}"), name)
        return function(run)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step found and did. `record.accepted` is False where it does not beat its baseline: then nothing
    was written, unless the run was forced. `message` is one line for a person."""

    record: InsightRecord
    message: str
    written: Written | None = None


class Run:
    """What the steps of one run share.

    Attributes:
        force: write also what does not beat its baseline.
        seed: of all random draws.
        progress: is told each step of the work.
    """

    def __init__(
        self,
        parts: Parts,
        *,
        as_of: datetime | None = None,
        force: bool = False,
        seed: int = 7,
        progress: Callable[[str], None] = lambda step: None,
    ) -> None:
        self.parts = parts
        self.force = force
        self.seed = seed
        self.progress = progress
        self._as_of = as_of

    @property
    def as_of(self) -> datetime | None:
        """Only what was before it counts; None for all there is."""
        return self._as_of

    @property
    def settings(self) -> Settings:
        """The shop's settings."""
        return self.parts.settings

    @cached_property
    def profiles(self) -> InsightProfiles:
        """Reads profiles, and writes insight's fields."""
        return InsightProfiles(self.parts.in_force.profiles)

    @cached_property
    def records(self) -> InsightRecords:
        """The results of all models."""
        return InsightRecords(self.parts.store)

    @cached_property
    def backgrounds(self) -> Backgrounds:
        """Gender, age band and region of users, for the figures by group; read when a step first asks."""
        return read_backgrounds(self.profiles)

    @cached_property
    def history(self) -> History:
        """The log before `as_of`; read when a step first asks."""
        self.progress("reading the event log")
        return read_history(self.parts, as_of=self._as_of, progress=self.progress)


STEPS: Final[tuple[Step, ...]] = (
    Step("value", "value.step:derive_value", "Recency, frequency, monetary scores and value tiers."),
    Step("lifetime", "value.lifetime:derive_lifetime", "Expected purchases and spend of 90 days."),
    Step(
        "segments",
        "segments.step:derive_segments",
        "Segments by what users turn to and how they shop.",
    ),
    Step("churn", "churn.step:derive_churn", "Who is likely to stop buying, why, and the lifecycle."),
    Step(
        "rules",
        "segments.rule_step:derive_rules",
        "Who is in which rule segment now.",
        always=True,
    ),
    Step("odd", "odd.step:derive_odd", "Users whose behaviour a person should look at, and why."),
    Step(
        "map",
        "map.step:derive_map",
        "Profiles and products in two dimensions, for a scatter plot.",
    ),
    Step(
        "propensity",
        "propensity.step:derive_propensity",
        "Chances of a purchase in 30 days, over all and by main category.",
    ),
    Step(
        "sentiment",
        "sentiment.sentiment:derive_sentiment",
        "What reviews say, by user and product.",
    ),
    Step(
        "interests",
        "interests.step:derive_interests",
        "What users turn to, and when they buy again.",
    ),
    Step("demand", "demand.step:derive_demand", "What will be sold in the next four weeks."),
)


def step_named(name: str) -> Step | None:
    """The step of a name."""
    return next((step for step in STEPS if step.name == name), None)
