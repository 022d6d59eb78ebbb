"""A report as a person reads it: sections of sentences and a table, rendered as text or as HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

__all__ = ["Language", "Observational", "Section"]

Language = Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class Section:
    """One part: what it is called, what is said, a table under headings, and a drawing (SVG) for pages alone."""

    key: str
    title: str
    sentences: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    drawing: str = ""


class Observational(Protocol):
    """What may be said of a campaign that kept no control group: a comparison with users who were not in it."""

    def to_json_dict(self) -> dict[str, Any]:
        """As printed by `--json`."""

    def sections(self, language: Language) -> list[Section]:
        """As a person reads it."""
