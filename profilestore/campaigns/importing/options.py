"""What an import reads, how, and what it says in the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from profilestore.indexing.counts import LoadCounts
from profilestore.ingest import Source

__all__ = ["FilePath", "ImportFiles", "ImportOptions", "ImportReport"]

FilePath = str | Path | Source


@dataclass(frozen=True, slots=True)
class ImportFiles:
    """What is read: descriptions of campaigns, the users each went to, coupons (good for a product a row)."""

    campaigns: Sequence[FilePath]
    members: Sequence[FilePath] = ()
    coupons: Sequence[FilePath] = ()


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How: `columns` is a preset or a TOML file; `rejects_folder` takes the rows that cannot be used."""

    columns: str | Path | None = None
    strict: bool = False
    format: str | None = None
    rejects_folder: Path = Path()


@dataclass(slots=True)
class ImportReport:
    """What became of each row, by kind of file (P2), and what follows from them.

    Attributes:
        rows: counts of `campaigns`, `members` and `coupons`; a row of coupons is one product of one coupon.
        campaigns: by name, with their counts of now.
        coupons: how many coupons the files told of.
        contacts: of the users in the files, who has a contact of a week in the cap of contacts.
        without_profile: users in the files of whom there is no profile (so far).
        seconds: it took.
    """

    rows: dict[str, LoadCounts] = field(default_factory=dict)
    campaigns: dict[str, dict[str, int]] = field(default_factory=dict)
    coupons: int = 0
    contacts: int = 0
    without_profile: int = 0
    seconds: float = 0.0

    @property
    def rejected(self) -> int:
        """Rows of all files that could not be taken."""
        return sum(counts.rejected for counts in self.rows.values())
