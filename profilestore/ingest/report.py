"""What became of the input: counts that add up, and how far a run has come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = ["InputReport", "Progress", "ProgressCallback"]


class Progress(NamedTuple):
    """How far a run has come. `total_bytes` is None where it cannot be known (standard input)."""

    rows: int
    done_bytes: int
    total_bytes: int | None


ProgressCallback = Callable[[Progress], None]


@dataclass
class InputReport:
    """Counts of one run; the readers add to it while it runs.

    `read` = `emitted` + `duplicate` + `rejected` whenever a reader has ended. `read` counts rows; where a
    mapping makes several events of one row (`each`), it counts those. `skipped` stands outside of the sum:
    rows that say nothing of this kind (a filter with `skip = "other-kind"`, a history without items).

    `cleaning` counts, by rule, the cells that it changed; `flagged` the documents marked as outliers;
    `reasons` the rejects by reason; `files` says format and encoding as they were taken.
    """

    read: int = 0
    emitted: int = 0
    duplicate: int = 0
    rejected: int = 0
    skipped: int = 0
    flagged: int = 0
    cleaning: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    files: list[dict[str, str]] = field(default_factory=list)

    @property
    def balanced(self) -> bool:
        """Whether every row that was read ended in exactly one place (promise P2)."""
        return self.read == self.emitted + self.duplicate + self.rejected

    def to_json(self) -> dict[str, Any]:
        """The counts as one JSON object."""
        return {
            "read": self.read,
            "emitted": self.emitted,
            "duplicate": self.duplicate,
            "rejected": self.rejected,
            "skipped": self.skipped,
            "flagged": self.flagged,
            "cleaning": dict(self.cleaning),
            "reasons": dict(self.reasons.most_common()),
            "files": list(self.files),
        }
