"""`insight run rules`: the nightly snapshot of the segments by rule."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from profilestore.errors import NotFound, TooLittleData, UsageError
from profilestore.insight.profiles import iso_time
from profilestore.insight.records import InsightRecord
from profilestore.insight.segments.rule_segments import RuleSegments
from profilestore.insight.segments.snapshots import Snapshot
from profilestore.insight.steps import Outcome, Run

__all__ = ["derive_rules"]


def derive_rules(run: Run) -> Outcome:
    """The step of `insight run`. Days count from now, or from the time the run is as of.

    Raises:
        TooLittleData: no segments are defined, or a later snapshot was taken already.
    """
    segments = RuleSegments(run.parts)
    try:
        snapshot = segments.snapshot(now=run.as_of)
    except (NotFound, UsageError) as error:
        raise TooLittleData(str(error)) from error
    conditions = {segment.name: segment.condition for segment in segments.all()}
    members = sum(count.members for count in snapshot.counts)
    record = InsightRecord(
        name="rules",
        window={"as_of": iso_time(snapshot.time)},
        settings={"time_zone": run.settings.time_zone, "conditions": conditions},
        tables={"segments by rule": [_row(snapshot, number) for number in range(len(snapshot.counts))]},
        card=_card(snapshot),
    )
    return Outcome(record, f"{len(conditions)} segments by rule, {members:,} memberships", snapshot.written)


def _row(snapshot: Snapshot, number: int) -> dict[str, Any]:
    count = snapshot.counts[number]
    return {name: value for name, value in asdict(count).items() if name not in ("kind", "time")} | {
        "share": f"{count.share:.1%}"
    }


def _card(snapshot: Snapshot) -> dict[str, str]:
    listed = ", ".join(f"{count.segment} ({count.members:,})" for count in snapshot.counts)
    return {
        "en": (
            f"Who fitted which rule as of {iso_time(snapshot.time)}: {listed}. Somebody wrote the rules; nothing was "
            "learned, so there is nothing to validate. Users with personalisation off are in none."
        ),
        "zh": (
            f"截至{iso_time(snapshot.time)}，符合各规则的用户数：{listed}。规则由人编写，并非学习所得，故无需验证。"
            "关闭个性化的用户不在其中。"
        ),
    }
