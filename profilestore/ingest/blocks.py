"""A block: some rows of one file, column by column. What all formats are read into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Block"]


@dataclass(frozen=True)
class Block:
    """Rows of one file: `cells[c][r]` is column `names[c]` of row r, found at line `lines[r]`.

    A missing cell is None or an empty string. `open_columns` says that other rows of the same file may
    have other columns (JSONL), so that an absent one is no error yet. `done_bytes` is how much of the file
    had been read when this block was made.
    """

    file: str
    names: tuple[str, ...]
    cells: list[Sequence[Any]]
    lines: Sequence[int]
    open_columns: bool = False
    done_bytes: int = 0

    def __len__(self) -> int:
        return len(self.lines)

    def row(self, index: int) -> dict[str, Any]:
        """One raw row, for the rejects file."""
        return {name: column[index] for name, column in zip(self.names, self.cells, strict=True)}

    def take(self, indexes: Sequence[int]) -> Block:
        """The block with these rows only (a row may come more than once)."""
        return Block(
            file=self.file,
            names=self.names,
            cells=[[column[index] for index in indexes] for column in self.cells],
            lines=[self.lines[index] for index in indexes],
            open_columns=self.open_columns,
            done_bytes=self.done_bytes,
        )
