"""`Feedback`: a shop's loop, from what was shown to the next request. `shop.feedback` is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from profilestore.documents import IndexMeta
from profilestore.elastic.feedback_log import FeedbackLog
from profilestore.errors import UsageError
from profilestore.indexing.generation import BuildReport
from profilestore.indexing.parts import Parts
from profilestore.recommend.feedback.attribution import Unmatched, attribute
from profilestore.recommend.feedback.bandit import Bandit, Evidence
from profilestore.recommend.feedback.choosing import EXPERIMENT_METHODS
from profilestore.recommend.feedback.experiments import Experiments
from profilestore.recommend.feedback.factors import Factors
from profilestore.recommend.feedback.report import FeedbackReport, make_report
from profilestore.recommend.feedback.tally import Tally
from profilestore.recommend.feedback.verdict import METRICS, ExperimentReport, compare_arms, rows_of
from profilestore.recommend.feedback.weighting import check_event_weights, factors_of

__all__ = ["Feedback", "SpaceWeights", "TypeWeights", "make_bandit"]

WINDOW_DAYS: Final = 7.0
WINDOW_MS: Final = int(timedelta(days=WINDOW_DAYS).total_seconds() * 1000)
# Nobody clicks on yesterday's list; what is clicked later still counts in the report.
_BANDIT_WINDOW: Final = timedelta(days=1)

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceWeights:
    """Boosts of the hybrid's spaces: of the model in force, what they are multiplied by, and what they become.

    `evidence` has, by method, clicks and impressions weighted by how much their positions are looked at.
    """

    boosts: dict[str, float]
    factors: dict[str, float]
    becomes: dict[str, float]
    evidence: dict[str, tuple[float, float]]
    applied: bool

    def to_json_dict(self) -> dict[str, Any]:
        """As printed by `--json`."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeWeights:
    """Weights of event types over those of the settings; `build` is None where nothing had to be folded."""

    before: dict[str, float]
    weights: dict[str, float]
    build: BuildReport | None

    def to_json_dict(self) -> dict[str, Any]:
        """As printed by `--json`."""
        return asdict(self)


class Feedback:
    """What was shown in a shop, what came of it, and what follows from that.

    Args:
        parts: of the shop.
        boosts: reads the boosts of the hybrid in force, before any feedback.
        renew: makes the answers of this process know at once what was applied.
    """

    def __init__(
        self, parts: Parts, *, boosts: Callable[[], Mapping[str, float]], renew: Callable[[], object] = lambda: None
    ) -> None:
        self._parts = parts
        self._boosts = boosts
        self._renew = renew
        self._log = FeedbackLog(parts.client, alias=parts.settings.index("events"))
        self._factors = Factors(parts.store)

    @property
    def experiments(self) -> Experiments:
        """The experiments of the shop: `create`, `list`, `get`, `stop`."""
        return Experiments(self._parts.store, methods=EXPERIMENT_METHODS)

    def report(
        self, *, since: datetime | None = None, until: datetime | None = None, window_days: float = WINDOW_DAYS
    ) -> FeedbackReport:
        """CTR and conversion by method, with intervals and position correction.

        Args:
            since: of the impressions, inclusive; from the beginning when None. Naive times are UTC.
            until: of the impressions, exclusive; up to now when None.
            window_days: how long after it was shown a click or purchase belongs to an impression.

        Raises:
            UsageError: times or a window that cannot be meant.
        """
        since, until = _utc(since), _utc(until)
        unmatched = Unmatched()
        tally = self._tally(since, until, window=_window(window_days, since, until), unmatched=unmatched)
        return make_report(tally, unmatched=unmatched, window_days=window_days, since=since, until=until)

    def experiment_report(
        self, name: str, *, metric: str = "ctr", effect: float = 0.1, window_days: float = WINDOW_DAYS
    ) -> ExperimentReport:
        """The difference between an experiment's methods, and whether anything can be concluded.

        Args:
            name: of the experiment; its impressions are those that name it, from its start to its end.
            metric: ctr or conversion, per impression.
            effect: the relative difference that would matter: 0.1 for a tenth more.
            window_days: as in `report`.

        Raises:
            NotFound: there is no such experiment.
            UsageError: a metric, effect or window that cannot be meant.
        """
        found = self.experiments.get(name)
        window = _window(window_days, None, None)
        acts = self._log.acts(since=found.start, until=found.end, window=window, experiment=name)
        users = attribute(acts, window_ms=_ms(window), since=found.start, until=found.end)
        return compare_arms(found, users, now=datetime.now(UTC), metric=metric, effect=effect)

    def experiment_rows(self) -> list[dict[str, Any]]:
        """A row a method and metric of every experiment, for tables: rates and differences with their intervals."""
        found = self.experiments.list()
        reports = [self.experiment_report(each.name, metric=metric) for each in found for metric in METRICS]
        return [row for report in reports for row in rows_of(report)]

    def apply(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        window_days: float = WINDOW_DAYS,
        dry_run: bool = False,
    ) -> SpaceWeights:
        """Scale the boosts of the hybrid's spaces by the success of their own lists: in force with the next request
        of this process, and within a minute of every other. Nothing is trained or built.

        Raises:
            UsageError: times or a window that cannot be meant.
        """
        since, until = _utc(since), _utc(until)
        tally = self._tally(since, until, window=_window(window_days, since, until), unmatched=Unmatched())
        evidence, boosts = dict(tally.exposure()), dict(self._boosts())
        factors = factors_of(evidence, boosts)
        if not dry_run:
            self._factors.write(factors, evidence)
            self._renew()
        becomes = {space: boost * factors[space] for space, boost in boosts.items()}
        return SpaceWeights(boosts=boosts, factors=factors, becomes=becomes, evidence=evidence, applied=not dry_run)

    def reset(self) -> None:
        """Take back what `apply` did to the boosts: those of the model in force hold again."""
        self._factors.remove()
        self._renew()

    def apply_event_weights(
        self, weights: Mapping[str, float] | None, *, progress: Progress = lambda step: None
    ) -> TypeWeights:
        """Give event types other weights than the settings: all profiles are folded anew beside those in force and
        switched in at once, for every process. Events that come meanwhile are in. None takes the settings' again.

        Raises:
            UsageError: a type or weight that cannot be meant.
            StoreError: another build is under way.
        """
        checked = None if weights is None else check_event_weights(weights)
        before = dict(self._parts.in_force.products.identity().meta.event_weights or {})

        def changed(meta: IndexMeta) -> dict[str, float]:
            return {} if checked is None else {**(meta.event_weights or {}), **checked}

        after = {} if checked is None else {**before, **checked}
        if after == before:
            return TypeWeights(before=before, weights=after, build=None)
        build = self._parts.builder.build(
            change=lambda meta: meta.model_copy(update={"event_weights": changed(meta) or None}), progress=progress
        )
        self._renew()
        return TypeWeights(before=before, weights=after, build=build)

    def _tally(
        self, since: datetime | None, until: datetime | None, *, window: timedelta, unmatched: Unmatched
    ) -> Tally:
        acts = self._log.acts(since=since, until=until, window=window)
        return Tally.of(attribute(acts, window_ms=_ms(window), since=since, until=until, unmatched=unmatched))


def make_bandit(parts: Parts) -> Bandit:
    """The bandit of a shop, on its log."""
    log = FeedbackLog(parts.client, alias=parts.settings.index("events"))

    def measure(since: datetime, until: datetime) -> Evidence:
        # What was clicked after `until` is not known yet when the period begins, and must not be when it is read later.
        acts = log.acts(since=since, until=until, window=_BANDIT_WINDOW, purchases=False)
        known = (act for act in acts if act.time_ms < until.timestamp() * 1000)
        users = attribute(known, window_ms=_ms(_BANDIT_WINDOW), since=since, until=until)
        return Tally.of(users).exposure()

    settings = parts.settings
    return Bandit(
        parts.store,
        measure=measure,
        period_hours=settings.bandit_period_hours,
        memory_days=settings.bandit_memory_days,
    )


def _window(days: float, since: datetime | None, until: datetime | None) -> timedelta:
    if not 0 < days <= 365:
        raise UsageError("the window is from a moment to 365 days.")
    if since is not None and until is not None and until <= since:
        raise UsageError("until is not after since: nothing can lie between.")
    return timedelta(days=days)


def _utc(time: datetime | None) -> datetime | None:
    if time is None:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _ms(window: timedelta) -> int:
    return int(window.total_seconds() * 1000)
