"""Who is told the steps of a long work."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Progress", "silent"]

Progress = Callable[[str], None]


def silent(step: str) -> None:
    """Nobody wants to know."""
