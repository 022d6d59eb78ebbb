"""What became of each row (P2): read = indexed + updated + unchanged + duplicate + rejected, or the run fails."""

from __future__ import annotations

from dataclasses import dataclass, field

from profilestore.errors import StoreError

__all__ = ["LoadCounts"]


@dataclass(slots=True)
class LoadCounts:
    """Figures of one load. `notes` are sentences for the person who ran it."""

    read: int = 0
    indexed: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicate: int = 0
    rejected: int = 0
    rejects_file: str | None = None
    seconds: float = 0.0
    cleaning: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Raise when a row was lost sight of.

        Raises:
            StoreError: the counts do not add up; this is a fault of profilestore itself.
        """
        told = self.indexed + self.updated + self.unchanged + self.duplicate + self.rejected
        if told != self.read:
            raise StoreError(
                f"{self.read} rows were read and {told} accounted for (indexed {self.indexed}, updated {self.updated}, "
                f"unchanged {self.unchanged}, duplicate {self.duplicate}, rejected {self.rejected}). "
                "This is a fault of profilestore: please report it. Running the load again is safe."
            )
